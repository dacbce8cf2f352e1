"""Signals in the ledger and over REST: a no always counts, a yes needs its notice and its day, and what came is kept sealed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from consent import gate, ledger
from consent.events import evidence
from consent.ledger import EventType
from consent.models import ConsentEvidence
from consent.signals import gpp, recording, sections, tcf, tcf_rules, vendors
from consent.signals.bits import Ids
from consent.signals.recording import Kind
from consent.signals.sections import UsSection
from consent.signals.tcf import TCString
from consent.terms import NoticeVersionId
from governance.kernel.actors import SYSTEM, Actor, ActorKind
from governance.kernel.clock import now
from governance.kernel.ids import SubjectId, opaque, uuid7
from pseudonymize import vault
from pseudonymize.vault import IdentifierKind, Identity
from tests.integration.consent import arrange
from tests.integration.consent.test_api import pipeline
from tests.people import ALICE

pytestmark = pytest.mark.django_db

SITE = Actor(ActorKind.CLIENT, "website")
VENDORS = {
    "vendorListVersion": 120,
    "tcfPolicyVersion": 5,
    "vendors": {"1": {"id": 1, "name": "Made up", "purposes": [1, 2, 3, 4], "legIntPurposes": [7]}},
}


@pytest.fixture
def shown() -> NoticeVersionId:
    arrange.purpose("banners", channels=["ads"])
    arrange.purpose("measuring", channels=["analytics"])
    arrange.purpose("letters", channels=["post", "ads"], legal_basis="legitimate_interest", direct_marketing=True)
    return arrange.notice("banners", "measuring")


@pytest.fixture
def alice() -> SubjectId:
    subject = vault.enrol([Identity({IdentifierKind.EMAIL: ALICE.email})], actor=SYSTEM, source="tests").subjects[0]
    assert subject is not None
    return subject


def tc_string(*consents: int, **changes: Any) -> str:
    day = tcf.day(now())
    tc = TCString(
        created=day, updated=day, cmp_id=300, cmp_version=1, consent_screen=1, language="EN", vendor_list_version=1,
        policy_version=5, service_specific=True, purposes_consent=Ids.of(consents), disclosed=Ids(),
    )  # fmt: skip
    return tcf.encode(replace(tc, **changes))


def hear(subject: SubjectId, kind: Kind, value: Any, **more: Any) -> list[recording.Outcome]:
    jurisdiction = more.pop("jurisdiction", "EU")
    more.setdefault("key", str(uuid7()))
    return recording.record(subject, recording.read(kind, value, jurisdiction), actor=SITE, **more)


def test_a_yes_in_a_tc_string_permits_only_with_the_notice(alice: SubjectId, shown: NoticeVersionId) -> None:
    outcomes = hear(alice, Kind.TCF, tc_string(1, 2, 3, 4))
    assert [(one.purpose, one.event_id is None) for one in outcomes] == [("banners", True), ("measuring", False)]
    assert not gate.check(alice, "banners", "ads").allowed
    other = SubjectId(uuid7())
    hear(other, Kind.GPC, "1")
    hear(alice, Kind.TCF, tc_string(1, 2, 3, 4), notice=shown)
    verdict = gate.check(alice, "banners", "ads")
    assert verdict.allowed
    assert verdict.notice_version_id == shown
    assert not gate.check(alice, "measuring", "analytics").allowed


def test_what_came_is_kept_sealed_beside_its_meaning(alice: SubjectId, shown: NoticeVersionId) -> None:
    text = tc_string(1, 2, 3, 4)
    (given,) = [one for one in hear(alice, Kind.TCF, text, notice=shown) if one.purpose == "banners"]
    assert given.event_id is not None
    kept = evidence.reveal(given.event_id)
    assert kept is not None
    assert (kept["value"], kept["says"], kept["channel"], kept["faults"]) == (text, "yes", "ads", [])
    assert text.encode() not in bytes(ConsentEvidence.objects.get(event_id=given.event_id).ciphertext or b"")


def test_a_string_that_breaks_the_rules_can_say_no_but_not_yes(alice: SubjectId, shown: NoticeVersionId) -> None:
    hear(alice, Kind.TCF, tc_string(1, 2, 3, 4), notice=shown)
    broken = tc_string(1, 7, 8, 9, disclosed=None)
    outcomes = hear(alice, Kind.TCF, broken, notice=shown)
    assert not gate.check(alice, "banners", "ads").allowed
    assert not gate.check(alice, "measuring", "analytics").allowed
    assert [one.why_not != "" for one in outcomes if one.purpose == "measuring"] == [True]


def test_an_old_string_does_not_undo_a_later_withdrawal(alice: SubjectId, shown: NoticeVersionId) -> None:
    yesterday = tcf.day(now() - timedelta(days=1))
    old = tc_string(1, 2, 3, 4, created=yesterday, updated=yesterday)
    hear(alice, Kind.TCF, old, notice=shown)
    assert gate.check(alice, "banners", "ads").allowed
    hear(alice, Kind.TCF, tc_string())
    assert not gate.check(alice, "banners", "ads").allowed
    for claimed in (None, now()):
        hear(alice, Kind.TCF, old, notice=shown, occurred_at=claimed)
        assert not gate.check(alice, "banners", "ads").allowed
    hear(alice, Kind.TCF, tc_string(1, 2, 3, 4), notice=shown, occurred_at=now())
    assert gate.check(alice, "banners", "ads").allowed


def california(**said: Any) -> str:
    layout = sections.US[8, 1]
    values = {name: (0,) * count for name, count in layout.fields} | {"mspa_covered_transaction": (2,)}
    gpc = said.pop("gpc", None)
    return gpp.encode({8: UsSection(layout, values | said, gpc)})


def test_an_opt_out_of_sale_is_an_objection_whatever_the_basis(alice: SubjectId, shown: NoticeVersionId) -> None:
    assert gate.check(alice, "letters", "ads").allowed
    (outcome,) = hear(alice, Kind.GPP, california(sale_opt_out=(1,)))
    assert ledger.event(outcome.event_id).event_type is EventType.OBJECTED  # type: ignore[arg-type]
    assert ledger.event(outcome.event_id).jurisdiction == "US-CA"  # type: ignore[arg-type]
    assert not gate.check(alice, "letters", "ads").allowed
    assert gate.check(alice, "letters", "post").allowed
    hear(alice, Kind.GPP, california(sale_opt_out=(2,)))
    assert not gate.check(alice, "letters", "ads").allowed, "a string lifts no objection"


@pytest.mark.parametrize(("jurisdiction", "binds"), [("US-CA", True), ("US-CO", True), ("EU", False), ("US-VA", False)])
def test_global_privacy_control_binds_where_the_law_says_so(
    alice: SubjectId, shown: NoticeVersionId, jurisdiction: str, binds: bool
) -> None:
    (outcome,) = hear(alice, Kind.GPC, "1", jurisdiction=jurisdiction)
    assert outcome.event_id is not None, "it is recorded everywhere"
    assert gate.check(alice, "letters", "ads").allowed is not binds
    assert hear(alice, Kind.GPC, "0", jurisdiction=jurisdiction) == []


def test_consent_mode_is_heard_once_the_person_answered(alice: SubjectId, shown: NoticeVersionId) -> None:
    state = dict.fromkeys(["ad_storage", "ad_user_data", "ad_personalization", "analytics_storage"], "granted")
    assert hear(alice, Kind.GOOGLE, {"command": "default", "state": state}, notice=shown) == []
    hear(alice, Kind.GOOGLE, {"command": "update", "state": state}, notice=shown)
    assert gate.check(alice, "banners", "ads").allowed
    assert recording.google_state(alice)["ad_storage"] == "granted"
    hear(alice, Kind.GOOGLE, {"command": "update", "state": state | {"ad_user_data": "denied"}}, notice=shown)
    assert not gate.check(alice, "banners", "ads").allowed
    assert recording.google_state(alice) | {"analytics_storage": "granted"} == recording.google_state(alice)
    assert recording.google_state(alice)["ad_storage"] == "denied"


def test_the_same_key_is_the_same_signal(alice: SubjectId, shown: NoticeVersionId) -> None:
    first = hear(alice, Kind.TCF, tc_string(), key="once")
    again = hear(alice, Kind.TCF, tc_string(), key="once")
    assert [one.event_id for one in first] == [one.event_id for one in again]
    assert all(one.duplicate for one in again)


def test_a_configured_platform_writes_what_it_recorded(
    alice: SubjectId, shown: NoticeVersionId, settings: Any, tmp_path: Path
) -> None:
    listed = tmp_path / "vendor-list.json"
    listed.write_text(json.dumps(VENDORS), "utf-8")
    settings.ZGODA_TCF_CMP_ID, settings.ZGODA_TCF_VENDOR_LIST = 300, str(listed)
    hear(alice, Kind.TCF, tc_string(1, 2, 3, 4), notice=shown)
    tc = tcf.decode(recording.tc_string(alice, "pl"))
    assert tcf_rules.faults(tc, now=now(), vendor_list=vendors.load(listed)) == []
    assert list(tc.purposes_consent) == [1, 2, 3, 4]
    assert (tc.cmp_id, tc.language, list(tc.disclosed or ())) == (300, "PL", [1])
    assert gpp.decode(recording.gpp_string(alice, "pl")) == {2: tc}


def test_over_rest_a_signal_is_read_recorded_and_listed(alice: SubjectId, shown: NoticeVersionId) -> None:
    call = pipeline("consent:read", "consent:write")
    subject, text = opaque("sub", alice), tc_string(1, 2, 3, 4)
    status, read = call("POST", "signals/read", {"kind": "tcf", "value": text})
    assert (status, read["faults"]) == (200, [])
    assert {one["channel"]: one["says"] for one in read["says"]} == {"ads": "yes", "profiling": "no", "analytics": "no"}
    body = {"subject": subject, "kind": "tcf", "value": text, "notice_version": opaque("ntc", shown)}
    assert call("POST", "signals", body)[0] == 422, "a retry must not record twice"
    status, recorded = call("POST", "signals", body, **{"Idempotency-Key": "a"})
    assert status == 201
    assert {one["purpose"] for one in recorded["events"] if one["event"]} == {"banners", "measuring"}
    status, listed = call("GET", f"subjects/{subject}/signals")
    assert {one["event_type"] for one in listed["received"]} == {"given", "refused"}
    assert listed["tells"]["google_consent_mode"]["ad_storage"] == "granted"
    assert listed["tells"]["tcf"] is None, "no platform is configured here"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("tcf", "CPXx"),
        ("gpp", "no"),
        ("tcf", 5),
        ("google_consent_mode", "x"),
        ("google_consent_mode", {"state": 1}),
        ("gpc", None),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_problem(kind: str, value: Any) -> None:
    status, problem = pipeline("consent:read")("POST", "signals/read", {"kind": kind, "value": value})
    assert status in (400, 422)
    assert "errors" in problem or problem["code"] == "signal_malformed"


def test_reading_needs_another_right_than_recording() -> None:
    call = pipeline("consent:read")
    body = {"subject": opaque("sub", uuid7()), "kind": "gpc", "value": "1"}
    assert call("POST", "signals", body, **{"Idempotency-Key": "a"})[0] == 403


def test_the_support_of_global_privacy_control_is_published() -> None:
    answer = Client().get("/.well-known/gpc.json")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json()["gpc"] is True
    assert len(answer.json()["lastUpdate"]) == 10
