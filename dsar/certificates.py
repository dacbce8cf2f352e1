"""The signed answer to an erasure: a JWS that anybody checks with the public key alone. It holds no personal data.

``verify`` needs neither a database nor this service; ``manage.py verify_certificate`` and the privacy centre call it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings

from audit import log
from dsar import controller, keyring
from dsar.errors import CertificateInvalid, RequestNotFound
from dsar.models import Certificate, Plan, Step, SubjectRequest
from dsar.references import reference
from dsar.rescan import TOMBSTONES, Rescan
from dsar.transitions import object_name
from governance.kernel import clock, crypto
from governance.kernel.actors import SYSTEM
from governance.kernel.canonical import digest

TYP = "zgoda-erasure+jwt"
VERSION = 1


@dataclass(frozen=True)
class KeptRows:
    """Rows that were kept in spite of the erasure: why (Art. 17(3)), and until when (``None``: as long as the ground lasts)."""

    table: str
    count: int
    ground: str
    until: date | None


@dataclass(frozen=True)
class StoreResult:
    """What was done in one store."""

    source: str
    title: str
    found: int
    deleted: int
    anonymised: int
    shredded: int
    retained: tuple[KeptRows, ...]


@dataclass(frozen=True)
class ErasureCertificate:
    """A certificate that was read, and whose signature held when it came from :func:`verify`."""

    jws: str
    certificate_id: str
    reference: str
    controller: str
    received_on: date
    completed_at: datetime
    outcome: str
    stores: tuple[StoreResult, ...]
    residual: int
    tables_searched: int
    backups_unreadable_by: date
    log_entries: tuple[str, ...]
    key_id: str

    @property
    def retained(self) -> tuple[KeptRows, ...]:
        """Everything that was kept, over all stores."""
        return tuple(kept for store in self.stores for kept in store.retained)


def issue(request: SubjectRequest, plan: Plan, result: Rescan, *, outcome: str) -> Certificate:
    """Sign the certificate of a locked request whose search found nothing, in the transaction that completes it."""
    now = clock.now()
    body = _body(request, plan, result, outcome, now)
    key = keyring.signing_key()
    certificate = Certificate.objects.create(
        request=request,
        jws=crypto.jws_sign(key, body, TYP),
        body=body,
        issued_at=now,
        key_id=crypto.key_id(key.public_bytes),
    )
    log.emit(
        "dsar.certificate_issued",
        actor=SYSTEM,
        object=object_name(request.pk),
        facts={"certificate_sha256": digest(body), "key_id": certificate.key_id, "residual": result.residual},
    )
    return certificate


def of(request_id: UUID) -> ErasureCertificate:
    """The certificate of a completed erasure. Raises :class:`~dsar.errors.RequestNotFound` when there is none."""
    certificate = Certificate.objects.filter(request_id=request_id).first()
    if certificate is None:
        raise RequestNotFound("This request has no certificate.")
    return verify(certificate.jws, public_key())


def public_key() -> bytes:
    """The 32 raw bytes of the Ed25519 key that checks certificates."""
    return keyring.signing_key().public_bytes


def verify(token: str, public_key: bytes) -> ErasureCertificate:
    """The certificate in ``token``, whose signature holds. Raises :class:`~dsar.errors.CertificateInvalid` for anything else."""
    try:
        body = crypto.jws_verify(public_key, token.strip(), TYP)
        return _read(body, token.strip(), crypto.key_id(public_key))
    except (crypto.SignatureInvalid, KeyError, TypeError, ValueError) as error:
        raise CertificateInvalid("This is not a certificate that the given key signed.") from error


def _body(request: SubjectRequest, plan: Plan, result: Rescan, outcome: str, now: datetime) -> dict[str, Any]:
    steps = list(plan.steps.order_by("position"))
    entries = [*request.changes.order_by("id").values_list("entry_id", flat=True), *(step.entry_id for step in steps)]
    return {
        "version": VERSION,
        "jti": str(request.pk),
        "iss": str(settings.ZGODA_PUBLIC_URL),
        "iat": int(now.timestamp()),
        "controller": str(settings.ZGODA_CONTROLLER),
        "reference": reference(request.pk),
        "article": "17",
        "received_on": controller.local_day(request.received_at).isoformat(),
        "completed_at": now.isoformat(),
        "outcome": outcome,
        "plan": {"version": plan.version, "sha256": plan.content_sha256},
        "stores": [_store(step) for step in steps],
        "rescan": {
            "residual": result.residual,
            "tables_searched": len(result.tables),
            "queries_sha256": result.digest,
            "tombstones": [
                {"table": finding.table, "count": finding.tombstones, "ground": TOMBSTONES[finding.table][1]}
                for finding in result.tables
                if finding.tombstones
            ],
            "at": now.isoformat(),
        },
        "suppressed": True,
        "backups_unreadable_by": (controller.local_day(now) + timedelta(days=controller.backup_days())).isoformat(),
        "log": {
            "origin": str(settings.ZGODA_ORIGIN),
            "entries": [str(entry) for entry in entries if entry is not None],
        },
    }


def _store(step: Step) -> dict[str, Any]:
    return {
        "source": step.source_key,
        "title": step.title,
        "status": step.status,
        # The plan counted once; what came in between the plan and the step was found too.
        "found": max(sum(step.expected_counts.values()), step.deleted + step.anonymised),
        "deleted": step.deleted,
        "anonymised": step.anonymised,
        "shredded": step.shredded,
        "retained": step.retained,
    }


def _read(body: Mapping[str, Any], token: str, key_id: str) -> ErasureCertificate:
    return ErasureCertificate(
        jws=token,
        certificate_id=str(body["jti"]),
        reference=str(body["reference"]),
        controller=str(body["controller"]),
        received_on=date.fromisoformat(body["received_on"]),
        completed_at=datetime.fromisoformat(body["completed_at"]),
        outcome=str(body["outcome"]),
        stores=tuple(
            StoreResult(
                source=store["source"],
                title=store["title"],
                found=store["found"],
                deleted=store["deleted"],
                anonymised=store["anonymised"],
                shredded=store["shredded"],
                retained=tuple(
                    KeptRows(
                        kept["table"],
                        kept["count"],
                        kept["ground"],
                        date.fromisoformat(kept["until"]) if kept["until"] else None,
                    )
                    for kept in store["retained"]
                ),
            )
            for store in body["stores"]
        ),
        residual=int(body["rescan"]["residual"]),
        tables_searched=int(body["rescan"]["tables_searched"]),
        backups_unreadable_by=date.fromisoformat(body["backups_unreadable_by"]),
        log_entries=tuple(body["log"]["entries"]),
        key_id=key_id,
    )
