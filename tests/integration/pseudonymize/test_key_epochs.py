"""The epoch rule, usage limits, and what a wrapped key is bound to."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import time_machine
from django.db import connection, transaction

from governance.jobs.models import Job
from governance.jobs.worker import drain
from governance.kernel import crypto
from governance.kernel.clock import now
from governance.kernel.crypto import SealBroken
from governance.kernel.ids import SubjectId, uuid7
from pseudonymize import domains, keys, policies, tasks, vault
from pseudonymize.errors import DomainMismatch, KeyDestroyed, KeyExhausted, KeyInUse, SubjectForgotten
from pseudonymize.keys import limits, masters, subject_keys, usage, wrapping
from pseudonymize.kits import leases
from pseudonymize.models import Domain, KeyEncryptionKey, KeyStatus, KeyUsage, MasterKey, SubjectKey
from pseudonymize.policies.policy import DomainTerms
from pseudonymize.runs import files
from pseudonymize.vault import IdentifierKind as K
from pseudonymize.vault import identifiers
from tests.integration.pseudonymize.arranging import IMPORTER, enrolled, invariants_hold
from tests.integration.pseudonymize.tables import apply, policy, table
from tests.people import ALICE, BOB, ERIN

DAY = timedelta(days=1)


def drained() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    done = drain(kinds=[usage.ROTATE, usage.NEXT_EPOCH])
    assert (done.failed, done.dead) == (0, 0)


@pytest.mark.django_db
def test_the_calendar_makes_yesterdays_key_store_useless_for_who_was_forgotten(settings: Any) -> None:
    """A backup of the whole key store, restored after the epochs have passed, opens nobody who was erased; the living are read on."""
    erin, alice = enrolled(ERIN, ALICE)
    with connection.cursor() as cursor:
        for name in ("subject_key", "key_encryption_key", "subject_identifier"):
            cursor.execute(f"CREATE TEMPORARY TABLE old_{name} AS SELECT * FROM pseudonymize_{name}")
    vault.forget(erin, actor=IMPORTER, reason="erasure")

    for turn in (1, 2, 3):
        with time_machine.travel(now() + turn * (settings.ZGODA_KEY_EPOCH_DAYS + 1) * DAY, tick=True):
            tasks.start_epoch()
            drained()
    assert [(state.version, state.status) for state in keys.states()] == [
        (1, "destroyed"),
        (2, "destroyed"),
        (3, "decrypt_only"),
        (4, "active"),
    ]

    with connection.cursor() as cursor:  # the backup comes back
        cursor.execute("SELECT wrapped FROM old_subject_key WHERE subject_id = %s", [erin])
        wrapped = bytes(cursor.fetchone()[0])
        cursor.execute(
            "UPDATE pseudonymize_key_encryption_key k SET status = o.status, destroyed_at = NULL, wrapped = o.wrapped "
            "FROM old_key_encryption_key o WHERE o.version = k.version AND k.version = 1 AND o.status <> 'active'"
        )
        cursor.execute(
            "UPDATE pseudonymize_key_encryption_key k SET status = 'decrypt_only', destroyed_at = NULL, wrapped = o.wrapped "
            "FROM old_key_encryption_key o WHERE o.version = k.version AND k.version = 1"
        )
    keys.forget_cached()
    with pytest.raises((keys.kek.epoch_keys.KeyNotHeld, KeyDestroyed)):
        wrapping.unwrap([wrapping.of_subject(erin, 1, wrapped)])
    KeyEncryptionKey.objects.filter(version=1).update(status=KeyStatus.DESTROYED, destroyed_at=now())
    with transaction.atomic():
        assert vault.read([alice], [K.EMAIL], purpose="test", actor=IMPORTER)[alice] == {K.EMAIL: ALICE.email}
    assert invariants_hold()


@pytest.mark.django_db
def test_the_calendar_leaves_a_young_epoch_alone_and_asks_once() -> None:
    enrolled(ALICE)
    tasks.start_epoch()
    assert not Job.objects.filter(kind=usage.ROTATE).exists()
    with time_machine.travel(now() + 8 * DAY, tick=True):
        tasks.start_epoch()
        tasks.start_epoch()
    assert Job.objects.filter(kind=usage.ROTATE).count() == 1


@pytest.mark.django_db(transaction=True)  # keys are counted when their transaction commits
def test_at_half_of_the_limit_the_key_encryption_key_rotates_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "GCM_MESSAGES", 8)
    enrolled(ALICE)
    wraps = KeyEncryptionKey.objects.get(version=1).wraps
    assert wraps == 1 + MasterKey.objects.count()
    assert not Job.objects.filter(kind=usage.ROTATE).exists()
    enrolled(BOB, ERIN)
    assert KeyEncryptionKey.objects.get(version=1).wraps == wraps + 2 >= 4
    # Four keys are half of this limit again as soon as they are wrapped anew: the next version gets the real one.
    monkeypatch.undo()

    drained()

    assert KeyEncryptionKey.objects.get(status=KeyStatus.ACTIVE).version == 2
    assert not SubjectKey.objects.filter(kek_version=1).exists()


@pytest.mark.django_db
def test_at_half_of_the_limit_a_domain_gets_its_next_epoch_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        domains.ensure(DomainTerms(name, "model_training"), actor=IMPORTER)
    assert (limits.GCM_MESSAGES, limits.SIV_BLOCKS, limits.MAC_BLOCKS) == (2**32, 2**48, 2**48)
    half = limits.rotate_at(limits.SIV_BLOCKS)
    assert usage.encrypted("domain:one", 1, "siv", half - 1) == half - 1
    assert usage.encrypted("domain:one", 1, "mac", 5) == 5
    drained()
    assert domains.get("one").epoch == 1
    assert usage.encrypted("domain:one", 1, "siv", 1) == half
    usage.encrypted("domain:one", 1, "siv", 1)

    drained()

    assert (domains.get("one").epoch, domains.get("two").epoch) == (2, 1)
    domains.leave_epoch("domain:one", 1, actor=IMPORTER)  # late or twice: nothing
    assert domains.get("one").epoch == 2
    assert KeyUsage.objects.count() == 2


def used() -> dict[str, int]:
    return dict(KeyUsage.objects.filter(name="domain:ml", epoch=1).values_list("kind", "blocks"))


COSTLY = """\
version: 1
domain: {id: ml, purpose: model_training}
columns:
  a: {transform: token_mac, class: a}
  b: {transform: token_siv, class: b}
  c: {transform: fpe_ff1, class: c}
  d: {transform: replace_synthetic, kind: name, class: d}
