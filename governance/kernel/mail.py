"""Letters that the law or a person asked for, by e-mail: one way out, at least once, through Django's mail settings.

Marketing does not go this way: it is claimed at the gate first and sent at most once (`engine.channels`).
"""

from __future__ import annotations

import smtplib
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage

from governance.kernel.errors import Unavailable


class LetterNotSent(Unavailable):
    """The mail server did not take the letter; it is tried again."""

    code = "letter_not_sent"
    title = "A letter could not be sent"


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A text file that goes with a letter."""

    name: str
    text: str


def send(text: str, address: str, *, letter_id: UUID | None = None, enclosure: Enclosure | None = None) -> None:
    """Send a letter whose first line is its subject. By its `letter_id` a mailbox knows a letter that a crash made us send twice.

    Raises LetterNotSent, which says nothing of the address.
    """
    subject, _, body = text.strip().partition("\n")
    letter = EmailMessage(subject.strip(), body.strip() + "\n", settings.DEFAULT_FROM_EMAIL, [address])
    letter.extra_headers["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday answers
    if letter_id is not None:
        host = str(settings.ZGODA_ORIGIN).partition("/")[0].partition(":")[0]
        letter.extra_headers["Message-ID"] = f"<{letter_id}@{host}>"
    if enclosure is not None:
        letter.attach(enclosure.name, enclosure.text, "text/plain")
    try:
        letter.send()
    except (smtplib.SMTPException, OSError):
        # The server's answer can quote the address: it goes no further.
        raise LetterNotSent from None
