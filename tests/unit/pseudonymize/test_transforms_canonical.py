"""One spelling for what is one thing: the shared vectors, and columns."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pseudonymize.transforms import canonical, checksums
from pseudonymize.transforms.errors import (
    ColumnTypeUnsupported,
    NoCanonicalForm,
    NotCanonical,
    UnknownCanonicaliser,
)

VECTORS: list[dict[str, Any]] = json.loads(Path(__file__).with_name("canonical_vectors.json").read_text())


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['form']} {ascii(vector['value'])}")
def test_the_shared_vectors(vector: dict[str, Any]) -> None:
    apply = canonical.form(vector["form"], region=vector.get("region"))
    if vector["canonical"] is None:
        with pytest.raises(NoCanonicalForm) as refused:
            apply(vector["value"])
        assert not vector["value"].strip() or vector["value"] not in str(refused.value)
    else:
        assert apply(vector["value"]) == vector["canonical"]
        assert apply(vector["canonical"]) == vector["canonical"]


def ascii_start(text: str) -> str:
    return ascii(text[:3])


def test_every_form_has_a_vector() -> None:
    assert {vector["form"] for vector in VECTORS} == set(canonical.FORMS)


def test_a_column_is_canonicalised_once_per_distinct_value(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def counting(value: str) -> str:
        seen.append(value)
        return value.lower()

    monkeypatch.setattr(canonical, "FORMS", {"iban@1": counting})
    column = pa.array([f"User{number % 90}@example.org" for number in range(70_000)])
    answer = canonical.canonicalise(column, "iban@1")
    assert answer.to_pylist() == [value.lower() for value in column.to_pylist()]
    assert len(seen) == 90


def test_a_column_names_the_row_that_has_no_form_or_makes_it_null() -> None:
    column = pa.chunked_array([["A@example.org", None], ["nobody", "b@example.org"]])
    with pytest.raises(NotCanonical) as refused:
        canonical.canonicalise(column, "email@1")
    assert refused.value.row == 2
    assert "nobody" not in str(refused.value)
    kept = canonical.canonicalise(column, "email@1", on_error="null")
    assert kept.to_pylist() == ["a@example.org", None, None, "b@example.org"]


def test_a_region_completes_national_phone_numbers_of_a_column() -> None:
    column = pa.array(["600100200", "+12125550123"]).dictionary_encode()
    answer = canonical.canonicalise(column, "phone@1", region="PL")
    assert answer.to_pylist() == ["+48600100200", "+12125550123"]


def test_unknown_forms_versions_and_columns_are_refused() -> None:
    for unknown in ("email", "email@9", "shoe_size@1", ""):
        with pytest.raises(UnknownCanonicaliser):
            canonical.canonicalise(pa.array(["a"]), unknown)
    with pytest.raises(ColumnTypeUnsupported):
        canonical.canonicalise(pa.array([b"a@example.org"]), "email@1")


@pytest.mark.parametrize("version", sorted(canonical.FORMS))
@pytest.mark.parametrize(
    "hostile", ["a" * 1_001, "a." * 5_000 + "@b", "\u0344" * 100_000, "1@" * 5_000], ids=ascii_start
)
def test_very_long_text_is_refused_before_any_work(version: str, hostile: str) -> None:
    with pytest.raises(NoCanonicalForm):
        canonical.form(version)(hostile)


@pytest.mark.parametrize(
    ("fits", "good", "bad"),
    [
        (checksums.pesel, ["44051401359", "02070803628", "02271409867"], ["44051401358", "4405140135", "4405140135a"]),
        (checksums.nip, ["5261040828", "1234563218"], ["5261040827", "0000000000", "526104082"]),
        (checksums.regon, ["123456785", "12345678512347"], ["123456786", "12345678512348", "000000000"]),
        (checksums.polish_id_card, ["ABA300000", "ABS123456"], ["ABA300001", "AB1300000", "ABA30000"]),
        (checksums.polish_passport, ["ZS0000177", "AN5000172"], ["ZS0000178", "Z00000177"]),
        (checksums.iban, ["PL61109010140000071219812874", "GB82WEST12345698765432"], ["GB82WEST12345698765433", "PL6"]),
        (checksums.luhn, ["4111111111111111", "378282246310005"], ["4111111111111112", "411111"]),
        (checksums.ssn, ["536228145"], ["000228145", "666228145", "912228145", "536008145", "536220000"]),
    ],
)
def test_check_digits(fits: Any, good: list[str], bad: list[str]) -> None:
    assert [value for value in good if not fits(value)] == []
    assert [value for value in bad if fits(value)] == []


@pytest.mark.parametrize(
    ("fits", "value"),
    [
        (checksums.pesel, "44051401359"),
        (checksums.iban, "PL61109010140000071219812874"),
        (checksums.luhn, "4111111111111111"),
    ],
)
def test_any_single_wrong_digit_is_noticed(fits: Any, value: str) -> None:
    for place, digit in enumerate(value):
        if digit.isdigit():
            wrong = random.Random(place).choice([other for other in "0123456789" if other != digit])
            assert not fits(value[:place] + wrong + value[place + 1 :])
