"""The explorer in the console: entries by transaction, one entry with its proof, verification that streams; and who must see nothing."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from audit import models
from audit.publication import receipts
from governance.accounts.models import User
from tests.integration.audit.arrange import unguarded, write_log


@pytest.fixture
def ada(db) -> Client:
    member = User.objects.create(email="ada@example.com", is_staff=True, is_active=True)
    member.user_permissions.add(Permission.objects.get(codename="view_entry", content_type__app_label="audit"))
    client = Client()
    client.force_login(member)
    return client


def test_entries_stand_by_transaction_and_filters_narrow_them(ada: Client):
    ids = write_log(3, 2)
    page = ada.get("/console/log/entries/").content.decode()
    groups = set(models.Entry.objects.values_list("transaction_id", flat=True))
    assert all(page.count(f'data-transaction="{group}"') == 1 for group in groups)
    assert all(str(entry) in page for entry in ids)
    assert str(ids[0]) in ada.get("/console/log/entries/?action=consent.&object=consent_event:0").content.decode()
    assert "No entry fits" in ada.get("/console/log/entries/?action=consent.withdrawn").content.decode()
    assert "No entry fits" in ada.get("/console/log/entries/?before=nonsense").content.decode()
    assert str(ids[1]) not in ada.get(f"/console/log/entries/?before={ids[1]}").content.decode().partition("<table")[2]


def test_an_entry_shows_its_bytes_hash_and_proof(ada: Client):
    (first, *_) = write_log(5)
    page = ada.get(f"/console/log/entries/{first}/").content.decode()
    proof = receipts.receipt(first)
    assert all(hash_.hex() in page for hash_ in proof.proof)
    assert bytes(models.Entry.objects.get(pk=first).leaf_hash).hex() in page
    assert "c2sp.org/tlog-proof@v1" in page


def test_an_entry_that_somebody_spoilt_is_shown_as_it_is(ada: Client):
    (first, *_) = write_log(5)
    unguarded("UPDATE audit_entry SET header = 'no json' WHERE id = %s", first)
    answer = ada.get(f"/console/log/entries/{first}/")
    assert answer.status_code == 200
    assert "no json" in answer.content.decode()


def test_whoever_may_not_see_the_log_sees_nothing_of_it(db):
    marko = Client()
    marko.force_login(User.objects.create(email="marko@example.com", is_staff=True, is_active=True))
    (first, *_) = write_log(2)
    for path in ("/console/log/entries/", f"/console/log/entries/{first}/"):
        assert marko.get(path).status_code == 403
        assert Client().get(path).status_code == 302
    assert marko.post("/console/log/verify/").status_code == 403


@pytest.mark.django_db(transaction=True)
def test_verification_streams_its_progress_and_keeps_its_result():
    chief = Client()
    chief.force_login(User.objects.create(email="dana@example.com", is_staff=True, is_active=True, is_superuser=True))
    write_log(20)
    answer = chief.post("/console/log/verify/")
    lines = [json.loads(line) for line in b"".join(answer.streaming_content).splitlines()]
    assert lines[-1]["report"]["verified"] is True
    assert any("done" in line for line in lines[:-1])
    assert models.Entry.objects.filter(action="log.verified").exists()
    assert 'data-stream="/console/log/verify/"' in chief.get("/console/log/").content.decode()
