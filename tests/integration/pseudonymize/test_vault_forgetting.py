"""Forgetting is real: no copy opens, and nobody comes back."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from audit.models import Entry
from governance.kernel import crypto
from governance.kernel.crypto import SealBroken
from governance.kernel.ids import SubjectId, uuid7
from governance.kernel.invariants import registered
from pseudonymize import keys, vault
from pseudonymize.errors import KeyDestroyed, SubjectForgotten, SubjectUnknown
from pseudonymize.keys import epoch_keys, masters, wrapping
from pseudonymize.keys.cache import keys as key_cache
from pseudonymize.models import DataSubject, SubjectIdentifier, SubjectKey, Suppression, SuppressionScope
from pseudonymize.sources import VaultSource
from pseudonymize.vault import IdentifierKind, Identity, blind_index, identifiers
from tests.integration.pseudonymize.arranging import IMPORTER, enrolled, identity_of, invariants_hold
from tests.people import ALICE, BOB, ERIN

K = IdentifierKind


@pytest.mark.django_db
def test_a_forgotten_person_is_found_and_read_no_more() -> None:
    erin, alice = enrolled(ERIN, ALICE)
    record = vault.seal_for(erin, "consent.evidence", b"she ticked the box")

    done = vault.forget(erin, actor=IMPORTER, reason="erasure request")

    assert (done.identifiers_deleted, done.key_destroyed, done.suppressed) == (9, True, 4)
    assert all(vault.find_subject(kind, ERIN.values()[kind]) is None for kind in vault.INDEXED_KINDS)
    assert vault.erased_among([erin, alice]) == {erin}
    with transaction.atomic():
        assert vault.read([erin, alice], [K.EMAIL], purpose="test", actor=IMPORTER) == {alice: {K.EMAIL: ALICE.email}}
    with pytest.raises(SubjectForgotten):
        vault.open_for(erin, "consent.evidence", record)
    with pytest.raises(SubjectForgotten):
        vault.seal_for(erin, "consent.evidence", b"again")
    with pytest.raises(SubjectUnknown):
        vault.seal_for(SubjectId(uuid7()), "consent.evidence", b"who")
    assert invariants_hold()


@pytest.mark.django_db
def test_forgetting_twice_or_somebody_unknown_does_nothing() -> None:
    (erin,) = enrolled(ERIN)
    vault.forget(erin, actor=IMPORTER, reason="erasure request")
    entries = Entry.objects.count()

    assert vault.forget(erin, actor=IMPORTER, reason="again").key_destroyed is False
    assert vault.forget(SubjectId(uuid7()), actor=IMPORTER, reason="nobody").identifiers_deleted == 0
    assert Entry.objects.count() == entries


@pytest.mark.django_db
def test_copies_of_the_rows_do_not_open_after_forgetting() -> None:
    """Whoever kept the identifiers' rows has nothing, with every key that still exists and the whole program at hand."""
    (erin, bob) = enrolled(ERIN, BOB)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE backup AS SELECT * FROM pseudonymize_subject_identifier")
    vault.forget(erin, actor=IMPORTER, reason="erasure request")
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, kind, ciphertext FROM backup WHERE subject_id = %s", [erin])
        copies = [(row, K(kind), bytes(ciphertext)) for row, kind, ciphertext in cursor.fetchall()]

    (bobs_key,) = epoch_keys.unwrap(
        1, [bytes(SubjectKey.objects.get(subject=bob).wrapped)], [wrapping.of_subject(bob, 1, b"").parts]
    )
    remaining = [bobs_key, masters.ensure(masters.INDEX), masters.ensure(masters.SUPPRESSION)]
    assert len(copies) == 9
    for row, kind, ciphertext in copies:
        for key in remaining:
            with pytest.raises(SealBroken):
                crypto.unseal(key, ciphertext, identifiers.associated(erin, kind, row))


@pytest.mark.django_db
def test_a_copy_of_the_key_table_does_not_open_after_rewrap_and_destroy() -> None:
    erin, alice = enrolled(ERIN, ALICE)
    copy = bytes(SubjectKey.objects.get(subject=erin).wrapped)
    vault.forget(erin, actor=IMPORTER, reason="erasure request")

    assert keys.rotate(actor=IMPORTER) == 2
    keys.rewrap(actor=IMPORTER)
    keys.destroy_version(1, actor=IMPORTER)

    with pytest.raises(KeyDestroyed):
        wrapping.unwrap([wrapping.of_subject(erin, 1, copy)])
    with pytest.raises(SealBroken):
        wrapping.unwrap([wrapping.of_subject(erin, 2, copy)])
    with transaction.atomic():
        assert vault.read([alice], [K.NAME], purpose="test", actor=IMPORTER) == {alice: {K.NAME: ALICE.name}}


