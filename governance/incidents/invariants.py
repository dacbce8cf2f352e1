"""What must hold in the register of breaches at any time."""

from django.db import connection

from governance.incidents.models import PersonalDataBreach
from governance.kernel.invariants import Finding, invariant

_BROKEN_HISTORY = """
SELECT breach.id FROM incidents_personaldatabreach breach
LEFT JOIN LATERAL (
    SELECT count(*) AS steps, max(number) AS last, (array_agg(after ORDER BY number DESC))[1] AS phase
    FROM incidents_breachstep WHERE breach_id = breach.id
) history ON true
WHERE history.steps = 0 OR history.steps <> history.last OR history.phase <> breach.phase
   OR EXISTS (SELECT 1 FROM incidents_breachstep step LEFT JOIN incidents_breachstep earlier
                ON earlier.breach_id = step.breach_id AND earlier.number = step.number - 1
              WHERE step.breach_id = breach.id AND step.before <> COALESCE(earlier.after, ''))
   OR EXISTS (SELECT 1 FROM incidents_breachstep step WHERE step.breach_id = breach.id
              AND NOT EXISTS (SELECT 1 FROM audit_entry entry WHERE entry.id = step.entry_id))
LIMIT 100
"""


@invariant("incidents.history_is_whole")
def history_is_whole() -> Finding:
    """The steps of a breach follow one another without a gap, end where it stands, and each is in the log."""
    with connection.cursor() as cursor:
        cursor.execute(_BROKEN_HISTORY)
        broken = tuple(str(identifier) for (identifier,) in cursor.fetchall())
    return Finding(PersonalDataBreach.objects.count(), broken)
