"""Personal data in English and Polish notes, without a network, and never passed on unexamined."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pseudonymize import detection
from pseudonymize.detection import Finding, Kind, LanguageNotSupported, engine, find, redact
from pseudonymize.detection.overlaps import resolved


def kinds(text: str, language: str = "en") -> dict[Kind, list[str]]:
    """What was found in a text, by kind."""
    found: dict[Kind, list[str]] = {}
    for finding in find([text], language)[0]:
        found.setdefault(finding.kind, []).append(text[finding.start : finding.end])
    return found


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("Write to alice.smith+news@example.org today", Kind.EMAIL, "alice.smith+news@example.org"),
        ("My phone is (212) 555-0123, call after six", Kind.PHONE, "(212) 555-0123"),
        ("Mobile: 723 813 266", Kind.PHONE, "723 813 266"),
        ("reach me at +48 600 100 200", Kind.PHONE, "+48 600 100 200"),
        ("SSN 536-22-8145 is on the form", Kind.US_SSN, "536-22-8145"),
        ("card 4111 1111 1111 1111 expires soon", Kind.CREDIT_CARD, "4111 1111 1111 1111"),
        ("please block my card 213176828496175", Kind.CREDIT_CARD, "213176828496175"),
        ("IBAN GB82 WEST 1234 5698 7654 32", Kind.IBAN, "GB82 WEST 1234 5698 7654 32"),
        ("signed in from 203.0.113.7", Kind.IP_ADDRESS, "203.0.113.7"),
        ("see https://example.org/account/alice", Kind.URL, "https://example.org/account/alice"),
        ("her PESEL is 44051401359", Kind.PL_PESEL, "44051401359"),
        ("I spoke with Mrs. Thornbury about it", Kind.PERSON, "Thornbury"),
        ("My name is Katherine Johnson and I am unhappy", Kind.PERSON, "Katherine Johnson"),
        ("Ship it to 221 Baker Street, London", Kind.ADDRESS, "221 Baker Street"),
        ("My Aadhaar number is 2345 6789 0124", Kind.IN_AADHAAR, "2345 6789 0124"),
        ("my NINO is AB123456C", Kind.UK_NINO, "AB123456C"),
        ("codice fiscale RSSMRA85T10A562S", Kind.IT_FISCAL_CODE, "RSSMRA85T10A562S"),
        ("personnummer 811228-9874", Kind.SE_PERSONNUMMER, "811228-9874"),
        ("parcel for ul. Kwiatowa 5/3, 00-950 Warszawa", Kind.ADDRESS, "ul. Kwiatowa 5/3, 00-950 Warszawa"),
    ],
)
def test_english_notes(text: str, kind: Kind, expected: str) -> None:
    assert kinds(text).get(kind) == [expected]


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("Dzwoniła pani Anna Kowalska-Nowak.", Kind.PERSON, "Anna Kowalska-Nowak"),
        ("Rozmawiałem z Janem Wiśniewskim", Kind.PERSON, "Janem Wiśniewskim"),
        ("faktura dla Katarzyny", Kind.PERSON, "Katarzyny"),
        ("zwrot od Michała Dąbrowskiego", Kind.PERSON, "Michała Dąbrowskiego"),
        ("Proszę oddzwonić do Pawła", Kind.PERSON, "Pawła"),
        ("reklamacja KOWALSKI JAN", Kind.PERSON, "KOWALSKI JAN"),
        ("Pan Zięba dzwonił", Kind.PERSON, "Zięba"),
        ("widziano tam Lewandowskiego", Kind.PERSON, "Lewandowskiego"),
        ("PESEL: 44051401359", Kind.PL_PESEL, "44051401359"),
        ("NIP 526-104-08-28", Kind.PL_NIP, "526-104-08-28"),
        ("NIP 5261040828", Kind.PL_NIP, "5261040828"),
        ("REGON 123456785", Kind.PL_REGON, "123456785"),
        ("dowód osobisty ABA300000", Kind.PL_ID_CARD, "ABA300000"),
        ("paszport ZS0000177", Kind.PL_PASSPORT, "ZS0000177"),
        ("konto 61 1090 1014 0000 0712 1981 2874", Kind.IBAN, "61 1090 1014 0000 0712 1981 2874"),
        ("konto PL61109010140000071219812874", Kind.IBAN, "PL61109010140000071219812874"),
        ("tel. 600 100 200", Kind.PHONE, "600 100 200"),
        ("tel. 22 123 45 67", Kind.PHONE, "22 123 45 67"),
        ("kom. 601234567", Kind.PHONE, "601234567"),
        ("mieszka przy al. Jana Pawła II 12 m. 4", Kind.ADDRESS, "al. Jana Pawła II 12 m. 4"),
        ("adres: Rynek 5, 31-042 Kraków", Kind.ADDRESS, "Rynek 5, 31-042 Kraków"),
        ("PESEL44051401359", Kind.PL_PESEL, "44051401359"),
        ("numer 4405-1401-359", Kind.PL_PESEL, "4405-1401-359"),
        ("NIP: 526\u201110\u201140\u2011828", Kind.PL_NIP, "526\u201110\u201140\u2011828"),
        ("nr rej. KR 1AB23 stoi", Kind.LICENSE_PLATE, "KR 1AB23"),
        ("pisz na jan.zieba@example.pl", Kind.EMAIL, "jan.zieba@example.pl"),
        ("P E S E L : 4 4 0 5 1 4 0 1 3 5 9", Kind.PL_PESEL, "4 4 0 5 1 4 0 1 3 5 9"),
        ("dzwoń: +48522060814", Kind.PHONE, "+48522060814"),
        ("moja rejestracja DW 0642E", Kind.LICENSE_PLATE, "DW 0642E"),
    ],
)
def test_polish_notes(text: str, kind: Kind, expected: str) -> None:
    assert kinds(text, "pl").get(kind) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "bardzo dziękuję za szybką dostawę!",
        "Klientka z Krakowa pyta o polski sklep i warszawskie targi.",
        "Zamówienie nr 123456789 jest w drodze, kwota 1 234,56 zł.",
        "Towar przyszedł w maju, rozmiar 42, kolor niebieski.",
        "Marka jest dobra, a Środa to dobry dzień.",
        "PESEL 44051401358 ma złą cyfrę kontrolną.",
        "Numer partii 743706420, numer seryjny 884 583 345.",
        "Nr zamówienia: 26031441799, przesyłka 00736075973644270933",
        "kwota: 831 392 326 zł, nr katalogowy 434-236-941",
    ],
)
def test_polish_texts_without_personal_data_stay_as_they_are(text: str) -> None:
    assert redact([text], "pl") == [text]


@pytest.mark.parametrize(
    "text",
    ["thank you for the quick delivery!", "order 123456789 came in size 42", "Great quality, will buy again.", "", " "],
)
def test_english_texts_without_personal_data_stay_as_they_are(text: str) -> None:
    assert redact([text]) == [text]


def test_placeholders_are_typed_and_the_rest_of_the_text_is_untouched() -> None:
    text = "Katherine Johnson <k.johnson@example.org> asked about order 7."
    assert redact([text]) == ["<PERSON> <<EMAIL>> asked about order 7."]
    assert redact([text], kinds={Kind.EMAIL}) == ["Katherine Johnson <<EMAIL>> asked about order 7."]


def test_answers_are_aligned_with_the_texts_and_repeats_are_worked_once() -> None:
    texts = ["call 44051401359", "nothing", "call 44051401359", "", "mail a@example.org"]
    found = find(texts)
    assert [len(findings) for findings in found] == [1, 0, 1, 0, 1]
    assert found[0] == found[2]
    assert found[0] is not found[2]
    assert find([]) == []


def test_findings_do_not_overlap_and_say_their_place() -> None:
    text = "Dr. Jane Foster, 12 Main Street, jane.foster@example.com, www.example.com, +1 212 555 0123, 44051401359"
    findings = find([text])[0]
    assert findings == sorted(findings, key=lambda finding: finding.start)
    assert all(a.end <= b.start for a, b in zip(findings, findings[1:], strict=False))
    assert all(0.4 <= finding.score <= 1.0 for finding in findings)
    assert {Kind.PERSON, Kind.ADDRESS, Kind.EMAIL, Kind.URL, Kind.PHONE, Kind.PL_PESEL} <= {f.kind for f in findings}


def test_resolving_keeps_the_better_finding_and_uncovers_nothing() -> None:
    text = "Anna anna@example.org Nowak"
    person = Finding(Kind.PERSON, 0, len(text), 0.6)
    mail = Finding(Kind.EMAIL, 5, 21, 1.0)
    assert resolved([person, mail], text) == [
        Finding(Kind.PERSON, 0, 4, 0.6), mail, Finding(Kind.PERSON, 22, 27, 0.6),
    ]  # fmt: skip
    inner = Finding(Kind.URL, 10, 21, 0.5)
    assert resolved([mail, inner], text) == [mail]
    assert resolved([], text) == []


def test_a_checked_number_scores_more_than_a_shape() -> None:
    scores = {finding.kind: finding.score for finding in find(["44051401359 or maybe call 723 813 266"])[0]}
    assert scores[Kind.PL_PESEL] > 0.95 > scores[Kind.PHONE]


@pytest.mark.parametrize("language", ["fr", "", "EN", "xx"])
def test_a_language_without_recognizers_is_refused(language: str) -> None:
    with pytest.raises(LanguageNotSupported):
        find(["Hallo"], language)


@pytest.mark.parametrize("language", detection.LANGUAGES)
def test_a_text_that_runs_out_of_time_is_quarantined_whole(language: str) -> None:
    text = "pay 44051401359 or " + "a." * 3_000 + "!"
    assert find([text, "fine"], language, seconds=0.0) == [[Finding(Kind.QUARANTINED, 0, len(text), 1.0)], []]


def test_a_text_that_is_too_long_is_quarantined_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "MOST_CHARACTERS", 50)
    assert redact(["Katherine Johnson " * 5, "short"], kinds=set()) == ["<QUARANTINED>", "short"]


def test_a_slow_pattern_of_presidio_cannot_let_a_text_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    recognizers = engine.detector_of("en")._prefilter._recognizers
    cards = next(r for r in recognizers if type(r).__name__ == "_Patterns" and r._kind is Kind.CREDIT_CARD)

    class Slow:
        def finditer(self, text: str, timeout: float) -> object:
            raise TimeoutError

    monkeypatch.setattr(cards, "_expressions", [(Slow(), 0.3)])
    assert [finding.kind for finding in find(["number 4111 1111 1111 1111"])[0]] == [Kind.QUARANTINED]


def test_findings_across_window_borders_are_whole_and_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "WINDOW", 200)
    monkeypatch.setattr(engine, "OVERLAP", 60)
    text = "".join(f"note {number} and 44051401359 then alice{number}@example.org so " for number in range(60))
    found = find([text])[0]
    assert sum(finding.kind is Kind.PL_PESEL for finding in found) == 60
    mails = [text[finding.start : finding.end] for finding in found if finding.kind is Kind.EMAIL]
    assert mails == [f"alice{number}@example.org" for number in range(60)]


@pytest.mark.parametrize(
    "hostile",
    ["a." * 4_000 + "!", "1" * 8_000, "1-" * 4_000, "(" * 8_000, "A" * 8_000, "Aa " * 2_600, "@" * 8_000, "+" * 8_000, "\x00" * 500,
     "ul. " * 2_000, "a@" * 4_000, "12 Main " * 1_000],
    ids=lambda text: text[:3].encode().hex(),
)  # fmt: skip
@pytest.mark.parametrize("language", detection.LANGUAGES)
@pytest.mark.slow  # the worst of them runs until its second is over
def test_hostile_texts_end_when_their_second_is_over(hostile: str, language: str) -> None:
    started = time.process_time()
    find([hostile], language, seconds=1.0)
    assert (
        time.process_time() - started < 20.0
    )  # of the one second that it may take, on whatever machine: it does not hang


def test_texts_without_candidates_reach_no_recognizer(monkeypatch: pytest.MonkeyPatch) -> None:
    engine.detector_of("pl")
    monkeypatch.setattr(engine, "_examine", lambda *_: pytest.fail("examined"))
    assert find(["nic tu nie ma", ""], "pl") == [[], []]


def test_nothing_is_logged_of_a_text(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    redact(["Katherine Johnson, katherine@example.org, 44051401359"])
    assert "atherine" not in caplog.text
    assert "44051401359" not in caplog.text


@pytest.mark.slow  # a process that loads the language model from nothing
def test_a_fresh_process_without_sockets_and_django_finds_what_we_find() -> None:
    program = """
