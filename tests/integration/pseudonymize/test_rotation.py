"""Rotation keeps joins; bridges cross between domains without a name; forgetting breaks exactly one person's."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import time_machine

from audit.models import Entry
from governance.accounts.roles import Role
from governance.jobs.worker import drain
from governance.kernel.actors import SYSTEM, Actor, ActorKind
from governance.kernel.clock import now
from governance.kernel.ids import uuid7
from pseudonymize import domains, policies, vault
from pseudonymize.crossings import bridges, rotation
from pseudonymize.errors import (
    BridgeNotUsable,
    BridgeUnknown,
    DualControlRequired,
    InvalidRequest,
    KeyDestroyed,
    KeyInUse,
    ManifestInvalid,
    TokensNotTranslatable,
    TooManyTranslations,
)
from pseudonymize.models import JoinGrant, JoinGrantUse, Remap
from pseudonymize.runs import files
from tests.integration.pseudonymize.arranging import IMPORTER, enrolled
from tests.integration.pseudonymize.revealing import member
from tests.integration.pseudonymize.tables import apply
from tests.people import ALICE, BOB, CAROL, ERIN
from tests.triggers import lifted

POLICY = """\
version: 1
domain: {{id: {domain}, purpose: {purpose}}}
columns:
  email: {{transform: {kind}, canonical: email@1, class: email{extra}}}
  spend: {{transform: keep}}
