"""The log over HTTP for services: what a key with the scope may read and record, and that nobody else may."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import pytest
from django.test import Client

from audit import decisions, models, sealing, sequencer, sources
from audit.explanations import reasons
from governance.accounts import clients
from governance.kernel import clock
from governance.kernel.actors import SYSTEM
from governance.kernel.ids import SubjectId, from_opaque, opaque, uuid7
from pseudonymize import vault
from pseudonymize.vault import IdentifierKind, Identity
from tests.integration.audit.arrange import write_log
from tests.integration.audit.deciding import batch, register_words
from tests.people import ALICE

pytestmark = pytest.mark.django_db


def api(*scopes: str) -> Client:
    key = clients.issue("test", list(scopes), clock.now() + timedelta(days=1), actor=SYSTEM).key_text
    return Client(headers={"Authorization": f"Bearer {key}"})


@pytest.fixture
def reader(db) -> Client:
    return api("audit:read")


def test_entries_are_listed_latest_first_filtered_and_paged(reader: Client):
    ids = write_log(7)
    answer = reader.get("/api/v1/audit/entries", {"action": "consent.given", "page_size": 3})
    assert [row["id"] for row in answer.json()["results"]] == [opaque("ent", one) for one in reversed(ids[-3:])]
    numbers = [row["seq"] for row in answer.json()["results"]]
    assert numbers == [numbers[0], numbers[0] - 1, numbers[0] - 2]
    following = reader.get(answer.json()["next"])
    assert [row["id"] for row in following.json()["results"]] == [opaque("ent", one) for one in reversed(ids[1:4])]
    assert reader.get("/api/v1/audit/entries", {"object": "consent_event:5"}).json()["results"][0]["id"] == opaque(
        "ent", ids[5]
    )
    misspelt = reader.get("/api/v1/audit/entries", {"acton": "x"})
    assert misspelt.status_code == 422
    assert misspelt.headers["Content-Type"] == "application/problem+json"


def test_one_entry_and_its_receipt(reader: Client):
    ids = write_log(3)
    entry = reader.get(f"/api/v1/audit/entries/{opaque('ent', ids[1])}").json()
    assert entry["header"].startswith('{"action":"consent.given"')
    receipt = reader.get(f"/api/v1/audit/entries/{opaque('ent', ids[1])}/receipt")
    assert receipt.content.startswith(b"c2sp.org/tlog-proof@v1")
    assert reader.get(f"/api/v1/audit/entries/{opaque('ent', uuid7())}").status_code == 404
    assert reader.get("/api/v1/audit/entries/nonsense").status_code == 422


def a_request(subjects: list[SubjectId]) -> dict:
    return {
        "kind": "offer",
        "object": "campaign:autumn",
        "purpose": "personal_offers",
        "model_version": "lapse@3",
        "policy_version": "policy-7",
        "notice_version": "4",
        "effect": "marketing",
        "features": ["weeks_since_visit", "coupons_used"],
        "intercept": -0.5,
        "decisions": [
            {
                "subject": opaque("sub", subject),
                "consent_event": str(uuid7()),
                "score": 1.0,
                "contributions": [1.25, 0.25],
                "bins": [6, 1],
                "chosen": "coupon_10",
                "alternatives": [{"action": "coupon_5", "score": 0.5, "lost_because": "lower_value"}],
                "sealed_input": base64.b64encode(b"Z\x01\x01sealed").decode(),
            }
            for subject in subjects
        ],
    }


def test_a_system_outside_records_decisions_and_reads_them_back_in_words(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reasons, "_families", {})
    register_words()
    client = api("audit:read", "audit:write")
    subjects = [SubjectId(uuid7()) for _ in range(3)]
    answer = client.post("/api/v1/decisions", a_request(subjects), content_type="application/json")
    assert answer.status_code == 201, answer.content
    assert len(answer.json()["decisions"]) == 3
    one = answer.json()["decisions"][2]
    shown = client.get(f"/api/v1/decisions/{one}").json()
    assert shown["subject"] == opaque("sub", subjects[2])
    assert shown["terms"][0] == {"feature": "weeks_since_visit", "bin": 6, "contribution": 1.25}
    assert "sealed_input" not in shown
    told = client.get(f"/api/v1/decisions/{one}/explanation", {"language": "pl"}).json()
    assert told["sentence"].startswith("Komputer wybrał dla Ciebie")
    sequencer.sequence()
    assert client.get(f"/api/v1/decisions/{one}/receipt").json()["format"] == "zgoda-decision-receipt/1"
    assert decisions.get(from_opaque("dec", one)).sealed_input == b"Z\x01\x01sealed"


def test_a_plain_input_is_sealed_under_the_subjects_key_and_never_stored_plain():
    subject = vault.enrol([Identity({IdentifierKind.EMAIL: ALICE.email})], actor=SYSTEM, source="test").subjects[0]
    request = a_request([subject])
    del request["decisions"][0]["sealed_input"]
    request["decisions"][0] |= {"input": {"weeks_since_visit": 6, "shop": "Łódź"}, "counterfactual": []}
    request |= {"seed": "2017", "attribution": {"method": "tree_shap", "background": "tree paths"}}
    client = api("audit:read", "audit:write")
    answer = client.post("/api/v1/decisions", request, content_type="application/json")
    assert answer.status_code == 201, answer.content
    (one,) = answer.json()["decisions"]
    found = decisions.get(from_opaque("dec", one))
    assert b"weeks" not in found.sealed_input
    assert json.loads(sealing.open_one(subject, sealing.INPUT, found.sealed_input)) == {
        "weeks_since_visit": 6,
        "shop": "Łódź",
    }
    shown = client.get(f"/api/v1/decisions/{one}").json()
    assert (shown["seed"], shown["counterfactual"]) == ("2017", [])
    assert shown["attribution"] == {"method": "tree_shap", "background": "tree paths"}
    request["decisions"][0]["subject"] = opaque("sub", SubjectId(uuid7()))
    assert client.post("/api/v1/decisions", request, content_type="application/json").status_code in {404, 409, 422}


def test_the_officers_explanation_has_numbers_and_the_persons_has_none(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reasons, "_families", {})
    register_words()
    client = api("audit:read", "audit:write")
    (one,) = client.post("/api/v1/decisions", a_request([SubjectId(uuid7())]), content_type="application/json").json()[
        "decisions"
    ]
    person = client.get(f"/api/v1/decisions/{one}/explanation").json()
    officer = client.get(f"/api/v1/decisions/{one}/explanation", {"tier": "dpo"}).json()
    assert set(person["reasons"][0]) == {"direction", "firm", "text"}
    assert "score" not in person
    assert officer["intercept"] + sum(reason["contribution"] for reason in officer["reasons"]) == officer["score"]
    assert client.get(f"/api/v1/decisions/{one}/explanation", {"tier": "god"}).status_code == 422


# Two thousand rows are read, checked, sealed and recorded in one request.
@pytest.mark.slow
def test_a_request_records_thousands():
    subjects = [SubjectId(uuid7()) for _ in range(2000)]
    answer = api("audit:write").post("/api/v1/decisions", a_request(subjects), content_type="application/json")
    assert len(answer.json()["decisions"]) == 2000
    assert models.Decision.objects.count() == 2000


@pytest.mark.parametrize(
    "change",
    [
        {"effect": "tremendous"},
        {"decisions": []},
        {"surprise": 1},
        {"intercept": 3.0},
        {"decisions": [{**a_request([SubjectId(uuid7())])["decisions"][0], "bins": [1]}]},
        {"decisions": [{**a_request([SubjectId(uuid7())])["decisions"][0], "sealed_input": "!!"}]},
        {"decisions": [{**a_request([SubjectId(uuid7())])["decisions"][0], "input": {"visits": 3}}]},
        {"decisions": [{**a_request([SubjectId(uuid7())])["decisions"][0], "score": "1.0"}]},
        {"decisions": [{**a_request([SubjectId(uuid7())])["decisions"][0], "score": True}]},
        {"decisions": [{**a_request([SubjectId(uuid7())])["decisions"][0], "score": 1.00002}]},
        {"decisions": [{**a_request([SubjectId(uuid7())])["decisions"][0], "contributions": [1e39, -1e39]}]},
        {"decisions": [{**a_request([SubjectId(uuid7())])["decisions"][0], "random_draw": 2}]},
        {
            "decisions": [
                {**a_request([SubjectId(uuid7())])["decisions"][0], "counterfactual": [{"feature": "age", "bin": 1}]}
            ]
        },
        {"decisions": [{**a_request([SubjectId(uuid7())])["decisions"][0], "verdict": 7}]},
        {"decisions": [{**a_request([SubjectId(uuid7())])["decisions"][0], "surprise": 7}]},
        {"decisions": ["alice@example.com"]},
        {"attribution": {"method": "tree_shap", "background": ""}},
        {"decisions": [{**a_request([SubjectId(uuid7())])["decisions"][0], "subject": "alice@example.com"}]},
    ],
)
def test_a_batch_that_is_wrong_is_a_problem_document_and_leaves_nothing(change: dict):
    client = api("audit:write")
    answer = client.post(
        "/api/v1/decisions", {**a_request([SubjectId(uuid7())]), **change}, content_type="application/json"
    )
    assert answer.status_code == 422, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert b"alice" not in answer.content
    assert not models.Decision.objects.exists()


def pointers(answer) -> list[str]:
    assert answer.status_code in {409, 422}, answer.content
    return [one["pointer"] for one in answer.json()["errors"]]


def test_every_row_that_is_wrong_is_pointed_to_and_none_is_recorded():
    request = a_request([SubjectId(uuid7()) for _ in range(6)])
    request["decisions"][1]["bins"] = [1]
    request["decisions"][3]["subject"] = "sub_nobody"
    request["decisions"][4]["chosen"] = ""
    client = api("audit:write")
    assert pointers(client.post("/api/v1/decisions", request, content_type="application/json")) == [
        "/decisions/1/bins",
        "/decisions/3/subject",
        "/decisions/4/chosen",
    ]
    sums = a_request([SubjectId(uuid7()) for _ in range(4)])
    sums["decisions"][2]["score"] = 1.5
    assert pointers(client.post("/api/v1/decisions", sums, content_type="application/json")) == [
        "/decisions/2/contributions"
    ]
    assert not models.DecisionBatch.objects.exists()


def test_a_subject_that_is_not_there_or_was_erased_is_pointed_to():
    known = vault.enrol([Identity({IdentifierKind.EMAIL: ALICE.email})], actor=SYSTEM, source="test").subjects[0]
    plain = a_request([known, known, SubjectId(uuid7())])
    for row in plain["decisions"]:
        del row["sealed_input"]
        row["input"] = {"weeks_since_visit": 6}
    client = api("audit:write")
    assert pointers(client.post("/api/v1/decisions", plain, content_type="application/json")) == [
        "/decisions/2/subject"
    ]
    gone = SubjectId(uuid7())
    sources.DecisionRecords().erase(gone)
    sealed = a_request([known, gone])
    assert pointers(client.post("/api/v1/decisions", sealed, content_type="application/json")) == [
        "/decisions/1/subject"
    ]


def test_the_same_request_again_gets_the_first_answer_and_records_nothing():
    client, request = api("audit:write"), a_request([SubjectId(uuid7()) for _ in range(3)])

    def post(body: dict, key: str = "nightly-17"):
        return client.post("/api/v1/decisions", body, content_type="application/json", headers={"Idempotency-Key": key})

    first = post(request)
    again = post(request)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert models.Decision.objects.count() == 3
    assert post({**request, "intercept": -0.5000000001}).status_code == 409, "another request under the same key"
    sources.DecisionRecords().erase(SubjectId(from_opaque("sub", request["decisions"][1]["subject"])))
    kept = post(request).json()["decisions"]
    assert kept == [first.json()["decisions"][0], None, first.json()["decisions"][2]]
    stranger = api("audit:write").post(
        "/api/v1/decisions",
        a_request([SubjectId(uuid7())]),
        content_type="application/json",
        headers={"Idempotency-Key": "nightly-17"},
    )
    assert stranger.status_code == 201, "a key belongs to who uses it"
    assert post(request, "x" * 201).status_code == 422


def test_a_request_that_was_refused_may_be_mended_under_its_key():
    client, request = api("audit:write"), a_request([SubjectId(uuid7())])
    wrong = {**request, "intercept": 7.0}
    headers = {"Idempotency-Key": "mend-me"}
    assert client.post("/api/v1/decisions", wrong, content_type="application/json", headers=headers).status_code == 422
    assert (
        client.post("/api/v1/decisions", request, content_type="application/json", headers=headers).status_code == 201
    )


def test_without_the_scope_nothing_is_shown_or_recorded(reader: Client):
    ids = write_log(1)
    one = decisions.record(batch(1)).decision_ids[0]
    paths = [
        "/api/v1/audit/entries",
        f"/api/v1/audit/entries/{opaque('ent', ids[0])}",
        f"/api/v1/audit/entries/{opaque('ent', ids[0])}/receipt",
        f"/api/v1/decisions/{opaque('dec', one)}",
        f"/api/v1/decisions/{opaque('dec', one)}/receipt",
        f"/api/v1/decisions/{opaque('dec', one)}/explanation",
    ]
    other = api("consent:read")
    for path in paths:
        assert Client().get(path).status_code == 401, path
        assert other.get(path).status_code == 403, path
    asked = reader.post("/api/v1/decisions", a_request([SubjectId(uuid7())]), content_type="application/json")
    assert asked.status_code == 403
