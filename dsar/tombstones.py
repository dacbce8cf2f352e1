"""Tombstone first: before anything is located, the person is suppressed and restricted, so nothing new comes in.

Lifted again when the request is revoked or refused. Consent rules are in :mod:`consent`; objections (Art. 21) and
restrictions (Art. 18) are events of its ledger, written from here.
"""

from __future__ import annotations

from consent import ledger
from consent.ledger import ConsentDraft
from consent.terms import ANY, EventType
from dsar.models import SubjectRequest
from dsar.states import RequestType
from governance.kernel import clock, personal_data
from governance.kernel.actors import Actor
from governance.kernel.ids import SubjectId
from pseudonymize import vault
from pseudonymize.identity import Identity
from pseudonymize.vault import SuppressionScope


def put(request: SubjectRequest, *, actor: Actor) -> None:
    """Suppress and restrict the person of an erasure. Runs in the transaction that verified them."""
    if request.subject_id is None or RequestType(request.type) is not RequestType.ERASURE:
        return
    subject = SubjectId(request.subject_id)
    vault.suppress(subject, SuppressionScope.ALL, reason="erasure_request", actor=actor)
    ledger.record(_event(request, subject, EventType.RESTRICTED), actor=actor)
    for source in personal_data.sources():
        source.restrict(subject, True)


def lift(request: SubjectRequest, *, actor: Actor) -> None:
    """Undo :func:`put` for a request that ended without an erasure. Does nothing when it was never put."""
    if request.subject_id is None or RequestType(request.type) is not RequestType.ERASURE:
        return
    subject = SubjectId(request.subject_id)
    for identity in _identities(subject, actor):
        vault.lift_suppression(identity, SuppressionScope.ALL, reason="request_ended", actor=actor)
    ledger.record(_event(request, subject, EventType.RESTRICTION_LIFTED), actor=actor)
    for source in personal_data.sources():
        source.restrict(subject, False)


def _identities(subject: SubjectId, actor: Actor) -> list[Identity]:
    """Everything the person can be found by; somebody with two e-mail addresses is two identities here."""
    held = vault.read_all(subject, purpose="dsar.tombstone", actor=actor)
    return [Identity({kind: value}) for kind, values in held.items() if kind in vault.INDEXED_KINDS for value in values]


def _event(request: SubjectRequest, subject: SubjectId, event_type: EventType) -> ConsentDraft:
    """One event about every purpose and channel: the restriction covers whatever is done with the person."""
    return ConsentDraft(
        subject=subject,
        purpose=ANY,
        channel=ANY,
        event_type=event_type,
        occurred_at=clock.now(),
        method="dsar",
        idempotency_key=f"dsar:{request.pk}:{event_type.value}",
    )
