"""Tried as an auditor would: the commands of the how-to, one after the other, in a directory with nothing but the bundle and the key."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command

from audit import keys
from audit.publication import receipts
from tests.integration.audit.arrange import write_log

PAGE = Path(__file__).parents[3] / "docs/how-to/verify-the-log.md"


def commands() -> list[list[str]]:
    blocks = re.findall(r"^```console\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return [line.removeprefix("$ ").split() for block in blocks for line in block.splitlines()]


@pytest.mark.django_db
@pytest.mark.parametrize("packages", ["cryptography", "none"])
def test_the_commands_of_the_how_to_lead_to_verified(tmp_path: Path, packages: str):
    write_log(40)
    call_command("export_log", "--out", str(tmp_path / "old"))
    shutil.copy(tmp_path / "old" / "checkpoint", tmp_path / "checkpoint-of-last-year")
    ids = write_log(30)
    (tmp_path / "log.vkey").write_text(str(keys.verifier()))
    (tmp_path / "entry.tlog-proof").write_text(receipts.receipt(ids[2]).text)
    export, *checks = commands()
    assert export[:3] == ["python", "manage.py", "export_log"]
    call_command("export_log", "--out", str(tmp_path / export[-1]))
    assert len(checks) == 3
    for command in checks:
        alone = ["-I"] if packages == "cryptography" else ["-I", "-S"]  # -S: no installed package at all
        finished = subprocess.run(
            [sys.executable, *alone, *command[1:]],
            cwd=tmp_path, capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]},
        )  # fmt: skip
        assert finished.returncode == 0, finished.stderr + finished.stdout
        assert "verified" in finished.stdout
