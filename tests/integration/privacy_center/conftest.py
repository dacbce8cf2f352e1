"""A newsletter, offers and statistics, explained in both languages; a mailbox; nobody logged in."""

from __future__ import annotations

import re

import pytest
from django.core.cache import cache
from django.core.mail import EmailMessage

from consent import notices
from governance import purposes

BOTH = {
    "en": {
        "title": "How we use your data for marketing",
        "body": "We ask before we write to you.",
        "recipients": ["our e-mail service"],
        "retention": "Two years after your last answer.",
        "rights": "You may see, correct, erase, restrict, take and object.",
        "withdrawal": "On the page Your choices.",
        "complaint": "President of the Personal Data Protection Office, Warsaw.",
        "legitimate_interests": "To know which products sell where.",
        "automated_decisions": "We rank offers; nothing else follows from it.",
    },
    "pl": {
        "title": "Jak używamy Twoich danych w marketingu",
        "body": "Pytamy, zanim napiszemy.",
        "recipients": ["nasz dostawca poczty"],
        "retention": "Dwa lata od ostatniej odpowiedzi.",
        "rights": "Możesz zobaczyć, poprawić, usunąć, ograniczyć, przenieść i sprzeciwić się.",
        "withdrawal": "Na stronie Twoje wybory.",
        "complaint": "Prezes Urzędu Ochrony Danych Osobowych, Warszawa.",
        "legitimate_interests": "Chcemy wiedzieć, co i gdzie się sprzedaje.",
        "automated_decisions": "Układamy oferty; nic więcej z tego nie wynika.",
    },
}


def publish(**changes: object) -> None:
    """Three purposes and the notice that covers them, in both languages."""
    purposes.define(
        "newsletter",
        title_en="Newsletter",
        title_pl="Newsletter",
        description_en="We write to you about offers.",
        description_pl="Piszemy o ofertach.",
        legal_basis="consent",
        channels=["email", "sms"],
        double_opt_in=True,
        validity_days=730,
    )
    purposes.define(
        "offers",
        title_en="Offers that fit you",
        title_pl="Oferty dopasowane do Ciebie",
        description_en="We work out what may interest you.",
        description_pl="Ustalamy, co może Cię zainteresować.",
        legal_basis="consent",
        channels=["profiling"],
    )
    purposes.define(
        "statistics",
        title_en="Statistics about our shops",
        title_pl="Statystyka naszych sklepów",
        description_en="We count purchases.",
        description_pl="Liczymy zakupy.",
        legal_basis="legitimate_interest",
        channels=["analytics"],
    )
    for language, words in BOTH.items():
        notices.publish("marketing", language, purposes=["newsletter", "offers", "statistics"], **{**words, **changes})


def link_in(letter: EmailMessage) -> str:
    """The path of the link in a letter."""
    found = re.search(r"https?://[^/\s]+(/\S+)", letter.body)
    assert found is not None
    return found.group(1)


def token_in(html: str) -> str:
    """The presentation token in a form."""
    found = re.search(r'name="presentation" value="([^"]+)"', html)
    assert found is not None
    return found.group(1)


@pytest.fixture(autouse=True)
def _fresh_limits(db: None) -> None:
    cache.clear()


@pytest.fixture
def published(db: None) -> None:
    publish()
