"""Jobs of the channels: thin, ids only."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import transaction

from engine.channels import campaigns, recovery, withdrawals  # noqa: F401 - the last applies what the spool kept
from engine.channels.models import Campaign, Dispatch
from engine.channels.sending import send_due
from engine.channels.smtp import EmailAdapter
from engine.channels.states import DispatchState
from governance.jobs.handlers import Args, every, handles
from governance.jobs.leases import Lease
from governance.kernel.actors import SYSTEM
from governance.kernel.clock import now

# One job sends for at most this long, then makes room for others and schedules the rest.
_TURN: Final = timedelta(seconds=30)
ADAPTERS: Final = {"email": EmailAdapter()}


@handles("channels.send_batch", max_attempts=8, lease_seconds=180)
def send_batch(args: Args, lease: Lease) -> None:
    """Send what is due of a campaign. Runs again after a crash without sending anything twice."""
    campaign_id = UUID(str(args["campaign"]))
    channel = Campaign.objects.values_list("channel", flat=True).get(pk=campaign_id)
    sent = send_due(campaign_id, ADAPTERS[channel], until=now() + _TURN, after_each=lease.heartbeat)
    with transaction.atomic():
        if sent.due_at is not None:
            campaigns.wake(campaign_id, sent.due_at)
        if Dispatch.objects.filter(campaign_id=campaign_id, state=DispatchState.PENDING, due_at__lte=now()).exists():
            campaigns.wake(campaign_id, now())
    campaigns.finish_if_done(campaign_id, actor=SYSTEM)


@every(seconds=5, name="channels.recover")
def recover() -> None:
    """What crashes left behind."""
    recovery.recover()
