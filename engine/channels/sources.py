"""What the channels hold about a person: which campaigns, when, what became of them; and their places in caps."""

from typing import Final

from django.db import connection, transaction

from engine.channels.models import CapUse, Dispatch
from governance.kernel.ids import SubjectId
from governance.kernel.personal_data import Erased, ExportRecord, Located, Residual, SourceDefaults
from governance.kernel.subject_tables import count_residual

_DISPATCH: Final = Dispatch._meta.db_table
_CAPS: Final = CapUse._meta.db_table
_RESIDUAL: Final = f"""
SELECT (SELECT count(*) FROM {_DISPATCH} AS d WHERE d.subject_id::text = %(subject)s)
     + (SELECT count(*) FROM {_CAPS} AS c WHERE c.subject_id::text = %(subject)s)
"""  # noqa: S608 - table names of ours


class MessagesSource(SourceDefaults):
    """Messages to the person (observed). Erasing deletes the rows; a campaign's totals keep counting them without the person."""

    key = "channels.messages"
    title = "Messages sent to you"
    tables = frozenset({_DISPATCH, _CAPS})
    categories: tuple[str, ...] = ("communication history",)
    order = 200

    def locate(self, subject: SubjectId) -> Located:
        return Located(
            {
                _DISPATCH: Dispatch.objects.filter(subject_id=subject).count(),
                _CAPS: CapUse.objects.filter(subject_id=subject).count(),
            }
        )

    def export(self, subject: SubjectId) -> list[ExportRecord]:
        messages = [
            ExportRecord(
                _DISPATCH,
                "observed",
                row.campaign.purpose_key,
                {
                    "campaign": row.campaign.name,
                    "channel": row.campaign.channel,
                    "offer": row.action,
                    "state": row.state,
                    "reason": row.reason,
                    "claimed_at": row.claimed_at.isoformat() if row.claimed_at else None,
                    "finished_at": row.finished_at.isoformat() if row.finished_at else None,
                    "verdict": str(row.verdict_id) if row.verdict_id else None,
                },
            )
            for row in Dispatch.objects.select_related("campaign").filter(subject_id=subject).order_by("id")
        ]
        limits = [
            ExportRecord(
                _CAPS,
                "observed",
                None,
                {"limit": row.cap.name, "messages_counted_at": [instant.isoformat() for instant in row.uses]},
            )
            for row in CapUse.objects.select_related("cap").filter(subject_id=subject)
        ]
        return [*messages, *limits]

    def erase(self, subject: SubjectId) -> Erased:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                f"""
                WITH gone AS (DELETE FROM {_DISPATCH} WHERE subject_id = %s RETURNING campaign_id, state),
                kept AS (
                    INSERT INTO engine_channels_erasedtally AS tally (campaign_id, state, count)
                    SELECT campaign_id, state, count(*) FROM gone GROUP BY campaign_id, state
                    ON CONFLICT (campaign_id, state) DO UPDATE SET count = tally.count + excluded.count
                )
                SELECT count(*) FROM gone
                """,  # noqa: S608 - a table name of ours
                [subject],
            )
            messages: int = cursor.fetchone()[0]
            places, _ = CapUse.objects.filter(subject_id=subject).delete()
        return Erased(deleted=messages + places)

    def residual(self, subject: SubjectId) -> Residual:
        return count_residual(_RESIDUAL, subject)