"""


def costly(rows: int = 100) -> pa.Table:
    texts = [f"{row:016d}" * 4 for row in range(rows)]
    return pa.table({"a": texts, "b": pa.array(texts).dictionary_encode(), "c": texts, "d": texts})


@pytest.mark.django_db
def test_every_way_through_a_policy_is_counted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = policies.load(COSTLY)
    apply(costly(), rules)
    first = used()
    # 64 bytes are four blocks and one of padding; SIV works them twice, FF1 in ten rounds.
    assert min(first.values()) >= 100 * 5
    assert first["siv"] >= 2 * 100 * 5
    assert first["ff1"] >= 10 * 100 * 4
    assert set(first) == {"mac", "siv", "ff1", "synthetic"}

    monkeypatch.setattr("pseudonymize.runs.files.BATCH_ROWS", 7)
    pq.write_table(costly(), tmp_path / "in.parquet")
    for workers in (1, 2):
        files.apply(
            rules, tmp_path / "in.parquet", tmp_path / "out.parquet", actor=IMPORTER, activity="test", workers=workers
        )
    assert used() == {kind: 3 * blocks for kind, blocks in first.items()}

    leases.issue(rules, actor=IMPORTER, lasts=timedelta(seconds=60))
    assert all(used()[kind] > 3 * blocks + 59 * limits.LENT_BLOCKS_A_SECOND for kind, blocks in first.items())


@pytest.mark.django_db
def test_a_key_that_has_worked_enough_works_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = policies.load(COSTLY)
    monkeypatch.setitem(limits.BLOCKS, "siv", 10_000)
    apply(costly(), rules)
    assert not Job.objects.filter(kind=usage.NEXT_EPOCH).exists()
    while used()["siv"] < 10_000:
        done = apply(costly(), rules)  # nothing drains the job that would end the epoch: the worker is down
        assert done.manifest.statement["domain"]["epoch"] == 1
    assert Job.objects.filter(kind=usage.NEXT_EPOCH).count() == 1

    pq.write_table(costly(), tmp_path / "in.parquet")
    ways = [
        lambda: apply(costly(), rules),
        lambda: files.apply(rules, tmp_path / "in.parquet", tmp_path / "out.parquet", actor=IMPORTER, activity="test"),
        lambda: leases.issue(rules, actor=IMPORTER),
    ]
    for way in ways:
        with pytest.raises(KeyExhausted) as refused:
            way()
        assert refused.value.fields == {"kinds": ["siv"], "epoch": 1}

    drained()
    assert apply(costly(), rules).manifest.statement["domain"]["epoch"] == 2


@pytest.mark.django_db
@pytest.mark.parametrize("field", ["kind", "subject", "version", "record", "key"])
def test_a_wrapped_subject_key_opens_nowhere_else(field: str) -> None:
    alice, bob = enrolled(ALICE, BOB)
    keys.rotate(actor=IMPORTER)
    row = SubjectKey.objects.get(subject=alice)
    right = wrapping.of_subject(alice, 1, bytes(row.wrapped))
    assert len(wrapping.unwrap([right])[0]) == 32
    wrong = {
        "kind": wrapping.Wrapped(1, right.record, (b"master-key", alice.bytes)),
        "subject": wrapping.of_subject(bob, 1, right.record),
        "version": wrapping.of_subject(alice, 2, right.record),
        "record": wrapping.of_subject(alice, 1, right.record[:-1] + bytes([right.record[-1] ^ 1])),
        "key": wrapping.of_master("index", 1, 1, right.record),
    }[field]
    with pytest.raises(SealBroken):
        wrapping.unwrap([wrong])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "epoch", "version"), [("suppression", 1, 1), ("index", 2, 1), ("inde", 1, 1), ("index", 1, 2)]
)
def test_a_wrapped_master_opens_under_its_own_name_and_epoch_only(name: str, epoch: int, version: int) -> None:
    master = masters.ensure("index")
    keys.rotate(actor=IMPORTER)
    record = bytes(MasterKey.objects.get(name="index").wrapped)
    assert wrapping.unwrap([wrapping.of_master("index", 1, 1, record)]) == [master]
    with pytest.raises(SealBroken):
        wrapping.unwrap([wrapping.of_master(name, epoch, version, record)])


@pytest.mark.django_db
@pytest.mark.parametrize("moved", ["subject", "kind", "row"])
def test_an_identifiers_ciphertext_opens_in_its_own_row_only(moved: str) -> None:
    (alice,) = enrolled(ALICE)
    key = subject_keys.require([alice])[alice]
    (row,) = identifiers.stored([alice], [K.EMAIL])
    right: dict[str, Any] = {"subject": alice, "kind": K.EMAIL, "row": row.id}
    assert crypto.unseal(key, row.ciphertext, identifiers.associated(*right.values())) == ALICE.email.encode()
    right[moved] = {"subject": SubjectId(uuid7()), "kind": K.NAME, "row": uuid7()}[moved]
    with pytest.raises(SealBroken):
        crypto.unseal(key, row.ciphertext, identifiers.associated(*right.values()))


@pytest.mark.django_db
def test_an_erased_person_never_gets_a_key_again() -> None:
    (erin,) = enrolled(ERIN)
    vault.forget(erin, actor=IMPORTER, reason="erasure")
    with pytest.raises(SubjectForgotten):
        vault.seal_for(erin, "events", b"x")
    with (
        pytest.raises(Exception, match="subject_key"),
        transaction.atomic(),
    ):  # the table's own refusal: one key per subject
        subject_keys.issue([erin], now())
    assert SubjectKey.objects.get(subject=erin).wrapped is None


@pytest.mark.django_db
def test_a_prepared_epoch_waits_and_a_destroyed_one_makes_no_token_again() -> None:
    first = apply(table(), policy("shop"))
    assert domains.prepare_epoch("shop", actor=IMPORTER) == domains.prepare_epoch("shop", actor=IMPORTER) == 2
    before = keys.domain_key("shop", "mac", "email")
    assert [(e.epoch, e.status, e.outputs) for e in domains.epochs("shop")] == [(1, "active", 1), (2, "next", 0)]

    assert domains.next_epoch("shop", actor=IMPORTER) == 2
    assert keys.domain_key("shop", "mac", "email") != before
    assert keys.domain_key("shop", "mac", "email", epoch=1) == before
    assert [(e.epoch, e.status) for e in domains.epochs("shop")] == [(1, "decrypt_only"), (2, "active")]

    with pytest.raises(KeyInUse) as refused:
        domains.destroy_epoch("shop", 1, actor=IMPORTER)
    assert refused.value.fields["outputs"] == 1
    with pytest.raises(KeyInUse):
        domains.destroy_epoch("shop", 2, actor=IMPORTER, abandon=True)
    domains.destroy_epoch("shop", 1, actor=IMPORTER, abandon=True)
    domains.destroy_epoch("shop", 1, actor=IMPORTER, abandon=True)

    with pytest.raises(KeyDestroyed):
        keys.domain_key("shop", "mac", "email", epoch=1)
    assert [e.status for e in domains.epochs("shop")] == ["destroyed", "active"]
    assert apply(table(), policy("shop")).table["email"] != first.table["email"]
    assert invariants_hold()


@pytest.mark.django_db
def test_a_domain_keeps_to_one_version_of_a_canonical_form_until_it_adopts_another() -> None:
    terms = DomainTerms("shop", "model_training")
    domains.ensure(terms, actor=IMPORTER, canonicalisers=["email@1", "id@1"])
    domains.ensure(terms, actor=IMPORTER, canonicalisers=["email@1", "e164@1"])
    with pytest.raises(DomainMismatch):
        domains.ensure(terms, actor=IMPORTER, canonicalisers=["email@2"])

    assert domains.adopt_canonicaliser("shop", "email@2", actor=IMPORTER) == 2

    domains.ensure(terms, actor=IMPORTER, canonicalisers=["email@2"])
    assert Domain.objects.get().canonicalisers == ["e164@1", "email@2", "id@1"]


@pytest.mark.django_db
def test_a_domain_is_described_and_never_given_another_purpose() -> None:
    domains.ensure(DomainTerms("shop", "model_training"), actor=IMPORTER)
    domains.describe(
        "shop", actor=IMPORTER, controller="Example Retail", datasets=["orders"], excluded_attackers="the public"
    )
    row = domains.describe("shop", actor=IMPORTER, retention_days=30)
    assert (row.controller, row.datasets, row.excluded_attackers, row.retention_days, row.purpose) == (
        "Example Retail",
        ["orders"],
        "the public",
        30,
        "model_training",
    )
