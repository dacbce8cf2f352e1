"""Enrolling people: finding those the vault knows, making those it does not, refusing those who were erased."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db import IntegrityError, transaction
from psycopg.errors import UniqueViolation

from audit import log
from governance.kernel.actors import Actor
from governance.kernel.clock import now
from governance.kernel.copy import copy_rows
from governance.kernel.errors import Conflict, GovernanceError
from governance.kernel.ids import SubjectId, uuid7
from governance.kernel.logs import get_logger
from governance.kernel.progress import Progress, no_progress
from pseudonymize import locks
from pseudonymize.errors import IdentityNotAddressable
from pseudonymize.identity import INDEXED_KINDS, IdentifierKind, Identity
from pseudonymize.keys import masters, subject_keys
from pseudonymize.models import DataSubject, SuppressionScope
from pseudonymize.vault import blind_index, identifiers, lookup, matching, suppression

logger = get_logger(__name__)
BATCH = 5_000
_ATTEMPTS = 6


@dataclass(frozen=True)
class Enrolment:
    """What became of a list of identities, aligned with it.

    `subjects[i]` is None for the rows in `refused` (erased or suppressed people) and in `problems` (a typed error per row:
    IdentifierConflict, IdentifierMalformed, IdentityNotAddressable). Every other row is enrolled.
    """

    subjects: list[SubjectId | None]
    created: int = 0
    matched: int = 0
    refused: tuple[int, ...] = ()
    problems: Mapping[int, GovernanceError] = field(default_factory=dict)


def enrol(identities: Sequence[Identity], *, actor: Actor, source: str, progress: Progress = no_progress) -> Enrolment:
    """Bring people into the vault, in batches of one transaction each; `source` says where the data comes from (Art. 14(2)(f)).

    Safe to repeat and to run at the same time as itself: the same person is one subject. Who was erased is refused, decided in
    the transaction that writes. Rows with conflicts are reported and change nothing.
    """
    subjects: list[SubjectId | None] = []
    created = matched = 0
    refused: list[int] = []
    problems: dict[int, GovernanceError] = {}
    for start in range(0, len(identities), BATCH):
        part = identities[start : start + BATCH]
        decided = _enrol_batch(part, actor=actor, source=source)
        subjects += [decided.subjects.get(position) for position in range(len(part))]
        created += len(decided.created)
        matched += len(decided.subjects) - len(set(decided.created))
        refused += [start + position for position in decided.refused]
        problems |= {start + position: problem for position, problem in decided.problems.items()}
        progress(start + len(part), len(identities))
    logger.info("subjects_enrolled", rows=len(identities), count=created, source=source)
    return Enrolment(subjects, created, matched, tuple(refused), problems)


def _enrol_batch(part: Sequence[Identity], *, actor: Actor, source: str) -> matching.Matched:
    part = [_without_blanks(identity) for identity in part]
    canonical, problems = _canonical(part)
    for _ in range(_ATTEMPTS):
        try:
            with transaction.atomic():
                decided = _attempt(part, canonical, actor=actor, source=source)
                decided.problems.update(problems)
                return decided
        except IntegrityError as error:
            # Someone enrolled one of these people while we looked. What they wrote is committed now: look again.
            if not isinstance(error.__cause__, UniqueViolation):
                raise
    raise Conflict("Others keep enrolling the same people; try again.")


def _without_blanks(identity: Identity) -> Identity:
    return Identity({kind: value for kind, value in identity.values.items() if value.strip()})


_Canonical = Mapping[int, Mapping[IdentifierKind, str]]


def _canonical(part: Sequence[Identity]) -> tuple[_Canonical, dict[int, GovernanceError]]:
    """The canonical form of every row's indexed identifiers, and a problem for the rows that have none."""
    forms: dict[int, Mapping[IdentifierKind, str]] = {}
    problems: dict[int, GovernanceError] = {}
    for position, identity in enumerate(part):
        try:
            found = {
                kind: blind_index.canonical(kind, value)
                for kind, value in identity.values.items()
                if kind in INDEXED_KINDS
            }
        except GovernanceError as problem:
            problems[position] = problem
            continue
        if found:
            forms[position] = found
        else:
            problems[position] = IdentityNotAddressable()
    return forms, problems


def _attempt(part: Sequence[Identity], canonical: _Canonical, *, actor: Actor, source: str) -> matching.Matched:
    locks.share_vault()
    rows = _rows(part, canonical)
    known = _known(rows)
    decided = matching.decide(rows, known, lambda: SubjectId(uuid7()))
    _write(decided, source)
    log.emit("subjects.enrolled", actor=actor, object=f"enrolment:{uuid7()}", facts=_facts(decided, source))
    return decided


def _rows(part: Sequence[Identity], canonical: _Canonical) -> list[matching.Row]:
    kinds = sorted({kind for forms in canonical.values() for kind in forms})
    keys = masters.ensure_index_keys(kinds)
    suppressed = suppression.positions(canonical, scopes=[SuppressionScope.ALL])
    return [
        matching.Row(
            position=position,
            values=part[position].values,
            indexes={kind: blind_index.of(form, keys[kind]) for kind, form in forms.items()},
            suppressed=position in suppressed,
        )
        for position, forms in canonical.items()
    ]


def _known(rows: Sequence[matching.Row]) -> matching.Known:
    wanted: dict[IdentifierKind, set[bytes]] = {}
    for row in rows:
        for kind, index in row.indexes.items():
            wanted.setdefault(kind, set()).add(index)
    owners = lookup.owners(wanted)
    return matching.Known(owners, lookup.held_kinds(set(owners.values())))


def _write(decided: matching.Matched, source: str) -> None:
    at = now()
    keys: dict[SubjectId, bytes] = {}
    if decided.created:
        copy_rows(
            DataSubject._meta.db_table,
            ["id", "enrolled_at"],
            ((subject, at) for subject in decided.created),
            types=["uuid", "timestamptz"],
        )
        keys.update(zip(decided.created, subject_keys.issue(decided.created, at), strict=True))
    if decided.additions:
        missing = sorted({item.subject for item in decided.additions} - keys.keys())
        keys.update(subject_keys.require(missing) if missing else {})
        identifiers.write(decided.additions, keys, source, at)


def _facts(decided: matching.Matched, source: str) -> dict[str, str | int]:
    return {
        "source": source,
        "created": len(decided.created),
        "known": len(decided.known),
        "identifiers": len(decided.additions),
        "refused": len(decided.refused),
        "conflicts": len(decided.problems),
    }
