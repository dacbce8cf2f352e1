"""Forgetting a subject (Art. 17): destroy the key, delete the identifiers, remember only that they must not come back."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from audit import log
from governance.kernel.actors import Actor
from governance.kernel.clock import now
from governance.kernel.ids import SubjectId
from governance.kernel.logs import get_logger
from pseudonymize import locks
from pseudonymize.keys import subject_keys
from pseudonymize.models import DataSubject, SubjectIdentifier
from pseudonymize.vault import suppression

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What forgetting did. A second time it does nothing, and says so."""

    identifiers_deleted: int
    key_destroyed: bool
    suppressed: int
    proof_sha256: str = ""


def forget(subject: SubjectId, *, actor: Actor, reason: str) -> Forgotten:
    """Shred the subject: whatever was sealed under their key, here or in any copy, does not open again.

    `reason` is a code. Idempotent; an unknown subject is nothing to forget. The log entry names the key's tombstone and not the
    subject, so that it stays when the links between entries and the subject are deleted.
    """
    with transaction.atomic():
        locks.own_vault()
        row = DataSubject.objects.select_for_update().filter(id=subject).first()
        if row is None or row.erased_at is not None:
            return Forgotten(0, key_destroyed=False, suppressed=0)
        at = now()
        found, keyed_by = suppression.to_remember(subject)
        destroyed = subject_keys.destroy(subject, at)
        deleted, _ = SubjectIdentifier.objects.filter(subject=subject).delete()
        row.erased_at = at
        row.save(update_fields=["erased_at"])
        proof = destroyed.proof_sha256 if destroyed else ""
        entry = log.emit(
            "subject.forgotten",
            actor=actor,
            object=f"subject_key:{destroyed.key_id if destroyed else 'none'}",
            facts={"identifiers": deleted, "proof_sha256": proof, "reason": reason, "suppressed": len(found)},
        )
        suppressed = suppression.add_erased(found, entry=entry, at=at, keyed_by=keyed_by)
    logger.info("subject_forgotten", count=deleted, reason=reason)
    return Forgotten(deleted, key_destroyed=destroyed is not None, suppressed=suppressed, proof_sha256=proof)
