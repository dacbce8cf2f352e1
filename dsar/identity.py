"""The proportionate identity check (Art. 12(6)): a one-time code to the e-mail address that we know.

Whoever reads the mailbox is who we correspond with; asking for a passport would collect more than it protects. The
answer is the same for known and unknown people: the lookup, the code and the letter are made by a job. Of the code
only a keyed digest is stored; attempts are counted in the database before the code is looked at.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F

from dsar import claims, letters, tombstones
from dsar.errors import CodeRefused, TooManyCodes
from dsar.identity_lookup import find
from dsar.keyring import working_key
from dsar.models import SubjectRequest, Verification
from dsar.states import RequestType, Status, VerificationMethod, VerificationResult
from dsar.transitions import lock, move
from governance.jobs.queue import schedule
from governance.kernel import clock, crypto
from governance.kernel.actors import SYSTEM, Actor, ActorKind
from pseudonymize import vault
from pseudonymize.vault import IdentifierKind

CODE_DIGITS = 8
MAXIMUM_ATTEMPTS = 5
MAXIMUM_CODES = 5
LIFETIME = timedelta(hours=1)


def send_code(request_id: UUID) -> None:
    """Order a code, replacing an earlier one. Raises :class:`TooManyCodes` after :data:`MAXIMUM_CODES`.

    A request that is past its identity check answers in silence: nothing is sent.
    """
    now = clock.now()
    with transaction.atomic():
        request = lock(request_id)
        if Status(request.status) is not Status.IDENTITY_PENDING:
            return
        codes = request.verifications.filter(method=VerificationMethod.EMAIL_CODE.value)
        if codes.count() >= MAXIMUM_CODES:
            raise TooManyCodes("No further code can be sent for this request. Please write to us.")
        codes.filter(result=VerificationResult.PENDING.value).update(
            result=VerificationResult.SUPERSEDED.value, decided_at=now
        )
        verification = Verification.objects.create(
            request=request, method=VerificationMethod.EMAIL_CODE.value, created_at=now
        )
        schedule("dsar.send_code", {"verification": str(verification.pk)})


def mail_code(verification_id: UUID) -> None:
    """Make a code for a pending check, store its digest, and mail it to the address that proves something. For the job.

    A job that is tried again makes another code on the same row: the attempts that were made stay counted.
    """
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
    with transaction.atomic():
        request = lock(Verification.objects.values_list("request_id", flat=True).get(pk=verification_id))
        address = _address(request)
        changed = Verification.objects.filter(pk=verification_id, result=VerificationResult.PENDING.value).update(
            code_mac=_code_mac(verification_id, code), expires_at=clock.now() + LIFETIME
        )
        if not changed or address is None:
            return
        letters.remember_address(request, address)
    letters.deliver_code(request, code)


def _address(request: SubjectRequest) -> str | None:
    """Where the code goes: to the address we know of the person, never to one that another claim merely came with."""
    claimed = claims.read(request).get(IdentifierKind.EMAIL)
    subject = find(request)
    if subject is None or (claimed is not None and vault.find_subject(IdentifierKind.EMAIL, claimed) == subject):
        return claimed
    known = vault.read([subject], [IdentifierKind.EMAIL], purpose="dsar.identity", actor=SYSTEM)
    return known.get(subject, {}).get(IdentifierKind.EMAIL)


def confirm(request_id: UUID, code: str) -> Status:
    """The person enters the code; returns the status that follows.

    Raises :class:`CodeRefused`, the same for a wrong, used, expired or exhausted code and for an unknown request. The
    attempt is counted in a transaction of its own, which is why this must not be called inside another one.
    """
    with transaction.atomic(durable=True):
        request = SubjectRequest.objects.select_for_update().filter(pk=request_id).first()
        verification = _spend_attempt(request_id)
        accepted = (
            request is not None
            and verification is not None
            and crypto.equal(bytes(verification.code_mac or b""), _code_mac(verification.pk, _digits(code)))
        )
        if request is not None and verification is not None and accepted:
            _pass(request, verification, actor=Actor(ActorKind.SUBJECT, f"request:{request_id}"))
            return Status(request.status)
        if verification is not None and verification.attempts >= MAXIMUM_ATTEMPTS:
            verification.result = VerificationResult.FAILED.value
            verification.decided_at = clock.now()
            verification.save(update_fields=["result", "decided_at"])
    raise CodeRefused


def confirm_by_staff(request_id: UUID, *, actor: Actor) -> Status:
    """Staff saw the person or know them by other means. Raises ``InvalidTransition`` when the check is over."""
    with transaction.atomic():
        request = lock(request_id)
        verification = Verification(request=request, method=VerificationMethod.STAFF.value, created_at=clock.now())
        request.verifications.filter(result=VerificationResult.PENDING.value).update(
            result=VerificationResult.SUPERSEDED.value, decided_at=clock.now()
        )
        _pass(request, verification, actor=actor)
    return Status(request.status)


def _spend_attempt(request_id: UUID) -> Verification | None:
    """Count an attempt on the pending code, if there is one that still takes attempts: one statement decides."""
    pending = Verification.objects.filter(
        request_id=request_id,
        method=VerificationMethod.EMAIL_CODE.value,
        result=VerificationResult.PENDING.value,
        code_mac__isnull=False,
        attempts__lt=MAXIMUM_ATTEMPTS,
        expires_at__gt=clock.now(),
    )
    if not pending.update(attempts=F("attempts") + 1):
        return None
    return Verification.objects.get(request_id=request_id, result=VerificationResult.PENDING.value)


def _pass(request: SubjectRequest, verification: Verification, *, actor: Actor) -> None:
    """The check is passed: find the person, put the tombstone, and have the request prepared."""
    verification.result = VerificationResult.PASSED.value
    verification.decided_at = clock.now()
    verification.save()
    request.subject_id = find(request)
    move(request, Status.VERIFIED, actor=actor, facts={"method": verification.method})
    move(request, Status.ASSESSING, actor=actor)
    tombstones.put(request, actor=actor)
    kind = RequestType(request.type)
    if request.subject_id is None:
        move(request, Status.COMPLETED, actor=actor, reason_code="nothing_held")
        letters.queue(request, letters.Letter.NOTHING_HELD)
    elif kind is RequestType.ERASURE:
        schedule("dsar.plan", {"request": str(request.pk)})
    elif kind in {RequestType.ACCESS, RequestType.PORTABILITY}:
        schedule("dsar.package", {"request": str(request.pk)})


def _digits(text: str) -> str:
    """People type codes with spaces and dashes."""
    return "".join(character for character in text if character.isascii() and character.isdigit())


def _code_mac(verification_id: UUID, code: str) -> bytes:
    return crypto.mac(working_key("identity_code"), verification_id.bytes + code.encode())
