"""What a definition of a purpose may say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.purposes.register import contradictions
from governance.purposes.terms import LegalBasis

GOOD = {
    "title_en": "Newsletter",
    "title_pl": "Biuletyn",
    "description_en": "Offers by e-mail.",
    "description_pl": "Oferty e-mailem.",
    "legal_basis": "consent",
    "channels": ["email"],
    "double_opt_in": True,
    "validity_days": 730,
    "direct_marketing": True,
    "special_category": False,
    "dpv_iri": "",
}


def fields(key: str, **changes: object) -> set[str]:
    return {field for field, _ in contradictions(key, GOOD | changes)}


def test_a_sound_definition_passes() -> None:
    assert contradictions("newsletter.email", GOOD) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title_pl": " "}, "title_pl"),
        ({"legal_basis": "because", "double_opt_in": False}, "legal_basis"),
        ({"channels": []}, "channels"),
        ({"channels": ["fax"]}, "channels"),
        ({"legal_basis": "contract"}, "double_opt_in"),
        ({"validity_days": 0}, "validity_days"),
        ({"special_category": True, "legal_basis": "legitimate_interest", "double_opt_in": False}, "legal_basis"),
    ],
)
def test_each_contradiction_is_named_where_it_is(changes: dict[str, object], field: str) -> None:
    assert fields("newsletter", **changes) == {field}


def test_all_mistakes_are_reported_at_once() -> None:
    assert fields("Not A Key", title_en="", channels=["fax"]) == {"key", "title_en", "channels"}


@given(st.text(max_size=80))
def test_a_key_that_passes_is_safe_in_a_url_and_a_log(key: str) -> None:
    if contradictions(key, GOOD):
        return
    assert key.isascii()
    assert key == key.lower()
    assert not set(key) & set("@ /?#&%\n*")


def test_each_basis_names_its_letter() -> None:
    assert [basis.article for basis in LegalBasis] == [f"Art. 6(1)({letter})" for letter in "abcdef"]
