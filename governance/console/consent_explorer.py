"""What the consent explorer shows: where people stand by purpose, channel and notice, how that moved, how far people come, who lags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models import Count, Q
from django.db.models.functions import TruncWeek

from consent import funnel, ledger, propagation
from consent.events import commitments
from consent.events.packing import DIGEST_SQL
from consent.ledger import EventRecord
from consent.models import ConsentEvent, ConsentState, NoticeVersion
from consent.terms import EventType, State
from governance.kernel import clock
from governance.kernel.ids import SubjectId

LINES: Final = (
    (EventType.GIVEN, "Given", "#2e6954", ""),
    (EventType.WITHDRAWN, "Withdrawn", "#b45309", "6 3"),
    (EventType.REFUSED, "Refused", "#6b7280", "2 3"),
    (EventType.EXPIRED, "Expired", "#1d4ed8", "8 3 2 3"),
)
"""Event, name, colour, and dashes: colour is never the only difference (WCAG 1.4.1)."""
WIDTH, HEIGHT, LEFT, BOTTOM = 720, 220, 44, 28
_UNCHANGED: Final = f"SELECT e.id, e.event_sha256 = {DIGEST_SQL} FROM consent_event e WHERE e.subject_id = %s"  # noqa: S608 - a constant
PERIODS: Final = {"30": 30, "90": 90, "365": 365}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the explorer is narrowed to; empty means all."""

    purpose: str = ""
    channel: str = ""
    notice: UUID | None = None
    days: int = 90

    @property
    def since(self) -> date:
        """The first day."""
        return clock.today() - timedelta(days=self.days)


@dataclass(frozen=True, slots=True)
class Standing:
    """How many people stand where with one purpose on one channel."""

    purpose: str
    channel: str
    counts: Mapping[str, int]

    @property
    def answered(self) -> int:
        """Who said yes or no."""
        return sum(count for state, count in self.counts.items() if state not in (State.NONE, State.REQUESTED))

    @property
    def rate(self) -> float | None:
        """The share of those who answered whose consent holds."""
        return self.counts.get(State.GIVEN, 0) / self.answered if self.answered else None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the plot: its points in the units of the picture, and its total."""

    name: str
    colour: str
    dashes: str
    points: str
    total: int


@dataclass(frozen=True, slots=True)
class Marker:
    """A change of a notice: where it stands in the plot and what changed."""

    x: float
    label: str
    material: bool


@dataclass(frozen=True, slots=True)
class Trend:
    """A plot by week, and the same as a table."""

    lines: tuple[Line, ...]
    markers: tuple[Marker, ...]
    weeks: tuple[date, ...]
    rows: tuple[tuple[date, tuple[int, ...]], ...]
    top: int
    ticks: tuple[tuple[float, str], ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Proven:
    """One event with what the log holds of it, and whether the row still says what was committed."""

    event: EventRecord
    commitment: commitments.Commitment | None
    unchanged: bool | None
    notice: NoticeVersion | None

    @property
    def by(self) -> str:
        """Who, as a kind of actor; the whole name is for whoever points at it."""
        return self.event.actor.partition(":")[0]


def standings(asked: Asked) -> list[Standing]:
    """Counts of states by purpose and channel: one grouped query."""
    rows = ConsentState.objects.exclude(purpose_key="*").exclude(channel="*")
    rows = rows.filter(_narrowed(asked))
    found: dict[tuple[str, str], dict[str, int]] = {}
    for purpose, channel, status, count in (
        rows.values_list("purpose_key", "channel", "status").annotate(people=Count("id")).order_by()
    ):
        found.setdefault((purpose, channel), {})[status] = count
    return [Standing(purpose, channel, counts) for (purpose, channel), counts in sorted(found.items())]


def trend(asked: Asked) -> Trend:
    """Given, withdrawn, refused and expired by week, with the days on which a notice changed."""
    kinds = [kind for kind, *_ in LINES]
    rows = (
        ConsentEvent.objects.filter(_narrowed(asked), event_type__in=kinds, received_at__date__gte=asked.since)
        .annotate(week=TruncWeek("received_at"))
        .values_list("week", "event_type")
        .annotate(count=Count("id"))
        .order_by()
    )
    counted = {(week.date(), kind): count for week, kind, count in rows}
    first = asked.since - timedelta(days=asked.since.weekday())
    weeks = tuple(first + timedelta(weeks=place) for place in range((clock.today() - first).days // 7 + 1))
    top = max(counted.values(), default=0) or 1
    table = tuple((week, tuple(counted.get((week, kind), 0) for kind in kinds)) for week in weeks)
    lines = tuple(
        Line(
            name, colour, dashes,
            " ".join(f"{_x(week, weeks):.1f},{_y(values[place], top):.1f}" for week, values in table),
            sum(values[place] for _, values in table),
        )
        for place, (_, name, colour, dashes) in enumerate(LINES)
    )  # fmt: skip
    step = max(1, len(weeks) // 8)
    ticks = tuple((_x(week, weeks), week.strftime("%d %b")) for week in weeks[::step])
    return Trend(lines, _markers(asked, weeks), weeks, table, top, ticks)


def stages(asked: Asked) -> list[funnel.Stage]:
    """The funnel of the notices asked about."""
    notices = None
    if asked.notice is not None:
        notices = [asked.notice]
    elif asked.purpose:
        notices = list(NoticeVersion.objects.filter(purposes__contains=[asked.purpose]).values_list("id", flat=True))
    return funnel.stages(since=asked.since, notices=notices)


def lags() -> list[propagation.Lag]:
    """How far each registered system is behind."""
    return propagation.lags()


def timeline(subject: SubjectId) -> list[Proven]:
    """Every event of one person, with what the log holds of each and whether the row still says it; newest last."""
    with connection.cursor() as cursor:
        cursor.execute(_UNCHANGED, [subject])
        unchanged: dict[UUID, bool] = dict(cursor.fetchall())
    history = ledger.history(subject)
    shown = NoticeVersion.objects.in_bulk([one.notice_version_id for one in history if one.notice_version_id])
    return [
        Proven(
            event,
            commitments.of(event.event_id),
            unchanged.get(event.event_id),
            shown.get(event.notice_version_id) if event.notice_version_id else None,
        )
        for event in history
    ]


def _narrowed(asked: Asked) -> Q:
    narrowed = Q()
    if asked.purpose:
        narrowed &= Q(purpose_key=asked.purpose)
    if asked.channel:
        narrowed &= Q(channel=asked.channel)
    if asked.notice is not None:
        narrowed &= Q(notice_version_id=asked.notice)
    return narrowed


def _markers(asked: Asked, weeks: tuple[date, ...]) -> tuple[Marker, ...]:
    notices = NoticeVersion.objects.filter(published_at__date__gte=asked.since).order_by("published_at")
    if asked.purpose:
        notices = notices.filter(purposes__contains=[asked.purpose])
    return tuple(
        Marker(
            _x(notice.published_at.date(), weeks),
            f"{notice} published on {notice.published_at.date()}"
            + (", everybody asked again" if notice.material_change else ""),
            notice.material_change,
        )
        for notice in notices[:50]
    )


def _x(day: date, weeks: tuple[date, ...]) -> float:
    span = max((weeks[-1] - weeks[0]).days, 1)
    share = min(max((day - weeks[0]).days / span, 0.0), 1.0)
    return LEFT + share * (WIDTH - LEFT - 12)


def _y(count: int, top: int) -> float:
    return (HEIGHT - BOTTOM) - (HEIGHT - BOTTOM - 12) * count / top
