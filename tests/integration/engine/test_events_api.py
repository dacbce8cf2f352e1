"""POST /api/v1/events: what it answers is committed, and every refused row is named."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from engine.events.models import Event, QuarantinedEvent
from governance.accounts import clients
from governance.kernel import clock
from governance.kernel.actors import SYSTEM
from pseudonymize import vault
from tests.integration.engine.shopping import IMPORTER, customers

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> APIClient:
    return _client("events:write")


def _client(scope: str) -> APIClient:
    key = clients.issue("till", [scope], clock.now() + timedelta(days=1), SYSTEM)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {key.key_text}")
    return client


def _bought(number: str = "c-0", **changes: Any) -> dict[str, Any]:
    return {
        "event_id": str(uuid4()),
        "customer": {"kind": "customer_id", "value": number},
        "kind": "purchase",
        "occurred_at": "2025-05-01T10:00:00+02:00",
        "attributes": {"basket": "b1", "product": "p1", "quantity": 2, "value_cents": 499},
        **changes,
    }


def _send(api: APIClient, *events: dict[str, Any]) -> Any:
    return api.post("/api/v1/events/", {"origin": "till", "events": list(events)}, format="json")


def test_events_of_known_customers_are_accepted_once(api: APIClient) -> None:
    first, second = customers(2)
    events = [_bought("c-0"), _bought("c-1"), _bought(customer={"kind": "email", "value": "Customer1@example.com"})]

    answer, again = _send(api, *events), _send(api, *events)

    assert (answer.status_code, answer.data["accepted"], answer.data["refused"]) == (200, 3, [])
    assert (again.data["accepted"], again.data["duplicates"]) == (0, 3)
    assert sorted(Event.objects.values_list("subject_id", flat=True)) == sorted([first, second, second])
    assert {event.occurred_at.hour for event in Event.objects.all()} == {8}


def test_refused_rows_are_named_and_the_others_are_accepted(api: APIClient) -> None:
    gone, _ = customers(2)
    vault.forget(gone, actor=IMPORTER, reason="erasure request")
    events = [
        _bought("c-1"),
        _bought("c-0"),
        _bought("nobody"),
        _bought("c-1", attributes={"basket": "b 1", "product": "p1", "quantity": 1, "value_cents": 1}),
        _bought("c-1", attributes={"basket": "b1", "product": "p1", "quantity": "2", "value_cents": 1}),
        _bought("c-1", attributes={"basket": "b1", "product": "p1", "value_cents": 2**70, "a/b": 1}),
        _bought("c-1", occurred_at="2999-01-01T00:00:00Z"),
    ]

    answer = _send(api, *events)

    assert (answer.status_code, answer.data["accepted"]) == (200, 1)
    assert [refusal["pointer"] for refusal in answer.data["refused"]] == [
        "/events/1/customer",
        "/events/2/customer",
        "/events/3/attributes/basket",
        "/events/4/attributes/quantity",
        "/events/5/attributes/a~1b",
        "/events/6/occurred_at",
    ]
    erased, unknown = answer.data["refused"][:2]
    assert erased["detail"] == unknown["detail"]
    assert (Event.objects.count(), QuarantinedEvent.objects.count()) == (1, 0)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"event_id": "7"}, "/events/0/event_id"),
        ({"kind": "theft"}, "/events/0/kind"),
        ({"customer": {"kind": "name", "value": "Alice"}}, "/events/0/customer/kind"),
        ({"colour": "red"}, "/events/0/colour"),
        ({"attributes": []}, "/events/0/attributes"),
    ],
)
def test_a_body_of_another_form_is_refused_as_a_whole(api: APIClient, change: dict[str, Any], pointer: str) -> None:
    customers(1)

    answer = _send(api, _bought(**change))

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert not Event.objects.exists()


def test_a_key_without_the_scope_sees_nothing() -> None:
    customers(1)

    assert _send(_client("events:read"), _bought()).status_code == 403
    assert _send(APIClient(), _bought()).status_code == 401
    assert not Event.objects.exists()
