"""Letters to the person, by e-mail: ordered as rows with ids only, written and addressed at the moment they leave.

At-least-once: a letter that a crash cut off is sent again under the same Message-ID. After a letter that answers the
request, the request is RESPONDED.
"""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from audit import log
from dsar import claims, controller
from dsar.identity_lookup import is_confirmed
from dsar.models import Message, SubjectRequest
from dsar.references import reference, tracking_code
from dsar.states import Status
from dsar.transitions import lock, move, object_name
from governance.jobs.queue import schedule
from governance.kernel import clock, mail
from governance.kernel.actors import SYSTEM, Actor
from governance.kernel.logs import get_logger
from governance.kernel.mail import Enclosure, LetterNotSent
from pseudonymize.vault import IdentifierKind

__all__ = ["Letter", "LetterNotSent", "deliver", "deliver_code", "queue", "remember_address", "responded_on_paper"]

logger = get_logger(__name__)

_ANSWERS = frozenset({Status.COMPLETED, Status.PARTIALLY_COMPLETED, Status.REFUSED})


class Letter(StrEnum):
    """What can be written; each has a template ``dsar/letters/<letter>.txt`` whose first line is the subject."""

    IDENTITY_CODE = "identity_code"
    EXTENDED = "extended"
    REVOKED = "revoked"
    REFUSED = "refused"
    ANSWERED = "answered"
    NOTHING_HELD = "nothing_held"
    ERASED = "erased"
    PACKAGE_READY = "package_ready"


def queue(request: SubjectRequest, letter: Letter) -> None:
    """Order a letter in the caller's transaction."""
    message = Message.objects.create(request=request, kind=letter.value, queued_at=clock.now())
    schedule("dsar.send_letter", {"message": str(message.pk)})


def remember_address(request: SubjectRequest, address: str) -> None:
    """Keep the address that the code goes to, sealed: the vault will not know it any more after an erasure."""
    request.contact_ciphertext = claims.seal(request, "contact", address.encode())
    request.save(update_fields=["contact_ciphertext"])


def deliver_code(request: SubjectRequest, code: str) -> None:
    """Send the identity check's code. Raises :class:`LetterNotSent`. The code is in this process and that letter only."""
    address = _address(request)
    if address is not None:
        spaced = f"{code[:4]} {code[4:]}"
        mail.send(_text(request, Letter.IDENTITY_CODE, {"code": spaced}), address)


def deliver(message_id: UUID) -> None:
    """Send one ordered letter, once it has not been sent yet, and note it. Raises :class:`LetterNotSent`."""
    message = Message.objects.select_related("request").get(pk=message_id)
    if message.sent_at is not None:
        return
    address = _address(message.request)
    if address is None:
        logger.warning("letter_without_address", object_id=str(message_id), kind=message.kind)
        return
    letter, facts = Letter(message.kind), _facts(message.request)
    text = _text(message.request, letter, facts)
    mail.send(text, address, letter_id=message_id, enclosure=_enclosure(letter, facts))
    with transaction.atomic():
        request = lock(message.request_id)
        if Message.objects.filter(pk=message_id, sent_at__isnull=True).update(sent_at=clock.now()):
            log.emit("dsar.letter_sent", actor=SYSTEM, object=object_name(request.pk), facts={"letter": message.kind})
            if Status(request.status) in _ANSWERS:
                move(request, Status.RESPONDED, actor=SYSTEM)


def responded_on_paper(request_id: UUID, *, actor: Actor) -> None:
    """Staff answered a person without an e-mail address by letter. Raises ``InvalidTransition`` when no answer is due."""
    with transaction.atomic():
        move(lock(request_id), Status.RESPONDED, actor=actor, reason_code="on_paper")


def _address(request: SubjectRequest) -> str | None:
    if request.wrapped_key is None:
        return None
    if request.contact_ciphertext is not None:
        return claims.unseal(request, "contact", request.contact_ciphertext).decode()
    return claims.read(request).get(IdentifierKind.EMAIL)


def _facts(request: SubjectRequest) -> dict[str, object]:
    facts: dict[str, object] = {}
    refusal = request.changes.filter(to_status=Status.REFUSED.value).first()
    if refusal is not None:
        facts["ground"] = refusal.reason_code
    extension = getattr(request, "extension", None)
    if extension is not None:
        facts["reasons"] = claims.unseal(request, "extension", extension.reasons_ciphertext).decode()
    certificate = getattr(request, "certificate", None)
    if certificate is not None:
        facts["certificate"] = certificate
    artifact = getattr(request, "artifact", None)
    if artifact is not None:
        facts["package_until"] = artifact.expires_at
    return facts


def _text(request: SubjectRequest, letter: Letter, facts: dict[str, object]) -> str:
    """The letter in the language of the request; its first line is the subject."""
    with translation.override(request.language):
        context = {
            "type": request.type,
            "reference": reference(request.pk),
            "tracking_code": tracking_code(request.pk, confirmed=is_confirmed(request)),
            "due_on": request.due_on,
            "controller": settings.ZGODA_CONTROLLER,
            "contact": settings.ZGODA_DPO_CONTACT,
            "keep_days": controller.keep_days(),
            "track_url": _url("privacy_center:track", request),
            "confirm_url": _url("privacy_center:confirm", request, reference=reference(request.pk)),
            "proof_url": _url("privacy_center:proof", request),
            **facts,
        }
        return render_to_string(f"dsar/letters/{letter.value}.txt", context)


def _enclosure(letter: Letter, facts: dict[str, object]) -> Enclosure | None:
    """An erasure's certificate goes with the letter that tells of it."""
    certificate = facts.get("certificate")
    if letter is not Letter.ERASED or certificate is None:
        return None
    return Enclosure("certificate.jwt", getattr(certificate, "jws", ""))


def _url(name: str, request: SubjectRequest, **arguments: str) -> str:
    return f"{settings.ZGODA_PUBLIC_URL}{reverse(name, kwargs={'language': request.language, **arguments})}"
