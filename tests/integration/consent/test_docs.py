"""What the how-tos of consent show works as written."""

from __future__ import annotations

import io
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from pseudonymize import vault
from tests.integration.consent import arrange
from tests.integration.consent.arrange import STAFF
from tests.people import ALICE

HOW_TO = Path(__file__).parents[3] / "docs" / "how-to"

pytestmark = pytest.mark.django_db


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (HOW_TO / page).read_text(), re.MULTILINE | re.DOTALL)


def test_the_gate_answers_as_the_how_to_says() -> None:
    scope: dict[str, Any] = {}
    shown = blocks("ask-the-gate.md", "python")
    assert len(shown) == 6
    for block in shown:
        exec(compile(block, "ask-the-gate.md", "exec"), scope)


def test_the_commands_of_the_import_how_to_run_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    arrange.purpose()
    identity = vault.Identity({vault.IdentifierKind.CUSTOMER_ID: "c-1001", vault.IdentifierKind.NAME: ALICE.name})
    vault.enrol([identity], actor=STAFF, source="test")
    (sample,) = blocks("import-consents.md", "text")
    Path("old-crm.csv").write_text(sample)
    said = []
    for block in blocks("import-consents.md", "console"):
        for line in block.splitlines():
            arguments = shlex.split(line.removeprefix("$ python manage.py "))
            out = io.StringIO()
            call_command(*arguments, stdout=out)
            said.append(out.getvalue())
    assert "1 would be recorded, 0 known already, 1 refused" in said[0]
    assert "1 recorded" in said[1]
    assert Path("errors.csv").read_text().splitlines()[1:] == ["2,customer_id,Nobody of this name."]
    assert len(Path("states.csv").read_text().splitlines()) == 2
    assert said[-2].startswith("whsec_")
    assert said[-1].startswith("crm ")
