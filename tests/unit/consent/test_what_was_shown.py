"""Presentation tokens and the lint of notices; no database."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent import presentation, signing
from consent.errors import PresentationInvalid
from consent.events.evidence import truncated
from consent.notice_text import POINTS, NoticeText, doubts, lint
from consent.terms import Channel, NoticeVersionId
from governance.kernel.ids import SubjectId
from governance.purposes.terms import LegalBasis
from tests.unit.consent.test_drafts import purpose

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALICE = SubjectId(UUID(int=1))
TEXT = NoticeText(
    title="Your data", body="We send offers.", controller="Example Retail", controller_contact="hello@example.com",
    dpo_contact="dpo@example.com", legitimate_interests="Safety.", recipients=("mail provider",), transfers="",
    data_categories=("e-mail address",), retention="Until you withdraw.", rights="Access and more.", withdrawal="One click.",
    complaint="To the authority.", obligation="None.", automated_decisions="None.",
)  # fmt: skip


@pytest.fixture
def shown(tmp_path: Path, settings: Any) -> presentation.Presentation:
    settings.ZGODA_KEYS_DIR = tmp_path
    return presentation.present(
        [NoticeVersionId(UUID(int=5))], ["newsletter"], locale="pl", ui_variant="default", jurisdiction="EU", gpc=False,
        subject=ALICE, at=NOW,
    )  # fmt: skip


def test_a_token_says_what_was_shown(shown: presentation.Presentation) -> None:
    assert presentation.read(shown.token(), NOW) == shown


def test_a_page_that_was_open_for_a_day_is_shown_again(shown: presentation.Presentation) -> None:
    token = shown.token()
    presentation.read(token, NOW + presentation.LIFETIME - timedelta(seconds=1))
    with pytest.raises(PresentationInvalid):
        presentation.read(token, NOW + presentation.LIFETIME)


def test_no_changed_bit_passes(shown: presentation.Presentation) -> None:
    token = shown.token()
    for place in range(0, len(token), 7):
        other = "A" if token[place] != "A" else "B"
        with pytest.raises(PresentationInvalid):
            presentation.read(token[:place] + other + token[place + 1 :], NOW)


def test_a_token_of_another_kind_or_without_a_signature_does_not_pass(shown: presentation.Presentation) -> None:
    receipt = signing.sign({"jti": str(UUID(int=1))}, "zgoda-consent-receipt+jws")
    head, body, _ = shown.token().split(".")
    none = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": presentation.TYP}).encode()).rstrip(b"=").decode()
    for token in (receipt, f"{none}.{body}.", f"{head}.{body}.", f"{head}.{body}", "", "a.b.c"):
        with pytest.raises(PresentationInvalid):
            presentation.read(token, NOW)


@given(st.text(max_size=60))
def test_nothing_that_somebody_types_passes(text: str) -> None:
    with pytest.raises(PresentationInvalid):
        presentation.read(text, NOW)


def test_a_complete_notice_passes() -> None:
    assert lint(TEXT, "en", [purpose()]) == []


@pytest.mark.parametrize(
    ("field", "point"),
    [
        ("controller", "13(1)(a)"),
        ("dpo_contact", "13(1)(b)"),
        ("recipients", "13(1)(e)"),
        ("retention", "13(2)(a)"),
        ("rights", "13(2)(b)"),
        ("withdrawal", "13(2)(c)"),
        ("complaint", "13(2)(d)"),
    ],
)
def test_what_a_notice_leaves_out_is_named_with_its_article(field: str, point: str) -> None:
    empty: Any = () if field == "recipients" else " "
    assert [(name, point in detail) for name, detail in lint(replace(TEXT, **{field: empty}), "en", [purpose()])] == [
        (field, True)
    ]


@pytest.mark.parametrize(
    ("field", "of"),
    [
        ("legitimate_interests", purpose(legal_basis=LegalBasis.LEGITIMATE_INTEREST)),
        ("obligation", purpose(legal_basis=LegalBasis.LEGAL_OBLIGATION)),
        ("automated_decisions", purpose(channels=(Channel.PROFILING,))),
    ],
)
def test_some_points_are_needed_only_where_they_apply(field: str, of: Any) -> None:
    assert lint(replace(TEXT, **{field: ""}), "en", [purpose()]) == []
    assert [name for name, _ in lint(replace(TEXT, **{field: ""}), "en", [of])] == [field]


@pytest.mark.parametrize("nothing", ["", " \n", "-", "…", "TODO", "tbd", "n/a", "xxx", "Lorem ipsum dolor sit amet"])
def test_a_placeholder_answers_nothing(nothing: str) -> None:
    for field in ("title", "body", "retention", "rights", "withdrawal", "complaint", "controller"):
        assert [name for name, _ in lint(replace(TEXT, **{field: nothing}), "en", [purpose()])] == [field]
    assert [name for name, _ in lint(replace(TEXT, recipients=(nothing, nothing)), "pl", [purpose()])] == ["recipients"]
    assert lint(replace(TEXT, recipients=(nothing, "mail provider")), "en", [purpose()]) == []


@pytest.mark.parametrize(
    "far", ["a mail provider in the USA", "nasz dostawca w Stanach Zjednoczonych", "a call centre in India"]
)
def test_who_receives_data_far_away_says_by_which_safeguard(far: str) -> None:
    missing = lint(replace(TEXT, recipients=("our printing house", far)), "en", [purpose()])
    assert [name for name, _ in missing] == ["transfers"]
    assert lint(replace(TEXT, recipients=("those who help us, in Warsaw",)), "en", [purpose()]) == []
    told = replace(TEXT, recipients=(far,), transfers="Under the standard contractual clauses (Art. 46).")
    assert lint(told, "en", [purpose()]) == []
    assert "transfers" not in dict(doubts(told, "en", [purpose()]))
    assert "transfers" in dict(doubts(replace(told, transfers="They go there."), "en", [purpose()]))


def test_data_from_elsewhere_are_named_with_their_source() -> None:
    bought = replace(TEXT, source="An address broker in Warsaw.", data_categories=())
    assert lint(bought, "en", [purpose()]) == [("data_categories", POINTS["data_categories"])]
    assert lint(replace(bought, data_categories=("e-mail address",)), "en", [purpose()]) == []


GOOD = {
    "en": {
        "rights": "You can see, correct, take or delete your data, and restrict or object to its use.",
        "complaint": "The President of the Personal Data Protection Office.", "retention": "Two years.",
        "body": "If you agree, we send you an e-mail with the offers of the week.",
    },
    "pl": {
        "rights": "Możesz zobaczyć, poprawić, przenieść lub usunąć dane, ograniczyć ich użycie albo się sprzeciwić.",
        "complaint": "Prezes Urzędu Ochrony Danych Osobowych.", "retention": "Dopóki nie wycofasz zgody.",
        "body": "Za Twoją zgodą wysyłamy do Ciebie e-mail, w którym są oferty tygodnia.",
    },
}  # fmt: skip


@pytest.mark.parametrize("language", ["en", "pl"])
def test_an_answer_that_says_little_raises_a_doubt_in_either_language(language: str) -> None:
    both = [purpose(), purpose(legal_basis=LegalBasis.LEGITIMATE_INTEREST)]
    good = replace(TEXT, **GOOD[language])
    assert doubts(good, language, both) == []
    assert {field for field, _ in doubts(replace(good, complaint="To us.", retention="Always."), language, both)} == {
        "complaint",
        "retention",
    }
    lacking = replace(good, rights="You have rights. Masz prawa.")
    assert len(doubts(lacking, language, both)) == 6
    assert len(doubts(lacking, language, [purpose()])) == 5, "nobody objects to what rests on consent"
    assert [field for field, _ in doubts(good, "pl" if language == "en" else "en", both)] == ["body"]
    assert "hard to read" in str(doubts(replace(good, body=good.body + " i to jest, and so on," * 12), language, both))


def test_a_notice_is_about_a_purpose_in_a_language_we_speak() -> None:
    assert [name for name, _ in lint(TEXT, "de", [])] == ["purposes", "language"]


@pytest.mark.parametrize(
    ("address", "kept"),
    [("203.0.113.77", "203.0.113.0/24"), ("2001:db8:1:2::3", "2001:db8:1::/48"), ("not an address", ""), ("", "")],
)
def test_of_an_address_only_the_network_is_kept(address: str, kept: str) -> None:
    assert truncated(address) == kept
