"""Correcting an identifier (Art. 16)."""

from __future__ import annotations

from django.db import transaction

from audit import log
from governance.kernel.actors import Actor
from governance.kernel.clock import now
from governance.kernel.ids import SubjectId
from pseudonymize import locks
from pseudonymize.errors import IdentifierConflict
from pseudonymize.identity import INDEXED_KINDS, IdentifierKind
from pseudonymize.keys import masters, subject_keys
from pseudonymize.models import DataSubject, SubjectIdentifier
from pseudonymize.vault import blind_index, identifiers, lookup
from pseudonymize.vault.matching import Addition


def rectify(
    subject: SubjectId, kind: IdentifierKind, value: str, *, actor: Actor, source: str = "rectification"
) -> int:
    """Put `value` in the place of the identifier that `read` returns for that kind; returns 1, or 0 when nothing changed.

    Raises IdentifierMalformed, IdentifierConflict when it is another subject's, SubjectForgotten, SubjectUnknown.
    """
    with transaction.atomic():
        locks.share_vault()
        DataSubject.objects.select_for_update().filter(id=subject).first()
        keys = subject_keys.require([subject])
        index = _free_index(subject, kind, value)
        rows = identifiers.stored([subject], [kind])
        if rows and identifiers.open_all(rows[-1:], keys) == [value]:
            return 0
        SubjectIdentifier.objects.filter(id__in=[row.id for row in rows[-1:]]).delete()
        if index is not None:
            # The person may have several addresses, and correct one into another that is there already.
            SubjectIdentifier.objects.filter(kind=kind.value, blind_index=index, subject=subject).delete()
        identifiers.write([Addition(subject, kind, value, index)], keys, source, now())
        log.emit(
            "identity.rectified",
            actor=actor,
            object="subject_identifiers",
            subject=subject,
            facts={"kinds": [kind.value]},
        )
        return 1


def _free_index(subject: SubjectId, kind: IdentifierKind, value: str) -> bytes | None:
    if kind not in INDEXED_KINDS:
        return None
    key = masters.ensure_index_keys([kind])[kind]
    index = blind_index.of(blind_index.canonical(kind, value), key)
    owner = lookup.owners({kind: {index}}).get((kind, index))
    if owner is not None and owner != subject:
        raise IdentifierConflict("The identifier belongs to another subject.", kinds=[kind.value])
    return index