@pytest.mark.django_db
def test_the_next_import_does_not_bring_an_erased_person_back() -> None:
    (erin,) = enrolled(ERIN)
    vault.forget(erin, actor=IMPORTER, reason="erasure request")

    done = vault.enrol(
        [
            identity_of(ALICE),
            identity_of(ERIN),
            Identity({K.EMAIL: ERIN.email.upper(), K.NAME: "E."}),
            Identity({K.PHONE: ERIN.phone, K.CUSTOMER_ID: "a-new-number"}),
        ],
        actor=IMPORTER,
        source="crm",
    )

    assert done.refused == (1, 2, 3)
    assert done.subjects[1:] == [None, None, None]
    assert DataSubject.objects.filter(erased_at__isnull=True).count() == 1
    assert vault.is_suppressed(K.EMAIL, ERIN.email)
    assert not vault.is_suppressed(K.EMAIL, ALICE.email)


@pytest.mark.django_db
def test_the_suppression_list_cannot_be_joined_with_the_vault() -> None:
    erin, alice = enrolled(ERIN, ALICE)
    vault.suppress(alice, SuppressionScope.MARKETING, "objection", IMPORTER)

    listed = {bytes(index) for index in Suppression.objects.values_list("blind_index", flat=True)}
    vaulted = {bytes(i) for i in SubjectIdentifier.objects.values_list("blind_index", flat=True) if i is not None}

    assert len(listed) == 4
    assert not listed & vaulted


@pytest.mark.django_db
def test_marketing_suppression_leaves_enrolment_alone_and_can_be_lifted() -> None:
    (alice,) = enrolled(ALICE)
    assert vault.suppress(alice, SuppressionScope.MARKETING, "objection", IMPORTER) == 4
    assert vault.suppress(alice, SuppressionScope.MARKETING, "objection", IMPORTER) == 0

    assert vault.enrol([identity_of(ALICE)], actor=IMPORTER, source="crm").subjects == [alice]
    assert vault.is_suppressed(K.EMAIL, ALICE.email, SuppressionScope.MARKETING)
    assert not vault.is_suppressed(K.EMAIL, ALICE.email, SuppressionScope.ALL)

    assert vault.lift_suppression(identity_of(ALICE), SuppressionScope.MARKETING, "own wish", IMPORTER) == 4
    assert not vault.is_suppressed(K.EMAIL, ALICE.email)
    assert invariants_hold()


@pytest.mark.django_db
def test_a_suppressed_living_person_is_refused_too() -> None:
    (alice,) = enrolled(ALICE)
    vault.suppress(alice, SuppressionScope.ALL, "dispute", IMPORTER)

    done = vault.enrol([identity_of(ALICE), identity_of(BOB)], actor=IMPORTER, source="crm")

    assert done.refused == (0,)
    assert invariants_hold()


@pytest.mark.slow  # races need repeating
@pytest.mark.django_db(transaction=True)
def test_no_enrolment_brings_back_somebody_who_is_being_forgotten() -> None:
    """Imports of the same person race a forget, many times. Once `forget` has returned, nobody of that name lives."""
    for turn in range(8):
        email = f"race{turn}@example.com"
        person = Identity({K.EMAIL: email, K.CUSTOMER_ID: f"race-{turn}", K.NAME: "Race"})
        vault.enrol([person], actor=IMPORTER, source="crm")
        start = threading.Barrier(5)

        def forget(email: str = email, start: threading.Barrier = start) -> None:
            try:
                subject = vault.find_subject(K.EMAIL, email)
                assert subject is not None
                start.wait()
                vault.forget(subject, actor=IMPORTER, reason="race")
            finally:
                connection.close()

        def enrol(person: Identity = person, start: threading.Barrier = start) -> list:
            try:
                start.wait()
                return [vault.enrol([person], actor=IMPORTER, source="crm").subjects[0] for _ in range(3)]
            finally:
                connection.close()

        with ThreadPoolExecutor(5) as pool:
            jobs = [pool.submit(forget), *[pool.submit(enrol) for _ in range(4)]]
            for job in jobs:
                job.result()

        assert vault.find_subject(K.EMAIL, email) is None
        assert vault.enrol([person], actor=IMPORTER, source="crm").refused == (0,)
    assert DataSubject.objects.filter(erased_at__isnull=True).count() == 0
    assert SubjectIdentifier.objects.count() == 0
    assert invariants_hold()


