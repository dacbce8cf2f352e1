"""`/livez`: the process answers. `/readyz`: it can do its work - database, migrations, keys, log, queue."""

from __future__ import annotations

from datetime import timedelta

from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse

from audit.heads import anchors
from consent import spool
from governance.jobs import queue
from governance.kernel import clock
from governance.kernel.crypto import SigningKey
from governance.kernel.secret_files import SecretFileUnsafe, load_or_create

OLDEST_WAITING_JOB = timedelta(minutes=5)


def livez(request: HttpRequest) -> JsonResponse:
    """200 as long as the process can answer at all; it asks nobody."""
    return JsonResponse({"status": "alive"})


def readyz(request: HttpRequest) -> JsonResponse:
    """200 when every check passes, 503 otherwise; says which check failed and nothing else."""
    checks = {"database": _database(), "keys": _keys()}
    if checks["database"] == "ok":
        checks |= {"migrations": _migrations(), "queue": _queue()}
    ready = all(state == "ok" for state in checks.values())
    answer: dict[str, object] = {"status": "ready" if ready else "not ready", "checks": checks}
    if ready:
        answer["anchors"] = _anchors()  # stale ones are an alarm, not a reason to turn people away
        answer["spool"] = _spool()
    return JsonResponse(answer, status=200 if ready else 503)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except OperationalError:
        return "unreachable"
    return "ok"


def _migrations() -> str:
    executor = MigrationExecutor(connection)
    return "pending" if executor.migration_plan(executor.loader.graph.leaf_nodes()) else "ok"


def _keys() -> str:
    try:
        load_or_create("audit_signing_key", lambda: SigningKey.generate().raw)
    except (SecretFileUnsafe, OSError):
        return "unreadable"
    return "ok"


def _anchors() -> list[dict[str, object]]:
    """Who vouches for the log outside, without addresses: kind, size, age in seconds, fresh or stale."""
    return [
        {"kind": one.kind, "size": one.size, "age_seconds": one.age_seconds, "state": "fresh" if one.fresh else "stale"}
        for one in anchors.states()
    ]


def _spool() -> dict[str, object]:
    """Withdrawals that this host took while the database was away: the gate here permits nothing until they are applied."""
    since = spool.waiting_since()
    age = 0 if since is None else int((clock.now() - since).total_seconds())
    return {"waiting": spool.pending(), "oldest_seconds": age, "state": "overdue" if spool.overdue() else "ok"}


def _queue() -> str:
    waiting = queue.oldest_waiting()
    return "ok" if waiting is None or clock.now() - waiting < OLDEST_WAITING_JOB else "behind"
