"""How events make a state: the one definition, in SQL, over any set of subjects and up to any instant.

The same statement makes the current state after every write, rebuilds it, answers for the past, and checks the projection. The rules,
for one subject, purpose and channel, over the events about exactly these and about ANY purpose or channel:

- A grant *stands* when it came after every stop, both by `occurred_at` and by `received_at`. So a late grant never overrules a
  withdrawal that happened after it, a late withdrawal overrules what arrived before it, and equal instants go to the withdrawal.
- A standing grant is in force, unless the purpose wanted it confirmed; then a standing confirmation received after it is in force.
- In force, the latest grant decides (by when it happened). Else an unconfirmed one is pending; else the stop received last; else
  being asked; else nothing.
- An objection, a restriction or a binding opt-out signal holds unless something later in both orders lifted it; a signal is
  answered by a grant of the person's own.

Somebody who ever said something about ANY purpose has a row for each purpose with each channel that their events name. So one row
always says it all: that of the purpose and channel asked about, or of ANY where they were never named. An objection to all MARKETING
stands beside these in a row of its own, until it is lifted, or an objection to ANY purpose is.

This is independent of the order in which the rows are read, so the projection and a rebuild cannot differ.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from consent.arrays import uuids
from consent.terms import ANY, GRANTS, MARKETING, OPENINGS, STOPS, EventType, State
from governance.kernel.ids import SubjectId
from governance.kernel.logs import get_logger

_logger = get_logger(__name__)


def _in(events: Iterable[str]) -> str:
    return "(" + ", ".join(f"'{event}'" for event in sorted(events)) + ")"


_STOP: Final = f"event_type IN {_in(STOPS)}"
_GRANT: Final = f"event_type IN {_in(GRANTS)}"
_OPENING: Final = f"event_type IN {_in(OPENINGS)}"
_OWN_GRANT: Final = f"event_type IN {_in(GRANTS - {EventType.IMPORTED})}"
_ASKED: Final = f"event_type IN {_in([EventType.REQUESTED, EventType.CONFIRMATION_SENT])}"
_GRADED: Final = f"event_type IN {_in(OPENINGS | STOPS | {EventType.REQUESTED, EventType.CONFIRMATION_SENT})}"
_SIGNAL: Final = f"event_type = '{EventType.SIGNAL_OPTOUT}' AND signal_binding"
_OBJECTED: Final = f"event_type = '{EventType.OBJECTED}'"
_LIFTED: Final = f"event_type = '{EventType.OBJECTION_LIFTED}'"
_RESTRICTED: Final = f"event_type = '{EventType.RESTRICTED}'"

COLUMNS: Final = (
    "subject_id",
    "purpose_key",
    "channel",
    "status",
    "event_id",
    "notice_version_id",
    "purpose_version",
    "occurred_at",
    "valid_until",
    "objection_event_id",
    "restriction_event_id",
    "signal_event_id",
)

BY_SUBJECTS: Final = "e.subject_id = ANY(%(subjects)s::uuid[])"
BY_SUBJECTS_AT: Final = "e.subject_id = ANY(%(subjects)s::uuid[]) AND e.received_at <= %(at)s"
NOT_ERASED: Final = (
    "NOT EXISTS (SELECT 1 FROM consent_ledger_head h WHERE h.subject_id = e.subject_id AND h.erased_at IS NOT NULL)"
)
"""An erased subject has events, kept as evidence, but no state."""


def _peaks(name: str, event: str) -> str:
    """Of all `event`s the last by arrival and the last by occurrence."""
    return f"""
            max(received_at) FILTER (WHERE {event}) OVER w AS {name}_r,
            max(occurred_at) FILTER (WHERE {event}) OVER w AS {name}_o"""


def _held(name: str, event: str, lifted: str) -> str:
    """The id of the last `event`, or NULL when something later in both orders lifted it."""
    after = f"bool_or({lifted} AND received_at > {name}_r AND occurred_at > {name}_o) OVER w"
    last = f"(array_agg(id) FILTER (WHERE {event} AND received_at = {name}_r) OVER w)[1]"
    return f"CASE WHEN {name}_r IS NOT NULL AND NOT coalesce({after}, false) THEN {last} END"


def folded(scope: str) -> str:
    """The statement that yields COLUMNS for every subject, purpose and channel with an event in `scope` (a condition on `e`)."""
    return f"""
    WITH ev AS MATERIALIZED (
        SELECT e.subject_id, e.purpose_key, e.channel, e.id, e.event_type, e.occurred_at, e.received_at, e.valid_until,
               e.needs_confirmation, e.signal_binding, e.notice_version_id, e.purpose_version
        FROM consent_event e WHERE {scope}
    ), broadly AS (
        SELECT DISTINCT subject_id FROM ev WHERE purpose_key = '{ANY}'
    ), keys AS (
        SELECT subject_id, purpose_key, channel FROM ev
        UNION
        SELECT p.subject_id, p.purpose_key, c.channel
        FROM (SELECT DISTINCT subject_id, purpose_key FROM ev JOIN broadly USING (subject_id) WHERE purpose_key <> '{MARKETING}') p
        JOIN (SELECT DISTINCT subject_id, channel FROM ev JOIN broadly USING (subject_id)) c USING (subject_id)
    ), matched AS (
        SELECT k.purpose_key AS p, k.channel AS c, ev.*
        FROM keys k JOIN ev ON ev.subject_id = k.subject_id
            AND (ev.purpose_key = k.purpose_key OR (ev.purpose_key = '{ANY}' AND (k.purpose_key <> '{MARKETING}' OR {_LIFTED})))
            AND (ev.channel = k.channel OR ev.channel = '{ANY}')
    ), marked AS (
        SELECT *,{_peaks("stop", _STOP)},{_peaks("objected", _OBJECTED)},
            {_peaks("restricted", _RESTRICTED)},{_peaks("signal", _SIGNAL)}
        FROM matched WINDOW w AS (PARTITION BY subject_id, p, c)
    ), stood AS (
        SELECT *, {_GRANT} AND (stop_r IS NULL OR (received_at > stop_r AND occurred_at > stop_o)) AS stands FROM marked
    ), opened AS (
        SELECT *, min(received_at) FILTER (WHERE stands AND {_OPENING}) OVER w AS opened_r,
            {_held("objected", _OBJECTED, _LIFTED)} AS objection_event_id,
            {_held("restricted", _RESTRICTED, f"event_type = '{EventType.RESTRICTION_LIFTED}'")} AS restriction_event_id,
            {_held("signal", _SIGNAL, _OWN_GRANT)} AS signal_event_id
        FROM stood WINDOW w AS (PARTITION BY subject_id, p, c)
    ), graded AS (
        SELECT *, CASE
            WHEN stands AND event_type = '{EventType.CONFIRMED}' AND received_at > opened_r THEN 4
            WHEN stands AND event_type <> '{EventType.CONFIRMED}' AND NOT needs_confirmation THEN 4
            WHEN stands AND {_OPENING} THEN 3
            WHEN {_STOP} THEN 2
            WHEN {_ASKED} THEN 1
            ELSE 0 END AS grade
        FROM opened
    )
    SELECT DISTINCT ON (subject_id, p, c) subject_id, p AS purpose_key, c AS channel,
        CASE grade WHEN 4 THEN '{State.GIVEN}' WHEN 3 THEN '{State.PENDING_CONFIRMATION}' WHEN 2 THEN event_type
                   WHEN 1 THEN '{State.REQUESTED}' ELSE '{State.NONE}' END AS status,
        CASE WHEN grade > 0 THEN id END AS event_id,
        CASE WHEN grade > 0 THEN notice_version_id END AS notice_version_id,
        CASE WHEN grade > 0 THEN purpose_version END AS purpose_version,
        CASE WHEN grade > 0 THEN occurred_at END AS occurred_at,
        CASE WHEN grade >= 3 THEN valid_until END AS valid_until,
        objection_event_id, restriction_event_id, signal_event_id
    FROM graded
    ORDER BY subject_id, p, c, grade DESC, CASE grade WHEN 2 THEN received_at ELSE occurred_at END DESC, received_at DESC
    """  # noqa: S608  # constants of this module and of terms.py


_INTO_STATE: Final = f"INSERT INTO consent_state ({', '.join(COLUMNS)}) "
_OR_UPDATE: Final = " ON CONFLICT (subject_id, purpose_key, channel) DO UPDATE SET " + ", ".join(
    f"{column} = EXCLUDED.{column}" for column in COLUMNS[3:]
)
_PROJECT: Final = _INTO_STATE + folded(f"{BY_SUBJECTS} AND {NOT_ERASED}") + _OR_UPDATE
_REBUILD: Final = _INTO_STATE + folded(NOT_ERASED)
_OF_ONE_EVENT: Final = f"""
    SELECT e.subject_id, e.purpose_key, e.channel,
        CASE WHEN {_OPENING} AND needs_confirmation THEN '{State.PENDING_CONFIRMATION}' WHEN {_OPENING} THEN '{State.GIVEN}'
             WHEN {_STOP} THEN event_type WHEN {_ASKED} THEN '{State.REQUESTED}' ELSE '{State.NONE}' END,
        CASE WHEN {_GRADED} THEN e.id END, CASE WHEN {_GRADED} THEN notice_version_id END,
        CASE WHEN {_GRADED} THEN purpose_version END, CASE WHEN {_GRADED} THEN occurred_at END,
        CASE WHEN {_OPENING} THEN valid_until END,
        CASE WHEN {_OBJECTED} THEN e.id END, CASE WHEN {_RESTRICTED} THEN e.id END, CASE WHEN {_SIGNAL} THEN e.id END
    FROM consent_event e
