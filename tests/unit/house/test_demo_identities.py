"""The people of the demonstration: the same at every run, all different, with numbers that would pass a check."""

from __future__ import annotations

import pytest

pytest.importorskip("faker", reason="needs the extra `demo`")

from governance.demo.identities import identities  # noqa: E402
from pseudonymize.vault import IdentifierKind  # noqa: E402

HOUSEHOLDS = range(1, 301)
AGES = {1: "65+", 2: "19-24"}


@pytest.fixture(scope="module")
def people() -> list[dict[IdentifierKind, str]]:
    return [dict(identity.values) for identity in identities(HOUSEHOLDS, AGES)]


def test_they_are_the_same_at_every_run(people: list[dict[IdentifierKind, str]]) -> None:
    assert [dict(identity.values) for identity in identities(HOUSEHOLDS, AGES)] == people


@pytest.mark.parametrize("kind", ["customer_id", "email", "phone", "national_id"])
def test_no_two_share_an_identifier(people: list[dict[IdentifierKind, str]], kind: str) -> None:
    assert len({person[IdentifierKind(kind)] for person in people}) == len(people)


def test_there_are_americans_and_poles(people: list[dict[IdentifierKind, str]]) -> None:
    polish = sum(person[IdentifierKind.LANGUAGE] == "pl" for person in people)
    assert 60 < polish < 140


def test_a_pesel_has_its_check_digit_and_birth_date(people: list[dict[IdentifierKind, str]]) -> None:
    for person in people:
        if person[IdentifierKind.LANGUAGE] == "pl":
            number, born = person[IdentifierKind.NATIONAL_ID], person[IdentifierKind.BIRTH_DATE]
            digits = [int(digit) for digit in number]
            weights = (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)
            assert sum(digit * weight for digit, weight in zip(digits, weights, strict=True)) % 10 == 0
            assert number[:2] == born[2:4]
            assert int(number[2:4]) % 20 == int(born[5:7])


def test_a_social_security_number_is_from_a_range_that_is_never_issued(people: list[dict[IdentifierKind, str]]) -> None:
    for person in people:
        if person[IdentifierKind.LANGUAGE] == "en":
            area, group, serial = person[IdentifierKind.NATIONAL_ID].split("-")
            assert area.startswith("9")
            assert (len(group), len(serial)) == (2, 4)


def test_mail_goes_to_reserved_domains_only(people: list[dict[IdentifierKind, str]]) -> None:
    assert {person[IdentifierKind.EMAIL].rpartition("@")[2] for person in people} == {"example.com", "example.org"}


def test_ages_follow_what_the_household_told(people: list[dict[IdentifierKind, str]]) -> None:
    assert 1926 <= int(people[0][IdentifierKind.BIRTH_DATE][:4]) <= 1952
    assert 1992 <= int(people[1][IdentifierKind.BIRTH_DATE][:4]) <= 1998
