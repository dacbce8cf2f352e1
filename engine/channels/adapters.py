"""What every channel's way out looks like. E-mail implements it (smtp.py); SMS, push and webhooks will.

An adapter is told what to hand over and answers what became of it. It never decides who gets something, stores nothing, and never
falls over to another channel: consent is per channel.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class Outcome(StrEnum):
    """What became of one message at the hand-over."""

    SENT = "sent"  # the other side took responsibility (SMTP: 250 after the data)
    REFUSED = "refused"  # it said no, for good
    LATER = "later"  # it said no for now, or was not reached; nothing left the house
    UNKNOWN = "unknown"  # the message was on its way when the answer failed to come


@dataclass(frozen=True, slots=True)
class Message:
    """A message ready for the wire. Its repr shows neither address nor content."""

    reference: str
    recipient: str = field(repr=False)
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class HandedOver:
    """The answer for one message: the outcome and the other side's code, never its text, which can quote the address."""

    reference: str
    outcome: Outcome
    code: int | None = None


class Session(Protocol):
    """An open way out. One per batch of messages: connecting costs more than sending."""

    def hand_over(self, message: Message) -> HandedOver:
        """Hand over one message. Raises nothing that a network can cause: that is an outcome."""

    def ready(self) -> None:
        """Make sure that the other side listens, before anybody is claimed. Raises Unavailable."""


class ChannelAdapter(Protocol):
    """A provider of a channel."""

    @property
    def channel(self) -> str:
        """The channel that it serves."""

    def session(self) -> AbstractContextManager[Session]:
        """Connect; disconnect on leaving. Raises Unavailable when the other side does not answer."""
