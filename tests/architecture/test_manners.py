"""Rules of the house that a linter does not know."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("governance", "consent", "pseudonymize", "audit", "dsar", "engine")


def _modules() -> Iterator[Path]:
    for package in PACKAGES:
        yield from (path for path in (ROOT / package).rglob("*.py") if "migrations" not in path.parts)


pytestmark = pytest.mark.xdist_group("sources")  # every source is parsed once, by one process
MODULES = sorted(_modules())


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def _imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


@pytest.mark.parametrize(
    ("library", "homes"),
    [
        ("unfold", {"governance/kernel/admin.py"}),
        ("structlog", {"governance/kernel/logs.py"}),
        ("joserfc", {"governance/kernel/crypto.py"}),
        # The transforms run on Spark executors, the two verifiers at outsiders, without us; the kernel's module serves all others.
        (
            "cryptography",
            {"governance/kernel/crypto.py", "audit/verify.py", "consent/verify_receipt.py", "pseudonymize/transforms/"},
        ),
        ("requests", {"pseudonymize/keys/vault_transit.py"}),  # whose errors the Vault client lets through
        ("pickle", set()),
    ],
)
def test_a_library_has_one_home(library: str, homes: set[str]) -> None:
    strangers = [
        str(path.relative_to(ROOT))
        for path in MODULES
        if any(name == library or name.startswith(f"{library}.") for name in _imports(path))
        and not any(str(path.relative_to(ROOT)).startswith(home) for home in homes)
    ]
    assert not strangers


def test_nobody_prints_or_logs_past_the_logging_module() -> None:
    strangers = [
        str(path.relative_to(ROOT)) for path in MODULES if "logging" in _imports(path) and path.name != "logs.py"
    ]
    assert not strangers


def test_every_module_says_what_it_is() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in MODULES
        if _tree(path).body and path.name not in {"apps.py", "admin.py"} and ast.get_docstring(_tree(path)) is None
    ]
    assert not silent


def test_verbs_do_not_hide_in_models() -> None:
    """Nothing clever in `save()`, no signal receivers but those of libraries whose hooks are signals."""
    clever = []
    for path in MODULES:
        for node in ast.walk(_tree(path)):
            if (
                isinstance(node, ast.FunctionDef)
                and node.name == "save"
                and ("models" in path.parts or path.name.startswith("models"))
            ):
                clever.append(str(path.relative_to(ROOT)))
    assert not clever


def test_files_keep_one_subject() -> None:
    long = {
        str(path.relative_to(ROOT)): count for path in MODULES if (count := len(path.read_text().splitlines())) > 450
    }
    long.pop("audit/verify.py", None)  # one file on purpose: an auditor copies it
    assert not long


def test_nothing_names_this_machine_or_a_registry() -> None:
    import re
    import subprocess

    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode:
        pytest.skip("not a git checkout")
    pattern = re.compile(r"https?://[a-z0-9.-]*(pypi|pythonhosted|npmjs)[a-z0-9.-]*/|/root/|/home/[a-z]")
    found = []
    for name in listing.stdout.splitlines():
        path = ROOT / name
        if (
            path.suffix in {".py", ".md", ".toml", ".txt", ".yaml", ".html", ""}
            and path.is_file()
            and path != Path(__file__)
        ):
            if pattern.search(path.read_text(errors="ignore")):
                found.append(name)
    assert not found
