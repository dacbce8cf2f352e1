"""Service keys: shown once, bounded in scope and time, refused the same way whatever is wrong with them."""

import threading
from contextlib import suppress
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from rest_framework.test import APIClient

from governance.accounts import clients, roles, staff
from governance.accounts.errors import ClientUnknown, IssueRefused, KeyRefused
from governance.accounts.models import ServiceClient
from governance.accounts.roles import Role
from governance.kernel.actors import SYSTEM, Actor, ActorKind
from governance.kernel.clock import now
from governance.kernel.ids import opaque, uuid7
from tests.integration.accounts.log_reading import actions, facts_of

pytestmark = pytest.mark.django_db


def issued(*scopes: str, days: int = 30) -> clients.IssuedKey:
    return clients.issue("pipeline", scopes or ["events:write"], now() + timedelta(days=days), SYSTEM)


def asking_with(key: str) -> APIClient:
    client = APIClient()
    client.default_format = "json"
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
    return client


def test_a_key_opens_the_api_with_its_scopes_and_no_others() -> None:
    key = issued("accounts:read")
    assert asking_with(key.key_text).get("/api/v1/accounts/me").json() == {
        "actor": f"client:{key.client_id}",
        "scopes": ["accounts:read"],
    }
    assert asking_with(key.key_text).get("/api/v1/accounts/clients").status_code == 200
    refused = asking_with(key.key_text).post(
        f"/api/v1/accounts/clients/{opaque('cli', key.client_id)}/revoke", {"reason": "x"}
    )
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")


def test_a_key_without_the_scope_sees_nothing() -> None:
    answer = asking_with(issued("events:write").key_text).get("/api/v1/accounts/clients")
    assert answer.status_code == 403
    assert "results" not in answer.json()


def test_a_stranger_sees_nothing() -> None:
    for path in ("/api/v1/accounts/me", "/api/v1/accounts/clients"):
        answer = APIClient().get(path)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_the_key_is_not_in_the_database_nor_in_its_own_repr() -> None:
    key = issued()
    secret = key.key_text.split("_", 2)[2]
    assert secret not in repr(key)
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(c)::text, encode(key_mac, 'escape') FROM accounts_serviceclient c")
        assert not any(secret in column for row in cursor.fetchall() for column in row)


def wrong_keys(genuine: clients.IssuedKey) -> list[str]:
    head, prefix, secret = genuine.key_text.split("_", 2)
    return [
        "",
        "zg_",
        secret,
        f"{head}_{prefix}",
        f"{head}_{prefix}_",
        f"{head}_{prefix}_{secret[:-1]}",
        f"{head}_{prefix}_{secret}x",
        f"{head}_{prefix}_{secret[::-1]}",
        f"{head}_{'0' * 12}_{secret}",
        f"sk_{prefix}_{secret}",
        f"{head}_{prefix}_{'A' * 1_000_000}",
        f"{head}_{prefix}_{secret}\0",
        f"{head}_%_{secret}",
        f"{head}_{prefix}_ĄĘ{secret}",
    ]


def test_every_wrong_key_gets_the_same_answer() -> None:
    genuine = issued("accounts:read")
    expired, revoked = issued("accounts:read", days=1), issued("accounts:read")
    clients.revoke(revoked.client_id, actor=SYSTEM, reason="leaked")
    answers = set()
    with time_machine.travel(now() + timedelta(days=2), tick=False):
        for key in [*wrong_keys(genuine), expired.key_text, revoked.key_text]:
            with pytest.raises(KeyRefused) as refused:
                clients.authenticate(key)
            answers.add((refused.value.detail, tuple(refused.value.fields)))
        assert clients.authenticate(genuine.key_text).client_id == genuine.client_id
    assert len(answers) == 1


def test_every_refusal_costs_one_comparison_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []
    genuine = issued()
    compare = clients.hmac.compare_digest
    monkeypatch.setattr(clients.hmac, "compare_digest", lambda a, b: compared.append(len(b)) or compare(a, b))
    for key in [*wrong_keys(genuine), genuine.key_text]:
        compared.clear()
        with suppress(KeyRefused):
            clients.authenticate(key)
        assert compared == [32]


def test_a_digest_moved_to_another_row_opens_nothing() -> None:
    ours, theirs = issued("events:write"), issued("accounts:write")
    stolen = ServiceClient.objects.get(pk=ours.client_id).key_mac
    ServiceClient.objects.filter(pk=theirs.client_id).update(key_mac=stolen)
    secret = ours.key_text.split("_", 2)[2]
    with pytest.raises(KeyRefused):
        clients.authenticate(f"zg_{theirs.prefix}_{secret}")


