"""Looking at the gate with a key that the process knows: one statement, and a key that does not hold any more opens nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from django.db import OperationalError, connection, connections
from django.test import Client

from consent import spool
from governance.accounts import clients, recognition
from governance.accounts.models import ServiceClient
from governance.kernel import prepared
from governance.kernel.actors import SYSTEM
from governance.kernel.clock import now
from governance.kernel.ids import opaque
from tests.integration.consent import arrange
from tests.integration.consent.arrange import give, person

pytestmark = pytest.mark.django_db
GOOD = {"purpose": "newsletter", "channel": "email"}


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    recognition._remembered.clear()
    yield
    recognition._remembered.clear()


@pytest.fixture
def key() -> clients.IssuedKey:
    return clients.issue("pipeline", ["consent:read"], now() + timedelta(days=1), actor=SYSTEM)


def allowed() -> str:
    """Somebody who consented."""
    arrange.purpose()
    subject = person()
    give(subject, arrange.notice())
    return opaque("sub", subject)


def look(key_text: str, **asked: str) -> int:
    answer = Client().get("/api/v1/consent/checks", asked, headers={"Authorization": f"Bearer {key_text}"})
    assert answer.status_code != 200 or answer.json()["allowed"]
    return int(answer.status_code)


def test_a_known_key_and_the_gate_are_one_statement(key: clients.IssuedKey, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = allowed()
    assert [look(key.key_text, subject=subject, **GOOD) for _ in range(2)] == [200, 200]  # the second: use was noted
    asked: list[str] = []
    fetch_all = prepared.fetch_all
    monkeypatch.setattr(
        prepared, "fetch_all", lambda statement, values: asked.append(statement) or fetch_all(statement, values)
    )
    assert [look(key.key_text, subject=subject, **GOOD) for _ in range(3)] == [200] * 3
    assert len(asked) == 3
    assert len(set(asked)) == 1


CHANGES: dict[str, tuple[Callable[[clients.IssuedKey], Any], int]] = {
    "revoked": (lambda key: clients.revoke(key.client_id, actor=SYSTEM, reason="leaked"), 401),
    "ended": (lambda key: ServiceClient.objects.filter(pk=key.client_id).update(expires_at=now()), 401),
    "gone": (lambda key: ServiceClient.objects.filter(pk=key.client_id).delete(), 401),
    "another key": (lambda key: ServiceClient.objects.filter(pk=key.client_id).update(key_mac=bytes(32)), 401),
    "less": (lambda key: ServiceClient.objects.filter(pk=key.client_id).update(scopes=["events:write"]), 403),
}


ASKED: tuple[dict[str, str], ...] = (
    {"purpose": "nothing", "channel": "email"},
    {"purpose": "newsletter", "channel": "pigeon"},
    {"purpose": "newsletter"},
    GOOD,
)


@pytest.mark.parametrize("change", CHANGES)
def test_a_key_that_does_not_hold_any_more_is_refused_whatever_is_asked(key: clients.IssuedKey, change: str) -> None:
    subject = allowed()
    assert [look(key.key_text, subject=subject, **GOOD) for _ in range(2)] == [200, 200]
    alter, status = CHANGES[change]
    known = dict(recognition._remembered)
    alter(key)
    for asked in ASKED:
        for named in (subject, "nobody"):
            recognition._remembered.update(known)  # as it is in a process that has not heard of it
            assert look(key.key_text, subject=named, **asked) == status


def test_a_key_runs_out_at_its_instant(key: clients.IssuedKey) -> None:
    subject = allowed()
    assert look(key.key_text, subject=subject, **GOOD) == 200
    with time_machine.travel(key.expires_at, tick=False):
        assert look(key.key_text, subject=subject, **GOOD) == 401


def test_more_scopes_are_seen_at_once(key: clients.IssuedKey) -> None:
    subject = allowed()
    ServiceClient.objects.filter(pk=key.client_id).update(scopes=["events:write"])
    assert look(key.key_text, subject=subject, **GOOD) == 403
    ServiceClient.objects.filter(pk=key.client_id).update(scopes=["consent:read"])
    assert look(key.key_text, subject=subject, **GOOD) == 200


def test_only_the_very_key_is_known(key: clients.IssuedKey) -> None:
    subject = allowed()
    assert look(key.key_text, subject=subject, **GOOD) == 200
    for wrong in (key.key_text[:-1], key.key_text + "0", key.key_text.swapcase(), f"zg_{key.prefix}_x", ""):
        assert look(wrong, subject=subject, **GOOD) == 401
    assert key.key_text not in repr(recognition._remembered)
    assert key.key_text not in repr(recognition.recognise(key.key_text, "consent:read"))


def test_without_the_database_a_known_key_opens_nothing(key: clients.IssuedKey) -> None:
    subject = allowed()
    assert look(key.key_text, subject=subject, **GOOD) == 200
    with patch.object(prepared, "_fetch_all", side_effect=OperationalError), pytest.raises(OperationalError):
        look(key.key_text, subject=subject, **GOOD)


def test_a_revoked_key_does_not_learn_that_withdrawals_wait(key: clients.IssuedKey) -> None:
    subject = allowed()
    assert look(key.key_text, subject=subject, **GOOD) == 200
    with patch.object(spool, "pending", return_value=1):
        assert look(key.key_text, subject=subject, **GOOD) == 503
        clients.revoke(key.client_id, actor=SYSTEM, reason="leaked")
        assert look(key.key_text, subject=subject, **GOOD) == 401


def test_what_keeps_a_verdict_looks_the_key_up_in_full(key: clients.IssuedKey) -> None:
    subject = allowed()
    assert look(key.key_text, subject=subject, **GOOD) == 200
    with patch.object(clients, "accept", wraps=clients.accept) as full:
        answer = Client().post(
            "/api/v1/consent/checks", {"subject": subject, **GOOD}, content_type="application/json",
            headers={"Authorization": f"Bearer {key.key_text}"},
        )  # fmt: skip
    assert (answer.status_code, full.call_count) == (200, 1)


def test_few_keys_are_remembered_and_not_for_long(key: clients.IssuedKey) -> None:
    others = [clients.issue("p", ["consent:read"], now() + timedelta(days=1), actor=SYSTEM) for _ in range(3)]
    with patch.object(recognition, "MOST", 2):
        for one in others:
            recognition.recognise(one.key_text, "consent:read")
        assert len(recognition._remembered) == 2
    with patch.object(recognition, "LASTS", -1.0):
        recognition.recognise(key.key_text, "consent:read")
    with patch.object(clients, "accept", wraps=clients.accept) as full:
        recognition.recognise(key.key_text, "consent:read")
        recognition.recognise(key.key_text, "consent:read")
    assert full.call_count == 1


@pytest.mark.slow  # real connections, and the tables emptied after
@pytest.mark.django_db(transaction=True)
def test_no_look_that_began_after_a_revocation_is_answered() -> None:
    key = clients.issue("pipeline", ["consent:read"], now() + timedelta(days=1), actor=SYSTEM)
    subject = allowed()
    seen: list[tuple[float, int]] = []
    revoked: list[float] = []

    looked = threading.Event()

    def looking() -> None:
        try:
            after = 0
            while after < 20:
                after += bool(revoked)
                began = time.monotonic()
                seen.append((began, look(key.key_text, subject=subject, **GOOD)))
                looked.set()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=looking) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert looked.wait(240)
    clients.revoke(key.client_id, actor=SYSTEM, reason="leaked")
    revoked.append(time.monotonic())
    for thread in threads:
        thread.join(240)
    assert {status for began, status in seen if began > revoked[0]} == {401}
    assert 200 in {status for began, status in seen if began < revoked[0]}
    assert connection.is_usable()
