"""Stand-ins: nobody's, the same for one value, in the language that was asked for."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest

from pseudonymize.transforms import synthetic
from pseudonymize.transforms.errors import ParameterInvalid
from pseudonymize.transforms.synthetic import Stand

KEY = bytes(range(32))
VALUES = pa.array([f"value {number}" for number in range(300)])


@pytest.mark.parametrize("language", synthetic.LANGUAGES)
@pytest.mark.parametrize("kind", [*Stand])
def test_every_kind_in_every_language_is_steady_and_spread(language: str, kind: Stand) -> None:
    made = synthetic.replace(VALUES, kind, language, KEY)
    assert synthetic.replace(VALUES[7:9], kind, language, KEY).to_pylist() == made.to_pylist()[7:9]
    assert len(set(made.to_pylist())) > 25
    assert all(value == value.strip() and value for value in made.to_pylist())
    if kind is Stand.EMAIL:
        assert all(re.fullmatch(r"[a-z0-9]+\.[a-z0-9]+@example\.(com|net|org)", value) for value in made.to_pylist())
    elif language == "ru":
        assert re.search("[а-яА-Я]", "".join(made.to_pylist()))


def test_a_polish_or_russian_name_agrees_with_itself() -> None:
    values = pa.array([f"value {number}" for number in range(5_000)])
    for language, women, men in (("pl", "ska", "ski"), ("ru", "ова", "ов")):
        names = [name.split(" ") for name in synthetic.replace(values, "name", language, KEY).to_pylist()]
        first_of = {gender: {first for first, *_, last in names if last.endswith(gender)} for gender in (women, men)}
        assert first_of[women]
        assert first_of[men]
        assert not first_of[women] & first_of[men]


def test_nulls_stay_null_empty_stays_empty_and_another_key_draws_others() -> None:
    made = synthetic.replace(pa.array(["a", None, "", "a"]), "name", "en", KEY).to_pylist()
    assert made[1:3] == [None, ""]
    assert made[0] == made[3]
    other = synthetic.replace(VALUES, "name", "en", bytes(32))
    assert sum(a == b for a, b in zip(other, synthetic.replace(VALUES, "name", "en", KEY), strict=True)) < 5
    assert len(synthetic.replace(pa.array([], pa.string()), "name", "en", KEY)) == 0
    with pytest.raises(ParameterInvalid):
        synthetic.replace(VALUES, "name", "fr", KEY)
