"""Dual control: what three different people take part in, of whom none stands in for another.

A person is more than an account: two accounts that read the same mailbox (an alias, a tag, another spelling), that had it one after
the other, or that go by the same name, are one person here. Only staff count: a service client or the console of the server is nobody.
A superuser is one person like any other. Time is the later of this machine's clock, the database's and what was recorded last, so that
turning a clock back makes nothing valid again.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from django.db import connection
from django.db.models import Max

from governance.accounts import roles
from governance.accounts.models import User
from governance.kernel import crypto, secret_files
from governance.kernel.actors import Actor, ActorKind
from governance.kernel.clock import now
from pseudonymize.errors import DualControlRequired
from pseudonymize.models import JoinGrant, JoinGrantApproval, Reveal, RevealApproval, RevealRequest
from pseudonymize.transforms import canonical
from pseudonymize.transforms.errors import TransformError

APPROVALS = 2
_APPROVES = "pseudonymize:reveal"
_ASKS = frozenset({"pseudonymize:run", "pseudonymize:reveal"})


class Approval(Protocol):
    """What the approvals of every kind of request have."""

    approver: str
    person: str
    terms_sha256: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of staff as dual control sees them: the account, and keyed digests of their mailbox and of their name."""

    account: str
    mailbox: str
    name: str

    def is_same_as(self, other: Person) -> bool:
        """Whether the two accounts are one person's."""
        return (
            self.account == other.account
            or self.mailbox == other.mailbox
            or (self.name != "" and self.name == other.name)
        )


def require_requester(actor: Actor) -> Person:
    """Whoever asks: a member of staff, now active, whose role works with pseudonyms. Raises DualControlRequired."""
    person = _person(str(actor))
    if person is None or not _ASKS & _scopes(person.account):
        raise DualControlRequired("Only staff who work with pseudonyms ask for this.")
    return person


def require_approver(actor: Actor) -> Person:
    """Whoever approves: a member of staff whose role may, now. Raises DualControlRequired."""
    person = approver(str(actor))
    if person is None:
        raise DualControlRequired("Your role does not approve this.")
    return person


def approver(account: str) -> Person | None:
    """The person of an account when their role approves, now; None otherwise."""
    person = _person(account)
    return person if person is not None and _APPROVES in _scopes(account) else None


def require_other_people(person: Person, requester: str, requester_mailbox: str, approvals: Iterable[Approval]) -> None:
    """Raise DualControlRequired when `person` asked, or approved already from another account."""
    asking = _person(requester) or Person(requester, requester_mailbox, "")
    if person.is_same_as(asking) or person.mailbox == requester_mailbox:
        raise DualControlRequired("Nobody approves their own request.")
    for given in approvals:
        before = _person(given.approver) or Person(given.approver, given.person, "")
        if given.approver != person.account and (person.is_same_as(before) or person.mailbox == given.person):
            raise DualControlRequired("You approved this already, from another account.")


def standing(approvals: Sequence[Approval], requester: Person, requester_mailbox: str, terms_sha256: str) -> list[str]:
    """The accounts of two different people, neither of them the requester, who may still approve and approved exactly these terms.

    Raises DualControlRequired with how many there are.
    """
    people: list[Person] = []
    for given in approvals:
        person = approver(given.approver)
        if person is None or given.terms_sha256 != terms_sha256:
            continue
        mailboxes = {person.mailbox, given.person}
        if person.is_same_as(requester) or mailboxes & {requester.mailbox, requester_mailbox}:
            continue
        # As they are now and as they were when they approved.
        then = Person(person.account, given.person, person.name)
        if not any(person.is_same_as(other) or then.is_same_as(other) for other in people):
            people += [person]
    if len(people) < APPROVALS:
        raise DualControlRequired(f"{len(people)} of {APPROVALS} approvals.", approvals=len(people))
    return [person.account for person in people[:APPROVALS]]


def latest_now() -> datetime:
    """The latest of all clocks: this machine's, the database's, and that of whatever was asked, approved or done last."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        times: list[datetime] = [now(), cursor.fetchone()[0]]
    for model, column in (
        (RevealRequest, "opened_at"),
        (RevealApproval, "approved_at"),
        (Reveal, "revealed_at"),
        (JoinGrant, "opened_at"),
        (JoinGrantApproval, "approved_at"),
    ):
        latest = model.objects.aggregate(latest=Max(column))["latest"]
        times += [latest] if latest is not None else []
    return max(times)


def _person(account: str) -> Person | None:
    kind, _, identifier = account.partition(":")
    if kind != ActorKind.STAFF:
        return None
    try:
        user = User.objects.filter(pk=UUID(identifier), is_active=True).first()
    except ValueError:
        return None
    if user is None:
        return None
    name = " ".join(unicodedata.normalize("NFKC", user.display_name).casefold().split())
    return Person(account, _digest("mailbox", _mailbox(user.email)), _digest("name", name) if name else "")


def _mailbox(address: str) -> str:
    """One spelling per mailbox: what large providers ignore, and a `+tag` wherever it is."""
    try:
        form = canonical.mailbox(address)
    except TransformError:
        form = address.casefold()
    local, _, domain = form.rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}".casefold()


def _digest(what: str, text: str) -> str:
    key = secret_files.load_or_create("pseudonymize-dual-control.key", crypto.random_key)
    return crypto.mac(key, crypto.length_prefixed([what.encode(), text.encode()])).hex()


def _scopes(account: str) -> frozenset[str]:
    return roles.scopes_of(UUID(account.partition(":")[2]))
