"""Statements about the vault that must hold at any time, also after a kill -9."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from uuid import UUID

from django.db import connection, transaction

from audit import log
from governance.kernel.actors import SYSTEM
from governance.kernel.ids import SubjectId
from governance.kernel.invariants import Finding, invariant
from pseudonymize.identity import INDEXED_KINDS
from pseudonymize.keys import masters, subject_keys
from pseudonymize.models import DataSubject, SubjectIdentifier, Suppression, SuppressionScope
from pseudonymize.vault import blind_index, identifiers

_SHOWN = 100
_BATCH = 2_000


@invariant("pseudonymize.identifiers_have_a_live_key")
def identifiers_have_a_live_key() -> Finding:
    """No identifier of a subject without a live key."""
    return _finding(
        SubjectIdentifier.objects.count(),
        """SELECT i.id FROM pseudonymize_subject_identifier i
           LEFT JOIN pseudonymize_subject_key k ON k.subject_id = i.subject_id AND k.wrapped IS NOT NULL
           WHERE k.id IS NULL""",
    )


@invariant("pseudonymize.live_subjects_have_a_live_key")
def live_subjects_have_a_live_key() -> Finding:
    """No live subject with a destroyed or missing key; no erased subject with a live one."""
    return _finding(
        DataSubject.objects.count(),
        """SELECT s.id FROM pseudonymize_data_subject s
           LEFT JOIN pseudonymize_subject_key k ON k.subject_id = s.id AND k.wrapped IS NOT NULL
           WHERE (s.erased_at IS NULL) = (k.id IS NULL)""",
    )


@invariant("pseudonymize.live_keys_can_be_unwrapped")
def live_keys_can_be_unwrapped() -> Finding:
    """No live key wrapped under a version of the key-encryption key that was destroyed."""
    return _finding(
        DataSubject.objects.count(),
        """SELECT k.id FROM pseudonymize_subject_key k
           LEFT JOIN pseudonymize_key_encryption_key e ON e.version = k.kek_version AND e.status <> 'destroyed'
           WHERE k.wrapped IS NOT NULL AND e.version IS NULL
           UNION ALL
           SELECT m.id FROM pseudonymize_master_key m
           LEFT JOIN pseudonymize_key_encryption_key e ON e.version = m.kek_version AND e.status <> 'destroyed'
           WHERE m.wrapped IS NOT NULL AND e.version IS NULL""",
    )


@invariant("pseudonymize.nobody_enrolled_after_suppression")
def nobody_enrolled_after_suppression() -> Finding:
    """No identifier came into the vault after it was put on the suppression list."""
    listed = {
        (row.kind, bytes(row.blind_index)): row.suppressed_at
        for row in Suppression.objects.filter(scope=SuppressionScope.ALL)
    }
    if not listed:
        return Finding(0)
    checked, violations = 0, []
    with transaction.atomic():
        log.emit("identity.checked", actor=SYSTEM, object="subject_identifiers", facts={"suppressions": len(listed)})
        for kind, row, index, enrolled_at in _suppression_indexes():
            checked += 1
            since = listed.get((kind, index))
            if since is not None and enrolled_at > since:
                violations.append(str(row))
    return Finding(checked, tuple(violations[:_SHOWN]))


def _suppression_indexes() -> Iterator[tuple[str, UUID, bytes, datetime]]:
    """What the suppression index of every identifier in the vault would be."""
    kinds = sorted(INDEXED_KINDS)
    keys = masters.suppression_keys(kinds)
    subjects = DataSubject.objects.filter(erased_at__isnull=True).values_list("id", flat=True).iterator()
    while batch := [SubjectId(subject) for subject in islice(subjects, _BATCH)]:
        owned = subject_keys.live(batch)
        rows = [row for row in identifiers.stored(batch, kinds) if row.subject in owned]
        at = dict(SubjectIdentifier.objects.filter(id__in=[row.id for row in rows]).values_list("id", "enrolled_at"))
        for row, value in zip(rows, identifiers.open_all(rows, owned), strict=True):
            yield (
                row.kind.value,
                row.id,
                blind_index.of(blind_index.canonical(row.kind, value), keys[row.kind]),
                at[row.id],
            )


def _finding(checked: int, query: str) -> Finding:
    with connection.cursor() as cursor:
        cursor.execute(f"{query} LIMIT {_SHOWN}")
        return Finding(checked, tuple(str(row) for (row,) in cursor.fetchall()))
