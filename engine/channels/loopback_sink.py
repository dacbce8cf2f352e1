"""A mail server on loopback that keeps what it gets: for the demo and the tests. It can misbehave on request.

    with LoopbackSink() as sink:
        ... send to sink.host, sink.port ...
        sink.recipients()

It needs aiosmtpd (extra `demo`), delivers nothing to anybody, and forgets everything when it stops.
"""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from types import TracebackType
from typing import Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope
from aiosmtpd.smtp import Session as SmtpSession


@dataclass(frozen=True, slots=True)
class Received:
    """A message that the sink took, as it came over the wire."""

    recipient: str = field(repr=False)
    content: bytes = field(repr=False)

    def parsed(self) -> EmailMessage:
        """The message as the standard library reads it."""
        parsed = message_from_bytes(self.content, policy=default)
        assert isinstance(parsed, EmailMessage)  # noqa: S101 - the default policy makes it one
        return parsed


@dataclass(slots=True)
class Faults:
    """How the sink misbehaves. Each rule sees the recipient and says whether it strikes."""

    refuse_recipient: Callable[[str], int | None] = lambda recipient: None  # a code such as 450 or 550 at RCPT
    refuse_data: Callable[[str], int | None] = lambda recipient: None  # a code after the data
    drop_before_answer: Callable[[str], bool] = lambda recipient: False  # took the data, closes without a word
    drop_at_recipient: Callable[[str], bool] = lambda recipient: False  # closes before any data
    seconds_per_message: float = 0.0


class LoopbackSink:
    """The server, in a thread of its own. `port=0` takes a free one."""

    def __init__(self, port: int = 0, faults: Faults | None = None, *, pipelining: bool = True) -> None:
        self.faults = faults or Faults()
        self._pipelining = pipelining
        self._lock = threading.Lock()
        self._received: list[Received] = []
        self._controller = _Controller(self, hostname="127.0.0.1", port=port, ready_timeout=10)

    @property
    def host(self) -> str:
        return "127.0.0.1"

    @property
    def port(self) -> int:
        return self._controller.bound_port

    def start(self) -> None:
        """Listen from now on."""
        self._controller.start()

    def stop(self) -> None:
        """Close every connection."""
        self._controller.stop(no_assert=True)

    def received(self) -> list[Received]:
        """What came, in order."""
        with self._lock:
            return list(self._received)

    def recipients(self) -> list[str]:
        """The addresses of what came, in order, with repetitions."""
        return [one.recipient for one in self.received()]

    def count(self) -> int:
        """How many messages came."""
        with self._lock:
            return len(self._received)

    def clear(self) -> None:
        """Forget what came."""
        with self._lock:
            self._received.clear()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: SmtpSession, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Offer pipelining, as mail servers do."""
        session.host_name = hostname
        return [*responses[:-1], "250-PIPELINING", responses[-1]] if self._pipelining else responses

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: SmtpSession, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take the recipient, or misbehave."""
        if self.faults.drop_at_recipient(address):
            _hang_up(server)
            return "421 closing"
        if code := self.faults.refuse_recipient(address):
            return f"{code} no"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: SmtpSession, envelope: Envelope) -> str:  # noqa: N802
        """Keep the message, or misbehave."""
        if self.faults.seconds_per_message:
            await asyncio.sleep(self.faults.seconds_per_message)
        recipient = envelope.rcpt_tos[0]
        if code := self.faults.refuse_data(recipient):
            return f"{code} no"
        with self._lock:
            content = envelope.content
            self._received.append(Received(recipient, content if isinstance(content, bytes) else b""))
        if self.faults.drop_before_answer(recipient):
            _hang_up(server)
        return "250 OK"


class _Controller(Controller):
    """aiosmtpd's controller, which cannot tell the port that the system chose."""

    bound_port: int = 0

    def factory(self) -> SMTP:
        return SMTP(self.handler, enable_SMTPUTF8=False, ident="Zgoda loopback sink", data_size_limit=10_000_000)

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)  # noqa: S101 - start() made it
        self.port = self.bound_port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


def _hang_up(server: SMTP) -> None:
    if isinstance(server.transport, asyncio.WriteTransport):
        server.transport.abort()
