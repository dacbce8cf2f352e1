"""The tutorial from an empty directory to a training file works as written."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from django.core.management import call_command

from pseudonymize.runs import manifests

PAGE = Path(__file__).parents[3] / "docs/tutorials/training-file.md"


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.slow  # the language model is loaded
@pytest.mark.django_db
def test_from_a_file_of_customers_to_a_training_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (source,), (policy,), (code,) = blocks("csv"), blocks("yaml"), blocks("python")
    Path("customers.csv").write_text(source)
    Path("policy.yaml").write_text(policy)
    commands = [line for block in blocks("console") for line in re.findall(r"manage\.py (pseudonymize .*)", block)]
    assert len(commands) == 2
    said = [_run(command) for command in commands]

    assert "Nothing was written" in said[0]
    assert "no canonical form" in said[0]
    assert "4 of 5 rows" in said[1]
    table = pyarrow.parquet.read_table("training.parquet").to_pylist()
    anna = [row for row in table if row["email"] == table[0]["email"]]
    assert len(anna) == 2
    assert (anna[1]["ordered"] - anna[0]["ordered"]).days == 59
    assert "<PHONE>" in anna[0]["note"]
    assert "<EMAIL>" in anna[1]["note"]
    assert all(row["phone"].startswith("+48") for row in table)
    assert "3,email,no canonical form" in Path("training.parquet.quarantine.csv").read_text()
    written = Path("training.parquet").read_bytes()
    assert not [piece for piece in (b"nowak", b"601000101", b"C-0001") if piece in written]

    scope: dict[str, Any] = {}
    exec(compile(code, "training-file.md", "exec"), scope)
    assert scope["training"]["email"].to_list() == [row["email"] for row in table]
    assert scope["pseudonymizer"].last.quarantined == 1
    statement = manifests.verify(_jws(), Path("training.parquet"))
    assert statement["gate"]["rows_with_findings"] == 0


def _run(command: str) -> str:
    out = io.StringIO()
    call_command(*command.split(), stdout=out)
    return out.getvalue()


def _jws() -> str:
    import json

    return str(json.loads(Path("training.parquet.manifest.json").read_text())["jws"])


@pytest.mark.django_db
def test_the_example_of_the_how_to_and_its_words_are_a_policys() -> None:
    from pseudonymize.policies.rules import _RULES

    page = (PAGE.parents[1] / "how-to/write-a-policy.md").read_text()
    shown = set(re.findall(r"^\| `([a-z_0-9]+)`(?:, `([a-z]+)`)? \|", page, re.MULTILINE))
    words = {word for pair in shown for word in pair if word}
    assert set(_RULES) <= words
