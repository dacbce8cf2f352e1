"""Names: what the rules and lists add to the language model, and Polish case forms."""

from __future__ import annotations

import pytest

from pseudonymize.detection import Kind, find, gazetteer


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
        "anyone else drinks tea with lemon",
        "we love a good sale, amber alert on my phone",
    ],
)
def test_words_that_only_look_like_names(text: str) -> None:
    assert persons(text) == []


def test_the_lists_hold_single_words_of_some_length() -> None:
    given, surnames = gazetteer.given_names(("pl_PL",)), gazetteer.surnames(("pl_PL",))
    assert {"Piotr", "Agnieszka"} <= given
    assert {"Kowalski", "Wiśniewski"} <= surnames
    assert all(len(name) > 2 and name.replace("-", "").isalpha() for name in given | surnames)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Dzwoniła pani Anna Kowalska-Nowak, prosi Pana Zielińskiego o telefon.",
            ["Anna Kowalska-Nowak", "Zielińskiego"],
        ),
        ("Paczkę odbierze Król Adam albo Ewa Kwiecień.", ["Król Adam", "Ewa Kwiecień"]),
        ("Szanowny Panie Marku, zamówienie Zofii Wróbel czeka.", ["Marku", "Zofii Wróbel"]),
        ("spotkanie z Dżesiką Brzęczyszczykiewicz", ["Dżesiką Brzęczyszczykiewicz"]),
        ("Jan Lis dzwonił dwa razy. Lis jest zły.", ["Jan Lis", "Lis"]),
        ("nazywam się anna kowalska i chcę zwrotu", ["anna kowalska"]),
        ("Idalia prosi o fakturę dla Iwony.", ["Idalia", "Iwony"]),
        ("Tomek, Ania i Kasia", ["Tomek", "Ania", "Kasia"]),
        ("Odbierze J. Nowak albo Kowalski M. z biura", ["J. Nowak", "Kowalski M."]),
        ("Lukasz Zoltowski nie dostal rabatu", ["Lukasz Zoltowski"]),
        ("Rozliczenie z Oleksandrem Bondarem i Iryną Melnyk", ["Oleksandrem Bondarem", "Iryną Melnyk"]),
        ("Trener Nawałka i wójt Stefan Bryła", ["Nawałka", "Stefan Bryła"]),
        ("Powieść Ingi Iwasiów jest dobra", ["Ingi Iwasiów"]),
        ("rozmawialem z pawlem zielinskim, przekaz tomkowi", ["pawlem zielinskim", "tomkowi"]),
        ("W zespole są Patryk, Nikola i Oskar.", ["Patryk", "Nikola", "Oskar"]),
    ],
)
def test_polish_persons_in_their_cases(text: str, expected: list[str]) -> None:
    assert persons(text, "pl") == expected


@pytest.mark.parametrize(
    "text",
    [
        "Sofa Marta i fotel Oskar, model Anna oraz perfumy Hugo Boss w promocji",
        "Spotkajmy się na placu Piłsudskiego przy szkole im. Adama Mickiewicza",
        "Uniwersytet Warszawski i Bank Śląski, a w Krakowie Rondo Dmowskiego",
        "Róża, Malina i Jagoda: nowe smaki. 8 Marta kosztuje 5 zł.",
        "Marka własna, Lato w pełni, Środa z kuponem, Maj pełen promocji",
        "Święty Mikołaj rozdaje prezenty",
        "Zastępca Dyrektora Włocławskiej Delegatury oraz Koniński Bank Żywności",
        "Roleta Ewa, firana Zosia i chleb Baltonowski",
        "Plik ROM, adres URI i numer ID",
        "Prezes UODO i Rzecznik Praw Obywatelskich",
    ],
)
def test_polish_streets_products_and_months_are_nobody(text: str) -> None:
    assert persons(text, "pl") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Sehr geehrte Frau Schneider, danke.", ["Schneider"]),
        ("Anna Müller hat angerufen. Müller wartet.", ["Anna Müller", "Müller"]),
        ("Das Paket ging an Hans-Peter von der Heide in Hamburg.", ["Hans-Peter von der Heide"]),
        ("Bitte Herrn Dr. Özdemir zurückrufen", ["Özdemir"]),
        ("ich heiße tobias weber und möchte kündigen", ["tobias weber"]),
        ("In dieser Zeit lernte er Goze Deltschew kennen.", ["Goze Deltschew"]),
        ("PR-Chef Michael Frenzel und sein Parteikollege Ernie Ross", ["Michael Frenzel", "Ernie Ross"]),
        ("Strerath zitiert Studien.", ["Strerath"]),
        ("Müller, Meier und Schmidt kommen später.", ["Müller", "Meier", "Schmidt"]),
    ],
)
def test_german_persons(text: str, expected: list[str]) -> None:
    assert persons(text, "de") == expected


@pytest.mark.parametrize(
    "text",
    [
        "Das Sofa Anna und die Lampe Klara sind im Angebot.",
        "Wir treffen uns am Karl-Marx-Platz.",
        "Ein Koch und ein Richter gehen in eine Bar.",
        "Die Lieferung der Bestellung kostet im August nichts.",
        "Der Onlineshop bietet Sneaker und Hoodies an.",
        "Er liegt im Cook County in der Nähe von Baku.",
    ],
)
def test_german_nouns_and_things_are_nobody(text: str) -> None:
    assert persons(text, "de") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Позвоните Ивану Сергеевичу Кузнецову завтра.", ["Ивану Сергеевичу Кузнецову"]),
        ("Договор подписал Сидоров А. В.", ["Сидоров А. В."]),
        ("Передайте Лене, что Паша не придёт", ["Лене", "Паша"]),
        ("меня зовут дмитрий соколов, хочу вернуть товар", ["дмитрий соколов"]),
    ],
)
def test_russian_persons_in_their_cases(text: str, expected: list[str]) -> None:
    assert persons(text, "ru") == expected


def test_russian_streets_and_products_are_nobody() -> None:
    assert persons("Диван «Анна» на улице Пушкина, ИНН указан в счёте. Роман отличный.", "ru") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("OMG JUST SAW THOMAS MILLER AT THE MALL", ["THOMAS MILLER"]),
        ("shoutout to jennifer anderson from customer service", ["jennifer anderson"]),
        ("Happy birthday Zendaya!! hope u have the best day", ["Zendaya"]),
        ("follow up with patricia desrosiers in may", ["patricia desrosiers"]),
    ],
)
def test_english_posts_in_any_case(text: str, expected: list[str]) -> None:
    assert persons(text) == expected
