"""Reading leaves an entry; a ciphertext opens where it belongs and nowhere else; nothing is in the clear anywhere."""

from __future__ import annotations

import base64
import itertools
from typing import Any

import pytest
from django.db import connection, transaction

from audit.errors import NotInTransaction
from audit.models import Entry
from governance.kernel.crypto import SealBroken
from pseudonymize import vault
from pseudonymize.errors import IdentifierConflict, IdentifierMalformed, SubjectForgotten
from pseudonymize.models import SubjectIdentifier, SubjectKey
from pseudonymize.vault import IdentifierKind, Identity
from tests.integration.pseudonymize.arranging import IMPORTER, enrolled, identity_of
from tests.people import ALICE, BOB, CAROL, SUBJECTS

K = IdentifierKind


def read(*subjects: Any) -> dict[Any, Any]:
    with transaction.atomic():
        return vault.read(list(subjects), list(K), purpose="test", actor=IMPORTER)


@pytest.mark.django_db
def test_what_was_enrolled_is_what_is_read() -> None:
    subjects = enrolled(*SUBJECTS)

    found = read(*subjects)

    for person, subject in zip(SUBJECTS, subjects, strict=True):
        assert found[subject] == {K(kind): value for kind, value in person.values().items() if value}


@pytest.mark.django_db
def test_every_reading_leaves_an_entry_per_person() -> None:
    alice, bob = enrolled(ALICE, BOB)
    with transaction.atomic():
        vault.read([alice, bob], [K.EMAIL], purpose="marketing.email", actor=IMPORTER)

    entries = Entry.objects.filter(action="identity.read")
    assert entries.count() == 2
    assert {(entry.purpose, entry.actor) for entry in entries} == {("marketing.email", "import:crm")}
    assert all('"kinds":["email"]' in entry.header for entry in entries)


@pytest.mark.django_db(transaction=True)
def test_there_is_no_reading_outside_a_transaction() -> None:
    (alice,) = enrolled(ALICE)
    with pytest.raises(NotInTransaction):
        vault.read([alice], [K.EMAIL], purpose="test", actor=IMPORTER)


@pytest.mark.django_db
def test_when_the_entry_cannot_be_written_nothing_is_decrypted(monkeypatch: pytest.MonkeyPatch) -> None:
    (alice,) = enrolled(ALICE)

    def broken(*_: Any) -> None:
        raise RuntimeError("log down")

    monkeypatch.setattr("audit.log.emit_many", broken)
    monkeypatch.setattr("pseudonymize.vault.identifiers.open_all", lambda *_: pytest.fail("decrypted"))
    with pytest.raises(RuntimeError, match="log down"):
        read(alice)


@pytest.mark.django_db
def test_of_several_addresses_the_latest_is_read_and_all_are_exported() -> None:
    (alice,) = enrolled(ALICE)
    vault.enrol([Identity({K.PHONE: ALICE.phone, K.EMAIL: "new@example.com"})], actor=IMPORTER, source="shop")

    assert read(alice)[alice][K.EMAIL] == "new@example.com"
    with transaction.atomic():
        every = vault.read_all(alice, purpose="access_request", actor=IMPORTER)
    assert every[K.EMAIL] == [ALICE.email, "new@example.com"]


@pytest.mark.django_db
@pytest.mark.parametrize("same", ["kind", "subject", "row_of_another"])
def test_a_ciphertext_moved_to_another_place_does_not_open(same: str) -> None:
    alice, bob = enrolled(ALICE, BOB)
    rows = {(row.subject_id, row.kind): row for row in SubjectIdentifier.objects.all()}
    source = rows[(alice, "email")]
    target = {
        "kind": rows[(bob, "email")],  # the same kind of another subject
        "subject": rows[(alice, "name")],  # another kind of the same subject
        "row_of_another": rows[(bob, "name")],
    }[same]
    SubjectIdentifier.objects.filter(id=target.id).update(ciphertext=source.ciphertext)

    with pytest.raises(SealBroken):
        read(target.subject_id)


@pytest.mark.django_db
def test_a_row_handed_to_another_subject_does_not_open() -> None:
    alice, bob = enrolled(ALICE, BOB)
    SubjectIdentifier.objects.filter(subject=bob, kind="name").delete()
    SubjectIdentifier.objects.filter(subject=alice, kind="name").update(subject=bob)

    with pytest.raises(SealBroken):
        read(bob)


@pytest.mark.django_db
def test_a_flipped_byte_anywhere_in_a_ciphertext_is_noticed() -> None:
    (alice,) = enrolled(ALICE)
    row = SubjectIdentifier.objects.get(subject=alice, kind="name")
    plain = bytes(row.ciphertext)
    for place in range(0, len(plain), 3):
        changed = bytearray(plain)
        changed[place] ^= 1
        SubjectIdentifier.objects.filter(id=row.id).update(ciphertext=bytes(changed))
        with pytest.raises(SealBroken):
            read(alice)


