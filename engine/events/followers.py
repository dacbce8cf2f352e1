"""Who wants to know of new events: kinds of jobs that are scheduled for every batch, in the batch's own transaction.

Projections live above this package and register here when their apps are ready.
"""

from __future__ import annotations

from governance.jobs.queue import schedule

_followers: set[str] = set()


def follow(job_kind: str) -> None:
    """Schedule a job of this kind with `{"batch": number}` for every batch that brought something new."""
    _followers.add(job_kind)


def tell(batch: int) -> None:
    """Schedule the jobs of all followers. Call inside the transaction of the batch."""
    for kind in sorted(_followers):
        schedule(kind, {"batch": batch}, key=f"{kind}:{batch}")
