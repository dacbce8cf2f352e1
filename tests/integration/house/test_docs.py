"""What the documentation shows works as written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

ROOT = Path(__file__).parents[3]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.django_db
def test_the_tutorial_runs_as_written() -> None:
    blocks = _BLOCK.findall((ROOT / "docs/tutorials/first-hour.md").read_text())
    assert len(blocks) >= 5
    scope: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "first-hour.md", "exec"), scope)


def test_every_command_that_is_shown_exists() -> None:
    known = set(get_commands())
    shown = {
        (page.name, command) for page in PAGES for command in re.findall(r"manage\.py ([a-z_]+)", page.read_text())
    }
    assert {(page, command) for page, command in shown if command not in known} == set()


def test_every_make_target_that_is_shown_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    shown = {
        target
        for page in PAGES
        for target in re.findall(r"`make ([a-z]+)`|^\$ make ([a-z]+)", page.read_text(), re.MULTILINE)
    }
    assert {name for pair in shown for name in pair if name} <= targets


def test_every_file_that_is_named_exists() -> None:
    missing = []
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#\s]+)\)", page.read_text()):
            if not target.startswith(("http", "mailto")) and not (page.parent / target).exists():
                missing.append(f"{page.name}: {target}")
    assert not missing


def test_every_path_in_the_map_of_promises_exists() -> None:
    text = (ROOT / "docs/explanation/promises.md").read_text()
    paths = re.findall(r"`([a-z_]+/[a-z0-9_./-]+\.py)`", text)
    assert len(paths) >= 9
    assert [path for path in paths if not (ROOT / path).exists()] == []
