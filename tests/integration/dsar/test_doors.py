"""The API and the console: who may what, and that neither shows anything personal."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from dsar import planning
from dsar.models import StaffReason, SubjectRequest
from dsar.references import reference
from dsar.states import Status
from governance.accounts import clients, staff
from governance.accounts.models import User
from governance.accounts.roles import Role
from governance.jobs.worker import drain
from governance.kernel import clock
from governance.kernel.actors import SYSTEM
from governance.kernel.ids import SubjectId
from tests.integration.dsar.conftest import Desk, code_in
from tests.people import ADA, ERIN, MARKO

pytestmark = pytest.mark.django_db
API = "/api/v1/dsar"


def key(*scopes: str) -> dict[str, str]:
    issued = clients.issue("tests", list(scopes), clock.now() + timedelta(days=1), SYSTEM)
    return {"Authorization": f"Bearer {issued.key_text}"}


@pytest.fixture
def writer() -> dict[str, str]:
    return key("dsar:read", "dsar:write")


def post(client: Client, path: str, body: dict[str, object], headers: dict[str, str]) -> object:
    return client.post(f"{API}{path}", body, content_type="application/json", headers=headers)


def test_a_request_is_opened_confirmed_planned_and_certified_over_the_api(
    client: Client, desk: Desk, erin: SubjectId, writer: dict[str, str]
) -> None:
    opened = post(client, "/requests", {"type": "erasure", "claims": {"email": ERIN.email}}, writer)
    assert opened.status_code == 201
    ref = opened.json()["reference"]
    drain()
    refused = post(client, f"/requests/{ref}/confirm", {"code": "00000000"}, writer)
    assert (refused.status_code, refused.json()["code"]) == (403, "code_refused")
    confirmed = post(client, f"/requests/{ref}/confirm", {"code": code_in(desk.outbox)}, writer)
    assert confirmed.json()["status"] == "assessing"
    dry = post(client, f"/requests/{ref}/dry-run", {}, writer).json()
    planned = post(client, f"/requests/{ref}/plan", {}, writer).json()
    assert [node["source"] for node in dry["plan"]["nodes"]] == [node["source"] for node in planned["plan"]["nodes"]]

    by_client = {"reason": "A pipeline may not.", "content_sha256": planned["plan"]["content_sha256"]}
    assert post(client, f"/requests/{ref}/approve", by_client, writer).status_code == 403
    request_id = SubjectRequest.objects.get().pk
    planning.approve(request_id, desk.dana, reason="Checked.")
    drain()

    shown = client.get(f"{API}/requests/{ref}", headers=writer)
    assert shown.json()["status"] == "responded"
    certificate = client.get(f"{API}/requests/{ref}/certificate", headers=writer).json()
    assert certificate["residual"] == 0
    anybody = post(client, "/certificates/verify", {"certificate": certificate["jws"]}, {})
    assert anybody.json()["verified"] is True
    forged = post(client, "/certificates/verify", {"certificate": certificate["jws"][:-30]}, {})
    assert (forged.status_code, forged.json()["code"]) == (422, "certificate_invalid")
    for answer in (opened, shown, confirmed):
        assert ERIN.email not in answer.content.decode()
        assert str(erin) not in answer.content.decode()


def test_scopes_are_asked_for(client: Client, desk: Desk, erin: SubjectId) -> None:
    ref = reference(desk.open())
    assert client.get(f"{API}/requests").status_code == 401
    assert client.get(f"{API}/requests", headers=key("consent:read")).status_code == 403
    reader = key("dsar:read")
    assert client.get(f"{API}/requests", headers=reader).status_code == 200
    for verb in ("confirm", "plan", "revoke", "refuse", "extend", "approve"):
        assert post(client, f"/requests/{ref}/{verb}", {}, reader).status_code == 403


def test_unknown_fields_and_types_are_refused(client: Client, db: None, writer: dict[str, str]) -> None:
    for body in (
        {"type": "erasure", "claims": {"email": ERIN.email}, "purge": True},
        {"type": "forget", "claims": {"email": ERIN.email}},
        {"type": "erasure", "claims": {"shoe_size": "42"}},
        {"type": "erasure", "claims": {}},
    ):
        assert post(client, "/requests", body, writer).status_code == 422
    assert client.get(f"{API}/requests/dsr_nonsense", headers=writer).status_code == 404


@pytest.fixture
def console(client: Client, desk: Desk) -> Client:
    client.force_login(User.objects.get(pk=desk.dana.id))
    return client


def test_dana_sees_the_queue_and_approves_with_a_reason(console: Client, desk: Desk, erin: SubjectId) -> None:
    request_id = desk.planned()
    queue = console.get(reverse("admin:dsar_subjectrequest_changelist"))
    assert "days left, on track" in queue.content.decode()
    detail = console.get(reverse("admin:dsar_subjectrequest_change", args=[request_id])).content.decode()
    assert "Approve the plan" in detail
    act = reverse("admin:dsar_subjectrequest_act", args=[request_id, "approve"])
    assert "Identity vault" in console.get(act).content.decode()
    assert console.post(act, {"text": ""}).status_code == 200
    assert Status(SubjectRequest.objects.get().status) is Status.PLANNED
    console.post(act, {"text": "Checked by me.", "seen_sha256": "0" * 64})
    assert Status(SubjectRequest.objects.get().status) is Status.PLANNED
    plan = planning.latest(request_id)
    assert plan is not None
    assert console.post(act, {"text": "Checked by me.", "seen_sha256": plan.content_sha256}).status_code == 302
    drain()
    assert Status(SubjectRequest.objects.get().status) is Status.RESPONDED
    assert b"Checked by me" not in bytes(StaffReason.objects.get().ciphertext)
    detail = console.get(reverse("admin:dsar_subjectrequest_change", args=[request_id])).content.decode()
    assert "Verified with key" in detail
    for page in (queue.content.decode(), detail):
        assert ERIN.email not in page
        assert ERIN.name not in page


def test_only_next_steps_that_lead_somewhere_are_offered(console: Client, desk: Desk, erin: SubjectId) -> None:
    request_id = desk.verified()
    detail = console.get(reverse("admin:dsar_subjectrequest_change", args=[request_id])).content.decode()
    assert "Plan the erasure …" in detail
    assert "Approve the plan …" not in detail
    assert "Answered on paper …" not in detail


@pytest.mark.parametrize(("person", "role"), [(ADA, Role.AUDITOR), (MARKO, Role.MARKETER)])
def test_nobody_else_acts(client: Client, desk: Desk, erin: SubjectId, person: object, role: Role) -> None:
    request_id = desk.planned()
    other = staff.enlist(person.email, roles_held=[role], actor=SYSTEM)
    client.force_login(User.objects.get(pk=other))
    for act in ("approve", "refuse", "extend"):
        answer = client.post(reverse("admin:dsar_subjectrequest_act", args=[request_id, act]), {"text": "legal_claims"})
        assert answer.status_code == 403
    assert Status(SubjectRequest.objects.get().status) is Status.PLANNED
