"""The letter that tells a person what came of their question about a decision. It says the outcome; the reason is behind their link."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from audit import reviews
from audit.errors import UnknownReview
from audit.reviews import Review
from governance.jobs.queue import schedule
from governance.kernel import mail
from governance.kernel.actors import SYSTEM
from governance.kernel.ids import SubjectId
from governance.privacy_center import links
from governance.privacy_center.decision_words import WORDS
from governance.privacy_center.links import LinkKind
from pseudonymize import vault
from pseudonymize.vault import IdentifierKind

KIND = "privacy_center.review_answer"
PURPOSE = "automated_decision_review"


def follow(review: Review) -> None:
    """A review is decided: the letter is work of the same transaction."""
    schedule(KIND, {"review": str(review.id)})


def run(review_id: UUID) -> None:
    """Write to the person, once; somebody who was erased since, or has no address, is not written to. Raises LetterNotSent."""
    try:
        review = reviews.get(review_id)
    except UnknownReview:  # erased with its person
        return
    if review.answered_at is not None:
        return
    with transaction.atomic():
        found = vault.read([review.subject], [IdentifierKind.EMAIL], purpose=PURPOSE, actor=SYSTEM)
    address = found.get(review.subject, {}).get(IdentifierKind.EMAIL)
    if address is None:
        return
    mail.send(_text(review), address, letter_id=review_id)
    reviews.told(review_id)


def _text(review: Review) -> str:
    """The letter in the language of the question; its first line is the subject."""
    words = WORDS.get(review.language, WORDS["en"])
    parts = (
        words["letter_subject"],
        words["letter_hello"],
        words[review.outcome],
        f"{words['letter_link']}\n{_url(review)}",
        words["letter_complain"],
        f"{settings.ZGODA_CONTROLLER}\n{words['letter_officer']} {settings.ZGODA_DPO_CONTACT}",
    )
    return "\n\n".join(parts)


def _url(review: Review) -> str:
    language = review.language if review.language in WORDS else "en"
    token = links.make(LinkKind.CHOICES, SubjectId(review.subject), links.CHOICES_LIFETIME)
    return f"{settings.ZGODA_PUBLIC_URL}{reverse('decisions:why', args=[language, token, review.decision_id])}"
