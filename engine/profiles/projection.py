"""From events to profiles: batch by batch as they come, or all at once. Both give the same rows, to the last cent.

Sums, counts and extremes add up in any order. Baskets do not, because a basket's lines may come in two batches; so those that were
counted are remembered.
"""

from __future__ import annotations

from django.db import connection, transaction

from engine.events import locks
from engine.profiles.models import AbsorbedBatch
from governance.kernel.progress import Progress, no_progress

_SUMS = """
    subject_id, min(occurred_at) AS first_event_at, max(occurred_at) AS last_event_at,
    max(occurred_at) FILTER (WHERE kind = 'purchase') AS last_purchase_at, count(*) AS events,
    count(*) FILTER (WHERE kind = 'purchase') AS lines, coalesce(sum(quantity), 0) AS quantity,
    coalesce(sum(value_cents) FILTER (WHERE kind = 'purchase'), 0) AS value_cents,
    coalesce(sum(discount_cents), 0) AS discount_cents, coalesce(sum(coupon_cents), 0) AS coupon_cents,
    count(*) FILTER (WHERE kind = 'coupon_redeemed') AS coupons_redeemed,
    count(*) FILTER (WHERE kind = 'campaign_received') AS campaigns_received
"""
_COLUMNS = (
    "subject_id", "first_event_at", "last_event_at", "last_purchase_at", "events", "baskets", "lines", "quantity", "value_cents",
    "discount_cents", "coupon_cents", "coupons_redeemed", "campaigns_received",
)  # fmt: skip
_ADDED = _COLUMNS[4:]
_LIST = ", ".join(_COLUMNS)
# In order of subject, so that two batches that are absorbed at once do not wait for each other in a circle.
_ABSORB = f"""
WITH opened AS (
    INSERT INTO engine_profile_basket (subject_id, basket)
    SELECT DISTINCT subject_id, basket FROM engine_event WHERE batch = %(batch)s AND kind = 'purchase' ORDER BY subject_id, basket
    ON CONFLICT DO NOTHING RETURNING subject_id
), counted AS (SELECT subject_id, count(*) AS baskets FROM opened GROUP BY subject_id),
sums AS (SELECT {_SUMS} FROM engine_event WHERE batch = %(batch)s GROUP BY subject_id)
INSERT INTO engine_profile AS profile ({_LIST})
SELECT {", ".join("coalesce(counted.baskets, 0)" if name == "baskets" else f"sums.{name}" for name in _COLUMNS)}
FROM sums LEFT JOIN counted USING (subject_id) ORDER BY subject_id
ON CONFLICT (subject_id) DO UPDATE SET
    first_event_at = least(profile.first_event_at, excluded.first_event_at),
    last_event_at = greatest(profile.last_event_at, excluded.last_event_at),
    last_purchase_at = greatest(profile.last_purchase_at, excluded.last_purchase_at),
    {", ".join(f"{name} = profile.{name} + excluded.{name}" for name in _ADDED)}
"""  # noqa: S608 - the names are constants of this module
_FROM_EVENTS = f"""
SELECT {", ".join("baskets" if name == "baskets" else f"sums.{name}" for name in _COLUMNS)}
FROM (SELECT {_SUMS}, count(DISTINCT basket) FILTER (WHERE kind = 'purchase') AS baskets FROM engine_event GROUP BY subject_id) AS sums
"""  # noqa: S608
_DIFFERENCES = f"""
SELECT coalesce(kept.subject_id, made.subject_id)::text
FROM (SELECT {_LIST} FROM engine_profile) AS kept FULL JOIN ({_FROM_EVENTS}) AS made ON made.subject_id = kept.subject_id
WHERE (kept.*) IS DISTINCT FROM (made.*) ORDER BY 1 LIMIT 100
"""  # noqa: S608
_WAITING = """
SELECT id FROM engine_event_batch AS batch WHERE accepted > 0
AND NOT EXISTS (SELECT 1 FROM engine_profile_batch AS absorbed WHERE absorbed.batch = batch.id) ORDER BY id
"""


def absorb(batch: int) -> int:
    """Add one batch of events to the profiles; returns how many profiles it touched. A batch that is in already adds nothing."""
    with transaction.atomic(), connection.cursor() as cursor:
        locks.share_history()
        cursor.execute("INSERT INTO engine_profile_batch (batch) VALUES (%s) ON CONFLICT DO NOTHING", [batch])
        if not cursor.rowcount:
            return 0
        cursor.execute(_ABSORB, {"batch": batch})
        touched: int = cursor.rowcount
    return touched


def absorb_waiting(progress: Progress = no_progress) -> int:
    """Absorb every batch that is not in yet; returns how many there were."""
    waiting = _waiting()
    for done, batch in enumerate(waiting, start=1):
        absorb(batch)
        progress(done, len(waiting))
    return len(waiting)


def rebuild() -> int:
    """Make all profiles anew from the events; returns how many there are. Batches and absorptions wait for it."""
    with transaction.atomic(), connection.cursor() as cursor:
        locks.own_history()
        cursor.execute("DELETE FROM engine_profile")
        cursor.execute("DELETE FROM engine_profile_basket")
        cursor.execute(
            "INSERT INTO engine_profile_basket (subject_id, basket) "
            "SELECT DISTINCT subject_id, basket FROM engine_event WHERE kind = 'purchase'"
        )
        cursor.execute(f"INSERT INTO engine_profile ({_LIST}) {_FROM_EVENTS}")
        profiles: int = cursor.rowcount
        absorbed = [AbsorbedBatch(batch=batch) for batch in _waiting()]
        AbsorbedBatch.objects.bulk_create(absorbed, ignore_conflicts=True)
    return profiles


def differences() -> tuple[str, ...]:
    """Subjects whose profile is not what their events add up to, at most a hundred. Batches that wait count as differences."""
    with connection.cursor() as cursor:
        cursor.execute(_DIFFERENCES)
        return tuple(subject for (subject,) in cursor.fetchall())


def _waiting() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(_WAITING)
        return [batch for (batch,) in cursor.fetchall()]
