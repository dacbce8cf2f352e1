"""Messages as bytes: the fixed parts are built once per template, each recipient adds only their values. Pure: no Django, no I/O.

Building a message through `email.message` takes more than a millisecond, because every header is parsed and folded again; joining
prepared bytes takes some microseconds. What makes the joining safe:

- Headers that are the same for everybody are made by the standard library's policy (RFC 5322, RFC 2047), once.
- The recipient's address must match a strict pattern of printable ASCII before it is put into a header or an SMTP command; nothing
  that matches can end a line. A subject with a slot is encoded (RFC 2047) for each recipient.
- Bodies are quoted-printable (RFC 2045 §6.7). Fixed text and values are encoded apart, and a soft line break stands between them, so
  that neither depends on the other's length and a value can contain nothing but its own text.
- Boundaries are 128 random bits.
"""

import binascii
import html
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from email import policy
from email.headerregistry import Address
from email.utils import formatdate
from typing import Final

from engine.channels.errors import AddressNotUsable
from engine.content.slots import UNSUBSCRIBE_URL, Pieces, clean

_CRLF: Final = b"\r\n"
_SOFT_BREAK: Final = b"=\r\n"
_PLAIN_SUBJECT: Final = 66  # with its name a line of 75
_ENCODED_WORD: Final = 42  # bytes that make 56 characters of base64 in a word of 68
_POLICY: Final = policy.SMTP.clone(max_line_length=78)
# RFC 5321 §4.1.2 without quoted strings and address literals, in the lengths of §4.5.3.1.
_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]\Z"
)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,200}\Z")
_DOMAIN = re.compile(r"[A-Za-z0-9.-]{1,253}\Z")


@dataclass(frozen=True, slots=True)
class Skeleton:
    """A template ready for bytes: `head` ends before the recipient's headers, the bodies are encoded around their slots."""

    head: bytes
    subject: Pieces
    fixed_subject: bytes | None
    message_id_domain: str
    unsubscribe_base: str
    bodies: tuple["Body", ...]
    boundary: bytes
    tail: bytes


@dataclass(frozen=True, slots=True)
class Body:
    """One part: encoded pieces with the slots between them; in HTML the values are escaped."""

    head: bytes
    pieces: tuple[bytes, ...]
    slots: tuple[str, ...]
    escapes: bool


def usable_address(address: str) -> str:
    """The address in the form that goes on the wire, an international domain in its ASCII form. Raises AddressNotUsable.

    The detail of the error never quotes the address.
    """
    local, at, domain = address.strip().rpartition("@")
    if at and not domain.isascii():
        try:
            domain = domain.encode("idna").decode("ascii")
        except UnicodeError as error:
            raise AddressNotUsable("The domain of the address is not valid.") from error
    wire = f"{local}@{domain}"
    _require_usable(wire)
    return wire


def sender_address(sender: str) -> Address:
    """`Name <address>` taken apart. Raises AddressNotUsable unless it is exactly one usable address."""
    parsed = _POLICY.header_factory("From", clean(sender))
    if len(parsed.addresses) != 1 or parsed.defects:
        raise AddressNotUsable("The sender is one address.")
    address: Address = parsed.addresses[0]
    usable_address(address.addr_spec)
    return address


def build_skeleton(
    subject: Pieces,
    text: Pieces,
    html_text: Pieces | None,
    *,
    sender: str,
    language: str,
    unsubscribe_base: str,
    list_id: str,
) -> Skeleton:
    """Prepare a template for sending. `sender` is `Name <address>`; `unsubscribe_base` is the URL that a token is appended to.

    Raises AddressNotUsable for a sender that is none.
    """
    address = sender_address(sender)
    boundary = f"zgoda-{secrets.token_hex(16)}".encode("ascii")
    bodies = [_body(text, b"text/plain", escapes=False)]
    if html_text is not None:
        bodies.append(_body(html_text, b"text/html", escapes=True))
    head = b"".join(
        (
            _header("From", str(address)),
            _header("List-Id", f"<{list_id}>"),
            _header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
            _header("Content-Language", language),
            b"MIME-Version: 1.0\r\n",
        )
    )
    return Skeleton(
        head=head,
        subject=subject,
        fixed_subject=None if subject.slots else _subject(clean(subject.texts[0])),
        message_id_domain=address.domain,
        unsubscribe_base=unsubscribe_base,
        bodies=tuple(bodies),
        boundary=boundary,
        tail=b"--" + boundary + b"--\r\n",
    )


