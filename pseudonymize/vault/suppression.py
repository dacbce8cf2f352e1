"""The suppression list: keyed indexes of people who must not be brought back, or not be contacted for marketing.

Its key is its own, so the list cannot be joined with the identifiers of the vault; it is kept after an erasure, because that is how
the erasure stays true at the next import (Art. 17(1), 5(2)), and it holds nothing that says who they were.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from django.db import transaction

from audit import log
from governance.kernel.actors import Actor
from governance.kernel.clock import now
from governance.kernel.ids import SubjectId, uuid7
from pseudonymize import locks
from pseudonymize.errors import KeyProviderUnavailable
from pseudonymize.identity import INDEXED_KINDS, IdentifierKind, Identity
from pseudonymize.keys import masters, subject_keys
from pseudonymize.models import SubjectIdentifier, Suppression, SuppressionKey, SuppressionScope
from pseudonymize.vault import blind_index, identifiers, lookup
from pseudonymize.vault.blind_index import CANONICAL_VERSIONS
from pseudonymize.vault.matching import Found

ERASED = "erased"
"""The reason on the list for somebody who was erased."""

Hear: TypeAlias = "Callable[[SubjectId, UUID, bool], None]"
_marketing: list[Hear] = []


def on_marketing(hear: Hear) -> None:
    """Register who is told, in the same transaction, that a subject is suppressed for marketing or no longer is, by which log entry."""
    _marketing.append(hear)


def suppress(subject: SubjectId, scope: SuppressionScope, reason: str, actor: Actor) -> int:
    """Put every identifier that the subject can be found by on the list; returns how many were new there.

    With scope ALL, an import does not add to this person any more; the data stays until `forget`. `reason` is a code, never a
    sentence about somebody. Raises SubjectForgotten, SubjectUnknown.
    """
    with transaction.atomic():
        locks.own_vault()
        found = indexes_of(subject)
        entry = log.emit(
            "subject.suppressed",
            actor=actor,
            object=f"suppression:{uuid7()}",
            subject=subject,
            facts={"scope": scope.value, "reason": reason, "identifiers": len(found)},
        )
        added = add(found, scope=scope, reason=reason, entry=entry, at=now())
        if scope is SuppressionScope.MARKETING and added:
            _tell([subject], entry, suppressed=True)
        return added


def lift_suppression(identity: Identity, scope: SuppressionScope, reason: str, actor: Actor) -> int:
    """Take these identifiers off the list of that scope, at the person's own wish; returns how many were on it."""
    found = _found({0: _forms(identity)})
    with transaction.atomic():
        locks.own_vault()
        rows = [row for row in _rows(found.keys(), [scope]) if (row.kind, bytes(row.blind_index)) in found]
        Suppression.objects.filter(id__in=[row.id for row in rows]).delete()
        entry = log.emit(
            "suppression.lifted",
            actor=actor,
            object=f"suppression:{uuid7()}",
            facts={"scope": scope.value, "reason": reason, "identifiers": len(rows)},
        )
        if scope is SuppressionScope.MARKETING and rows:
            owners = [
                lookup.find_subject(kind, value) for kind, value in identity.values.items() if kind in INDEXED_KINDS
            ]
            _tell(sorted({owner for owner in owners if owner is not None}), entry, suppressed=False)
    return len(rows)


def is_suppressed(kind: IdentifierKind, value: str, scope: SuppressionScope | None = None) -> bool:
    """Whether this identifier is on the list, of that scope or of any. Raises IdentifierMalformed for what is none."""
    scopes = list(SuppressionScope) if scope is None else [scope]
    return bool(positions({0: {kind: blind_index.canonical(kind, value)}}, scopes=scopes))


def positions(
    forms: Mapping[int, Mapping[IdentifierKind, str]], *, scopes: Sequence[SuppressionScope]
) -> frozenset[int]:
    """Which rows (canonical forms by position) have an identifier on the list. One query per kind."""
    if not Suppression.objects.filter(scope__in=scopes).exists():
        return frozenset()
    found = _found(forms)
    hit = {(row.kind, bytes(row.blind_index)) for row in _rows(found.keys(), scopes)}
    return frozenset(position for key, where in found.items() if key in hit for position in where)


