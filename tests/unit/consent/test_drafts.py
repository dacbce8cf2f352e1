"""Which events may be recorded at all."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent import drafts
from consent.drafts import ConsentDraft, faults, refuse_malformed, waves
from consent.errors import InvalidDraft, PresentationRequired
from consent.terms import ANY, BROAD, GRANTS, Channel, EventType
from governance.kernel.actors import Actor, ActorKind
from governance.kernel.ids import PurposeKey, SubjectId
from governance.purposes.terms import LegalBasis, PurposeVersion

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALICE = SubjectId(UUID(int=1))
BOB = SubjectId(UUID(int=2))
STAFF = Actor(ActorKind.STAFF, "dana")
HERSELF = Actor(ActorKind.SUBJECT, str(ALICE))
FILE = Actor(ActorKind.IMPORT, "crm")


def purpose(**changes: Any) -> PurposeVersion:
    content: dict[str, Any] = {
        "id": UUID(int=9), "key": PurposeKey("newsletter"), "version": 1, "edition": 1, "title_en": "N", "title_pl": "B",
        "description_en": "D", "description_pl": "O", "legal_basis": LegalBasis.CONSENT, "channels": (Channel.EMAIL,),
        "double_opt_in": False, "validity_days": None, "direct_marketing": False, "special_category": False, "reconsent": False,
        "dpv_iri": "", "effective_from": NOW,
    }  # fmt: skip
    return PurposeVersion(**(content | changes))


def draft(event_type: str, **changes: Any) -> ConsentDraft:
    content: dict[str, Any] = {
        "subject": ALICE, "purpose": "newsletter", "channel": "email", "occurred_at": NOW, "method": "web_form",
        "idempotency_key": "k-1", "notice_version_id": UUID(int=7), "source_sha256": "0" * 64,
    }  # fmt: skip
    return ConsentDraft(event_type=event_type, **(content | changes))


def fields(one: ConsentDraft, actor: Actor = STAFF, **changes: Any) -> list[str]:
    return [field for field, _ in faults(one, actor, purpose(**changes), NOW)]


@pytest.mark.parametrize("event_type", list(EventType))
def test_every_kind_of_event_can_be_recorded(event_type: EventType) -> None:
    actor = FILE if event_type is EventType.IMPORTED else STAFF
    assert fields(draft(event_type), actor) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"event_type": "agreed"}, "event_type"),
        ({"channel": "fax"}, "channel"),
        ({"channel": "sms"}, "channel"),
        ({"occurred_at": datetime(2026, 3, 1)}, "occurred_at"),
        ({"occurred_at": NOW + timedelta(minutes=6)}, "occurred_at"),
        ({"idempotency_key": "alice@example.com"}, "idempotency_key"),
        ({"method": "Web Form"}, "method"),
        ({"jurisdiction": "Europe"}, "jurisdiction"),
        ({"source_sha256": "x"}, "source_sha256"),
        ({"notice_version_id": None}, "notice_version_id"),
        ({"channel": ANY}, "channel"),
        ({"purpose": ANY}, "purpose"),
    ],
)
def test_a_malformed_consent_is_told_what_is_wrong_where(changes: dict[str, Any], field: str) -> None:
    assert field in fields(draft(**({"event_type": "given"} | changes)))


@pytest.mark.parametrize("event_type", sorted(set(EventType) - BROAD))
def test_only_what_restricts_can_be_about_everything(event_type: EventType) -> None:
    assert "purpose" in fields(draft(event_type, purpose=ANY, channel=ANY))


@pytest.mark.parametrize("event_type", sorted(BROAD))
def test_what_restricts_can_be_about_everything(event_type: EventType) -> None:
    assert faults(draft(event_type, purpose=ANY, channel=ANY), STAFF, None, NOW) == []


@pytest.mark.parametrize("event_type", ["given", "confirmed", "reaffirmed", "objection_lifted", "restriction_lifted"])
def test_a_file_cannot_consent_for_a_person(event_type: str) -> None:
    assert fields(draft(event_type), FILE) == ["event_type"]


def test_an_import_names_its_document() -> None:
    assert fields(draft("imported", source_sha256=""), FILE) == ["source_sha256"]


@pytest.mark.parametrize("event_type", sorted(GRANTS))
def test_there_is_nothing_to_consent_to_on_another_basis(event_type: str) -> None:
    actor = FILE if event_type == "imported" else STAFF
    assert "purpose" in fields(draft(event_type), actor, legal_basis=LegalBasis.CONTRACT)


@given(st.sampled_from(sorted(EventType)), st.booleans())
def test_a_withdrawal_never_needs_a_notice_or_a_token_and_is_never_in_the_future(event_type: str, ahead: bool) -> None:
    if event_type in GRANTS:
        return
    late = NOW + timedelta(days=400) if ahead else NOW
    one = draft(event_type, notice_version_id=None, source_sha256="", occurred_at=late, channel="sms")
    refuse_malformed([one], HERSELF, {"newsletter": purpose()}, NOW)
    assert drafts.instant(one, NOW) == NOW


def test_a_person_s_own_consent_needs_what_was_shown_to_them() -> None:
    with pytest.raises(PresentationRequired):
        refuse_malformed([draft("given")], HERSELF, {"newsletter": purpose()}, NOW)
    refuse_malformed([draft("given", presentation="token")], HERSELF, {"newsletter": purpose()}, NOW)


def test_all_mistakes_of_a_batch_are_reported_at_once() -> None:
    with pytest.raises(InvalidDraft) as caught:
        refuse_malformed(
            [draft("given"), draft("given", channel="fax"), draft("agreed")], STAFF, {"newsletter": purpose()}, NOW
        )
    assert [wrong["pointer"] for wrong in caught.value.fields["errors"]][:2] == ["/1/channel", "/1/channel"]
    assert "/2/event_type" in [wrong["pointer"] for wrong in caught.value.fields["errors"]]


def test_evidence_and_token_do_not_show_in_a_repr() -> None:
    assert "secret" not in repr(draft("given", evidence={"ip": "secret"}, presentation="secret"))


def test_a_consent_holds_no_longer_than_its_purpose_says() -> None:
    limit = purpose(validity_days=10)
    assert drafts.validity(draft("given"), limit, NOW) == NOW + timedelta(days=10)
    assert drafts.validity(draft("given", valid_until=NOW + timedelta(days=99)), limit, NOW) == NOW + timedelta(days=10)
    assert drafts.validity(draft("given", valid_until=NOW + timedelta(days=1)), limit, NOW) == NOW + timedelta(days=1)
    assert drafts.validity(draft("withdrawn"), limit, NOW) is None


@given(
    st.lists(
        st.tuples(st.sampled_from([ALICE, BOB]), st.sampled_from(["given", "confirmed", "reaffirmed", "withdrawn"])),
        max_size=12,
    )
)
def test_waves_keep_the_order_and_part_what_must_know_the_state(steps: list[tuple[SubjectId, str]]) -> None:
    batch = [draft(kind, subject=subject) for subject, kind in steps]
    cut = waves(batch)
    assert [place for wave in cut for place in wave] == list(range(len(batch)))
    for wave in cut:
        seen: set[SubjectId] = set()
        for place in wave:
            assert not (batch[place].event_type in ("confirmed", "reaffirmed") and batch[place].subject in seen)
            seen.add(batch[place].subject)
