"""Keys: versions, rewrapping, destruction, domains."""

from __future__ import annotations

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from governance.kernel import secret_files
from pseudonymize import domains, keys, vault
from pseudonymize.errors import (
    DomainMismatch,
    DomainUnknown,
    KeyInUse,
    KeyProviderUnavailable,
)
from pseudonymize.keys import forget_cached, masters
from pseudonymize.keys.cache import keys as key_cache
from pseudonymize.models import Domain, KeyEncryptionKey, MasterKey, SubjectKey
from pseudonymize.policies.policy import DomainTerms
from pseudonymize.vault import IdentifierKind, Identity
from tests.integration.pseudonymize.arranging import IMPORTER, enrolled, identity_of, invariants_hold
from tests.people import ALICE, SUBJECTS

K = IdentifierKind


def read_everything(subjects: list) -> dict:
    with transaction.atomic():
        return vault.read(subjects, list(K), purpose="test", actor=IMPORTER)


@pytest.mark.django_db
def test_rewrapping_keeps_everything_readable_and_the_old_version_can_go(settings: Any) -> None:
    subjects = enrolled(*SUBJECTS)
    before = read_everything(subjects)
    record = vault.seal_for(subjects[0], "consent.evidence", b"secret")
    domain = domains.ensure(DomainTerms("ml", "model_training"), actor=IMPORTER)
    token_key = keys.domain_key("ml", "mac", "email")

    assert keys.rotate(actor=IMPORTER) == 2
    with pytest.raises(KeyInUse):
        keys.destroy_version(1, actor=IMPORTER)
    seen: list[tuple[int, int]] = []
    moved = keys.rewrap(actor=IMPORTER, batch=3, progress=lambda done, total: seen.append((done, total)))
    assert moved == len(SUBJECTS) + MasterKey.objects.count()
    assert seen[-1] == (moved, moved)
    keys.destroy_version(1, actor=IMPORTER)
    forget_cached()

    assert not list(Path(settings.ZGODA_KEYS_DIR).glob("pseudonymize-kek-0001"))
    assert read_everything(subjects) == before
    assert vault.open_for(subjects[0], "consent.evidence", record) == b"secret"
    assert vault.find_subject(K.EMAIL, ALICE.email) == subjects[0]
    assert keys.domain_key("ml", "mac", "email") == token_key
    assert domain.epoch == 1
    assert [(state.version, state.status, state.subject_keys) for state in keys.states()] == [
        (1, "destroyed", 0),
        (2, "active", len(SUBJECTS)),
    ]
    assert vault.enrol([identity_of(ALICE)], actor=IMPORTER, source="crm").subjects == [subjects[0]]
    assert keys.rewrap(actor=IMPORTER) == 0
    assert invariants_hold()


@pytest.mark.django_db
def test_the_command_rotates_rewraps_and_destroys() -> None:
    subjects = enrolled(*SUBJECTS)
    before = read_everything(subjects)
    out = io.StringIO()
    call_command("rotate_keys", stdout=out)
    call_command("rotate_keys", "--destroy-old", stdout=out)
    call_command("rotate_keys", "--resume", stdout=out)

    assert "Version 3 of the key-encryption key is current." in out.getvalue()
    assert "Version 1 destroyed." in out.getvalue()
    assert [(state.version, state.status) for state in keys.states()] == [
        (1, "destroyed"),
        (2, "destroyed"),
        (3, "active"),
    ]
    assert read_everything(subjects) == before


@pytest.mark.django_db
def test_the_current_version_cannot_be_destroyed() -> None:
    enrolled(ALICE)
    with pytest.raises(KeyInUse):
        keys.destroy_version(1, actor=IMPORTER)
    keys.destroy_version(7, actor=IMPORTER)  # never was: nothing to do


@pytest.mark.django_db
def test_lost_key_files_stop_the_vault_instead_of_starting_a_second_one(settings: Any, tmp_path: Path) -> None:
    (alice,) = enrolled(ALICE)
    settings.ZGODA_KEYS_DIR = tmp_path / "other"
    secret_files.forget_cache()
    forget_cached()

    with pytest.raises(KeyProviderUnavailable):
        vault.enrol([Identity({K.EMAIL: "new@example.com"})], actor=IMPORTER, source="crm")
    with pytest.raises(KeyProviderUnavailable):
        read_everything([alice])
    keys.provider().create(1)  # somebody makes a fresh key under the old name
    with pytest.raises(KeyProviderUnavailable):
        keys.rotate(actor=IMPORTER)
    with pytest.raises(KeyProviderUnavailable):
        read_everything([alice])


