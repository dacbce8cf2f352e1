"""What an entry says, what it never says, and the bytes that are hashed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from uuid import UUID

import pytest
import rfc8785

from audit.entries import Draft, canonical_facts, commit, subject_tag
from audit.errors import EntryNotAllowed, SubjectInEntry
from governance.kernel.actors import SYSTEM, Actor, ActorKind
from governance.kernel.ids import SubjectId

ENTRY = UUID("019aa5c0-0000-7000-8000-000000000001")
GROUP = UUID("019aa5c0-0000-7000-8000-000000000002")
ALICE = SubjectId(UUID("019aa5c0-0000-7000-8000-0000000000a1"))
GRACE = UUID("019aa5c0-0000-7000-8000-0000000000b2")
AT = datetime(2026, 11, 21, 9, 30, 0, 123456, tzinfo=UTC)
SALTS = (b"s" * 32, b"t" * 32)
DRAFT = Draft("consent.withdrawn", SYSTEM, "consent_event:1", ALICE, "newsletter", {"version": 3})


def made(draft: Draft):
    return commit(draft, entry_id=ENTRY, occurred_at=AT, transaction_id=GROUP, salts=SALTS)


def test_the_header_is_canonical_json_and_the_leaf_hash_is_rfc_9162s():
    entry = made(DRAFT)
    assert entry.header.encode() == rfc8785.dumps(json.loads(entry.header))
    assert entry.leaf_hash == sha256(b"\x00" + entry.header.encode()).digest()
    assert json.loads(entry.header) == {
        "v": 1,
        "id": str(ENTRY),
        "tx": str(GROUP),
        "at": "2026-11-21T09:30:00.123456Z",
        "action": "consent.withdrawn",
        "actor": "system:zgoda",
        "object": "consent_event:1",
        "purpose": "newsletter",
        "subject": subject_tag(SALTS[0], "subject", ALICE),
        "facts": {"version": 3},
    }


def test_the_subject_is_committed_to_but_stands_nowhere_in_the_header():
    entry = made(DRAFT)
    assert str(ALICE) not in entry.header
    assert [link.subject for link in entry.links] == [ALICE]
    other = commit(DRAFT, entry_id=ENTRY, occurred_at=AT, transaction_id=GROUP, salts=(b"u" * 32, b"v" * 32))
    assert other.subject_tag != entry.subject_tag  # without the salt the tag tells nothing


def test_a_person_who_acts_is_a_tag_too():
    own = made(replace(DRAFT, actor=Actor(ActorKind.SUBJECT, str(ALICE))))
    assert own.actor == "subject:self"
    assert len(own.links) == 1
    guardian = made(replace(DRAFT, actor=Actor(ActorKind.GUARDIAN, str(GRACE))))
    assert guardian.actor == f"guardian:~{subject_tag(SALTS[1], 'actor', GRACE)}"
    assert str(GRACE) not in guardian.header
    assert {(link.role, link.subject) for link in guardian.links} == {("subject", ALICE), ("actor", GRACE)}
    assert made(replace(DRAFT, actor=Actor(ActorKind.GUARDIAN, "not-a-uuid"))).actor == "guardian:not-a-uuid"


@pytest.mark.parametrize(
    "leaky",
    [
        replace(DRAFT, object=f"subject:{ALICE}"),
        replace(DRAFT, facts={"who": str(ALICE)}),
        replace(DRAFT, facts={"deep": [{"er": ALICE.hex}]}),
        replace(DRAFT, actor=Actor(ActorKind.STAFF, str(ALICE))),
    ],
)
def test_the_subjects_id_in_the_entry_is_refused(leaky: Draft):
    with pytest.raises(SubjectInEntry):
        made(leaky)


@pytest.mark.parametrize(
    "wrong",
    [
        replace(DRAFT, action="Withdrawn"),
        replace(DRAFT, action="withdrawn"),
        replace(DRAFT, object="two words"),
        replace(DRAFT, object="x" * 201),
        replace(DRAFT, object="alice@example.com"),
        replace(DRAFT, purpose="a\x00b"),
        replace(DRAFT, facts={"to": "alice@example.com"}),
        replace(DRAFT, facts={"deep": [1.5, {"to": "alice@example.com"}]}),
        replace(DRAFT, facts={"big": 2**53}),
        replace(DRAFT, facts={"bytes": b"x"}),
        replace(DRAFT, facts={"bad": "\ud800"}),
        replace(DRAFT, facts={1: "x"}),
        replace(DRAFT, facts={"nan": float("nan")}),
        replace(DRAFT, facts={"long": "x" * 70_000}),
    ],
)
def test_what_is_no_fact_is_refused(wrong: Draft):
    with pytest.raises(Exception, match=".") as caught:
        made(wrong)
    assert caught.value.status == 422


def test_nesting_without_end_is_refused():
    deep: dict = {}
    for _ in range(12):
        deep = {"in": deep}
    with pytest.raises(EntryNotAllowed):
        made(replace(DRAFT, facts=deep))


def test_an_instant_that_is_not_utc_is_refused():
    for at in (datetime(2026, 1, 1), datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=1)))):
        with pytest.raises(EntryNotAllowed):
            commit(DRAFT, entry_id=ENTRY, occurred_at=at, transaction_id=GROUP, salts=SALTS)


def test_floats_and_odd_keys_take_the_slow_way_to_the_same_form():
    for value in ({"a": 1.0}, {"a": 1e21}, {"\u20ac": 1, "a": 2}, {"a": [0.1, True, None, "\u0007\u00e9"]}):
        assert canonical_facts(value).encode() == rfc8785.dumps(value)
