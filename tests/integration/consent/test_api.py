"""The REST endpoints as a pipeline uses them."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from consent import receipts, signing
from consent.models import ConsentEvent, ConsentVerdict
from consent.permission import citations
from governance.accounts import clients
from governance.kernel.actors import SYSTEM
from governance.kernel.clock import now
from governance.kernel.ids import from_opaque, opaque
from pseudonymize import vault
from tests.integration.consent import arrange
from tests.integration.consent.arrange import STAFF, person
from tests.people import ALICE

pytestmark = pytest.mark.django_db


def pipeline(*scopes: str) -> Any:
    """A client of the API with a key of these scopes: `call(method, path, body, **headers)` gives status and JSON."""
    issued = clients.issue("pipeline", list(scopes), now() + timedelta(days=1), actor=SYSTEM)
    http = Client()

    def call(method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        answer = http.generic(
            method, f"/api/v1/consent/{path}", data=json.dumps(body) if body is not None else "",
            content_type="application/json", headers={"Authorization": f"Bearer {issued.key_text}", **headers},
        )  # fmt: skip
        return answer.status_code, answer.json()

    return call


@pytest.fixture
def call() -> Any:
    return pipeline("consent:read", "consent:write")


@pytest.fixture
def shown() -> Any:
    arrange.purpose()
    return arrange.notice()


def _record(content: dict[str, Any]) -> dict[str, Any]:
    record: dict[str, Any] = content["dpv:hasRecordOfActivity"]
    return record


def given(subject: str, shown: Any, **changes: Any) -> dict[str, Any]:
    return {
        "subject": subject, "purpose": "newsletter", "channel": "email", "event_type": "given", "method": "web_form",
        "notice_version": opaque("ntc", shown),
    } | changes  # fmt: skip


def test_from_a_form_to_the_gate_and_back_out(call: Any, shown: Any) -> None:
    subject = opaque("sub", person())
    status, notices = call("GET", "notices?language=en")
    assert (status, [one["purposes"] for one in notices["notices"]]) == (200, [["newsletter"]])
    status, token = call("POST", "presentations", {"notice_versions": [notices["notices"][0]["notice_version"]]})
    assert status == 201
    body = given(subject, shown, presentation=token["presentation"])
    status, recorded = call("POST", "events", body, **{"Idempotency-Key": "form-1"})
    assert (status, recorded["status"], recorded["duplicate"]) == (201, "given", False)
    assert (
        _record(receipts.verify(recorded["receipt"], signing.public_key()))["dpv:hasDataSubject"]["dct:identifier"]
        == subject
    )
    assert call("POST", "events", body, **{"Idempotency-Key": "form-1"})[0] == 200
    status, verdict = call("POST", "checks", {"subject": subject, "purpose": "newsletter", "channel": "email"})
    assert (status, verdict["allowed"], verdict["reason"], verdict["event"]) == (
        200,
        True,
        "consent_given",
        recorded["event"],
    )
    assert citations.cited(from_opaque("vdt", verdict["verdict"])).allowed
    status, withdrawn = call("POST", "withdraw", {"subject": subject})
    assert (status, withdrawn["status"]) == (201, "withdrawn")
    status, verdict = call("POST", "checks", {"subject": subject, "purpose": "newsletter", "channel": "email"})
    assert (status, verdict["allowed"], verdict["reason"]) == (200, False, "consent_withdrawn")
    status, state = call("GET", f"subjects/{subject}/state")
    assert {(one["purpose"], one["status"]) for one in state["states"]} == {
        ("newsletter", "withdrawn"),
        ("*", "withdrawn"),
    }
    assert [one["event_type"] for one in call("GET", f"subjects/{subject}/history")[1]["events"]] == [
        "given",
        "withdrawn",
    ]
    status, receipt = call("GET", f"events/{withdrawn['event']}/receipt")
    assert (
        call("POST", "receipts/verify", {"receipt": receipt["receipt"]})[1]["content"]["dpv:hasRecordOfActivity"][
            "dpv:hasConsentStatus"
        ]["zgoda:event"]
        == "withdrawn"
    )


def test_an_audience_gets_one_verdict_set(call: Any, shown: Any) -> None:
    yes, no = (opaque("sub", one) for one in arrange.people(2))
    call("POST", "events", given(yes, shown), **{"Idempotency-Key": "1"})
    body = {"subjects": [yes, no], "purpose": "newsletter", "channel": "email", "cited_for": "training_run:7"}
    status, answer = call("POST", "checks/audience", body)
    assert (status, answer["allowed"], answer["refused"]) == (200, [yes], {"never_asked": 1})
    assert citations.cited_set(from_opaque("vds", answer["verdict_set"])).cited_for == "training_run:7"


def test_a_customer_number_will_do(call: Any, shown: Any) -> None:
    identity = vault.Identity({vault.IdentifierKind(kind): value for kind, value in ALICE.values().items()})
    vault.enrol([identity], actor=STAFF, source="test")
    ask = {"purpose": "newsletter", "channel": "email"}
    status, answer = call("POST", "checks", {"customer_id": ALICE.customer_id} | ask)
    assert (status, answer["reason"]) == (200, "never_asked")
    assert ALICE.customer_id not in str(answer)
    status, problem = call("POST", "checks", {"customer_id": "c-9999"} | ask)
    assert (status, problem["code"]) == (404, "unknown_subject")
    assert "c-9999" not in str(problem)


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"purpose": "newsleter"}, 404, "unknown_purpose"),
        ({"channel": "fax"}, 422, "invalid_consent_event"),
        ({"purposes": "newsletter"}, 422, "invalid_input"),
        ({"subject": "alice@example.com"}, 422, "invalid_input"),
        ({"customer_id": "c-1"}, 422, "invalid_input"),
        ({"notice_version": opaque("ntc", person())}, 422, "invalid_consent_event"),
        ({"presentation": "a.b.c"}, 403, "presentation_invalid"),
    ],
)
def test_what_is_wrong_is_answered_as_a_problem_and_records_nothing(
    call: Any, shown: Any, changes: dict[str, Any], status: int, code: str
) -> None:
    answer = call("POST", "events", given(opaque("sub", person()), shown) | changes, **{"Idempotency-Key": "1"})
    assert (answer[0], answer[1]["code"]) == (status, code)
    assert not ConsentEvent.objects.exists()


def test_recording_needs_a_key_for_retries_and_a_withdrawal_does_not(call: Any, shown: Any) -> None:
    subject = opaque("sub", person())
    status, problem = call("POST", "events", given(subject, shown))
    assert (status, problem["errors"][0]["pointer"]) == (422, "/Idempotency-Key")
    assert call("POST", "withdraw", {"subject": subject, "purpose": "newsletter", "channel": "sms"})[0] == 201
    assert call("POST", "withdraw", {"subject": subject})[0] == 201


def test_keys_of_two_clients_do_not_collide(call: Any, shown: Any) -> None:
    other = pipeline("consent:write")
    for caller in (call, other):
        assert caller("POST", "events", given(opaque("sub", person()), shown), **{"Idempotency-Key": "1"})[0] == 201


def test_who_may_only_read_cannot_write_and_a_stranger_neither(shown: Any) -> None:
    subject = opaque("sub", person())
    reader = pipeline("consent:read")
    assert reader("POST", "checks", {"subject": subject, "purpose": "newsletter", "channel": "email"})[0] == 200
    for path, body in (
        ("events", given(subject, shown)),
        ("withdraw", {"subject": subject}),
        ("presentations", {"notice_versions": ["x"]}),
    ):
        assert reader("POST", path, body)[0] == 403
    nobody = pipeline("audit:read")
    assert nobody("GET", f"subjects/{subject}/state")[0] == 403
    assert Client().get(f"/api/v1/consent/subjects/{subject}/state").status_code == 401
    assert not ConsentEvent.objects.exists()


def test_an_unknown_purpose_at_the_gate_is_a_problem_and_leaves_no_verdict(call: Any, shown: Any) -> None:
    status, problem = call("POST", "checks", {"subject": opaque("sub", person()), "purpose": "x-1", "channel": "email"})
    assert (status, problem["code"]) == (404, "unknown_purpose")
    assert not ConsentVerdict.objects.exists()


def test_everybody_can_have_the_public_key() -> None:
    (key,) = Client().get("/api/v1/consent/keys").json()["keys"]
    assert key == signing.public_jwk()
    assert "d" not in key
