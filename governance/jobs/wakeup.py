"""The wake-up: a Celery message without content. Losing it costs latency, never work, because work is rows."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings
from kombu.exceptions import KombuError, OperationalError

from governance.jobs import calendar, worker
from governance.kernel.logs import get_logger

_logger = get_logger(__name__)
_JOBS_PER_MESSAGE = 500
_STALE_AFTER_SECONDS = 10


def wake() -> None:
    """Tell the workers that there is something to do. A broker that is down is logged and otherwise ignored."""
    if not settings.ZGODA_WAKE_WORKERS:
        return
    try:
        on_wake.apply_async(expires=_STALE_AFTER_SECONDS, retry=False)
    except (OperationalError, KombuError, OSError):
        _logger.warning("wakeup_not_sent")


@shared_task(name="jobs.wake")  # type: ignore[untyped-decorator]
def on_wake() -> None:
    """Run what is due. More than one message's worth wakes the next."""
    calendar.run_due()
    if worker.drain(limit=_JOBS_PER_MESSAGE).total == _JOBS_PER_MESSAGE:
        wake()
