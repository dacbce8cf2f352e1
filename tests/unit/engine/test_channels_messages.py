"""Messages joined from bytes: the standard library's parser reads back exactly what was meant, whatever the values are."""

from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import default

import pytest

from engine.channels import mime
from engine.channels.errors import AddressNotUsable
from engine.content.slots import cut

SENDER = "Example Retail <hello@example.com>"
TOKEN = "A" * 43
REFERENCE = "0199f0c2aa7b7c3d8e4f5a6b7c8d9e0f"
TEXT = "Dear {{ name }},\n\nan offer: {{ offer }}.\n\nNo more of this? {{ unsubscribe_url }}\n"
HTML = '<p>Dear {{ name }},</p><p>{{ offer }}</p><p><a href="{{ unsubscribe_url }}">No more of this?</a></p>\n'


def skeleton(subject: str = "News", text: str = TEXT, html: str | None = HTML) -> mime.Skeleton:
    return mime.build_skeleton(
        cut(subject),
        cut(text),
        cut(html) if html else None,
        sender=SENDER,
        language="en",
        unsubscribe_base="https://example.com/u/",
        list_id="marketing.example.com",
    )


def on_the_wire(made: mime.Skeleton, to: str = "alice@example.com", **values: str) -> bytes:
    given = {"name": "Alice", "offer": "ten per cent"} | values
    return mime.compose(made, to=to, message_id=REFERENCE, token=TOKEN, values=given, date=mime.date_header())


def read(data: bytes) -> EmailMessage:
    """As a mail server would: dots unstuffed (RFC 5321 §4.5.2), then parsed."""
    lines = [line[1:] if line.startswith(b".") else line for line in data.split(b"\r\n")]
    message = message_from_bytes(b"\r\n".join(lines), policy=default)
    assert isinstance(message, EmailMessage)
    assert message.defects == []
    return message


def text_of(message: EmailMessage, kind: str = "plain") -> str:
    part = message.get_body((kind,))
    assert part is not None
    content: str = part.get_content()
    return content.replace("\r\n", "\n")


def test_a_message_has_the_headers_that_the_law_and_the_rfcs_want() -> None:
    message = read(on_the_wire(skeleton()))
    assert message["From"].addresses == (Address("Example Retail", "hello", "example.com"),)
    assert message["To"].addresses == (Address("", "alice", "example.com"),)
    assert message["Message-ID"] == f"<{REFERENCE}@example.com>"
    assert message["List-Unsubscribe"] == f"<https://example.com/u/{TOKEN}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Date"].datetime is not None
    assert message.get_content_type() == "multipart/alternative"
    assert len(message.keys()) == len(set(message.keys())), "a header twice"


def test_both_parts_say_what_the_template_says() -> None:
    message = read(on_the_wire(skeleton()))
    url = f"https://example.com/u/{TOKEN}"
    assert text_of(message) == f"Dear Alice,\n\nan offer: ten per cent.\n\nNo more of this? {url}\n\n"
    assert text_of(message, "html") == (
        f'<p>Dear Alice,</p><p>ten per cent</p><p><a href="{url}">No more of this?</a></p>\n\n'
    )


def test_a_message_without_html_is_plain_text() -> None:
    message = read(on_the_wire(skeleton(html=None)))
    assert message.get_content_type() == "text/plain"
    assert text_of(message).startswith("Dear Alice,")


@pytest.mark.parametrize("subject", ["Zażółć gęślą jaźń", "a" * 180, "ą" * 150, "=?utf-8?q?fake?=", "a: b", ""])
def test_a_subject_comes_back_as_it_was(subject: str) -> None:
    assert read(on_the_wire(skeleton(subject=subject or "x")))["Subject"] == (subject or "x")
    personal = read(on_the_wire(skeleton(subject="{{ name }}, hello"), name=subject or "x"))
    assert personal["Subject"] == f"{subject or 'x'}, hello"


NASTY = [
    "Alice\r\nBcc: everybody@example.com",
    "Alice\nBcc: everybody@example.com",
    "Alice\r\n\r\nA second body",
    "Alice\r\n.\r\nMAIL FROM:<x@example.com>",
    "\r\n--zgoda-00000000000000000000000000000000\r\nContent-Type: text/html\r\n\r\n<script>",
    "Alice\x00\x1b[31m\x85\u2028Bcc: x@example.com",
    "<script>alert(1)</script>",
    '"><a href="https://evil.example">',
    "=?utf-8?q?=0D=0ABcc:_x@example.com?=",
    "=0D=0ABcc: x@example.com",
    "\u202emoc.elpmaxe",
    "{{ offer }}",
    "a" * 5000,
    "." * 300,
    "=" * 300,
    "ż" * 300,
    " ",
]


@pytest.mark.parametrize("value", NASTY)
def test_no_value_becomes_a_header_a_part_or_a_command(value: str) -> None:
    data = on_the_wire(skeleton(subject="Hello {{ name }}"), name=value)
    message = read(data)
    assert set(message.keys()) == set(read(on_the_wire(skeleton(subject="Hello {{ name }}"))).keys())
    assert message["Bcc"] is None
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert "<script>" not in text_of(message, "html")
    assert 'href="https://evil.example"' not in text_of(message, "html")
    assert text_of(message).count("\n") == text_of(read(on_the_wire(skeleton()))).count("\n")
    assert b"\r\n.\r\n" not in data
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert max(map(len, data.split(b"\r\n"))) <= 998
    body = data[data.index(b"\r\n\r\n") :]
    assert max(len(line) for line in body.split(b"\r\n") if not line.startswith((b"Content-", b"--"))) <= 77


@pytest.mark.parametrize(
    "address",
    [
        "",
        "alice",
        "@example.com",
        "alice@",
        "alice@example",
        "alice@example.com\r\nBcc: x@example.com",
        "alice@example.com\n",
        "alice@example.com>\r\nRCPT TO:<x@example.com",
        "alice@example.com, bob@example.com",
        "Alice <alice@example.com>",
        '"a b"@example.com',
        "alice@[127.0.0.1]",
        "alice@exa mple.com",
        "ala@przykład@example.com",
        "zażółć@example.com",
        "alice@-example.com",
        "alice..b@example.com",
        ".alice@example.com",
        "a" * 65 + "@example.com",
        "a@" + "b" * 250 + ".com",
        "alice@example.com\0",
    ],
)
def test_an_address_that_is_none_is_refused_without_being_quoted(address: str) -> None:
    stripped = address.strip()
    if stripped == "alice@example.com":
        assert mime.usable_address(address) == stripped
        return
    with pytest.raises(AddressNotUsable) as refused:
        mime.usable_address(address)
    assert not stripped or stripped not in str(refused.value)
    with pytest.raises(AddressNotUsable):
        on_the_wire(skeleton(), to=address)


def test_an_international_domain_goes_out_in_ascii() -> None:
    assert mime.usable_address("ala@przykład.pl") == "ala@xn--przykad-rjb.pl"


def test_a_sender_that_is_not_one_address_is_refused() -> None:
    for sender in ("nobody", "a@example.com, b@example.com", "", "Undisclosed: ;"):
        with pytest.raises(AddressNotUsable):
            mime.sender_address(sender)


def test_two_skeletons_have_different_boundaries() -> None:
    assert skeleton().boundary != skeleton().boundary


def test_the_address_and_the_content_are_not_in_the_repr() -> None:
    from engine.channels.adapters import Message

    shown = repr(Message("r", "alice@example.com", b"Dear Alice"))
    assert "alice" not in shown.lower()
