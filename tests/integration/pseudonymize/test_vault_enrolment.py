"""Enrolling people: found again, linked, refused, never doubled."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from pseudonymize import vault
from pseudonymize.errors import IdentifierConflict, IdentifierMalformed, IdentityNotAddressable
from pseudonymize.models import DataSubject, SubjectIdentifier, SubjectKey
from pseudonymize.vault import IdentifierKind, Identity
from tests.growth import grows_linearly
from tests.integration.pseudonymize.arranging import IMPORTER, enrolled, identity_of
from tests.people import ALICE, BOB, CAROL, ERIN, SUBJECTS

K = IdentifierKind


@pytest.mark.django_db
def test_people_are_found_again_by_each_indexed_identifier() -> None:
    subjects = enrolled(*SUBJECTS)

    for person, subject in zip(SUBJECTS, subjects, strict=True):
        for kind in vault.INDEXED_KINDS:
            assert vault.find_subject(kind, person.values()[kind]) == subject


@pytest.mark.django_db
def test_a_column_is_resolved_in_one_query_beside_the_keys(django_assert_num_queries) -> None:
    alice, bob = enrolled(ALICE, BOB)

    with django_assert_num_queries(2):
        assert vault.resolve(K.EMAIL, [BOB.email, "nobody@example.com", "no address", ALICE.email]) == [
            bob,
            None,
            None,
            alice,
        ]


@pytest.mark.django_db
def test_nobody_is_found_in_an_empty_vault_and_looking_makes_no_keys() -> None:
    assert vault.find_subject(K.EMAIL, ALICE.email) is None
    assert not SubjectKey.objects.exists()


@pytest.mark.django_db
def test_enrolling_the_same_people_again_changes_nothing() -> None:
    first = enrolled(*SUBJECTS)
    identifiers = SubjectIdentifier.objects.count()

    again = vault.enrol([identity_of(person) for person in SUBJECTS], actor=IMPORTER, source="crm")

    assert again.subjects == first
    assert (again.created, again.matched) == (0, len(SUBJECTS))
    assert SubjectIdentifier.objects.count() == identifiers


@pytest.mark.django_db
def test_a_known_address_with_a_new_phone_number_links_the_number() -> None:
    (alice,) = enrolled(ALICE)

    done = vault.enrol([Identity({K.EMAIL: ALICE.email, K.PHONE: "+48601555222"})], actor=IMPORTER, source="shop")

    assert done.subjects == [alice]
    assert vault.find_subject(K.PHONE, "+48601555222") == alice
    assert vault.find_subject(K.PHONE, ALICE.phone) == alice


@pytest.mark.django_db
def test_identifiers_of_two_people_in_one_row_are_a_conflict_that_changes_nothing() -> None:
    alice, bob = enrolled(ALICE, BOB)
    before = SubjectIdentifier.objects.count()

    done = vault.enrol(
        [Identity({K.EMAIL: ALICE.email, K.PHONE: BOB.phone, K.NATIONAL_ID: "900-12-9999"}), identity_of(CAROL)],
        actor=IMPORTER,
        source="shop",
    )

    assert done.subjects[0] is None
    assert done.subjects[1] is not None
    assert isinstance(done.problems[0], IdentifierConflict)
    assert ALICE.email not in repr(done.problems[0].fields) + str(done.problems[0])
    assert vault.find_subject(K.NATIONAL_ID, "900-12-9999") is None
    assert SubjectIdentifier.objects.filter(subject__in=[alice, bob]).count() == before


@pytest.mark.django_db
def test_a_second_customer_id_for_one_person_is_a_conflict() -> None:
    (alice,) = enrolled(ALICE)

    done = vault.enrol([Identity({K.EMAIL: ALICE.email, K.CUSTOMER_ID: "c-9999"})], actor=IMPORTER, source="shop")

    assert isinstance(done.problems[0], IdentifierConflict)
    assert vault.find_subject(K.CUSTOMER_ID, "c-9999") is None
    assert vault.find_subject(K.CUSTOMER_ID, ALICE.customer_id) == alice


@pytest.mark.django_db
def test_malformed_and_unaddressable_rows_are_reported_and_the_others_enrolled() -> None:
    done = vault.enrol(
        [
            Identity({K.EMAIL: "not an address"}),
            Identity({K.NAME: "Somebody"}),
            Identity({}),
            Identity({K.EMAIL: "  ", K.NAME: "x"}),
            identity_of(ALICE),
        ],
        actor=IMPORTER,
        source="shop",
    )

    assert [subject is None for subject in done.subjects] == [True, True, True, True, False]
    assert isinstance(done.problems[0], IdentifierMalformed)
    assert all(isinstance(done.problems[row], IdentityNotAddressable) for row in (1, 2, 3))
    assert DataSubject.objects.count() == 1


@pytest.mark.django_db
def test_one_person_in_several_rows_of_a_batch_is_one_subject() -> None:
    done = vault.enrol(
        [
            Identity({K.EMAIL: ALICE.email}),
            Identity({K.PHONE: ALICE.phone, K.EMAIL: ALICE.email}),
            Identity({K.PHONE: ALICE.phone, K.CUSTOMER_ID: ALICE.customer_id}),
        ],
        actor=IMPORTER,
        source="shop",
    )

    assert len(set(done.subjects)) == 1
    assert (done.created, done.matched) == (1, 2)


@pytest.mark.django_db
def test_a_row_that_would_merge_two_new_people_of_its_batch_is_a_conflict() -> None:
    done = vault.enrol(
        [
            Identity({K.EMAIL: "one@example.com", K.PHONE: "+48601000901"}),
            Identity({K.EMAIL: "two@example.com", K.PHONE: "+48601000902"}),
            Identity({K.EMAIL: "one@example.com", K.PHONE: "+48601000902"}),
        ],
        actor=IMPORTER,
        source="shop",
    )

    assert list(done.problems) == [2]
    assert done.subjects[0] != done.subjects[1]


@pytest.mark.django_db
def test_an_import_adds_what_is_missing_and_corrects_nothing() -> None:
    (alice,) = enrolled(ALICE)

    vault.enrol([Identity({K.EMAIL: ALICE.email, K.NAME: "Mallory"})], actor=IMPORTER, source="shop")

    with transaction.atomic():
        assert vault.read([alice], [K.NAME], purpose="test", actor=IMPORTER)[alice][K.NAME] == ALICE.name


@pytest.mark.django_db
def test_problems_of_a_later_batch_keep_their_row_numbers(monkeypatch) -> None:
    monkeypatch.setattr("pseudonymize.vault.enrolment.BATCH", 2)
    seen: list[tuple[int, int]] = []
    people = [*map(identity_of, (ALICE, BOB, CAROL)), Identity({}), identity_of(ERIN)]

    done = vault.enrol(people, actor=IMPORTER, source="crm", progress=lambda at, total: seen.append((at, total)))

    assert list(done.problems) == [3]
    assert [subject is None for subject in done.subjects] == [False, False, False, True, False]
    assert seen == [(2, 5), (4, 5), (5, 5)]


@pytest.mark.django_db(transaction=True)
def test_eight_imports_of_the_same_people_at_once_make_each_person_once() -> None:
    people = [identity_of(person) for person in SUBJECTS]
    start = threading.Barrier(8)

    def enrol(turn: int) -> list:
        try:
            start.wait()
            rotated = people[turn % len(people) :] + people[: turn % len(people)]
            done = vault.enrol(rotated, actor=IMPORTER, source=f"import-{turn}")
            back = -turn % len(people)
            return done.subjects[back:] + done.subjects[:back]
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(enrol, range(8)))

    assert all(result == results[0] for result in results)
    assert None not in results[0]
    assert DataSubject.objects.count() == SubjectKey.objects.count() == len(SUBJECTS)


@pytest.mark.slow  # hundreds of people with eight identifiers each: seconds
@pytest.mark.django_db
def test_enrolling_eight_times_as_many_people_takes_as_many_queries_and_eight_times_the_work() -> None:
    queries: set[int] = set()
    told = itertools.count()

    def enrol(count: int) -> None:
        first = 10_000 * next(told)
        people = [_somebody(number) for number in range(first, first + count)]
        with CaptureQueriesContext(connection) as seen:
            done = vault.enrol(people, actor=IMPORTER, source="bulk")
        queries.add(len(seen))
        assert done.created == count

    enrol(1)  # makes the keys of the blind indexes
    queries.clear()
    assert grows_linearly(enrol, 300)
    assert len(queries) == 1, queries
    assert SubjectIdentifier.objects.count() == 8 * DataSubject.objects.count()


def _somebody(number: int) -> Identity:
    return Identity(
        {
            K.CUSTOMER_ID: f"h-{number}",
            K.EMAIL: f"person{number}@example.com",
            K.PHONE: f"+4860{number:07d}",
            K.NATIONAL_ID: f"900-{number // 10000 + 10}-{number % 10000:04d}",
            K.NAME: f"Person {number}",
            K.BIRTH_DATE: "1980-01-01",
            K.ADDRESS: f"{number} Main St",
            K.NOTE: "likes tea",
        }
    )