@pytest.mark.django_db
def test_subjects_keys_cannot_be_swapped() -> None:
    alice, bob = enrolled(ALICE, BOB)
    read(alice, bob)  # both keys are in the cache now
    stolen = bytes(SubjectKey.objects.get(subject=alice).wrapped)
    SubjectKey.objects.filter(subject=bob).update(wrapped=stolen)

    with pytest.raises(SealBroken):
        read(bob)


@pytest.mark.django_db
def test_what_is_sealed_for_one_subject_and_label_opens_for_no_other() -> None:
    alice, bob = enrolled(ALICE, BOB)
    record = vault.seal_for(alice, "consent.evidence", b"secret")

    assert vault.open_for(alice, "consent.evidence", record) == b"secret"
    for subject, label in [(bob, "consent.evidence"), (alice, "consent.evidenc"), (alice, ""), (alice, "e")]:
        with pytest.raises(SealBroken):
            vault.open_for(subject, label, record)
    assert vault.open_many([alice, bob], "x", vault.seal_many([alice, bob], "x", [b"1", b"2"])) == [b"1", b"2"]


@pytest.mark.django_db
def test_correcting_an_address_moves_the_index_with_it() -> None:
    alice, bob = enrolled(ALICE, BOB)

    assert vault.rectify(alice, K.EMAIL, "right@example.com", actor=IMPORTER) == 1

    assert vault.find_subject(K.EMAIL, "right@example.com") == alice
    assert vault.find_subject(K.EMAIL, ALICE.email) is None
    assert read(alice)[alice][K.EMAIL] == "right@example.com"
    with pytest.raises(IdentifierConflict):
        vault.rectify(alice, K.EMAIL, BOB.email, actor=IMPORTER)
    with pytest.raises(IdentifierMalformed):
        vault.rectify(alice, K.EMAIL, "no address", actor=IMPORTER)
    vault.forget(bob, actor=IMPORTER, reason="erasure")
    with pytest.raises(SubjectForgotten):
        vault.rectify(bob, K.NAME, "B.", actor=IMPORTER)


@pytest.mark.django_db
def test_an_address_can_be_corrected_into_one_that_the_person_has_already() -> None:
    (alice,) = enrolled(ALICE)
    vault.enrol([Identity({K.PHONE: ALICE.phone, K.EMAIL: "new@example.com"})], actor=IMPORTER, source="shop")

    assert vault.rectify(alice, K.EMAIL, ALICE.email, actor=IMPORTER) == 1

    assert SubjectIdentifier.objects.filter(subject=alice, kind="email").count() == 1
    assert vault.find_subject(K.EMAIL, ALICE.email) == alice


def _spellings(value: str) -> set[bytes]:
    """A value as it could lie in a table: plain, in hexadecimal, in base 64 at each of its three alignments."""
    raw = value.encode()
    spelled = {raw, raw.hex().encode(), value.casefold().encode()}
    for shift in range(3):
        core = base64.b64encode(b"\0" * shift + raw)
        spelled.add(core[-(-shift * 4 // 3) + (1 if shift else 0) : len(core) - 4])
    return {form for form in spelled if len(form) >= 6}


@pytest.mark.django_db
def test_no_identifier_lies_in_the_clear_in_any_table() -> None:
    """Reads every table of the database, bytes columns as bytes too, and looks for every identifier of the cast."""
    alice, _, carol, *_ = enrolled(*SUBJECTS)
    vault.seal_for(alice, "consent.evidence", ALICE.email.encode())
    read(alice)
    vault.rectify(carol, K.PHONE, "+48601777888", actor=IMPORTER)
    vault.enrol([Identity({K.EMAIL: ALICE.email, K.PHONE: BOB.phone})], actor=IMPORTER, source="shop")
    vault.forget(carol, actor=IMPORTER, reason="erasure request")
    values = [value for person in SUBJECTS for value in person.values().values() if len(value) >= 6] + ["+48601777888"]
    canaries = set(itertools.chain.from_iterable(_spellings(value) for value in values))

    with connection.cursor() as cursor:
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        tables = [table for (table,) in cursor.fetchall()]
        read_rows = 0
        for table in tables:
            cursor.execute(f'SELECT * FROM "{table}"')
            for row in cursor.fetchall():
                read_rows += 1
                line = b"|".join(bytes(v) if isinstance(v, bytes | memoryview) else str(v).encode() for v in row)
                assert not [canary for canary in canaries if canary in line], f"a canary lies in {table}"

    assert "pseudonymize_subject_identifier" in tables
    assert read_rows > 50
    assert _spellings(CAROL.email) & {CAROL.email.encode()}


def test_reprs_name_kinds_and_never_a_value() -> None:
    person = identity_of(ALICE)
    text = repr(person) + str(person)
    assert "email" in text
    assert not [value for value in ALICE.values().values() if len(value) > 2 and value in text]