"""
KINDS = {
    "token_mac": "",
    "token_siv": "",
    "token_vault": ", expires: 30d, identifies: email",
}
PEOPLE = (ALICE, BOB, CAROL, ERIN)


def rules(domain: str, kind: str = "token_siv", purpose: str = "analytics") -> Any:
    return policies.load(POLICY.format(domain=domain, kind=kind, extra=KINDS[kind], purpose=purpose))


def source() -> pa.Table:
    emails = [person.email for person in PEOPLE] * 3 + ["stranger@example.com", None]
    return pa.table({"email": emails, "spend": list(range(len(emails)))})


def joined(left: pa.Array, right: pa.Array) -> list[list[bool]]:
    return [[a == b and a is not None for b in right.to_pylist()] for a in left.to_pylist()]


@pytest.mark.django_db
@pytest.mark.parametrize("kind", KINDS)
def test_an_output_moved_to_the_next_epoch_joins_with_what_is_made_in_it(kind: str, tmp_path: Path) -> None:
    enrolled(*PEOPLE)
    given, old, moved = tmp_path / "in.parquet", tmp_path / "old.parquet", tmp_path / "moved.parquet"
    pq.write_table(source(), given)
    done = files.apply(rules("shop", kind), given, old, actor=IMPORTER, activity="test")
    domains.next_epoch("shop", actor=SYSTEM)
    with pytest.raises(KeyInUse):
        domains.destroy_epoch("shop", 1, actor=SYSTEM)
    fresh = apply(source(), rules("shop", kind)).table["email"]
    assert pq.read_table(old)["email"] != fresh

    number = rotation.start(done.manifest.id, old, moved, actor=SYSTEM)
    drain(kinds=[rotation.REMAP])

    row = Remap.objects.get(id=number)
    stranger = int(kind == "token_mac")  # a MAC of somebody who is not in the vault has no way to the next epoch
    assert (row.state, row.rows_done, row.mapped, row.unmapped) == ("done", 14, 5 - stranger, stranger)
    after = pq.read_table(moved)
    assert after["spend"] == source()["spend"]
    assert after["email"].to_pylist()[:12] == fresh.to_pylist()[:12]
    assert after["email"].to_pylist()[13] is None
    assert (after["email"][12].as_py() == fresh[12].as_py()) == (kind != "token_mac")
    domains.destroy_epoch("shop", 1, actor=SYSTEM)
    assert [(e.outputs, e.remapped) for e in domains.epochs("shop")] == [(1, 1), (1, 0)]
    with pytest.raises(KeyDestroyed):
        rotation.start(done.manifest.id, old, tmp_path / "again.parquet", actor=SYSTEM)


@pytest.mark.django_db
def test_only_the_output_that_the_manifest_is_about_is_moved(tmp_path: Path) -> None:
    given, old, other = tmp_path / "in.parquet", tmp_path / "old.parquet", tmp_path / "other.parquet"
    pq.write_table(source(), given)
    done = files.apply(rules("shop"), given, old, actor=IMPORTER, activity="test")
    pq.write_table(source(), other)
    domains.next_epoch("shop", actor=SYSTEM)
    with pytest.raises(ManifestInvalid):
        rotation.start(done.manifest.id, other, tmp_path / "moved.parquet", actor=SYSTEM)


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["token_mac", "token_siv"])
def test_a_value_is_found_in_every_living_epoch(kind: str) -> None:
    enrolled(*PEOPLE)
    made = {}
    for epoch in (1, 2, 3):
        made[epoch] = apply(source(), rules("shop", kind)).table["email"][0].as_py()
        if epoch < 3:
            domains.next_epoch("shop", actor=SYSTEM)
    domains.destroy_epoch("shop", 1, actor=SYSTEM, abandon=True)
    domains.prepare_epoch("shop", actor=SYSTEM)

    found = rotation.tokens_by_epoch(rules("shop", kind).columns["email"], ALICE.email.upper(), domains.get("shop"))

    assert found == {3: made[3], 2: made[2]}


@pytest.mark.django_db
def test_forgetting_somebody_breaks_exactly_their_joins() -> None:
    """With the person's secret in the token, nobody can make it again: theirs are gone, everybody else's go on."""
    subjects = enrolled(*PEOPLE)
    text = POLICY.format(
        domain="shop", kind="token_mac", extra=", identifies: email, shreddable: true", purpose="analytics"
    )
    policy = policies.load(text.replace("columns:", "engine: {on_error: quarantine}\ncolumns:"))
    people = pa.table({"email": [person.email for person in PEOPLE], "spend": [0, 1, 2, 3]})
    before = apply(people, policy).table["email"].to_pylist()

    vault.forget(subjects[3], actor=IMPORTER, reason="erasure")

    done = apply(people, policy)
    assert done.table["email"].to_pylist() == before[:3]
    assert done.quarantined == (3,)


class Crossing:
    """Two domains with an output each, and the people."""

    def __init__(self, before: str = "token_siv", after: str = "token_mac") -> None:
        self.subjects = enrolled(*PEOPLE)
        self.left = apply(source(), rules("shop", before)).table["email"].to_pylist()
        self.right = apply(source(), rules("lab", after, "research")).table["email"].to_pylist()
        self.eli = member("eli", Role.ENGINEER)
        self.dana, self.dora = member("dana", Role.DPO), member("dora", Role.DPO)
        self.robot = Actor(ActorKind.CLIENT, str(uuid7()))

    def open(self, **changes: Any) -> UUID:
        given: dict[str, Any] = {
            "reason": "one study",
            "max_rows": 100,
            "expires_in": timedelta(hours=1),
            "actor": self.eli,
        }
        return bridges.open_bridge("shop", "lab", changes.pop("columns", ["email"]), **(given | changes))

    def approved(self, **changes: Any) -> UUID:
        bridge = self.open(**changes)
        bridges.approve(bridge, actor=self.dana, reason="looked")
        assert bridges.approve(bridge, actor=self.dora, reason="looked") == 2
        return bridge


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("before", "after"), [("token_siv", "token_mac"), ("token_mac", "token_siv"), ("token_vault", "token_siv")]
)
def test_a_bridge_makes_the_targets_tokens_and_shows_nobody(before: str, after: str) -> None:
    crossing = Crossing(before, after)
    bridge = crossing.approved()
    asked = [*crossing.left[:4], crossing.left[0]]

    done = bridges.translate(bridge, "email", asked, actor=crossing.robot)

    assert done == [*crossing.right[:4], crossing.right[0]]
    assert "@" not in str(done)
    entry = Entry.objects.get(action="bridge.crossed")
    assert ALICE.email not in str(entry.header)
    assert JoinGrantUse.objects.get().rows == 5
    assert bridges.rows_left(JoinGrant.objects.get()) == 95


@pytest.mark.django_db
def test_tokens_of_earlier_epochs_cross_too() -> None:
    crossing = Crossing()
    for name in ("shop", "lab"):
        domains.next_epoch(name, actor=SYSTEM)
    now_right = apply(source(), rules("lab", "token_mac", "research")).table["email"].to_pylist()
    fresh = apply(source(), rules("shop")).table["email"].to_pylist()
    bridge = crossing.approved()
    assert bridges.translate(bridge, "email", [crossing.left[0], fresh[1]], actor=crossing.robot) == now_right[:2]


@pytest.mark.django_db
def test_a_bridge_takes_three_people_and_ends() -> None:
    crossing = Crossing()
    asked = crossing.left[:2]

    def closed(bridge: UUID, error: type[Exception], column: str = "email", tokens: list[str] | None = None) -> None:
        with pytest.raises(error):
            bridges.translate(bridge, column, asked if tokens is None else tokens, actor=crossing.robot)

    bridge = crossing.open()
    closed(bridge, DualControlRequired)
    for nobody in (crossing.eli, crossing.robot, SYSTEM, member("eli+2", Role.DPO)):
        with pytest.raises(DualControlRequired):
            bridges.approve(bridge, actor=nobody, reason="looked")
    bridges.approve(bridge, actor=crossing.dana, reason="looked")
    with pytest.raises(DualControlRequired):
        bridges.approve(bridge, actor=member("dana+2", Role.DPO), reason="looked")
    closed(bridge, DualControlRequired)
    with pytest.raises(BridgeNotUsable):
        bridges.approve(bridge, actor=crossing.dora, reason="looked", terms="0" * 64)
    bridges.approve(bridge, actor=crossing.dora, reason="looked")

    closed(bridge, BridgeNotUsable, column="spend")
    closed(uuid7(), BridgeUnknown)
    closed(bridge, TokensNotTranslatable, tokens=[])
    closed(bridge, TokensNotTranslatable, tokens=["x"])
    closed(bridge, TokensNotTranslatable, tokens=crossing.right[:1])
    with time_machine.travel(now() + timedelta(hours=2), tick=True):
        closed(bridge, BridgeNotUsable)
    assert len(bridges.translate(bridge, "email", asked, actor=crossing.robot)) == 2
    bridges.revoke(bridge, actor=crossing.dora)
    closed(bridge, BridgeNotUsable)
    with pytest.raises(DualControlRequired):
        bridges.revoke(crossing.open(), actor=member("ed", Role.ENGINEER))


@pytest.mark.django_db
def test_a_bridge_that_was_widened_after_the_approvals_is_closed() -> None:
    crossing = Crossing()
    for change in ({"max_rows": 10**6}, {"expires_at": now() + timedelta(days=99)}, {"columns": ["email", "phone"]}):
        bridge = crossing.approved()
        with lifted():
            JoinGrant.objects.filter(id=bridge).update(**change)
        with pytest.raises(DualControlRequired):
            bridges.translate(bridge, "email", crossing.left[:1], actor=crossing.robot)


@pytest.mark.django_db
def test_a_bridge_has_so_many_rows_and_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    crossing = Crossing()
    bridge = crossing.approved(max_rows=5)
    bridges.translate(bridge, "email", crossing.left[:4], actor=crossing.robot)
    with pytest.raises(BridgeNotUsable) as refused:
        bridges.translate(bridge, "email", crossing.left[:2], actor=crossing.robot)
    assert refused.value.fields["left"] == 1
    monkeypatch.setattr(bridges, "CALLS_PER_MINUTE", 1)
    with pytest.raises(TooManyTranslations):
        bridges.translate(bridge, "email", crossing.left[:1], actor=crossing.robot)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "changes",
    [
        {"columns": []},
        {"columns": ["spend"]},
        {"columns": ["nothing"]},
        {"reason": " "},
        {"max_rows": 0},
        {"max_rows": 10**7},
        {"expires_in": timedelta(days=91)},
    ],
)
def test_a_bridge_that_is_too_much_or_leads_nowhere_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        Crossing().open(**changes)


@pytest.mark.django_db
def test_who_was_forgotten_does_not_cross() -> None:
    crossing = Crossing("token_vault", "token_siv")
    bridge = crossing.approved()
    vault.forget(crossing.subjects[0], actor=IMPORTER, reason="erasure")
    done = bridges.translate(bridge, "email", crossing.left[:2], actor=crossing.robot)
    assert done == [None, crossing.right[1]]
