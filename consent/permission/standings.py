"""Where people stand, read for the gate: one person with one small statement, any number with one statement that also applies the rules.

Both read the same things in the same order of precedence: whether the person was erased (here or in the vault, in the same snapshot),
the state of exactly this purpose and channel, and, where there is none, what was said about ANY of them. What was said about all
MARKETING stands beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

from consent.events import fold
from consent.permission import answers, rules
from consent.permission.answers import AS_COLUMNS, Answers
from consent.permission.rules import Standing
from consent.terms import ANY, MARKETING, Channel, State
from governance.kernel import prepared
from governance.kernel.ids import SubjectId
from governance.kernel.prepared import Beside, UuidArray
from governance.purposes.register import NEWEST
from governance.purposes.terms import LegalBasis, PurposeVersion
from pseudonymize.models import DataSubject

# ruff: noqa: S608  the statements are put together from constants of this package

_STANDING: Final = (
    "status",
    "event_id",
    "notice_version_id",
    "purpose_version",
    "valid_until",
    "objection_event_id",
    "restriction_event_id",
    "signal_event_id",
)
"""Columns of a state in the order of the fields of `Standing` between `erased` and `marketing_event_id`."""
_OBJECTION: Final = 2 + _STANDING.index("objection_event_id")  # in a row that begins with purpose and channel

_VAULT: Final = DataSubject._meta.db_table

# The vault says who was erased too: read in the same statement, so that answer and erasure are of one snapshot.
_ERASED: Final = f"""
    (EXISTS (SELECT 1 FROM consent_ledger_head h WHERE h.subject_id = a.id AND h.erased_at IS NOT NULL)
     OR EXISTS (SELECT 1 FROM {_VAULT} d WHERE d.id = a.id AND d.erased_at IS NOT NULL))
"""
_ONE: Final = f"""
    {NEWEST}, {_ERASED}, s.purpose_key, s.channel, {", ".join(_STANDING)}
    FROM (SELECT %s::uuid AS id, %s::text AS purpose, %s::text AS channel) a
    LEFT JOIN consent_state s ON s.subject_id = a.id
        AND s.purpose_key IN (a.purpose, '{ANY}', '{MARKETING}') AND s.channel IN (a.channel, '{ANY}')
"""
_NEAREST_FIRST: Final = "(purpose_key = '*'), (channel = '*')"
_EXACT: Final = "purpose_key = %(purpose)s AND channel = %(channel)s"
# The first condition is that of the index `consent_state_broad`: such rows are few, and found without a second scan.
_BROADER: Final = (
    f"(purpose_key = '{ANY}' OR channel = '{ANY}') "
    f"AND purpose_key IN (%(purpose)s, '{ANY}') AND channel IN (%(channel)s, '{ANY}')"
)


# Where there is no row of exactly this purpose and channel, the nearest broader one holds all that was said (see fold.py).
_BROAD: Final = f"SELECT DISTINCT ON (subject_id) * FROM states WHERE {_BROADER} ORDER BY subject_id, {_NEAREST_FIRST}"


_NO_MARKETING: Final = f"""
    SELECT subject_id, objection_event_id FROM states
    WHERE (purpose_key = '{ANY}' OR channel = '{ANY}') AND purpose_key = '{MARKETING}' AND channel = '{ANY}'
"""


def _either(column: str) -> str:
    return f"CASE WHEN exact.subject_id IS NULL THEN broad.{column} ELSE exact.{column} END AS {column}"


_MANY: Final = f"""
    WITH asked AS (SELECT id, place FROM unnest(%(subjects)s::uuid[]) WITH ORDINALITY AS one(id, place)),
    states AS {{states}},
    exact AS (SELECT * FROM states WHERE {_EXACT}),
    broad AS ({_BROAD}),
    gone AS (
        SELECT subject_id FROM consent_ledger_head WHERE erased_at <= %(erased_by)s
        UNION SELECT id FROM {_VAULT} WHERE erased_at <= %(erased_by)s
    ),
    standing AS (
        SELECT asked.place, gone.subject_id IS NOT NULL AS erased, coalesce(exact.status, broad.status, 'none') AS status,
            {", ".join(map(_either, _STANDING[1:]))}, {{marketing}}
        FROM asked LEFT JOIN exact ON exact.subject_id = asked.id LEFT JOIN broad ON broad.subject_id = asked.id
            LEFT JOIN gone ON gone.subject_id = asked.id {{beside}}
    ),
    answers AS (
        SELECT place, {{reason}} AS reason, {{event}} AS event_id, {{notice}} AS notice_id, {{valid_until}} AS valid_until FROM standing
    )
    {AS_COLUMNS}
"""


def of_one(
    subject: SubjectId, purpose: str, channel: Channel, beside: Beside | None = None
) -> tuple[UUID | None, Standing]:
    """The id of the newest definition of a purpose (for `register.book`), and where the person stands. Hears `beside` first."""
    asked = [subject, purpose, channel.value]
    if beside is None:
        found = prepared.fetch_all(_one(), asked)
    else:
        found = prepared.fetch_all(_one(beside.sql), [*beside.values, *asked])
        beside.heard(found[0][0])
        found = [row[1:] for row in found]
    return found[0][0], _standing(found)


@cache
def _one(beside: str = "") -> str:
    """The statement for one person: always the same text for the same question, so that it is prepared once."""
    return f"SELECT {beside + ', ' if beside else ''}{_ONE}"


def of_many(
    subjects: UuidArray, purpose: PurposeVersion, channel: Channel, at: datetime, *, oldest: int, historical: bool
) -> Answers:
    """The answers, by place in `subjects`. `oldest` is the first purpose version whose consents carry over."""
    values: dict[str, Any] = {
        "subjects": subjects,
        "purpose": purpose.key,
        "channel": channel.value,
        "at": at,
        "erased_by": at if historical else datetime.max.replace(tzinfo=UTC),
        "oldest": oldest,
    }
    return answers.decode(prepared.fetch_binary(_many(purpose, historical=historical), values))


def _many(purpose: PurposeVersion, *, historical: bool) -> str:
    """The statement for a set: over the projection, or over the ledger as it was at an instant."""
    reason, event = rules.sql(purpose)
    by_consent = purpose.legal_basis is LegalBasis.CONSENT
    then = f"MATERIALIZED ({fold.folded(fold.BY_SUBJECTS_AT)})"
    marketing = purpose.direct_marketing  # a join that other purposes need not pay for
    return _MANY.format(
        marketing="shut.objection_event_id AS marketing_event_id" if marketing else "NULL::uuid AS marketing_event_id",
        beside=f"LEFT JOIN ({_NO_MARKETING}) shut ON shut.subject_id = asked.id" if marketing else "",
        states=then if historical else "NOT MATERIALIZED (SELECT * FROM consent_state)",
        reason=reason,
        event=event,
        notice="notice_version_id" if by_consent else "NULL::uuid",
        valid_until="valid_until" if by_consent else "NULL::timestamptz",
    )


def _standing(found: Sequence[Sequence[Any]]) -> Standing:
    """One person's rows (exactly this purpose and channel, and the broader ones) as one standing: the nearest holds all."""
    erased = bool(found[0][1])
    said = [row[2:] for row in found if row[2] is not None]
    marketing = next((row[_OBJECTION] for row in said if row[0] == MARKETING and row[1] == ANY), None)
    states = sorted((row for row in said if row[0] != MARKETING), key=lambda row: (row[0] == ANY, row[1] == ANY))
    if not states:
        return Standing(erased=erased, marketing_event_id=marketing)
    fields = (erased, State(states[0][2]), *states[0][3:], marketing)
    return Standing(*fields)
