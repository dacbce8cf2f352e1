"""Notes of a hand-over under way, so that a killed sender leaves a handful of messages unknown and not a whole batch.

Before every few messages the sender notes how far it will go and what the answers were so far. The table is UNLOGGED: a note costs no
wait for the disk, and after a crash of the database PostgreSQL empties it. That is the meaning that is needed. While notes are there,
they are exact; where they are gone, nothing is known, and the batch is `unknown`.

The note's row is also the fence. Whoever recovers a batch takes the row away; a sender that only slept finds it gone and stops before
the next message. So what was found "not begun" can be sent by somebody else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import connection

from engine.channels.adapters import Outcome

# After a kill at most so many messages are unknown. Each note costs about a tenth of a millisecond.
STEP: Final = 4

_LETTERS: Final = {Outcome.SENT: "s", Outcome.REFUSED: "r", Outcome.LATER: "l", Outcome.UNKNOWN: "u"}
_OUTCOMES: Final = {letter: outcome for outcome, letter in _LETTERS.items()}


@dataclass(frozen=True, slots=True)
class Progress:
    """Of a batch in order: the answers of its first messages, and before which message it had not begun the rest."""

    begun: int
    outcomes: tuple[Outcome, ...]


def start(claim_id: UUID) -> None:
    """Open the notes of a batch, in the transaction that begins its hand-over."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO engine_channels_handoverprogress (claim_id, begun, outcomes) VALUES (%s, 0, '')", [claim_id]
        )


def note(claim_id: UUID, begun: int, outcomes: Sequence[Outcome]) -> bool:
    """Note that messages up to `begun` may be under way now. False when the notes are gone: then nothing more may be begun."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE engine_channels_handoverprogress SET begun = %s, outcomes = %s WHERE claim_id = %s",
            [begun, "".join(_LETTERS[outcome] for outcome in outcomes), claim_id],
        )
        return bool(cursor.rowcount)


def take_away(claim_id: UUID) -> Progress | None:
    """Read the notes and remove them, in the transaction that recovers the batch. None when there are none."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM engine_channels_handoverprogress WHERE claim_id = %s RETURNING begun, outcomes", [claim_id]
        )
        row = cursor.fetchone()
    return Progress(row[0], tuple(_OUTCOMES[letter] for letter in row[1])) if row else None


def forget(claim_id: UUID) -> None:
    """Remove the notes of a batch whose outcomes are written."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM engine_channels_handoverprogress WHERE claim_id = %s", [claim_id])
