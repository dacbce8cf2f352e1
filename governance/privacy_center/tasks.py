"""Jobs of the public pages."""

from __future__ import annotations

from uuid import UUID

from governance.jobs.handlers import Args, every, handles
from governance.jobs.leases import Lease
from governance.privacy_center import errands, letters, review_letters


@handles("privacy_center.errand", max_attempts=8)
def run_errand(args: Args, lease: Lease) -> None:
    letters.run(UUID(str(args["errand"])))


every(seconds=3600, name="privacy_center.forget_errands")(errands.forget_expired)


@handles(review_letters.KIND, max_attempts=8)
def answer_review(args: Args, lease: Lease) -> None:
    review_letters.run(UUID(str(args["review"])))
