"""What a column holds, from a sample."""

from __future__ import annotations

import pyarrow as pa
import pytest

from pseudonymize.detection import Kind, LanguageNotSupported, classify_column


def test_columns_of_identifiers_are_told_by_their_values() -> None:
    assert classify_column([f"user{n}@example.org" for n in range(50)]).kind is Kind.EMAIL
    assert classify_column(["44051401359", "02070803628", None, "02271409867"], language="pl").kind is Kind.PL_PESEL
    assert classify_column(["+48 600 100 200", "+48 601 100 200"], language="pl").kind is Kind.PHONE
    assert classify_column(pa.array(["203.0.113.7", "198.51.100.2"])).kind is Kind.IP_ADDRESS


def test_columns_of_names_are_told_by_their_values() -> None:
    assert classify_column(["Anna Kowalska", "Jan Nowak", "Piotr Zieliński"], language="pl").kind is Kind.PERSON
    assert classify_column(["KOWALSKI", "NOWAK", "ZIELIŃSKI"], language="pl").kind is Kind.PERSON
    assert classify_column(["Mary Johnson", "Robert Miller", "Linda Davis"]).kind is Kind.PERSON


def test_a_name_helps_where_values_leave_it_open_and_cannot_make_a_number_an_address() -> None:
    guess = classify_column(["Qwzyx", "Bnmvc", "Plokij"], name="last_name")
    assert (guess.kind, guess.by_name) == (Kind.PERSON, Kind.PERSON)
    assert classify_column(["17", "18", "19"], name="email").kind is None
    assert classify_column(["C-001", "C-002"], name="customer").kind is None
    assert classify_column(["A1", "A2"], name="basket").by_name is None
    assert classify_column([], name="pesel").kind is Kind.PL_PESEL


def test_columns_without_personal_data() -> None:
    guess = classify_column(pa.array([1, 2, 3, None]), name="quantity")
    assert (guess.kind, guess.personal, guess.sampled) == (None, False, 3)
    assert not classify_column(["red", "green", "blue"], name="colour").personal
    assert not classify_column([None, ""], name="colour").personal


def test_free_text_is_told_with_what_it_mentions() -> None:
    notes = [f"please call me back about order number {n} soon" for n in range(90)]
    notes += [f"my address is alice{n}@example.org please write" for n in range(10)]
    guess = classify_column(notes, name="note")
    assert guess.free_text
    assert guess.kind is None
    assert guess.mentions[Kind.EMAIL] == pytest.approx(0.1)
    assert guess.personal


def test_a_large_column_is_sampled_and_the_sample_is_always_the_same() -> None:
    values = [f"user{n}@example.org" for n in range(3_000)]
    first = classify_column(values, sample=100)
    assert first.sampled == 100
    assert first == classify_column(values, sample=100)


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(LanguageNotSupported):
        classify_column(["a"], language="xx")


def test_confidence_grows_with_the_sample_and_with_a_name_that_agrees() -> None:
    few = classify_column(["a1@example.org", "a2@example.org"])
    many = classify_column([f"a{n}@example.org" for n in range(200)])
    named = classify_column(["a1@example.org", "a2@example.org"], name="email")
    assert few.confidence < many.confidence
    assert few.confidence < named.confidence
    assert classify_column(["Qwzyx", "Bnmvc"], name="last_name").confidence == 0.5
    assert classify_column([f"item {n}" for n in range(100)]).confidence > 0.95


def test_german_and_russian_columns_are_told() -> None:
    assert (
        classify_column(["Lena Schneider", "Jonas Weber", "Felix Braun"], name="Kunde", language="de").kind
        is Kind.PERSON
    )
    assert classify_column(["65929970489", "12345679811"], name="Steuer-ID", language="de").kind is Kind.DE_TAX_ID
    assert classify_column(["112-233-445 95", "087-654-303 00"], language="ru").kind is Kind.RU_SNILS