def test_a_revoked_key_is_refused_by_the_next_request() -> None:
    key = issued("accounts:read")
    client = asking_with(key.key_text)
    assert client.get("/api/v1/accounts/me").status_code == 200
    clients.revoke(key.client_id, actor=SYSTEM, reason="leaked")
    assert client.get("/api/v1/accounts/me").status_code == 401


def test_revoking_twice_keeps_the_first_moment_and_an_unknown_client_is_named_as_such() -> None:
    key = issued()
    clients.revoke(key.client_id, actor=SYSTEM, reason="leaked")
    first = ServiceClient.objects.get(pk=key.client_id).revoked_at
    clients.revoke(key.client_id, actor=SYSTEM, reason="retired")
    assert ServiceClient.objects.get(pk=key.client_id).revoked_at == first
    assert actions("accounts.key_revoked") == 1
    with pytest.raises(ClientUnknown):
        clients.revoke(uuid7(), actor=SYSTEM, reason="retired")


def test_issue_use_refusal_and_revocation_leave_entries_without_the_key() -> None:
    key = issued("events:write")
    for _ in range(3):
        clients.authenticate(key.key_text)
    clients.revoke(key.client_id, actor=SYSTEM, reason="leaked")
    for _ in range(3):
        with pytest.raises(KeyRefused):
            clients.authenticate(key.key_text)
    counted = {kind: actions(f"accounts.key_{kind}") for kind in ("issued", "used", "refused", "revoked")}
    assert counted == {"issued": 1, "used": 1, "refused": 1, "revoked": 1}
    assert facts_of("accounts.key_issued")["scopes"] == ["events:write"]


def test_use_is_noted_again_after_an_hour() -> None:
    key = issued()
    with time_machine.travel(now(), tick=False) as clock:
        for minutes in (0, 30, 29, 1, 30, 29):
            clock.shift(timedelta(minutes=minutes))
            clients.authenticate(key.key_text)
    assert actions("accounts.key_used") == 2


def test_staff_hand_out_only_scopes_that_they_hold() -> None:
    eli = staff.enlist("eli@example.com", roles_held=[Role.ENGINEER], actor=SYSTEM)
    issuer = Actor(ActorKind.STAFF, str(eli))
    clients.issue("loader", ["events:write"], now() + timedelta(days=9), issuer)
    with pytest.raises(IssueRefused):
        clients.issue("loader", ["events:write", "dsar:write"], now() + timedelta(days=9), issuer)
    roles.withdraw(eli, Role.ENGINEER, actor=SYSTEM)
    with pytest.raises(IssueRefused):
        clients.issue("loader", ["events:write"], now() + timedelta(days=9), issuer)


@pytest.mark.parametrize("role", [Role.MARKETER, Role.AUDITOR])
def test_marketers_and_auditors_issue_no_keys(role: Role) -> None:
    someone = Actor(ActorKind.STAFF, str(staff.enlist("someone@example.com", roles_held=[role], actor=SYSTEM)))
    with pytest.raises(IssueRefused):
        clients.issue("loader", ["channels:read"], now() + timedelta(days=9), someone)


def test_a_client_does_not_beget_clients() -> None:
    key = issued("accounts:write")
    answer = asking_with(key.key_text).post(
        "/api/v1/accounts/clients",
        {"name": "child", "scopes": ["accounts:write"], "expires_at": now() + timedelta(days=3)},
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "key_issue_refused")


def test_unknown_fields_and_scopes_are_refused_with_pointers() -> None:
    key = issued("accounts:write")
    answer = asking_with(key.key_text).post(
        "/api/v1/accounts/clients", {"name": "x", "scopes": ["a:b"], "expiry": "never"}
    )
    assert answer.status_code == 422
    assert {"/expiry"} <= {error["pointer"] for error in answer.json()["errors"]}


# Threads need committed rows, so this test uses a real (flushed) database.
@pytest.mark.django_db(transaction=True)
def test_eight_first_uses_at_once_leave_one_entry() -> None:
    key = issued()
    start = threading.Barrier(8)
    accepted: list[object] = []

    def use() -> None:
        try:
            start.wait()
            accepted.append(clients.authenticate(key.key_text).client_id)
        finally:
            connection.close()

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert accepted == [key.client_id] * 8
    assert actions("accounts.key_used") == 1
