"""Telling the data protection officer that somebody asks for, approves or has done a re-identification. Says who by number only."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings

from governance.jobs.handlers import Args, handles
from governance.jobs.queue import schedule
from governance.kernel import mail
from governance.kernel.ids import opaque

if TYPE_CHECKING:
    from governance.jobs.leases import Lease

NOTIFY = "pseudonymize.notify_dpo"
_WORDS = {
    "reveal.requested": "asks to turn pseudonyms back into people",
    "reveal.approved": "approved turning pseudonyms back into people",
    "reveal.done": "turned pseudonyms back into people",
    "bridge.requested": "asks for a bridge between two pseudonymisation domains",
    "bridge.approved": "approved a bridge between two pseudonymisation domains",
}


def notify(event: str, prefix: str, identifier: UUID, actor: str) -> None:
    """Put the notice into the queue, in the transaction of what it is about."""
    if event in _WORDS:
        schedule(NOTIFY, {"event": event, "number": opaque(prefix, identifier), "actor": actor[:100]})


@handles(NOTIFY, max_attempts=12)
def send(args: Args, lease: Lease) -> None:
    """Mail the notice. It may come twice after a crash, which the mailbox knows, and never not."""
    contact = settings.ZGODA_DPO_CONTACT
    if "@" not in contact:
        return
    event, number = str(args["event"]), str(args["number"])
    where = f"{settings.ZGODA_PUBLIC_URL}/console/"
    text = f"Re-identification {number}\n\n{args['actor']} {_WORDS[event]}: {number}.\n\n{where}\n"
    mail.send(text, contact, letter_id=lease.job_id)
