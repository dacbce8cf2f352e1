"""The personal data that requests themselves hold: claims, addresses, reasons, packages.

Answered requests of the person lose what they hold; the one being answered keeps it until the letter left and the
purge, because an answer needs an address (Art. 12(3)). The shell and the certificate stay as proof (Art. 5(2)).
"""

from __future__ import annotations

from datetime import date, timedelta

from django.db import connection

from dsar import controller
from dsar.models import Artifact, RequestClaim, SubjectRequest
from dsar.states import FINAL
from governance.kernel.canonical import sha256_hex
from governance.kernel.ids import SubjectId
from governance.kernel.personal_data import (
    Erased,
    ExportRecord,
    Located,
    Residual,
    Retained,
    SourceDefaults,
)

_FINAL = sorted(status.value for status in FINAL)
_RESIDUAL = """
    SELECT count(*) FROM dsar_request_claim c JOIN dsar_request r ON r.id = c.request_id
    WHERE r.subject_id = %s AND r.status IN ('closed', 'purged')
"""


class RequestsSource(SourceDefaults):
    """Requests of the person, for whoever walks the registry."""

    key = "dsar.requests"
    title = "Requests and correspondence about them"
    tables = frozenset({"dsar_request", "dsar_request_claim", "dsar_artifact"})
    categories: tuple[str, ...] = ("contact", "correspondence")
    order = 900

    def locate(self, subject: SubjectId) -> Located:
        """Rows per table."""
        return Located(
            {
                "dsar_request": SubjectRequest.objects.filter(subject_id=subject).count(),
                "dsar_request_claim": RequestClaim.objects.filter(request__subject_id=subject).count(),
                "dsar_artifact": Artifact.objects.filter(request__subject_id=subject).count(),
            }
        )

    def export(self, subject: SubjectId) -> list[ExportRecord]:
        """The requests as the person knows them."""
        return [
            ExportRecord(
                "dsar_request",
                "given",
                None,
                {
                    "type": request.type,
                    "status": request.status,
                    "received_at": request.received_at,
                    "due_on": request.due_on,
                    "answered_at": request.answered_at,
                },
            )
            for request in SubjectRequest.objects.filter(subject_id=subject).order_by("received_at")
        ]

    def erase(self, subject: SubjectId) -> Erased:
        """Delete what closed requests hold; keep the open one's claims until it is purged. Idempotent."""
        closed = SubjectRequest.objects.filter(subject_id=subject, status__in=_FINAL)
        packages, _ = Artifact.objects.filter(request__subject_id=subject).delete()
        claims, _ = RequestClaim.objects.filter(request__in=closed).delete()
        shredded = closed.filter(wrapped_key__isnull=False).update(wrapped_key=None, contact_ciphertext=None)
        shells = SubjectRequest.objects.filter(subject_id=subject).count()
        kept = RequestClaim.objects.filter(request__subject_id=subject).count()
        proof_until = _years_from(controller.today(), controller.certificate_years())
        claims_until = controller.today() + timedelta(days=controller.close_after_days() + controller.keep_days())
        return Erased(
            deleted=packages + claims,
            shredded=shredded,
            retained=(
                Retained(
                    "dsar_request", shells, "Art. 5(2), Art. 17(3)(e): proof that the request was answered", proof_until
                ),
                Retained("dsar_request_claim", kept, "Art. 12(3): the address that the answer goes to", claims_until),
            ),
        )

    def residual(self, subject: SubjectId) -> Residual:
        """Claims of closed requests that are still there."""
        with connection.cursor() as cursor:
            cursor.execute(_RESIDUAL, [subject])
            return Residual(int(cursor.fetchone()[0]), sha256_hex(_RESIDUAL.encode()))


def _years_from(day: date, years: int) -> date:
    return date(day.year + years, day.month, 28 if (day.month, day.day) == (2, 29) else day.day)
