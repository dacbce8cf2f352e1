"""Letters to the person, by e-mail: ordered as rows with ids only, written and addressed at the moment they leave.

At-least-once: a letter that a crash cut off is sent again under the same Message-ID. After a letter that answers the
request, the request is RESPONDED.
"""

from __future__ import annotations

import smtplib
from enum import StrEnum
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
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
from governance.kernel import clock
from governance.kernel.actors import SYSTEM, Actor
from governance.kernel.errors import Unavailable
from governance.kernel.logs import get_logger
from pseudonymize.vault import IdentifierKind

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


class LetterNotSent(Unavailable):
    """The mail server did not take the letter; it is tried again."""

    code = "letter_not_sent"
    title = "A letter could not be sent"


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
        _send(_write(request, Letter.IDENTITY_CODE, address, {"code": spaced}))


def deliver(message_id: UUID) -> None:
    """Send one ordered letter, once it has not been sent yet, and note it. Raises :class:`LetterNotSent`."""
    message = Message.objects.select_related("request").get(pk=message_id)
    if message.sent_at is not None:
        return
    address = _address(message.request)
    if address is None:
        logger.warning("letter_without_address", object_id=str(message_id), kind=message.kind)
        return
    mail = _write(message.request, Letter(message.kind), address, _facts(message.request))
    mail.extra_headers["Message-ID"] = f"<{message_id}@{_host()}>"
    _send(mail)
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


def _write(request: SubjectRequest, letter: Letter, address: str, facts: dict[str, object]) -> EmailMessage:
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
        subject, _, body = render_to_string(f"dsar/letters/{letter.value}.txt", context).strip().partition("\n")
    mail = EmailMessage(subject.strip(), body.strip() + "\n", settings.DEFAULT_FROM_EMAIL, [address])
    mail.extra_headers["Auto-Submitted"] = "auto-generated"
    certificate = facts.get("certificate")
    if letter is Letter.ERASED and certificate is not None:
        mail.attach("certificate.jwt", getattr(certificate, "jws", ""), "text/plain")
    return mail


def _send(mail: EmailMessage) -> None:
    try:
        mail.send()
    except (smtplib.SMTPException, OSError):
        # The server's answer can quote the address: it goes no further.
        raise LetterNotSent from None


def _url(name: str, request: SubjectRequest, **arguments: str) -> str:
    return f"{settings.ZGODA_PUBLIC_URL}{reverse(name, kwargs={'language': request.language, **arguments})}"


def _host() -> str:
    return str(settings.ZGODA_ORIGIN).partition("/")[0].partition(":")[0]
