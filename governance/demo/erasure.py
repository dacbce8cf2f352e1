"""One household asks to be forgotten: from the request to the certificate, and the next import of the same person."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Protocol
from uuid import UUID

from dsar import certificates, execution, identity, planning, requests
from dsar.states import IntakeChannel, RequestType
from governance.demo.arrivals import IMPORT, Household
from governance.jobs import worker
from governance.kernel import personal_data
from governance.kernel.actors import Actor, ActorKind
from pseudonymize import vault
from pseudonymize.vault import IdentifierKind, Identity

_CODE = re.compile(r"\b(\d{4} ?\d{4})\b")


class Mailbox(Protocol):
    """Where the mail of the story arrives: a real SMTP server on loopback."""

    def last_to(self, address: str) -> EmailMessage: ...


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The end of an erasure: what the plan expected, what each step did, what was found afterwards, the signed certificate."""

    request_id: UUID
    expected_rows: int
    steps: tuple[execution.StepView, ...]
    certificate: certificates.ErasureCertificate
    reimport_refused: bool


def forget(household: Household, person: Identity, officer: Actor, mailbox: Mailbox) -> Forgotten:
    """The person asks on the public page, proves who they are with the code from their mailbox; the officer approves the plan."""
    address = person.values[IdentifierKind.EMAIL]
    request_id = requests.open(
        RequestType.ERASURE,
        {IdentifierKind.EMAIL: address},
        language=household.language,
        channel=IntakeChannel.WEB,
        actor=Actor(ActorKind.SUBJECT, "privacy-centre"),
    )
    worker.drain()  # sends the code
    identity.confirm(request_id, _code_in(mailbox.last_to(address)))
    worker.drain()  # prepares the plan
    planned = planning.latest(request_id) or planning.plan(request_id, officer)
    planning.approve(
        request_id, officer, reason="The person asked and no ground to keep the data applies (Art. 17(1)(b))."
    )
    worker.drain()  # carries the steps out, searches again, signs
    return Forgotten(
        request_id,
        planned.expected_rows,
        execution.steps_of(request_id),
        certificates.of(request_id),
        _comes_back_refused(person),
    )


def _code_in(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    found = _CODE.search(body.get_content() if body else "")
    if found is None:
        raise LookupError("The letter holds no code.")
    return found.group(1).replace(" ", "")


def _comes_back_refused(person: Identity) -> bool:
    """The next import of the same person, as a shop's nightly file would bring it."""
    return vault.enrol([person], actor=IMPORT, source="nightly-import").refused == (0,)


def rows_left(household: Household) -> Mapping[str, int]:
    """What the sources themselves still find; they were asked before too, so that the figures can be compared."""
    return {source.key: source.locate(household.subject).total for source in personal_data.sources()}
