"""REST for machines: looking without keeping, claims, imports, reports, and systems that settle."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest
from django.db import OperationalError, connection

from consent import propagation
from consent.models import ConsentVerdict
from consent.permission import citations
from governance.kernel import prepared
from governance.kernel.clock import now
from governance.kernel.ids import from_opaque, opaque
from tests.integration.consent import arrange
from tests.integration.consent.arrange import STAFF, give, people, person, withdraw
from tests.integration.consent.test_api import pipeline

pytestmark = pytest.mark.django_db


@pytest.fixture
def call() -> Any:
    return pipeline("consent:read", "consent:write")


@pytest.fixture
def shown() -> Any:
    arrange.purpose()
    return arrange.notice()


def test_looking_keeps_nothing_and_says_the_same_as_asking(call: Any, shown: Any) -> None:
    subject = person()
    give(subject, shown)
    asked = {"subject": opaque("sub", subject), "purpose": "newsletter", "channel": "email"}
    status, seen = call("GET", "checks?" + "&".join(f"{name}={value}" for name, value in asked.items()))
    assert (status, seen["allowed"], seen["verdict"]) == (200, True, None)
    assert not ConsentVerdict.objects.exists()
    kept = call("POST", "checks", asked)[1]
    assert {**kept, "verdict": None, "at": 0} == {**seen, "at": 0}
    assert call("GET", "checks?purpose=newsletter&channel=email")[0] == 422
    assert call("GET", "checks?subject=x&purpose=newsletter&channel=email")[0] == 422
    assert call("GET", f"checks?subject={asked['subject']}&purpose=newsletter&channel=email&x=1")[0] == 422


def test_a_sender_claims_over_rest_and_keeps_the_verdicts(call: Any, shown: Any) -> None:
    yes, no = people(2)
    give(yes, shown)
    give(no, shown)
    withdraw(no)
    body = {
        "subjects": [opaque("sub", yes), opaque("sub", no)],
        "purpose": "newsletter",
        "channel": "email",
        "cited_for": "batch:7",
    }
    status, answer = call("POST", "claims", body)
    assert (status, list(answer["claims"]), answer["refused"]) == (
        200, [opaque("sub", yes)], {opaque("sub", no): "consent_withdrawn"},
    )  # fmt: skip
    assert citations.cited(from_opaque("vdt", answer["claims"][opaque("sub", yes)])).allowed
    assert answer["expires_at"] > now().isoformat()
    assert pipeline("consent:write")("POST", "claims", body)[0] == 403


def test_rows_are_imported_and_mistakes_come_back_by_number(call: Any, shown: Any) -> None:
    row = {"subject": opaque("sub", person()), "purpose": "newsletter", "channel": "email", "event": "given",
           "occurred_at": "2026-03-01T12:00:00Z"}  # fmt: skip
    body = {"rows": [row, row | {"channel": "fax"}], "dry_run": True}
    assert call("POST", "imports", body)[1]["recorded"] == 1
    status, report = call("POST", "imports", body | {"dry_run": False})
    assert (status, report["recorded"], [(one["row"], one["field"]) for one in report["refused"]]) == (
        200, 1, [(2, "channel"), (2, "channel")],
    )  # fmt: skip
    counts = call("GET", "report?purpose=newsletter")[1]["counts"]
    assert [(one["status"], one["people"]) for one in counts] == [("given", 1)]
    assert call("GET", "report?as_of=2026-01-01T00:00:00Z")[1]["counts"] == []


def test_lag_is_shown_and_a_system_settles(call: Any, shown: Any) -> None:
    propagation.register("crm", "webhook", "https://example.com/x", actor=STAFF)
    withdraw(person())
    (system,) = call("GET", "propagation")[1]["systems"]
    assert (system["system"], system["waiting"], system["overdue"]) == ("crm", 1, 0)
    assert call("POST", "propagation", {"reference": "chg_unknown"})[1] == {"settled": 0}


@pytest.mark.django_db(transaction=True)
def test_a_statement_that_finds_its_connection_dead_is_tried_once_more() -> None:
    assert prepared.fetch_all("SELECT 1", []) == [(1,)]
    connection.connection.close()  # as a restarted server leaves it
    assert prepared.fetch_all("SELECT 1", []) == [(1,)]
    with patch.object(connection, "ensure_connection", side_effect=OperationalError), pytest.raises(OperationalError):
        prepared.fetch_all("SELECT 1", [])
