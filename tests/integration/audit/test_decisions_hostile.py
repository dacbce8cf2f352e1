"""Requests to record decisions as somebody careless, or hostile, sends them: each is refused with a pointer, or recorded exactly."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from audit import decisions, models, sequencer
from audit.verification import verify_log
from governance.kernel.ids import SubjectId, from_opaque, opaque, uuid7
from tests.integration.audit.test_api import a_request, api

# Slow: fifty requests, each from a client with a key of its own.
pytestmark = [pytest.mark.django_db, pytest.mark.slow]
FAR = "1" + "0" * 400  # a whole number that no float holds


def one() -> dict[str, Any]:
    return a_request([SubjectId(uuid7())])


def post(body: str | dict[str, Any], client: Client | None = None, **headers: str) -> Any:
    text = body if isinstance(body, str) else json.dumps(body)
    return (client or api("audit:write")).post(
        "/api/v1/decisions", text, content_type="application/json", headers=headers
    )


def spoilt(field: str, literal: str) -> str:
    """A request as text, with a field of its decision written as given: what ``json.dumps`` would not write."""
    request = one()
    request["decisions"][0][field] = "PLACE"
    return json.dumps(request).replace('"PLACE"', literal)


@pytest.mark.parametrize(
    ("field", "literal"),
    [
        ("score", "NaN"),
        ("score", "Infinity"),
        ("score", "1e999"),
        ("score", FAR),
        ("score", f"-{FAR}"),
        ("contributions", f"[{FAR}, -{FAR}]"),
        ("contributions", "[NaN, 1.5]"),
        ("contributions", "[[1.25], [0.25]]"),
        ("random_draw", FAR),
        ("random_draw", "-1e-300"),
        ("bins", "[6, 70000]"),
        ("bins", "[6, -1]"),
        ("bins", "[6, 1.0]"),
        ("bins", f"[6, {FAR}]"),
        ("bins", "[6, true]"),
        ("chosen", '"\\ud800"'),
        ("chosen", '"a\\u0000b"'),
        ("chosen", '"alice@example.com"'),
        ("chosen", f'"{"x" * 201}"'),
        ("alternatives", '[{"action": "\\udfff", "score": 1, "lost_because": "x"}]'),
        ("alternatives", '[{"action": "a", "score": 1, "lost_because": "\\ud800"}]'),
        ("alternatives", '[{"action": "a", "score": NaN, "lost_because": "x"}]'),
        ("alternatives", f'[{{"action": "a", "score": {FAR}, "lost_because": "x"}}]'),
        ("alternatives", '{"action": "a"}'),
        ("counterfactual", '[{"feature": ["age"], "bin": 1}]'),
        ("counterfactual", f'[{{"feature": "coupons_used", "bin": {FAR}}}]'),
        ("counterfactual", '[{"feature": "coupons_used", "bin": 1}, {"feature": "coupons_used", "bin": 2}]'),
        ("consent_event", '"\\ud800"'),
        ("verdict", "[]"),
        ("subject", "null"),
        ("subject", '"sub_\\ud800"'),
        ("sealed_input", '"\\ud800"'),
    ],
)
def test_a_value_that_cannot_be_is_refused_and_crashes_nothing(field: str, literal: str):
    answer = post(spoilt(field, literal))
    assert answer.status_code in {400, 422}, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert b"alice" not in answer.content
    assert not models.DecisionBatch.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        f'"intercept": {FAR}',
        '"intercept": 1e999',
        '"intercept": NaN',
        '"features": ["coupons_used", "coupons_used"]',
        '"features": ["\\ud800", "b"]',
        '"seed": "\\ud800"',
        '"seed": "asked by alice@example.com"',
        '"object": "customer:alice@example.com"',
        '"kind": "letter to alice@example.com"',
        '"policy_version": "alice@example.com"',
        '"features": ["mail_of_alice@example.com", "b"]',
        '"attribution": {"method": "tree_shap", "background": "rows of alice@example.com"}',
    ],
)
def test_a_head_that_cannot_be_is_refused_and_crashes_nothing(change: str):
    text = json.dumps(one())[:-1]
    field = change.partition('"')[2].partition('"')[0]
    kept = {name: value for name, value in json.loads(text + "}").items() if name != field}
    answer = post(f"{json.dumps(kept)[:-1]}, {change}}}")
    assert answer.status_code in {400, 422}, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert b"alice" not in answer.content
    assert not models.DecisionBatch.objects.exists()


def test_nobody_is_named_where_no_erasure_reaches():
    """The head of a batch outlives every person in it."""
    subject = SubjectId(uuid7())
    for field, value in (("object", f"letter:{subject}"), ("seed", subject.hex), ("object", opaque("sub", subject))):
        answer = post({**a_request([subject]), field: value})
        assert answer.status_code == 422, (field, answer.content)
    named = a_request([subject])
    named["decisions"][0]["chosen"] = f"call_{subject.hex}"
    assert post(named).status_code == 422
    assert not models.DecisionBatch.objects.exists()


def test_an_input_may_be_deep_or_long_and_is_refused_beyond_reason():
    for literal in ('{"a":' * 100_000 + "1" + "}" * 100_000, json.dumps({"a": "x" * 70_000}), '{"a": "\\ud800"}'):
        request = one()
        del request["decisions"][0]["sealed_input"]
        request["decisions"][0]["input"] = "PLACE"
        answer = post(json.dumps(request).replace('"PLACE"', literal))
        assert answer.status_code in {400, 413, 422}, answer.content[:300]
    assert not models.DecisionBatch.objects.exists()


def test_zero_below_and_above_missing_grounds_and_strange_names_are_kept_exactly():
    client = api("audit:write", "audit:read")
    request = a_request([SubjectId(uuid7()) for _ in range(2)])
    request["features"] = ["waga żądana", "名前 🦋"]
    request["intercept"] = -0.0
    first, second = request["decisions"]
    first |= {"score": -0.0, "contributions": [0.0, -0.0], "bins": [0, 65_535], "random_draw": 0, "chosen": "żółć 🦋"}
    second |= {"score": 1e30, "contributions": [1e30, 0], "bins": [0, 0], "random_draw": 1, "consent_event": None}
    answer = post(request, client)
    assert answer.status_code == 201, answer.content
    kept = [decisions.get(from_opaque("dec", one_)) for one_ in answer.json()["decisions"]]
    assert [one_.score for one_ in kept] == [0.0, pytest.approx(1e30, rel=1e-6)]
    assert kept[0].chosen == "żółć 🦋"
    assert [term.feature for term in kept[0].terms] == request["features"]
    assert [term.bin for term in kept[0].terms] == [0, 65_535]
    assert [one_.random_draw for one_ in kept] == [0.0, 1.0]
    assert kept[1].consent_event_id is None
    sequencer.sequence()
    assert verify_log().verified


def test_the_same_person_twice_in_a_batch_has_two_decisions():
    subject = SubjectId(uuid7())
    answer = post(a_request([subject, subject]))
    assert answer.status_code == 201
    assert len(set(answer.json()["decisions"])) == 2


def test_one_bad_row_among_thousands_is_pointed_to_and_none_is_recorded():
    request = a_request([SubjectId(uuid7()) for _ in range(3000)])
    request["decisions"][2718]["score"] = 1.00001
    answer = post(request)
    assert answer.status_code in {409, 422}
    assert [where["pointer"] for where in answer.json()["errors"]] == ["/decisions/2718/contributions"]
    assert not models.DecisionBatch.objects.exists()
