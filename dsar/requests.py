"""Open, follow, extend, answer and revoke a request of a data subject.

request_id = requests.open(RequestType.ERASURE, {IdentifierKind.EMAIL: address}, language="pl", channel=…, actor=…)
identity.confirm(request_id, code_from_the_mail)
planning.plan(request_id, actor);  planning.approve(request_id, dpo, reason="…")
jobs.drain();  certificates.of(request_id)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import transaction

from audit import log
from dsar import claims as sealed_claims
from dsar import clocks, identity, letters, tombstones
from dsar.controller import country, local_day
from dsar.errors import InvalidTransition, RequestNotFound
from dsar.identity_lookup import is_confirmed
from dsar.models import ClockEvent, Extension, SubjectRequest
from dsar.references import check_tracking_code, reference, request_id_of, tracking_code
from dsar.states import REVOCABLE, ClockKind, IntakeChannel, RequestType, Status
from dsar.transitions import lock, move, object_name
from governance.kernel import clock
from governance.kernel.actors import Actor
from governance.kernel.errors import InvalidInput
from governance.kernel.ids import uuid7
from pseudonymize.vault import IdentifierKind

LANGUAGES = ("en", "pl")


@dataclass(frozen=True)
class TimelineItem:
    """One line of the history that the person sees."""

    status: Status
    at: datetime


@dataclass(frozen=True)
class Tracked:
    """What the person sees of their own request: no identifier, only where it stands."""

    id: UUID
    reference: str
    type: RequestType
    status: Status
    language: str
    received_on: date
    due_on: date
    extended: bool
    answered: bool
    revocable: bool
    extension_reasons: str
    timeline: tuple[TimelineItem, ...]
    certificate_jws: str
    package_until: datetime | None


def open(
    type: RequestType,
    claims: Mapping[IdentifierKind, str],
    *,
    language: str,
    channel: IntakeChannel,
    actor: Actor,
    received_at: datetime | None = None,
    send_code: bool = True,
) -> UUID:
    """Take a request in, start its clock, and send the identity check; returns its id.

    The answer is the same, in content and in time, whether or not we know the person: looking them up is a job.
    ``received_at`` may lie in the past (a letter); ``send_code`` is off when identity is checked in another way, or the
    mailbox has had enough letters for now. Raises :class:`~dsar.errors.ClaimsInsufficient` or ``InvalidInput``.
    """
    given = sealed_claims.validate(claims)
    if language not in LANGUAGES:
        raise InvalidInput("The language is not one we write in.", languages=list(LANGUAGES))
    now = clock.now()
    received = received_at or now
    if received > now:
        raise InvalidInput("A request cannot be received in the future.")
    with transaction.atomic():
        request_id = uuid7()
        due_on = clocks.due(local_day(received), country())
        request = SubjectRequest.objects.create(
            id=request_id,
            type=type.value,
            intake_channel=channel.value,
            language=language,
            received_at=received,
            due_on=due_on,
            progress_at=now,
            wrapped_key=sealed_claims.wrap_new_key(request_id),
        )
        sealed_claims.store(request, given)
        ClockEvent.objects.create(request=request, kind=ClockKind.START.value, at=received, due_on=due_on)
        log.emit(
            "dsar.received",
            actor=actor,
            object=object_name(request_id),
            facts={"type": type.value, "channel": channel.value, "due_on": due_on.isoformat()},
        )
        move(lock(request_id), Status.IDENTITY_PENDING, actor=actor)
        if send_code:
            identity.send_code(request_id)
    return request_id


def track(reference_text: str, code: str) -> Tracked:
    """The request behind a reference and its tracking code. Raises :class:`RequestNotFound` when either is wrong."""
    request_id = request_id_of(reference_text)
    request = SubjectRequest.objects.filter(pk=request_id).select_related("certificate", "artifact").first()
    check_tracking_code(request_id, code, confirmed=request is not None and is_confirmed(request))
    if request is None:
        raise RequestNotFound
    return _tracked(request)


def tracking_code_of(request_id: UUID) -> str:
    """The tracking code as it stands: another one before and after the identity check. Raises :class:`RequestNotFound`."""
    request = SubjectRequest.objects.filter(pk=request_id).first()
    if request is None:
        raise RequestNotFound
    return tracking_code(request_id, confirmed=is_confirmed(request))


def _tracked(request: SubjectRequest) -> Tracked:
    status = Status(request.status)
    extension = Extension.objects.filter(request=request).first()
    reasons = ""
    if extension is not None and request.wrapped_key is not None:
        reasons = sealed_claims.unseal(request, "extension", extension.reasons_ciphertext).decode()
    certificate = getattr(request, "certificate", None)
    artifact = getattr(request, "artifact", None)
    changes = request.changes.order_by("id").values_list("to_status", "at")
    return Tracked(
        id=request.pk,
        reference=reference(request.pk),
        type=RequestType(request.type),
        status=status,
        language=request.language,
        received_on=local_day(request.received_at),
        due_on=request.due_on,
        extended=request.extended,
        answered=request.answered_at is not None,
        revocable=status in REVOCABLE,
        extension_reasons=reasons,
        timeline=(
            TimelineItem(Status.RECEIVED, request.received_at),
            *(TimelineItem(Status(to_status), at) for to_status, at in changes),
        ),
        certificate_jws=certificate.jws if certificate is not None else "",
        package_until=artifact.expires_at if artifact is not None and artifact.expires_at > clock.now() else None,
    )


def extend(request_id: UUID, reasons: str, *, actor: Actor) -> date:
    """Extend the clock by two months, inside month one and once (Art. 12(3)); the person is told the reasons by e-mail.

    Returns the new last day. Raises :class:`~dsar.errors.ExtensionRefused`.
    """
    now = clock.now()
    with transaction.atomic():
        request = lock(request_id)
        if request.answered_at is not None:
            raise InvalidTransition("The request is answered; there is nothing left to extend.")
        due_after = clocks.extend(
            local_day(request.received_at),
            local_day(now),
            country(),
            reasons=reasons,
            already_extended=request.extended,
        )
        Extension.objects.create(
            request=request,
            reasons_ciphertext=sealed_claims.seal(request, "extension", reasons.strip().encode()),
            decided_by=str(actor),
            decided_at=now,
            due_before=request.due_on,
            due_after=due_after,
        )
        ClockEvent.objects.create(request=request, kind=ClockKind.EXTEND.value, at=now, due_on=due_after)
        before, request.due_on, request.extended, request.progress_at = request.due_on, due_after, True, now
        request.save(update_fields=["due_on", "extended", "progress_at"])
        log.emit(
            "dsar.extended",
            actor=actor,
            object=object_name(request_id),
            facts={"due_before": before.isoformat(), "due_after": due_after.isoformat()},
        )
        letters.queue(request, letters.Letter.EXTENDED)
    return due_after


def revoke(request_id: UUID, *, actor: Actor) -> None:
    """The person takes the request back, before anything was destroyed; what was put in force for it is lifted."""
    with transaction.atomic():
        request = lock(request_id)
        move(request, Status.REVOKED, actor=actor)
        tombstones.lift(request, actor=actor)
        letters.queue(request, letters.Letter.REVOKED)
        move(request, Status.CLOSED, actor=actor)


def refuse(request_id: UUID, code: str, *, actor: Actor) -> None:
    """Refuse with a ground (Art. 12(5), 17(3)); the letter names the remedies (Art. 12(4)). ``code`` is one of :data:`GROUNDS`."""
    if code not in GROUNDS:
        raise InvalidInput("A refusal needs a known ground.", grounds=sorted(GROUNDS))
    with transaction.atomic():
        request = lock(request_id)
        move(request, Status.REFUSED, actor=actor, reason_code=code)
        tombstones.lift(request, actor=actor)
        letters.queue(request, letters.Letter.REFUSED)


def answer(request_id: UUID, *, actor: Actor) -> None:
    """Staff have done what was asked, for types that are answered by hand (rectification, objection, review …)."""
    with transaction.atomic():
        request = lock(request_id)
        if RequestType(request.type) is RequestType.ERASURE:
            raise InvalidTransition("An erasure is completed by its steps and its re-scan, not by hand.")
        move(request, Status.COMPLETED, actor=actor, reason_code="by_staff")
        letters.queue(request, letters.Letter.ANSWERED)


# Grounds of a refusal: code -> article.
GROUNDS: dict[str, str] = {
    "manifestly_unfounded": "Art. 12(5)",
    "excessive": "Art. 12(5)",
    "not_identifiable": "Art. 11(2)",
    "freedom_of_expression": "Art. 17(3)(a)",
    "legal_obligation": "Art. 17(3)(b)",
    "public_health": "Art. 17(3)(c)",
    "archiving": "Art. 17(3)(d)",
    "legal_claims": "Art. 17(3)(e)",
}