import socket
def refuse(*arguments, **options): raise AssertionError("the network was touched")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = socket.gethostbyname = refuse
from pseudonymize.detection import redact
print(redact(["Katherine Johnson wrote from kate@example.co.uk"])[0])
print(redact(["pani Anna Nowak, anna@example.pl"], "pl")[0])
print(redact(["Frau Lena Schneider, lena@example.de"], "de")[0])
print(redact(["Позвоните Ивану Кузнецову, ivan@example.ru"], "ru")[0])
import sys
assert "django" not in sys.modules and "governance" not in sys.modules
"""
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.stdout.splitlines() == [
        "<PERSON> wrote from <EMAIL>",
        "pani <PERSON>, <EMAIL>",
        "Frau <PERSON>, <EMAIL>",
        "Позвоните <PERSON>, <EMAIL>",
    ], done.stderr


NO_ADDRESSES = {
    "en": [
        "Offering 20 percent off all shoes", "Spring 2024 sale starts now", "Spring 24 collection", "During 1971 we opened",
        "Monitoring 24 hours a day", "We are hiring 3 people", "Bring 2 friends and save", "Brigade 12 arrived", "Via Email 24 hours",
        "An Xbox 360 for you", "Place Order 12 now", "Buy Box 12 today", "Am I 12 years old",
    ],
    "de": [
        "Im Mai 2024", "Im Sale 50 Prozent", "Am Montag 10 Uhr", "Zum Geburtstag 10 Euro geschenkt", "Zur Auswahl 5 Farben",
        "Heimweg 10 Minuten", "Parkplatz 24 Stunden geöffnet", "Arbeitsplatz 4 ist frei", "Goldring 585", "Marktplatz 2024",
    ],
    "ru": ["Площадь 40 метров", "Шоссе 60 км", "Проспект 2024 скачать", "Улица 24 часа"],
}  # fmt: skip
ADDRESSES = {
    "en": [
        "Via Roma 12 in Milan",
        "Kaiserring 12, Mannheim",
        "Vesterskovvej 79 street",
        "P.O. Box 101",
        "Rua Diadema 1903",
    ],
    "de": ["Am Bahnhof 5", "Im Winkel 12 b", "Goethestraße 12 und", "Kaiserring 12", "Berliner Platz 3"],
    "ru": ["ул. Ленина, д. 5", "Невский проспект, 28", "площадь Мира, 40"],
}


@pytest.mark.parametrize("language", NO_ADDRESSES)
def test_what_counts_or_dates_is_no_address(language: str) -> None:
    found = find([*NO_ADDRESSES[language], *ADDRESSES[language]], language, names=False)
    addresses = [any(finding.kind is Kind.ADDRESS for finding in findings) for findings in found]
    assert addresses == [False] * len(NO_ADDRESSES[language]) + [True] * len(ADDRESSES[language])
