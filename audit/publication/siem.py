"""Handing the log over to a SIEM, over syslog in TLS (RFC 5425): every numbered entry, at least once, in order.

The cursor is the entry's number, which has no gaps and never goes backwards, so it cannot pass an entry by. It moves after the receiver
has read what was sent: the sender ends the TLS session and waits for the receiver's end of it, which comes after everything before. A
crash in between sends a batch again; the entry's id tells the receiver.
"""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.db import connection, transaction

from audit import keys
from audit.errors import ExportFailed
from audit.models import ExportCursor
from audit.publication.siem_formats import Event, Format, event, frame, syslog
from governance.kernel import clock, logs

BATCH = 500
TIMEOUT_SECONDS = 10.0
_LOCK = 0x5A676F6461_02  # "Zgoda", second lock
_logger = logs.get_logger(__name__)


def forward(limit: int = 100 * BATCH) -> int:
    """Hand over what is numbered and was not yet, in batches. Returns how many entries; 0 when no SIEM is configured.

    Raises ``ExportFailed``; what was handed over before stays so.
    """
    address = str(getattr(settings, "ZGODA_SIEM_URL", ""))
    sent = 0
    while address and sent < limit:
        done = _forward_batch(address)
        sent += done
        if done < BATCH:
            break
    return sent


def position(address: str) -> int:
    """The number of the first entry that was not yet handed over."""
    return ExportCursor.objects.filter(name=_name(address)).values_list("seq", flat=True).first() or 0


def events(first: int, limit: int, *, personal: bool = False) -> list[Event]:
    """Numbered entries from a number on, as they leave the house."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT l.seq, e.id, e.action, e.actor, e.object, e.purpose, e.occurred_at, l.leaf_hash, e.header
            FROM audit_leaf l JOIN ONLY audit_entry e ON e.id = l.entry_id WHERE l.seq >= %s ORDER BY l.seq LIMIT %s
            """,
            [first, limit],
        )
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return [event(row, keys.export_key(), personal=personal) for row in rows]


def _forward_batch(address: str) -> int:
    """One at a time, also among several workers: the cursor moves in the transaction that holds the lock."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
            if not cursor.fetchone()[0]:
                return 0
        first = position(address)
        found = events(first, BATCH, personal=bool(getattr(settings, "ZGODA_SIEM_PERSONAL", False)))
        if not found:
            return 0
        send(address, found)
        ExportCursor.objects.update_or_create(
            name=_name(address), defaults={"seq": found[-1].seq + 1, "moved_at": clock.now()}
        )
    return len(found)


def send(address: str, found: list[Event]) -> None:
    """Send events and wait until the receiver has read them. ``syslog+tls://host:6514?format=ocsf``. Raises ``ExportFailed``."""
    url = urlsplit(address)
    if url.scheme != "syslog+tls" or not url.hostname:
        raise ExportFailed("The address of the SIEM is not of the form syslog+tls://host:6514?format=ocsf.")
    form = Format(parse_qs(url.query).get("format", [Format.OCSF.value])[0])
    here = str(settings.ZGODA_ORIGIN).partition("/")[0].partition(":")[0]
    payload = b"".join(frame(syslog(one, form, here)) for one in found)
    authority = getattr(settings, "ZGODA_SIEM_CA", None)
    context = ssl.create_default_context(cafile=str(Path(authority)) if authority else None)
    # A connection that just ends has not said that all was read; Python takes it for a goodbye where OpenSSL 3 lets it.
    context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    try:
        with (
            socket.create_connection((url.hostname, url.port or 6514), TIMEOUT_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=url.hostname) as secured,
        ):
            secured.sendall(payload)
            secured.unwrap().close()  # returns when the receiver has ended its side: it has read all before
    except OSError as error:  # ssl.SSLError is one
        raise ExportFailed("The SIEM did not take the entries.") from error
    _logger.info("entries_exported", count=len(found))


def _name(address: str) -> str:
    """The receiver without the format: another format is the same stream."""
    url = urlsplit(address)
    return f"{url.scheme}://{url.hostname}:{url.port or 6514}"
