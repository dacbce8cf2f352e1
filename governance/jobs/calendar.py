"""Periodic verbs: due ones are run by whichever worker comes first, one at a time each."""

from __future__ import annotations

from django.db import connection

from governance.jobs.handlers import recurring
from governance.jobs.models import Periodic
from governance.kernel import clock
from governance.kernel.logs import get_logger

_logger = get_logger(__name__)

_TAKE = """
INSERT INTO jobs_periodic (name, next_at, error_class) VALUES (%(name)s, %(next)s, '')
ON CONFLICT (name) DO UPDATE SET next_at = %(next)s WHERE jobs_periodic.next_at <= %(now)s RETURNING 1
"""


def run_due() -> int:
    """Run every periodic verb that is due; returns how many ran. A verb that fails is logged and due again at its interval."""
    ran = 0
    resting = set(Periodic.objects.filter(next_at__gt=clock.now()).values_list("name", flat=True))
    for name, verb in recurring().items():
        if name in resting or not _lock(name):
            continue  # another worker is at it, longer than its interval
        try:
            now = clock.now()
            with connection.cursor() as cursor:
                cursor.execute(_TAKE, {"name": name, "now": now, "next": now + verb.interval})
                due = cursor.fetchone() is not None
            if due:
                _run(name)
                ran += 1
        finally:
            _unlock(name)
    return ran


def _run(name: str) -> None:
    error_class = ""
    try:
        recurring()[name].run()
    except Exception as error:
        error_class = type(error).__name__
        _logger.warning("periodic_failed", name=name, exc_info=error)
    Periodic.objects.filter(name=name).update(last_finished_at=clock.now(), error_class=error_class)


def _lock(name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [f"jobs.periodic.{name}"])
        return bool(cursor.fetchone()[0])


def _unlock(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [f"jobs.periodic.{name}"])
