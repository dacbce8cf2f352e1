"""What must hold for profiles at any time."""

from __future__ import annotations

from django.db import connection

from engine.profiles import projection
from engine.profiles.models import Profile
from governance.kernel.invariants import Finding, invariant

_WAITING = """
SELECT count(*) FROM engine_event_batch AS batch WHERE accepted > 0
AND NOT EXISTS (SELECT 1 FROM engine_profile_batch AS absorbed WHERE absorbed.batch = batch.id)
"""


@invariant("engine.profiles.equal_their_events")
def equal_their_events() -> Finding:
    """Once no batch waits to be absorbed, every profile is what its subject's events add up to."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITING)
        (waiting,) = cursor.fetchone()
    return Finding(Profile.objects.count(), () if waiting else projection.differences())