def indexes_of(subject: SubjectId) -> list[Found]:
    """The suppression indexes of everything the subject can be found by. Decrypts, and lets nothing out."""
    keys = subject_keys.require([subject])
    rows = identifiers.stored([subject], sorted(INDEXED_KINDS))
    index_keys = masters.suppression_keys([row.kind for row in rows])
    return [
        (row.kind, blind_index.of(blind_index.canonical(row.kind, value), index_keys[row.kind]))
        for row, value in zip(rows, identifiers.open_all(rows, keys), strict=True)
    ]


def to_remember(subject: SubjectId) -> tuple[list[Found], SuppressionKey]:
    """What has to be on the list once the subject is erased, and under which key it was made.

    An erasure does not wait for the provider of the keys (security.md, fail-closed matrix): without any key to be had, the
    identifiers' own blind indexes go on the list, which need none. They are looked up under that key from then on.
    """
    try:
        return indexes_of(subject), SuppressionKey.LIST
    except KeyProviderUnavailable:
        rows = SubjectIdentifier.objects.filter(subject=subject, blind_index__isnull=False).order_by(
            "kind", "blind_index"
        )
        return [
            (IdentifierKind(kind), bytes(index or b"")) for kind, index in rows.values_list("kind", "blind_index")
        ], SuppressionKey.INDEX


def add(found: Iterable[Found], *, scope: SuppressionScope, reason: str, entry: UUID, at: datetime) -> int:
    """Write to the list; what is there already stays. Returns how many were new. Call with the vault owned."""
    before = Suppression.objects.count()
    Suppression.objects.bulk_create(_listed(found, scope, reason, entry, at), ignore_conflicts=True)
    return Suppression.objects.count() - before


def add_erased(
    found: Sequence[Found], *, entry: UUID, at: datetime, keyed_by: SuppressionKey = SuppressionKey.LIST
) -> int:
    """Write an erased person to the list for good; who was suppressed while the request ran is erased from now on."""
    Suppression.objects.bulk_create(
        _listed(found, SuppressionScope.ALL, ERASED, entry, at, keyed_by=keyed_by),
        update_conflicts=True,
        unique_fields=["kind", "blind_index", "scope"],
        update_fields=["reason", "suppressed_at", "entry_id"],
    )
    return len(found)


def _listed(
    found: Iterable[Found],
    scope: SuppressionScope,
    reason: str,
    entry: UUID,
    at: datetime,
    *,
    keyed_by: SuppressionKey = SuppressionKey.LIST,
) -> list[Suppression]:
    return [
        Suppression(
            kind=kind.value,
            blind_index=index,
            canonical_version=CANONICAL_VERSIONS[kind],
            keyed_by=keyed_by,
            scope=scope,
            reason=reason,
            suppressed_at=at,
            entry_id=entry,
        )
        for kind, index in found
    ]


def _tell(subjects: Iterable[SubjectId], entry: UUID, *, suppressed: bool) -> None:
    for subject in subjects:
        for hear in _marketing:
            hear(subject, entry, suppressed)


def _forms(identity: Identity) -> dict[IdentifierKind, str]:
    return {
        kind: blind_index.canonical(kind, value) for kind, value in identity.values.items() if kind in INDEXED_KINDS
    }


def _found(forms: Mapping[int, Mapping[IdentifierKind, str]]) -> dict[tuple[str, bytes], list[int]]:
    """Positions by (kind, index) under the list's own key and, where somebody was erased without one, under that of the indexes."""
    kinds = sorted({kind for row in forms.values() for kind in row})
    key_sets = [masters.suppression_keys(kinds)]
    if Suppression.objects.filter(keyed_by=SuppressionKey.INDEX).exists():
        key_sets.append(masters.ensure_index_keys(kinds))
    found: dict[tuple[str, bytes], list[int]] = {}
    for keys in key_sets:
        for position, row in forms.items():
            for kind, form in row.items():
                found.setdefault((kind.value, blind_index.of(form, keys[kind])), []).append(position)
    return found


def _rows(found: Collection[tuple[str, bytes]], scopes: Sequence[SuppressionScope]) -> list[Suppression]:
    rows: list[Suppression] = []
    for kind in sorted({kind for kind, _ in found}):
        indexes = [index for other, index in found if other == kind]
        rows += Suppression.objects.filter(kind=kind, blind_index__in=indexes, scope__in=scopes)
    return rows
