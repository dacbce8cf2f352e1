"""Signed papers that people bring back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from consent import ledger, receipts, signing
from consent.errors import UnknownEvent
from dsar import certificates
from dsar.certificates import ErasureCertificate
from dsar.errors import CertificateInvalid
from governance.kernel.crypto import SignatureInvalid
from governance.kernel.ids import SubjectId
from governance.privacy_center import words
from governance.privacy_center.words import Text


@dataclass(frozen=True)
class Paper:
    """What a pasted text turned out to be; both are empty when its signature does not hold."""

    certificate: ErasureCertificate | None = None
    receipt: tuple[tuple[Text, str], ...] = ()


def check(token: str) -> Paper:
    """Verify a pasted text against the keys of this service: a certificate of erasure, or a receipt of a consent."""
    try:
        return Paper(certificate=certificates.verify(token, certificates.public_key()))
    except CertificateInvalid:
        pass
    try:
        return Paper(receipt=_facts(receipts.verify(token.strip(), signing.public_key())))
    except (SignatureInvalid, KeyError, TypeError):
        return Paper()


def receipt_of(event_id: UUID, subject: SubjectId) -> str:
    """The receipt of one of the person's own consent events. Raises ``UnknownEvent`` for anybody else's."""
    if ledger.event(event_id).subject != subject:
        raise UnknownEvent
    return receipts.issue(event_id)


def _facts(content: dict[str, Any]) -> tuple[tuple[Text, str], ...]:
    """What a receipt says, in the words of the pages."""
    said = receipts.summary(content)
    title = words.WIDE.get(said.purpose, said.purpose_title)
    facts: list[tuple[Text, str]] = [
        (_("What happened"), str(words.EVENTS.get(said.event, said.event))),
        (_("What for"), str(title)),
        (_("How"), str(words.CHANNELS.get(said.channel, _("every way")))),
        (_("When"), date_format(said.occurred_at, "DATETIME_FORMAT") + " UTC"),
        (_("Valid until"), date_format(said.valid_until, "DATE_FORMAT") if said.valid_until else "–"),
        (_("Notice"), said.notice or "–"),
        (_("Who is responsible"), said.controller),
        (_("Entry in the log"), said.log_entry),
    ]
    return tuple(facts)
