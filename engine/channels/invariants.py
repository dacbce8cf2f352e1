"""Statements about messages that hold at any time, also after a kill -9."""

from django.db import connection

from governance.kernel.invariants import Finding, invariant

_MOST = 100


@invariant("channels.no_send_without_verdict")
def no_send_without_verdict() -> Finding:
    """Every message that was claimed cites a verdict that allowed it, for that person, purpose and channel, made at the claim."""
    return _find(
        """
        SELECT dispatch.id FROM engine_channels_dispatch dispatch
        JOIN engine_channels_campaign campaign ON campaign.id = dispatch.campaign_id
        LEFT JOIN consent_verdict verdict ON verdict.id = dispatch.verdict_id
        WHERE dispatch.state IN ('claimed', 'handing_over', 'sent', 'failed', 'unknown')
          AND (verdict.id IS NULL OR NOT verdict.allowed OR verdict.subject_id <> dispatch.subject_id
               OR verdict.purpose_key <> campaign.purpose_key OR verdict.channel <> campaign.channel
               OR verdict.decided_at NOT BETWEEN dispatch.claimed_at - interval '1 minute' AND dispatch.claimed_at + interval '1 minute')
        """
    )


@invariant("channels.no_claim_after_withdrawal")
def no_claim_after_withdrawal() -> Finding:
    """No message was claimed when the person's newest word received before the claim was a no to its purpose and channel."""
    return _find(
        """
        SELECT dispatch.id FROM engine_channels_dispatch dispatch
        JOIN engine_channels_campaign campaign ON campaign.id = dispatch.campaign_id
        CROSS JOIN LATERAL (
            SELECT event.event_type FROM consent_event event
            WHERE event.subject_id = dispatch.subject_id AND event.received_at < dispatch.claimed_at
              AND event.purpose_key IN (campaign.purpose_key, '*') AND event.channel IN (campaign.channel, '*')
              AND event.event_type IN ('given', 'confirmed', 'reaffirmed', 'imported', 'refused', 'withdrawn', 'objected',
                                       'objection_lifted')
            ORDER BY event.received_at DESC LIMIT 1
        ) AS newest
        WHERE dispatch.state IN ('claimed', 'handing_over', 'sent', 'failed', 'unknown')
          AND newest.event_type IN ('refused', 'withdrawn', 'objected')
        """
    )


@invariant("channels.no_double_send")
def no_double_send() -> Finding:
    """One person gets one message of a campaign on one occasion, and no message was entered in the log as sent twice."""
    return _find(
        """
        SELECT min(id::text)::uuid FROM engine_channels_dispatch
        GROUP BY campaign_id, subject_id, occasion HAVING count(*) > 1
        UNION ALL
        SELECT min(id::text)::uuid FROM audit_entry WHERE action = 'channels.message_sent' GROUP BY object HAVING count(*) > 1
        """
    )


@invariant("channels.sent_is_in_the_log")
def sent_is_in_the_log() -> Finding:
    """Every message that was sent has its entry in the log, written in the same transaction."""
    return _find(
        """
        SELECT dispatch.id FROM engine_channels_dispatch dispatch
        WHERE dispatch.state = 'sent' AND NOT EXISTS (
            SELECT 1 FROM audit_entry entry WHERE entry.action = 'channels.message_sent' AND entry.object = 'dispatch:' || dispatch.id)
        """
    )


def _find(violations: str) -> Finding:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM engine_channels_dispatch")
        checked: int = cursor.fetchone()[0]
        cursor.execute(f"SELECT * FROM ({violations}) AS violations LIMIT {_MOST}")  # noqa: S608 - our own statements
        return Finding(checked, tuple(str(row[0]) for row in cursor.fetchall()))
