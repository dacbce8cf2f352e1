"""The API: what pipelines send and get, who may, and what it says when something is wrong."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from governance.accounts import clients
from governance.kernel.actors import SYSTEM
from governance.kernel.clock import now
from pseudonymize.models import Manifest
from pseudonymize.runs import manifests

POLICY = """\
version: 1
domain: {id: rest, purpose: model_training}
columns:
  email: {transform: token_mac, canonical: email@1}
  born: {transform: generalise, to: year}
  spend: {transform: keep}
  note: {transform: drop, optional: true}
"""
ROWS = [
    {"email": "alice@example.com", "born": "1984-03-02", "spend": 1.5, "note": {"any": ["thing"]}},
    {"email": "ALICE@example.com", "born": None, "spend": 2},
]
BASE = "/api/v1/pseudonymize/"


class Caller:
    """A service client with its key."""

    def __init__(self, *scopes: str) -> None:
        expires = now() + timedelta(days=1)
        self._key = clients.issue("pipeline", list(scopes), expires, actor=SYSTEM).key_text if scopes else ""

    def __call__(self, method: str, path: str = "", body: Any = None, raw: bytes | None = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        data = raw if raw is not None else json.dumps(body)
        response = Client(raise_request_exception=False).generic(
            method, BASE + path, data, content_type="application/json", headers=headers
        )
        return response.status_code, json.loads(response.content)


@pytest.fixture
def caller(db: None) -> Caller:
    made = Caller("pseudonymize:run", "pseudonymize:write", "pseudonymize:read")
    assert made("POST", "policies", {"text": POLICY})[0] == 201
    return made


def asked(**changes: Any) -> dict[str, Any]:
    return {"policy": "rest", "rows": ROWS, "activity": "lapse model"} | changes


def test_rows_come_back_pseudonymised_with_a_signed_manifest(caller: Caller) -> None:
    status, body = caller("POST", "", asked())

    assert status == 200
    first, second = body["rows"]
    assert first["email"] == second["email"]
    assert first["email"].startswith("zm")
    assert (first["born"], second["born"], first["spend"]) == ("1984", None, 1.5)
    assert "note" not in first
    assert "alice" not in json.dumps(body).lower()
    statement = manifests.verify(body["manifest"]["jws"])
    assert statement["actor"].startswith("client:")
    assert caller("GET", f"manifests/{body['manifest']['id']}")[1]["jws"] == body["manifest"]["jws"]
    assert caller("POST", "manifests/verify", {"jws": body["manifest"]["jws"]})[1]["statement"] == statement


def test_texts_are_searched(caller: Caller) -> None:
    status, body = caller("POST", "detect", {"texts": ["write to alice@example.com", "nothing here", ""]})

    assert status == 200
    assert [[finding["kind"] for finding in found] for found in body["results"]] == [["EMAIL"], [], []]
    assert "alice" not in json.dumps(body)


def test_policies_and_domains_are_listed_and_validated(caller: Caller) -> None:
    assert [row["name"] for row in caller("GET", "policies")[1]["results"]] == ["rest"]
    assert [row["key"] for row in caller("GET", "domains")[1]["results"]] == ["rest"]
    assert caller("POST", "policies/validate", {"text": POLICY})[1]["columns"] == ["born", "email", "note", "spend"]

    status, problem = caller("POST", "policies/validate", {"text": POLICY.replace("to: year", "to: yeer")})
    assert (status, problem["code"]) == (422, "policy_invalid")
    assert (problem["errors"][0]["line"], problem["errors"][0]["pointer"]) == (5, "/columns/born/to")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"policy": "nothing"}, 404, "policy_unknown"),
        ({"policy": "../etc"}, 422, "invalid_input"),
        ({"polcy": "rest"}, 422, "invalid_input"),
        ({"rows": []}, 422, "invalid_input"),
        ({"rows": "x"}, 422, "invalid_input"),
        ({"rows": [1]}, 422, "invalid_input"),
        ({"rows": [{}]}, 422, "columns_missing"),
        ({"rows": [ROWS[0] | {"ssn": "900-12-3456"}]}, 422, "columns_not_covered"),
        ({"rows": [ROWS[0] | {"email": "hidden-value"}]}, 422, "transform_failed"),
        ({"rows": [ROWS[0] | {"email": ["hidden-value"]}]}, 422, "table_unreadable"),
        ({"rows": [ROWS[0], ROWS[0] | {"email": 7}]}, 422, "table_unreadable"),
        ({"rows": [ROWS[0] | {"spend": 10**400}]}, 422, "table_unreadable"),
        ({"rows": [ROWS[0] | {"spend": {"hidden-value": 1}}]}, 422, "table_unreadable"),
        ({"rows": [ROWS[0] | {"email": "\x00@example.com"}]}, 422, "table_unreadable"),
        ({"rows": [ROWS[0] | {"born": "hidden-value"}]}, 422, "transform_failed"),
        ({"activity": ""}, 422, "invalid_input"),
        ({"verdict_id": "x"}, 422, "invalid_input"),
        ({"rows": [ROWS[0]] * 10_001}, 422, "invalid_input"),
    ],
)
def test_what_is_wrong_is_said_in_a_problem_that_quotes_nothing(
    caller: Caller, change: dict[str, Any], status: int, code: str
) -> None:
    got, problem = caller("POST", "", asked(**change))
    assert (got, problem["code"]) == (status, code), problem
    assert "hidden-value" not in json.dumps(problem)
    assert not Manifest.objects.exists()


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b"\xff", b'{"policy": NaN}'])
def test_a_body_that_is_no_object_is_refused(caller: Caller, raw: bytes) -> None:
    status, problem = caller("POST", "", raw=raw)
    assert 400 <= status < 500, problem


@pytest.mark.parametrize(
    "body",
    [
        {"texts": ["x"], "language": "xx"},
        {"texts": "x"},
        {"texts": [1.5, None]},
        {"texts": ["x" * 99_000] * 11},
        {"texts": ["x"] * 1_001},
    ],
)
def test_detection_refuses_what_it_cannot_or_should_not_search(caller: Caller, body: dict[str, Any]) -> None:
    assert caller("POST", "detect", body)[0] == 422


def test_a_manifest_that_is_not_ours_is_the_callers_error(caller: Caller) -> None:
    for jws in ("", "a.b.c", "x", "\x00"):
        assert caller("POST", "manifests/verify", {"jws": jws})[0] == 422
    assert caller("GET", "manifests/man_00000000000000000000000000")[0] == 404
    assert caller("GET", "manifests/whatever")[0] == 422


@pytest.mark.django_db
def test_without_the_scope_nothing_is_done_or_seen() -> None:
    reader, stranger = Caller("pseudonymize:read"), Caller()
    other = Caller("consent:write", "events:write", "pseudonymize:reveal")
    runs = [("POST", "", asked()), ("POST", "detect", {"texts": ["x"]}), ("POST", "policies", {"text": POLICY})]
    looks = [("GET", "policies", None), ("GET", "domains", None), ("POST", "policies/validate", {"text": POLICY})]

    assert [reader(*call)[0] for call in runs] == [403, 403, 403]
    assert [reader(*call)[0] for call in looks] == [200, 200, 200]
    assert {other(*call)[0] for call in runs + looks} == {403}
    assert {stranger(*call)[0] for call in runs + looks} == {401}
