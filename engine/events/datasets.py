"""What private aggregates may be asked about events: purchases per person, department and month."""

from __future__ import annotations

import polars as pl
from django.db import connection

from consent import gate
from engine.events.kinds import DEPARTMENTS
from engine.events.reading import subjects_with_events
from governance.aggregates import datasets
from governance.aggregates.queries import Bounds

PURCHASES = "purchases"
PURPOSE = "statistics"
LARGEST_VALUE_CENTS = 50_000
"""A person's spending in one department and month counts up to 500.00."""

# The sums are of one person each: the noise is added above, by `governance.aggregates`.
_ROWS = """
SELECT subject_id::text, department, month, least(sum(value_cents), %s)::bigint, count(*)
FROM (SELECT subject_id, coalesce(department, 'other') AS department, extract(month FROM occurred_at)::int AS month,
             sum(value_cents) AS value_cents
      FROM engine_event WHERE kind = 'purchase' AND subject_id = ANY(%s) GROUP BY 1, 2, 3, basket) AS visits
GROUP BY 1, 2, 3
"""


def purchases() -> pl.DataFrame:
    """One row per person, department and month, of those who may be part of analytics: subject, department, month, value_cents, visits."""
    permitted = gate.filter(subjects_with_events(), PURPOSE, gate.Channel.ANALYTICS).allowed
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, [LARGEST_VALUE_CENTS, permitted])
        rows = cursor.fetchall()
    schema = {
        "subject": pl.String,
        "department": pl.String,
        "month": pl.Int64,
        "value_cents": pl.Int64,
        "visits": pl.Int64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def register() -> None:
    """Declare the dataset. Departments and months are public lists; values are bounded."""
    datasets.register(
        PURCHASES,
        title="Purchases by person, department and month",
        loader=purchases,
        groups={"department": DEPARTMENTS, "month": tuple(range(1, 13))},
        measures={"value_cents": Bounds(0, LARGEST_VALUE_CENTS, "cents"), "visits": Bounds(0, 31, "visits")},
        purpose=PURPOSE,
    )