@pytest.mark.django_db
def test_no_key_lies_in_the_database_or_in_a_repr() -> None:
    (alice,) = enrolled(ALICE)
    kek = next(Path(keys.provider()._path("pseudonymize-kek-0001")).parent.glob("pseudonymize-kek-0001")).read_bytes()  # type: ignore[attr-defined]
    master = masters.ensure(masters.INDEX)
    subject_key = next(iter(key_cache.get_many([]).values()), None)
    assert subject_key is None
    secrets = [kek, master, masters.ensure_index_keys([K.EMAIL])[K.EMAIL]]
    for model in (SubjectKey, MasterKey, KeyEncryptionKey):
        for row in model.objects.values_list():
            line = b"|".join(bytes(v) if isinstance(v, bytes | memoryview) else str(v).encode() for v in row)
            assert not [secret for secret in secrets if secret in line or secret.hex().encode() in line]
    shown = repr(key_cache) + repr(keys.provider()) + repr(SubjectKey.objects.get(subject=alice))
    assert not [secret for secret in secrets if secret.hex() in shown or repr(secret) in shown]


@pytest.mark.django_db
def test_two_domains_have_different_keys_and_a_join_group_shares_them() -> None:
    for terms in [
        DomainTerms("one", "model_training"),
        DomainTerms("two", "model_training"),
        DomainTerms("three", "analytics", join_group="crm"),
        DomainTerms("four", "reporting", join_group="crm"),
    ]:
        domains.ensure(terms, actor=IMPORTER)

    made = {name: keys.domain_key(name, "mac", "email") for name in ("one", "two", "three", "four")}

    assert made["three"] == made["four"]
    assert len(set(made.values())) == 3
    assert keys.domain_key("one", "mac", "phone") != made["one"]
    assert keys.domain_key("one", "siv", "email") != made["one"]
    assert keys.domain_key("one", "mac", "email") == made["one"]
    assert all(len(key) == 32 for key in made.values())
    with pytest.raises(DomainUnknown):
        keys.domain_key("five", "mac", "email")


@pytest.mark.django_db
def test_a_new_epoch_changes_the_keys_of_the_whole_join_group() -> None:
    for name in ("three", "four"):
        domains.ensure(DomainTerms(name, "analytics", join_group="crm"), actor=IMPORTER)
    before = keys.domain_key("three", "mac", "email")

    assert domains.next_epoch("three", actor=IMPORTER) == 2

    after = keys.domain_key("three", "mac", "email")
    assert after != before
    assert keys.domain_key("four", "mac", "email") == after
    assert keys.domain_key("three", "mac", "email", epoch=1) == before
    late = domains.ensure(DomainTerms("five", "analytics", join_group="crm"), actor=IMPORTER)
    assert late.epoch == 2
    assert keys.domain_key("five", "mac", "email") == after


@pytest.mark.django_db
def test_a_domain_does_not_slide_into_another_purpose() -> None:
    domains.ensure(DomainTerms("ml", "model_training"), actor=IMPORTER)
    with pytest.raises(DomainMismatch):
        domains.ensure(DomainTerms("ml", "profiling"), actor=IMPORTER)
    with pytest.raises(DomainMismatch):
        domains.ensure(DomainTerms("ml", "model_training", join_group="crm"), actor=IMPORTER)
    domains.ensure(DomainTerms("ml", "model_training", recipients=("data science",), retention_days=90), actor=IMPORTER)
    row = Domain.objects.get(key="ml")
    assert (row.recipients, row.retention_days) == (["data science"], 90)


@pytest.mark.django_db(transaction=True)
def test_everybody_who_comes_first_agrees_on_the_first_keys() -> None:
    start = threading.Barrier(6)

    def first(turn: int) -> bytes:
        try:
            start.wait()
            vault.enrol([Identity({K.EMAIL: f"first{turn}@example.com"})], actor=IMPORTER, source="crm")
            with transaction.atomic():
                return masters.ensure(masters.INDEX)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(first, range(6)))

    assert len(set(made)) == 1
    assert KeyEncryptionKey.objects.count() == 1
    assert all(vault.find_subject(K.EMAIL, f"first{turn}@example.com") for turn in range(6))


@pytest.mark.slow  # four rotations under load
@pytest.mark.django_db(transaction=True)
def test_rotation_and_destruction_during_enrolments_lose_nobody() -> None:
    """Enrolments wrap under whatever is current while versions come and go; every key can be unwrapped afterwards."""
    enrolled(ALICE)
    stop = threading.Event()

    def rotating() -> None:
        try:
            for _ in range(4):
                version = keys.rotate(actor=IMPORTER)
                keys.rewrap(actor=IMPORTER, batch=2)
                keys.destroy_version(version - 1, actor=IMPORTER)
        finally:
            stop.set()
            connection.close()

    def enrolling(turn: int) -> list:
        made = []
        try:
            while not stop.is_set():
                person = Identity({K.EMAIL: f"p{turn}-{len(made)}@example.com", K.NAME: f"P {turn}"})
                made += vault.enrol([person], actor=IMPORTER, source="crm").subjects
        finally:
            connection.close()
        return made

    with ThreadPoolExecutor(4) as pool:
        rotation = pool.submit(rotating)
        jobs = [pool.submit(enrolling, turn) for turn in range(3)]
        rotation.result()
        subjects = [subject for job in jobs for subject in job.result()]

    forget_cached()
    secret_files.forget_cache()
    found = read_everything(subjects)
    assert len(found) == len(subjects) > 0
    assert all(set(values) == {K.EMAIL, K.NAME} for values in found.values())
    assert invariants_hold()