"""  # noqa: S608  # constants of this module
_BETWEEN: Final = "WHERE e.id BETWEEN %(first)s AND %(last)s AND e.entry_id = %(entry)s"
_PROJECT_FIRST: Final = _INTO_STATE + _OF_ONE_EVENT + _BETWEEN
_PROJECT_FIRST_OF: Final = _PROJECT_FIRST + " AND e.subject_id = ANY(%(subjects)s::uuid[])"
_DIFFERENCE: Final = f"""
    WITH fold AS ({folded(NOT_ERASED)}), state AS (SELECT {", ".join(COLUMNS)} FROM consent_state),
    wrong AS ((SELECT * FROM fold EXCEPT SELECT * FROM state) UNION ALL (SELECT * FROM state EXCEPT SELECT * FROM fold))
    SELECT DISTINCT subject_id FROM wrong LIMIT 100
"""  # noqa: S608  # constants of this module


def project(subjects: Collection[SubjectId]) -> None:
    """Bring the state of these subjects up to their ledger. The caller holds their heads."""
    with connection.cursor() as cursor:
        cursor.execute(_PROJECT, {"subjects": uuids(subjects)})


def project_first(entry: UUID, ids: tuple[UUID, UUID], subjects: Collection[SubjectId] | None) -> None:
    """The state of these subjects (None: all of the entry) who have one event in all, that of this log entry with an id between `ids`.

    What `folded` comes to for a single event, without its sorting: most of a large import is people who are new.
    """
    values = {"entry": entry, "first": ids[0], "last": ids[1]}
    with connection.cursor() as cursor:
        if subjects is None:
            cursor.execute(_PROJECT_FIRST, values)
        elif subjects:
            cursor.execute(_PROJECT_FIRST_OF, values | {"subjects": uuids(subjects)})


def rebuild() -> int:
    """Make the whole state anew from the ledger; returns how many rows it has. Writers and claims wait meanwhile."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE consent_ledger_head IN EXCLUSIVE MODE")
        cursor.execute("DELETE FROM consent_state")
        cursor.execute(_REBUILD)
        rows: int = cursor.rowcount
    _logger.info("consent_state_rebuilt", rows=rows)
    return rows


def difference() -> list[SubjectId]:
    """Subjects (at most a hundred) whose state is not the fold of their ledger: none, if all is well."""
    with connection.cursor() as cursor:
        cursor.execute(_DIFFERENCE)
        return [SubjectId(subject) for (subject,) in cursor.fetchall()]
