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
from consent.evidence import truncated
from consent.notices import NoticeText, lint
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


def test_a_notice_is_about_a_purpose_in_a_language_we_speak() -> None:
    assert [name for name, _ in lint(TEXT, "de", [])] == ["purposes", "language"]


@pytest.mark.parametrize(
    ("address", "kept"),
    [("203.0.113.77", "203.0.113.0/24"), ("2001:db8:1:2::3", "2001:db8:1::/48"), ("not an address", ""), ("", "")],
)
def test_of_an_address_only_the_network_is_kept(address: str, kept: str) -> None:
    assert truncated(address) == kept
