"""A statement about journeys that holds at any time, also after a kill -9."""

from django.db import connection

from governance.kernel.invariants import Finding, invariant

_MOST = 100


@invariant("journeys.passed_sends_are_queued")
def passed_sends_are_queued() -> Finding:
    """Whoever is past a step that sends has a message of that step's campaign, unless somebody stopped the campaign."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM engine_journeys_place")
        checked: int = cursor.fetchone()[0]
        cursor.execute(
            """
            SELECT place.id FROM engine_journeys_place place
            JOIN engine_journeys_step step
              ON step.journey_id = place.journey_id AND step.kind = 'send' AND step.position < place.position
            JOIN engine_channels_campaign campaign ON campaign.id = step.campaign_id AND campaign.state <> 'stopped'
            WHERE NOT EXISTS (
                SELECT 1 FROM engine_channels_dispatch dispatch
                WHERE dispatch.campaign_id = step.campaign_id AND dispatch.subject_id = place.subject_id
                  AND dispatch.occasion = place.occasion)
            LIMIT %s
            """,
            [_MOST],
        )
        return Finding(checked, tuple(str(row[0]) for row in cursor.fetchall()))
