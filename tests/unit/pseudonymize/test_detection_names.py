"""Names: what the rules and lists add to the language model, and Polish case forms."""

from __future__ import annotations

import pytest

from pseudonymize.detection import Kind, find, gazetteer, names_pl


def persons(text: str, language: str = "en") -> list[str]:
    return [text[found.start : found.end] for found in find([text], language)[0] if found.kind is Kind.PERSON]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("my name is borna jerković and i want a refund", ["borna jerković"]),
        ("please ask mr. elliott about it", ["elliott"]),
        ("i would like to talk to linda davis about my order", ["linda davis"]),
        ("Is there a letter for Ravil G Yefimov here?", ["Ravil G Yefimov"]),
        ("Her maiden name is Sandgreen", ["Sandgreen"]),
        ("Signed by Qaxym Zrothe", ["Qaxym Zrothe"]),
        ("KATHERINE JOHNSON called twice", ["KATHERINE JOHNSON"]),
    ],
)
def test_names_that_the_model_does_not_see(text: str, expected: list[str]) -> None:
    assert persons(text) == expected


def test_a_surname_that_stood_beside_its_given_name_is_known_again() -> None:
    assert persons("a film directed by Maciej Borkowski and starring Borkowski") == ["Maciej Borkowski", "Borkowski"]


@pytest.mark.parametrize(
    "text",
    [
        "Vitamin C Serum is out of stock",
        "Plan B Delivery was late",
        "We bought it at Thomas and Sons",
        "the office in Austin will call you in April",
        "may i have a discount, or will you hope for the best",
    ],
)
def test_words_that_only_look_like_names(text: str) -> None:
    assert persons(text) == []


@pytest.mark.parametrize(
    ("name", "forms"),
    [
        ("Anna", ["Anny", "Annie", "Annę", "Anną", "Anno"]),
        ("Monika", ["Moniki", "Monice", "Monikę", "Moniką"]),
        ("Zofia", ["Zofii", "Zofię", "Zofią", "Zofio"]),
        ("Maja", ["Mai", "Maję", "Mają"]),
        ("Marta", ["Marty", "Marcie"]),
        ("Magda", ["Magdy", "Magdzie"]),
        ("Barbara", ["Barbary", "Barbarze"]),
        ("Jan", ["Jana", "Janowi", "Janem", "Janie"]),
        ("Marek", ["Marka", "Markowi", "Markiem", "Marku"]),
        ("Paweł", ["Pawła", "Pawłowi", "Pawłem", "Pawle"]),
        ("Piotr", ["Piotra", "Piotrowi", "Piotrem", "Piotrze"]),
        ("Aleksander", ["Aleksandra", "Aleksandrowi"]),
        ("Jerzy", ["Jerzego", "Jerzemu", "Jerzym"]),
        ("Antoni", ["Antoniego", "Antoniemu", "Antonim"]),
    ],
)
def test_given_names_in_their_cases(name: str, forms: list[str]) -> None:
    assert set(forms) <= names_pl.given_forms(name)
    assert name in names_pl.given_forms(name)


@pytest.mark.parametrize(
    ("name", "forms"),
    [
        ("Kowalski", ["Kowalskiego", "Kowalskiemu", "Kowalskim", "Kowalska", "Kowalskiej", "Kowalską", "Kowalscy"]),
        ("Nowak", ["Nowaka", "Nowakowi", "Nowakiem", "Nowaku", "Nowakowie", "Nowaków"]),
        ("Zięba", ["Zięby", "Ziębie", "Ziębę", "Ziębą"]),
        ("Dudek", ["Dudka", "Dudkowi", "Dudkiem"]),
        ("Wróbel", ["Wróbla", "Wróblowi", "Wróblem"]),
        ("Stępień", ["Stępnia", "Stępniowi", "Stępniem"]),
    ],
)
def test_surnames_in_their_cases(name: str, forms: list[str]) -> None:
    assert set(forms) <= names_pl.surname_forms(name)


def test_the_lists_hold_single_words_of_some_length() -> None:
    given, surnames = gazetteer.given_names(("pl_PL",)), gazetteer.surnames(("pl_PL",))
    assert {"Piotr", "Agnieszka"} <= given
    assert {"Kowalski", "Wiśniewski"} <= surnames
    assert all(len(name) > 2 and name.replace("-", "").isalpha() for name in given | surnames)