def compose(
    skeleton: Skeleton, *, to: str, message_id: str, token: str, values: Mapping[str, str], date: bytes
) -> bytes:
    """One message, dot-stuffed for DATA (RFC 5321 §4.5.2) and without the terminating dot. `to` comes from `usable_address`.

    `values` has every slot except the link to withdraw, which follows from `token`. Raises SlotMissing.
    """
    _require_usable(to)
    if not (_TOKEN.match(token) and _TOKEN.match(message_id)):
        raise ValueError("A token and a message id are letters, digits, hyphens and underscores.")
    url = skeleton.unsubscribe_base + token
    safe = {slot: clean(value) for slot, value in values.items()} | {UNSUBSCRIBE_URL: url}
    subject = skeleton.fixed_subject or _subject(clean(skeleton.subject.filled(safe)))
    parts = [
        date,
        f"Message-ID: <{message_id}@{skeleton.message_id_domain}>\r\nTo: <{to}>\r\nList-Unsubscribe: <{url}>\r\n".encode(
            "ascii"
        ),
        subject,
        skeleton.head,
    ]
    if len(skeleton.bodies) == 1:
        parts += _filled(skeleton.bodies[0], safe)
    else:
        parts.append(b'Content-Type: multipart/alternative; boundary="' + skeleton.boundary + b'"\r\n\r\n')
        for body in skeleton.bodies:
            parts.append(b"--" + skeleton.boundary + _CRLF)
            parts += _filled(body, safe)
            parts.append(_CRLF)
        parts.append(skeleton.tail)
    return b"".join(parts).replace(b"\r\n.", b"\r\n..")


def date_header() -> bytes:
    """The current Date header; one for a whole batch is exact enough."""
    return f"Date: {formatdate(localtime=False, usegmt=False)}\r\n".encode("ascii")


def domain_of(url: str) -> str:
    """The host of a URL as a list id's right part. Falls back to `localhost`, so that a list id is always well formed."""
    host = url.partition("//")[2].partition("/")[0].partition(":")[0]
    return host if _DOMAIN.match(host) else "localhost"


def _filled(body: Body, values: Mapping[str, str]) -> list[bytes]:
    parts = [body.head, body.pieces[0]]
    for slot, piece in zip(body.slots, body.pieces[1:], strict=True):
        value = html.escape(values[slot]) if body.escapes else values[slot]
        parts += (_quoted(value, goes_on=True), piece)
    parts.append(_CRLF)
    return parts


def _body(pieces: Pieces, kind: bytes, *, escapes: bool) -> Body:
    head = b"Content-Type: " + kind + b"; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    last = len(pieces.texts) - 1
    encoded = [_quoted(text, goes_on=index < last) for index, text in enumerate(pieces.texts)]
    return Body(head, tuple(encoded), pieces.slots, escapes)


def _quoted(text: str, *, goes_on: bool = False) -> bytes:
    """Quoted-printable with CRLF line ends. What `goes_on` ends in a soft line break.

    Then a letter is encoded with the text and cut off again: its place in the line is where the `=` of the break goes, so that no
    line is longer than 76 characters.
    """
    plain = text.replace("\r\n", "\n").encode("utf-8") + (b"x" if goes_on else b"")
    encoded = binascii.b2a_qp(plain, quotetabs=False, istext=True, header=False).replace(b"\n", _CRLF)
    return encoded[:-1] + _SOFT_BREAK if goes_on else encoded


def _subject(text: str) -> bytes:
    """The Subject header. Plain when it is short printable ASCII, otherwise encoded words (RFC 2047 §2) of at most 75 characters.

    What looks like an encoded word is encoded too: a reader would decode it into something that nobody checked.
    """
    if text.isascii() and text.isprintable() and len(text) <= _PLAIN_SUBJECT and "=?" not in text:
        return f"Subject: {text}\r\n".encode("ascii")
    words, chunk = [], b""
    for character in text:
        encoded = character.encode("utf-8")
        if len(chunk) + len(encoded) > _ENCODED_WORD:
            words.append(chunk)
            chunk = b""
        chunk += encoded
    words.append(chunk)
    lines = (b"=?utf-8?b?" + binascii.b2a_base64(word, newline=False) + b"?=" for word in words)
    return b"Subject: " + b"\r\n ".join(lines) + _CRLF


def _require_usable(wire: str) -> None:
    if len(wire) > 254 or wire.find("@") > 64 or not _ADDRESS.match(wire):
        raise AddressNotUsable("Not an address that a message can go to.")


def _header(name: str, value: str) -> bytes:
    """A header as the standard library folds and encodes it. It refuses line breaks in the value by itself (ValueError)."""
    folded: str = _POLICY.header_factory(name, value).fold(policy=_POLICY)
    return folded.encode("ascii", "strict")
