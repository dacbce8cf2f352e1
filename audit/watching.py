"""Watching who looks at whom: unusual accesses to personal data, and questions that look like copying it out.

The log has every access. Each rule is one query over a window of it; what it finds is raised once, as an entry of the log, and handed to
whoever registered for it (``on_anomaly``): the register of incidents opens a case.

* ``burst``: somebody looked at many more people in an hour than they, or their colleagues, do;
* ``out_of_hours``: staff looked at people at night or on a weekend, more than a few times;
* ``same_person``: somebody looked at one person again and again;
* ``extraction``: a client asked for decisions, or a private query, far more often than it did in the weeks before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction

from audit import log, models
from governance.kernel import clock, logs
from governance.kernel.actors import SYSTEM
from governance.kernel.errors import JSON
from governance.kernel.ids import uuid7

ACCESSES = ("identity.read", "identity.revealed", "dsar.package_downloaded", "decision.read")
QUERIES = ("aggregates.released", "decision.batch_recorded", "decision.recorded")
WINDOW = timedelta(hours=1)
BURST = 20
"""Accesses in an hour below which nobody is unusual."""
TIMES_USUAL = 5.0
NIGHT_ACCESSES = 5
SAME_PERSON = 10
QUERY_BURST = 100
_HISTORY = timedelta(days=28)
_PARTIES = ("staff:", "client:")
_logger = logs.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """Something unusual: which rule, who (an opaque actor), since when, how much, and how much was to be expected."""

    id: UUID
    rule: str
    actor: str
    window_start_at: datetime
    observed: int
    expected: float


Handler = Callable[[Found], None]
_handlers: list[Handler] = []


def on_anomaly(handler: Handler) -> Handler:
    """Register what is to happen, in the transaction that records the anomaly. Called by packages above, when they are ready."""
    if handler not in _handlers:
        _handlers.append(handler)
    return handler


def watch(now: datetime | None = None) -> list[Found]:
    """Look at the last hour. Returns what is new; each is raised once for each rule, actor and hour."""
    now = now or clock.now()
    raised = []
    for found in _unusual(now):
        hour = found.window_start_at.astimezone(UTC).strftime("%Y-%m-%dT%H")
        if not raise_once(found, f"{found.rule} {found.actor} {hour}", at=now):
            continue
        raised.append(found)
    return raised


def raise_once(found: Found, signature: str, *, at: datetime, **facts: JSON) -> bool:
    """Record an anomaly, its entry, and what handlers make of it, in one transaction; False when one of this signature was raised
    before. Other rules than those here raise through it too."""
    with transaction.atomic():
        row = models.Anomaly(
            id=found.id,
            rule=found.rule,
            actor=found.actor,
            signature=signature,
            observed=found.observed,
            expected=found.expected,
            window_start_at=found.window_start_at,
            found_at=at,
        )
        models.Anomaly.objects.bulk_create([row], ignore_conflicts=True)
        if not models.Anomaly.objects.filter(pk=found.id).exists():
            return False  # raised before
        said: dict[str, JSON] = {"rule": found.rule, "observed": found.observed, "expected": round(found.expected)}
        log.emit("audit.anomaly_found", actor=SYSTEM, object=f"anomaly:{found.id}", facts=said | facts)
        for handler in _handlers:
            handler(found)
    _logger.warning("anomaly_found", kind=found.rule, count=found.observed)
    return True


def _unusual(now: datetime) -> Iterator[Found]:
    since = (now - WINDOW).replace(minute=0, second=0, microsecond=0)
    usual = _usual(ACCESSES, since)
    peers = sorted(usual.values())
    middle = peers[len(peers) // 2] if peers else 0.0
    for actor, count, at_night in _accesses(since, now):
        expected = max(usual.get(actor, 0.0), middle)
        if actor.startswith(_PARTIES) and count >= BURST and count > TIMES_USUAL * expected:
            yield Found(uuid7(), "burst", actor, since, count, expected)
        if actor.startswith("staff:") and at_night >= NIGHT_ACCESSES:
            yield Found(uuid7(), "out_of_hours", actor, since, at_night, 0.0)
    for actor, count in _same_person(since, now):
        yield Found(uuid7(), "same_person", actor, since, count, 1.0)
    asked = _usual(QUERIES, since)
    for actor, count, _ in _accesses(since, now, QUERIES):
        expected = asked.get(actor, 0.0)
        if actor.startswith("client:") and count >= QUERY_BURST and count > TIMES_USUAL * expected:
            yield Found(uuid7(), "extraction", actor, since, count, expected)


def _accesses(since: datetime, now: datetime, actions: tuple[str, ...] = ACCESSES) -> list[tuple[str, int, int]]:
    """Who, how often, and how often of that outside the hours in which people work here (7 to 20, Monday to Friday)."""
    query = """
        SELECT actor, count(*), count(*) FILTER (
            WHERE extract(hour FROM occurred_at AT TIME ZONE %s) NOT BETWEEN 7 AND 19
               OR extract(isodow FROM occurred_at AT TIME ZONE %s) > 5)
        FROM audit_entry WHERE action = ANY(%s) AND occurred_at >= %s AND occurred_at <= %s GROUP BY actor
    """
    zone = str(ZoneInfo(getattr(settings, "ZGODA_OFFICE_ZONE", "Europe/Warsaw")))
    with connection.cursor() as cursor:
        cursor.execute(query, [zone, zone, list(actions), since, now])
        return [(actor, int(count), int(night)) for actor, count, night in cursor.fetchall()]


def _usual(actions: tuple[str, ...], before: datetime) -> dict[str, float]:
    """How much each actor did in the middle one of the hours in which they did anything, over four weeks.

    The median: one burst does not make the next one usual.
    """
    query = """
        SELECT actor, percentile_cont(0.5) WITHIN GROUP (ORDER BY n) FROM (
            SELECT actor, count(*) AS n FROM audit_entry WHERE action = ANY(%s) AND occurred_at >= %s AND occurred_at < %s
            GROUP BY actor, date_trunc('hour', occurred_at)
        ) AS hours GROUP BY actor
    """
    with connection.cursor() as cursor:
        cursor.execute(query, [list(actions), before - _HISTORY, before])
        return {actor: float(rate) for actor, rate in cursor.fetchall()}


def _same_person(since: datetime, now: datetime) -> list[tuple[str, int]]:
    """Actors of staff and clients who looked at one person again and again; who that was stays in the side table."""
    query = """
        SELECT e.actor, max(n) FROM (
            SELECT e.actor, k.subject_id, count(*) AS n FROM audit_entry e
            JOIN audit_subject_link k ON k.entry_id = e.id AND k.role = 'subject'
            WHERE e.action = ANY(%s) AND e.occurred_at >= %s AND e.occurred_at <= %s
              AND (e.actor LIKE 'staff:%%' OR e.actor LIKE 'client:%%')
            GROUP BY e.actor, k.subject_id HAVING count(*) >= %s
        ) AS e GROUP BY e.actor
    """
    with connection.cursor() as cursor:
        cursor.execute(query, [list(ACCESSES), since, now, SAME_PERSON])
        return [(actor, int(count)) for actor, count in cursor.fetchall()]