@pytest.mark.django_db(transaction=True)
def test_an_enrolment_that_is_under_way_holds_forgetting_back() -> None:
    """The dangerous order: the import has looked, the person is forgotten, the import writes. The lock makes it impossible."""
    (erin,) = enrolled(ERIN)
    looked, forgotten = threading.Event(), threading.Event()
    order: list[str] = []

    def importing() -> None:
        try:
            with transaction.atomic():
                vault.enrol([identity_of(ERIN), identity_of(BOB)], actor=IMPORTER, source="crm")
                looked.set()
                assert not forgotten.wait(0.3)
                order.append("import")
        finally:
            connection.close()

    def forgetting() -> None:
        try:
            looked.wait()
            vault.forget(erin, actor=IMPORTER, reason="race")
            order.append("forget")
            forgotten.set()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        for job in [pool.submit(importing), pool.submit(forgetting)]:
            job.result()

    assert order == ["import", "forget"]
    assert vault.find_subject(K.EMAIL, ERIN.email) is None


@pytest.mark.django_db
def test_the_invariants_see_what_is_wrong() -> None:
    erin, alice, bob = enrolled(ERIN, ALICE, BOB)
    assert invariants_hold()
    checks = registered()
    key = masters.suppression_keys([K.EMAIL])[K.EMAIL]
    Suppression.objects.create(
        kind="email",
        blind_index=blind_index.of(blind_index.canonical(K.EMAIL, ALICE.email), key),
        canonical_version=1,
        scope=SuppressionScope.ALL,
        reason="erased",
        suppressed_at=DataSubject.objects.get(id=alice).enrolled_at.replace(year=2020),
        entry_id=uuid7(),
    )
    SubjectKey.objects.filter(subject=erin).update(
        wrapped=None, destroyed_at="2026-01-01T00:00Z", proof_sha256="x" * 64
    )

    assert len(checks["pseudonymize.nobody_enrolled_after_suppression"]().violations) == 1
    assert checks["pseudonymize.live_subjects_have_a_live_key"]().violations == (str(erin),)
    assert len(checks["pseudonymize.identifiers_have_a_live_key"]().violations) == 9


@pytest.mark.django_db
def test_the_vault_as_a_source_exports_rectifies_and_erases() -> None:
    (alice,) = enrolled(ALICE)
    source = VaultSource()

    assert source.locate(alice).total == 11
    exported = {(record.data["kind"], record.data["value"]) for record in source.export(alice)}
    assert exported == set(ALICE.values().items())
    assert source.rectify(alice, "name", "Alice Correct") == 1
    assert source.rectify(alice, "name", "Alice Correct") == 0
    assert source.rectify(alice, "shoe_size", "43") == 0
    assert source.residual(alice).count == 11

    erased = source.erase(alice)

    assert (erased.deleted, erased.shredded) == (9, 1)
    assert {kept.table for kept in erased.retained} == {
        "pseudonymize_data_subject",
        "pseudonymize_subject_key",
        "pseudonymize_suppression",
    }
    assert source.residual(alice).count == 0
    assert source.locate(alice).total == 0
    assert source.export(alice) == []
    again = source.erase(alice)
    assert (again.deleted, again.shredded, again.retained) == (0, 0, erased.retained)


@pytest.mark.django_db
def test_who_was_suppressed_while_the_request_ran_is_listed_as_erased() -> None:
    (erin,) = enrolled(ERIN)
    vault.suppress(erin, SuppressionScope.ALL, "erasure_request", IMPORTER)

    erased = VaultSource().erase(erin)

    assert {kept.table: kept.count for kept in erased.retained}["pseudonymize_suppression"] == 4
    assert set(Suppression.objects.values_list("reason", flat=True)) == {"erased"}
    assert vault.enrol([identity_of(ERIN)], actor=IMPORTER, source="crm").refused == (0,)


@pytest.mark.django_db
def test_forgetting_leaves_an_entry_that_does_not_lead_to_the_person() -> None:
    (erin,) = enrolled(ERIN)
    done = vault.forget(erin, actor=IMPORTER, reason="erasure request")

    entry = Entry.objects.get(action="subject.forgotten")
    assert done.proof_sha256 in entry.header
    assert str(erin) not in entry.header
    assert entry.subject_tag == ""
    assert {row.entry_id for row in Suppression.objects.all()} == {entry.id}


@pytest.mark.django_db
def test_the_destroyed_key_leaves_memory_at_once() -> None:
    erin, _ = enrolled(ERIN, ALICE)
    vault.seal_for(erin, "a", b"b")
    assert len(key_cache) > 0
    name = wrapping.of_subject(erin, 1, bytes(SubjectKey.objects.get(subject=erin).wrapped)).name
    assert name in key_cache.get_many([name])

    vault.forget(erin, actor=IMPORTER, reason="erasure request")

    assert key_cache.get_many([name]) == {}
