"""E-mail through SMTP (RFC 5321): one connection for many messages, commands pipelined where the server allows it (RFC 2920).

What a dropped connection means depends on when it drops. Before the message's data is sent, nothing left the house and the message
may be tried again. From then on nobody knows, and a marketing message is not repeated.
"""

import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from engine.channels.adapters import HandedOver, Message, Outcome
from engine.channels.errors import MailServerUnavailable
from engine.channels.mime import sender_address
from governance.kernel.logs import get_logger

TIMEOUT_SECONDS: Final = 10.0
_GO_AHEAD: Final = 354
_CLOSING: Final = 421

logger = get_logger(__name__)


@dataclass(frozen=True)
class EmailAdapter:
    """The mail server of the settings EMAIL_*."""

    channel: str = "email"

    @contextmanager
    def session(self) -> Iterator["SmtpSession"]:
        """A connection to the mail server, closed on leaving. Connects when first needed."""
        session = SmtpSession(sender_address(settings.DEFAULT_FROM_EMAIL).addr_spec)
        try:
            yield session
        finally:
            session.close()


class SmtpSession:
    """One connection, renewed when it breaks."""

    def __init__(self, sender: str) -> None:
        self._sender = sender
        self._server: smtplib.SMTP | None = None
        self._pipelines = False

    def ready(self) -> None:
        """Connect, or ask an open connection whether it is alive. Raises MailServerUnavailable."""
        if self._server is not None:
            try:
                if self._server.noop()[0] == 250:
                    return
            except (smtplib.SMTPException, OSError):
                pass
            self.close()
        self._server = _connect()
        self._pipelines = self._server.has_extn("pipelining")

    def hand_over(self, message: Message) -> HandedOver:
        """One mail transaction (RFC 5321 §3.3)."""
        if self._server is None:
            try:
                self.ready()
            except MailServerUnavailable:
                return HandedOver(message.reference, Outcome.LATER)
        try:
            code = self._envelope(message.recipient)
        except (smtplib.SMTPException, OSError):
            self.close()
            return HandedOver(message.reference, Outcome.LATER)
        if code != _GO_AHEAD:
            return HandedOver(message.reference, _refusal(code), code)
        try:
            code = self._data(message.data)
        except (smtplib.SMTPException, OSError):
            self.close()
            return HandedOver(message.reference, Outcome.UNKNOWN)
        return HandedOver(message.reference, _verdict_on_data(code), code)

    def close(self) -> None:
        """Say goodbye if the other side still listens."""
        server, self._server = self._server, None
        if server is not None:
            with suppress(smtplib.SMTPException, OSError):
                server.quit()
            server.close()

    def _envelope(self, recipient: str) -> int:
        """MAIL, RCPT, DATA. Returns 354 when the data may follow, otherwise the first code that refused."""
        assert self._server is not None  # noqa: S101 - ready() connected
        commands = (f"MAIL FROM:<{self._sender}>\r\n", f"RCPT TO:<{recipient}>\r\n", "DATA\r\n")
        if self._pipelines:
            self._server.send("".join(commands).encode("ascii"))
            codes = [self._server.getreply()[0] for _ in commands]
        else:
            codes = []
            for command in commands:
                self._server.send(command.encode("ascii"))
                codes.append(self._server.getreply()[0])
                if codes[-1] >= 400:
                    break
        refused = next((code for code in codes if code >= 400 or code == -1), None)
        if refused is None:
            return codes[-1]
        if codes[-1] == _GO_AHEAD:
            # The server waits for data although it refused the recipient: nothing, and a dot (RFC 2920 §3.1).
            self._server.send(b".\r\n")
            self._server.getreply()
        self._start_over(refused)
        return refused

    def _data(self, data: bytes) -> int:
        assert self._server is not None  # noqa: S101 - _envelope() spoke to it
        self._server.send(data + b".\r\n")
        code = self._server.getreply()[0]
        if code == _CLOSING or code < 0:
            self.close()
        return code

    def _start_over(self, code: int) -> None:
        assert self._server is not None  # noqa: S101 - _envelope() spoke to it
        if code != _CLOSING and code > 0:
            with suppress(smtplib.SMTPException, OSError):
                self._server.rset()
                return
        self.close()


def _connect() -> smtplib.SMTP:
    try:
        server = smtplib.SMTP(settings.EMAIL_HOST, settings.EMAIL_PORT, timeout=TIMEOUT_SECONDS)
        if settings.EMAIL_USE_TLS:
            server.starttls(context=ssl.create_default_context())
        if settings.EMAIL_HOST_USER:
            server.login(settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD)
        server.ehlo_or_helo_if_needed()
        if server.sock is not None:
            # A batch is many small writes that each wait for an answer.
            server.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except (smtplib.SMTPException, OSError) as error:
        logger.warning("mail_server_unavailable", error_class=type(error).__name__, port=settings.EMAIL_PORT)
        raise MailServerUnavailable("The mail server does not answer.") from None
    return server


def _refusal(code: int) -> Outcome:
    """Before the data: a code that is no refusal for good leaves the message here."""
    return Outcome.REFUSED if 500 <= code < 600 else Outcome.LATER


def _verdict_on_data(code: int) -> Outcome:
    """After the data: an answer that SMTP does not have says nothing about where the message is."""
    if 200 <= code < 300:
        return Outcome.SENT
    return _refusal(code) if 400 <= code < 600 else Outcome.UNKNOWN
