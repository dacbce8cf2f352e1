"""What consent holds about a person (Art. 15), and what an erasure does here (Art. 17).

Events stay as evidence under an id that by then leads to nobody: the controller must be able to show that it was allowed
(Art. 7(1), 17(3)(e)). What they rest on in the clear, the evidence, is shredded, and the state goes: the gate refuses an erased person
without it.
"""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import Model, Q, QuerySet

from consent import ledger
from consent.events import evidence, heads
from consent.models import (
    ConsentEvent,
    ConsentEvidence,
    ConsentLink,
    ConsentState,
    ConsentVerdict,
    LedgerHead,
    Propagation,
)
from consent.terms import Delivery
from governance.kernel.clock import now
from governance.kernel.ids import SubjectId
from governance.kernel.personal_data import Erased, ExportRecord, Located, Residual, Retained, SourceDefaults

GROUND: Final = "Art. 7(1) and 17(3)(e): to show that the processing was allowed"
EMPTIED: Final = "Art. 5(2): the digest of evidence that was destroyed"
MARK: Final = "Art. 5(2), 17(1): the mark by which the gate refuses from now on"
TO_BE_TOLD: Final = "Art. 19: recipients who still have to be told"
# Not the statements that erase: what could still be read or acted on, counted from the tables themselves.
_RESIDUAL: Final = """
SELECT (SELECT count(*) FROM consent_evidence WHERE subject_id = %(subject)s AND octet_length(ciphertext) > 0)
     + (SELECT count(*) FROM consent_state WHERE subject_id = %(subject)s)
     + (SELECT count(*) FROM consent_event e WHERE e.subject_id = %(subject)s
        AND NOT EXISTS (SELECT 1 FROM consent_ledger_head h WHERE h.subject_id = e.subject_id AND h.erased_at IS NOT NULL))
"""


class ConsentLedgerSource(SourceDefaults):
    """Events, evidence, state and cited verdicts of one person."""

    key = "consent.ledger"
    title = "Consents, withdrawals and objections"
    tables: frozenset[str] = frozenset(
        {
            "consent_event",
            "consent_evidence",
            "consent_state",
            "consent_verdict",
            "consent_ledger_head",
            "consent_link",
            "consent_propagation",
        }
    )
    categories: tuple[str, ...] = ("consent choices", "evidence of consent")
    order = 200

    def locate(self, subject: SubjectId) -> Located:
        """How many rows each table has about the subject."""
        models = (ConsentEvent, ConsentEvidence, ConsentState, ConsentVerdict, LedgerHead, Propagation)
        counts = {model._meta.db_table: model.objects.filter(subject_id=subject).count() for model in models}
        return Located(counts | {ConsentLink._meta.db_table: _links(subject).count()})

    def export(self, subject: SubjectId) -> list[ExportRecord]:
        """Every event with its evidence in the clear, and the verdicts that somebody acted on."""
        events = [
            ExportRecord("consent_event", "given", event.purpose, self._event(event))
            for event in ledger.history(subject)
        ]
        verdicts = ConsentVerdict.objects.filter(subject_id=subject).order_by("id")
        return events + [
            ExportRecord(
                "consent_verdict",
                "inferred",
                row.purpose_key,
                {
                    "channel": row.channel,
                    "allowed": row.allowed,
                    "reason": row.reason,
                    "decided_at": row.decided_at.isoformat(),
                },
            )
            for row in verdicts
        ]

    def erase(self, subject: SubjectId) -> Erased:
        """Shred the evidence, drop the state, shut the gate; events and verdicts stay. Waits for claims that are under way."""
        with transaction.atomic():
            heads.own([subject])
            at = now()
            heads.mark_erased(subject, at)
            shredded = ConsentEvidence.objects.filter(subject_id=subject, ciphertext__isnull=False).update(
                ciphertext=None, shredded_at=at
            )
            deleted = ConsentState.objects.filter(subject_id=subject).delete()[0] + _links(subject).delete()[0]
            of_subject = Propagation.objects.filter(subject_id=subject)
            deleted += of_subject.filter(state=Delivery.SETTLED).delete()[0]
            return Erased(deleted=deleted, shredded=shredded, retained=_retained(subject))

    def residual(self, subject: SubjectId) -> Residual:
        """Evidence that could still be opened, state that could still permit, events of somebody whom the gate does not refuse."""
        with connection.cursor() as cursor:
            cursor.execute(_RESIDUAL, {"subject": subject})
            (count,) = cursor.fetchone()
        return Residual(count, hashlib.sha256(_RESIDUAL.encode()).hexdigest())

    def _event(self, event: ledger.EventRecord) -> dict[str, Any]:
        return {
            "event": event.event_type.value,
            "channel": event.channel,
            "occurred_at": event.occurred_at.isoformat(),
            "received_at": event.received_at.isoformat(),
            "valid_until": event.valid_until.isoformat() if event.valid_until else None,
            "method": event.method,
            "jurisdiction": event.jurisdiction,
            "notice_version": str(event.notice_version_id) if event.notice_version_id else None,
            "evidence": evidence.reveal(event.event_id) if event.has_evidence else None,
        }


def _links(subject: SubjectId) -> QuerySet[ConsentLink]:
    return ConsentLink.objects.filter(Q(subject_id=subject) | Q(visitor_subject_id=subject))


def _retained(subject: SubjectId) -> tuple[Retained, ...]:
    """What an erasure leaves: rows under an id that leads to nobody, each with its ground and its end."""
    until = evidence.keep_until()
    rows: tuple[tuple[type[Model], str, date | None], ...] = (
        (ConsentEvent, GROUND, until),
        (ConsentVerdict, GROUND, until),
        (ConsentEvidence, EMPTIED, until),
        (LedgerHead, MARK, None),
        (Propagation, TO_BE_TOLD, None),
    )
    kept = []
    for model, ground, end in rows:
        if count := model._base_manager.filter(subject_id=subject).count():
            kept.append(Retained(model._meta.db_table, count, ground, end))
    return tuple(kept)
