"""A run whose tokens somebody wants turned back, and the people who may ask and approve."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pyarrow as pa

from governance.accounts import staff
from governance.accounts.roles import Role
from governance.kernel.actors import SYSTEM, Actor, ActorKind
from pseudonymize import policies
from pseudonymize.crossings import reidentification
from pseudonymize.models import RevealLevel
from pseudonymize.runs import batch
from pseudonymize.vault import IdentifierKind
from tests.integration.pseudonymize.arranging import IMPORTER, enrolled
from tests.people import ALICE, BOB, CAROL, ERIN

POLICY = """\
version: 1
domain: {id: ml, purpose: model_training}
columns: {email: {transform: token_mac, canonical: email@1FORM}, spend: {transform: keep}}
"""


def member(
    name: str, role: Role | None = None, *, superuser: bool = False, domain: str = "staff.example.com", shown: str = ""
) -> Actor:
    """Somebody of staff, by the local part of their address."""
    held = [role] if role else []
    made = staff.enlist(f"{name}@{domain}", roles_held=held, superuser=superuser, display_name=shown, actor=SYSTEM)
    return Actor(ActorKind.STAFF, str(made))


class Case:
    """A run whose tokens somebody wants turned back, and the people."""

    def __init__(self, form: str = "") -> None:
        self.subjects = enrolled(ALICE, BOB, CAROL, ERIN)
        source = pa.table(
            {"email": [ALICE.email, BOB.email.upper(), "stranger@example.com", ERIN.email], "spend": [1, 2, 3, 4]}
        )
        rules = policies.load(POLICY.replace("FORM", f", out: {form}" if form else ""))
        done = batch.apply(source, rules, actor=IMPORTER, activity="test")
        self.manifest = done.manifest.id
        self.tokens = done.table["email"].to_pylist()
        self.eli = member("eli", Role.ENGINEER)
        self.dana, self.dora = member("dana", Role.DPO), member("dora", Role.DPO)

    def request(self, tokens: list[str] | None = None, **changes: Any) -> UUID:
        given = {
            "purpose": "fraud inquiry",
            "case": "C-7",
            "level": RevealLevel.PLAIN,
            "expires_in": timedelta(hours=1),
            "actor": self.eli,
        }
        asked = self.tokens[:2] if tokens is None else tokens
        return reidentification.open_request(
            changes.pop("manifest", self.manifest),
            changes.pop("column", "email"),
            IdentifierKind.EMAIL,
            asked,
            **(given | changes),
        )

    def approved(self, **changes: Any) -> UUID:
        request = self.request(**changes)
        reidentification.approve(request, self.tokens[:2], actor=self.dana, reason="checked")
        assert reidentification.approve(request, self.tokens[:2], actor=self.dora, reason="checked") == 2
        return request
