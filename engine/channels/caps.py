"""Frequency caps as reservations: one statement per cap admits or refuses a whole batch; what does not leave gives its place back.

The instants of a person's messages within the window are one row, so the row's lock decides between two campaigns that want the
last place. The window rolls: "two in seven days" never means four around midnight on Sunday.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models import Q

from engine.channels.models import FrequencyCap
from governance.kernel.ids import SubjectId

ALL_PURPOSES: Final = "*"

# In order of subject, so that two batches wait for each other and never in a circle.
_RESERVE: Final = """
INSERT INTO engine_channels_capuse AS used (cap_id, subject_id, uses)
SELECT %(cap)s, subject, ARRAY[%(at)s]::timestamptz[] FROM unnest(%(subjects)s::uuid[]) AS subject ORDER BY subject
ON CONFLICT (cap_id, subject_id) DO UPDATE
SET uses = ARRAY(SELECT instant FROM unnest(used.uses) AS instant WHERE instant > %(since)s ORDER BY instant) || %(at)s::timestamptz
WHERE (SELECT count(*) FROM unnest(used.uses) AS instant WHERE instant > %(since)s) < %(messages)s
RETURNING subject_id
"""
_RELEASE: Final = """
UPDATE engine_channels_capuse
SET uses = uses[:array_position(uses, %(at)s) - 1] || uses[array_position(uses, %(at)s) + 1:]
WHERE cap_id = ANY(%(caps)s) AND subject_id = ANY(%(subjects)s) AND array_position(uses, %(at)s) IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Cap:
    """A cap that applies to a campaign."""

    id: UUID
    messages: int
    window: timedelta


def applying_to(channel: str, purpose: str) -> list[Cap]:
    """The active caps for messages of this purpose over this channel, in a fixed order."""
    found = FrequencyCap.objects.filter(
        Q(purpose_key=purpose) | Q(purpose_key=ALL_PURPOSES), channel=channel, active=True
    )
    return [Cap(row.pk, row.messages, timedelta(hours=row.window_hours)) for row in found.order_by("pk")]


def reserve(caps: Sequence[Cap], subjects: Sequence[SubjectId], at: datetime) -> frozenset[SubjectId]:
    """Take a place in every cap for each subject; who finds one cap full takes none. Returns who was admitted.

    Must run in the transaction that claims. `at` names the reservation, for `release`.
    """
    admitted = list(subjects)
    passed: list[Cap] = []
    for cap in caps:
        if not admitted:
            break
        with connection.cursor() as cursor:
            cursor.execute(
                _RESERVE,
                {"cap": cap.id, "subjects": admitted, "at": at, "since": at - cap.window, "messages": cap.messages},
            )
            granted = {SubjectId(row[0]) for row in cursor.fetchall()}
        release(passed, [subject for subject in admitted if subject not in granted], at)
        admitted = [subject for subject in admitted if subject in granted]
        passed.append(cap)
    return frozenset(admitted)


def release(caps: Sequence[Cap], subjects: Sequence[SubjectId], at: datetime) -> None:
    """Give back the places that were taken `at` that instant, for messages that did not leave."""
    if caps and subjects:
        with connection.cursor() as cursor:
            cursor.execute(_RELEASE, {"caps": [cap.id for cap in caps], "subjects": sorted(subjects), "at": at})
