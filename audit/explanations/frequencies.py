"""How often each reason is among the strongest, by model and period: what decides in fact, and whether that has changed.

Counted from the records themselves, so that nothing about anybody is kept twice and an erased person is in no count. When the reasons of
a model shift, its inputs or the people have changed, whatever its accuracy says: that is an anomaly for a person to look at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
from django.db import connection

from audit.decision_records.packing import contributions_of, features_of
from audit.watching import Found, raise_once
from governance.kernel import clock
from governance.kernel.ids import uuid7

RULE: Final = "reason_frequencies"
TOLD: Final = 3
MOST: Final = 20_000
"""Decisions that are counted at most; the newest of the period."""
FEWEST: Final = 200
"""Decisions in each of two periods, below which a difference says nothing."""
SHIFTED: Final = 0.2
"""Population stability index from which on the reasons have shifted (the customary bound for 'act')."""
RECENT: Final = timedelta(days=1)
BEFORE: Final = timedelta(days=28)
_LEAST_SHARE: Final = 1e-3

_RECORDS: Final = """
SELECT b.id, d.record, d.chosen FROM audit_decision d JOIN audit_decision_batch b ON b.id = d.batch_id
WHERE {where} ORDER BY d.id DESC LIMIT %(most)s
"""
_ACTIVE: Final = "SELECT DISTINCT model_version FROM audit_decision_batch WHERE created_at >= %s"


@dataclass(frozen=True, slots=True)
class Period:
    """Which decisions to count. Empty texts mean all; ``since`` belongs to the period, ``until`` does not."""

    model_version: str = ""
    action: str = ""
    effect: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Frequencies:
    """Of so many decisions, in how many each reason was among the strongest; and how many had each action."""

    decisions: int
    reasons: dict[str, int]
    actions: dict[str, int]

    def share(self, reason: str) -> float:
        """The share of decisions in which a reason was among the strongest."""
        return self.reasons.get(reason, 0) / self.decisions if self.decisions else 0.0


@dataclass(frozen=True, slots=True)
class Shift:
    """How far the reasons of two periods differ: the index, and the reason whose share moved most."""

    index: float
    reason: str
    before: float
    after: float


def count(period: Period, *, most: int = MOST) -> Frequencies:
    """Count the newest decisions of a period, at most so many."""
    conditions, values = _conditions(period)
    with connection.cursor() as cursor:
        cursor.execute(_RECORDS.format(where=" AND ".join(conditions)), {**values, "most": most})
        rows = cursor.fetchall()
        cursor.execute(
            "SELECT id, header FROM audit_decision_batch WHERE id = ANY(%s)", [list({batch for batch, *_ in rows})]
        )
        headers = dict(cursor.fetchall())
    records: dict[str, list[bytes]] = {}
    for batch, record, _ in rows:
        records.setdefault(headers[batch], []).append(bytes(record))
    reasons: Counter[str] = Counter()
    for header, packed in records.items():
        reasons.update(_strongest(header, packed))
    return Frequencies(
        len(rows), dict(reasons.most_common()), dict(Counter(chosen for *_, chosen in rows).most_common())
    )


def shift(before: Frequencies, after: Frequencies) -> Shift | None:
    """How far two counts differ; None when either is of too few decisions. Pure."""
    if min(before.decisions, after.decisions) < FEWEST:
        return None
    names = sorted({*before.reasons, *after.reasons})
    totals = (sum(before.reasons.values()), sum(after.reasons.values()))
    old, new = (
        np.maximum([counted.reasons.get(name, 0) / total for name in names], _LEAST_SHARE)
        for counted, total in zip((before, after), totals, strict=True)
    )
    index = float(((new - old) * np.log(new / old)).sum())
    moved = max(names, key=lambda name: abs(after.share(name) - before.share(name)))
    return Shift(index, moved, before.share(moved), after.share(moved))


def watch(*, at: datetime | None = None) -> list[Shift]:
    """Compare each model's last day with the four weeks before it; raise what has shifted, once a day each. Returns those raised."""
    now = at or clock.now()
    with connection.cursor() as cursor:
        cursor.execute(_ACTIVE, [now - RECENT])
        active = sorted(version for (version,) in cursor.fetchall())
    raised = []
    for version in active:
        recent = count(Period(version, since=now - RECENT, until=now))
        before = count(Period(version, since=now - RECENT - BEFORE, until=now - RECENT))
        found = shift(before, recent)
        if found is not None and found.index >= SHIFTED and _raise(version, found, recent.decisions, now):
            raised.append(found)
    return raised


def _raise(version: str, found: Shift, decisions: int, now: datetime) -> bool:
    """An anomaly, its entry and the case that it opens; False when this model's was raised for the day already."""
    anomaly = Found(uuid7(), RULE, f"model:{version}", now - RECENT, round(100 * found.after), 100 * found.before)
    return raise_once(
        anomaly,
        f"{RULE} {version} {now.date()}",
        at=now,
        # An entry takes no at sign, which some systems have in their versions.
        model=version.replace("@", ":"),
        reason=found.reason,
        index=f"{found.index:.3f}",
        decisions=decisions,
    )


def _conditions(period: Period) -> tuple[list[str], dict[str, Any]]:
    asked: dict[str, tuple[str, Any]] = {
        "b.model_version = %(model)s": ("model", period.model_version),
        "d.chosen = %(action)s": ("action", period.action),
        "b.header::jsonb ->> 'effect' = %(effect)s": ("effect", period.effect),
        "b.created_at >= %(since)s": ("since", period.since),
        "b.created_at < %(until)s": ("until", period.until),
    }
    wanted = {condition: pair for condition, pair in asked.items() if pair[1]}
    return [*wanted] or ["true"], dict(wanted.values())


def _strongest(header: str, records: Sequence[bytes]) -> dict[str, int]:
    """How often each feature of a batch is among the strongest terms of its records."""
    features = features_of(header)
    weight = np.abs(contributions_of(records, len(features)))
    told = min(TOLD, len(features))
    strongest = np.argpartition(-weight, told - 1, axis=1)[:, :told]
    counts = np.bincount(strongest.ravel(), minlength=len(features))
    return {name: int(counted) for name, counted in zip(features, counts, strict=True) if counted}
