"""What happens to requests by the calendar: lapse, close, purge. Every final state is purged, not only the happy one."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db import transaction

from audit import log
from dsar import controller
from dsar.models import Artifact, Extension, RequestClaim, StaffReason, SubjectRequest
from dsar.states import Status, VerificationResult
from dsar.transitions import lock, move, object_name
from governance.kernel import clock
from governance.kernel.actors import SYSTEM
from governance.kernel.logs import get_logger

logger = get_logger(__name__)


def run() -> int:
    """Lapse, close and purge what is due; returns how many requests changed."""
    now = clock.now()
    requests = SubjectRequest.objects
    lapsing = requests.filter(
        status=Status.IDENTITY_PENDING.value, received_at__lt=now - timedelta(days=controller.lapse_after_days())
    )
    closing = requests.filter(
        status=Status.RESPONDED.value, answered_at__lt=now - timedelta(days=controller.close_after_days())
    )
    purging = requests.filter(status=Status.CLOSED.value, purge_on__lte=controller.today())
    changed = 0
    for due, verb in ((lapsing, lapse), (closing, close), (purging, purge)):
        for request_id in list(due.values_list("pk", flat=True)):
            verb(request_id)
            changed += 1
    packages, _ = Artifact.objects.filter(expires_at__lt=now).delete()
    if packages:
        logger.info("packages_expired", count=packages)
    return changed


def lapse(request_id: UUID) -> None:
    """Nobody confirmed the request: it ends without an answer, and what was claimed goes with it."""
    with transaction.atomic():
        request = lock(request_id)
        move(request, Status.LAPSED, actor=SYSTEM)
        move(request, Status.CLOSED, actor=SYSTEM)


def close(request_id: UUID) -> None:
    """The person was answered and did not come back."""
    with transaction.atomic():
        move(lock(request_id), Status.CLOSED, actor=SYSTEM)


def purge(request_id: UUID) -> None:
    """Destroy the request's key and delete what it holds about the person; shell, history and certificate stay."""
    with transaction.atomic():
        request = lock(request_id)
        claims, _ = RequestClaim.objects.filter(request=request).delete()
        Artifact.objects.filter(request=request).delete()
        Extension.objects.filter(request=request).delete()
        StaffReason.objects.filter(request=request).delete()
        request.verifications.exclude(result=VerificationResult.PENDING.value).update(code_mac=None)
        request.verifications.filter(result=VerificationResult.PENDING.value).update(
            code_mac=None, result=VerificationResult.SUPERSEDED.value, decided_at=clock.now()
        )
        request.wrapped_key = None
        request.contact_ciphertext = None
        request.subject_id = None
        move(request, Status.PURGED, actor=SYSTEM)
        log.emit("dsar.key_destroyed", actor=SYSTEM, object=object_name(request_id), facts={"claims": claims})
