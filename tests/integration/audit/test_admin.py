"""The explorer in the console shows log, checkpoints, decisions and reviews to those who may look, and changes nothing."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from audit import decisions, models, reviews, sequencer
from governance.accounts.models import User
from governance.kernel.actors import Actor, ActorKind
from governance.kernel.ids import SubjectId, uuid7
from tests.integration.audit.arrange import write, write_log
from tests.integration.audit.deciding import batch

pytestmark = pytest.mark.django_db
PAGES = ("entry", "checkpoint", "decisionbatch", "decision", "review")


@pytest.fixture
def console(client: Client) -> Client:
    client.force_login(User.objects.create(email="ada@example.com", is_superuser=True, is_staff=True))
    return client


@pytest.fixture
def alice() -> SubjectId:
    return SubjectId(uuid7())


@pytest.fixture
def things(alice: SubjectId, db) -> dict[str, object]:
    ids = write_log(5)
    recorded = decisions.record(batch(3, subjects=[alice, SubjectId(uuid7()), SubjectId(uuid7())]))
    review = reviews.contest(
        recorded.decision_ids[0], subject=alice, sealed_statement=b"sealed", actor=Actor(ActorKind.SUBJECT, str(alice))
    )
    sequencer.sequence()
    size = models.Checkpoint.objects.latest("size").size
    return dict(zip(PAGES, (ids[2], size, recorded.id, recorded.decision_ids[0], review.id), strict=True))


@pytest.mark.parametrize("kind", PAGES)
def test_every_list_and_every_object_can_be_looked_at_and_not_changed(
    console: Client, things: dict[str, object], kind: str, alice: SubjectId
):
    listing = console.get(reverse(f"admin:audit_{kind}_changelist"))
    assert listing.status_code == 200
    shown = console.get(reverse(f"admin:audit_{kind}_change", args=[things[kind]]))
    assert shown.status_code == 200
    assert console.post(reverse(f"admin:audit_{kind}_change", args=[things[kind]]), {}).status_code == 403
    assert console.post(reverse(f"admin:audit_{kind}_delete", args=[things[kind]]), {"post": "yes"}).status_code == 403
    assert console.get(reverse(f"admin:audit_{kind}_add")).status_code == 403
    for body in (listing.content, shown.content):
        assert str(alice).encode() not in body


def test_an_entrys_page_has_the_raw_text_the_hash_and_the_receipt(console: Client, things: dict[str, object]):
    body = console.get(reverse("admin:audit_entry_change", args=[things["entry"]])).content.decode()
    row = models.Entry.objects.get(pk=things["entry"])
    assert bytes(row.leaf_hash).hex() in body
    assert "c2sp.org/tlog-proof@v1" in body
    (waiting,) = write(1)
    assert "not in the tree yet" in console.get(reverse("admin:audit_entry_change", args=[waiting])).content.decode()


def test_entries_are_found_by_area_and_by_exact_value(console: Client, things: dict[str, object]):
    path = reverse("admin:audit_entry_changelist")
    assert b"consent_event:3" in console.get(path, {"area": "consent"}).content
    assert b"consent_event:3" not in console.get(path, {"area": "decision"}).content
    found = console.get(path, {"q": "consent_event:3"}).content
    assert b"consent_event:3" in found
    assert b"consent_event:4" not in found
