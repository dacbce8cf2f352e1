"""Signed notes against the published example of golang.org/x/mod/sumdb/note, which C2SP signed-note describes."""

from __future__ import annotations

import base64

import pytest

from audit import notes
from audit.errors import NoteInvalid
from governance.kernel.crypto import SigningKey

VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SKEY = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
LINE = (
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
NOTE = f"{TEXT}\n{LINE}"


def test_the_published_key_and_note_are_read_and_written_byte_for_byte():
    verifier = notes.Verifier.parse(VKEY)
    assert str(verifier) == VKEY
    assert verifier.key_id.hex() == "c74f20a3"
    assert notes.open_note(NOTE, [verifier]) == TEXT
    key = SigningKey.from_bytes(base64.b64decode(SKEY)[1:])
    assert key.public_bytes == verifier.public_bytes
    assert notes.sign(TEXT, "PeterNeumann", key) == NOTE


def test_signatures_of_unknown_keys_are_ignored_but_one_known_must_hold():
    verifier = notes.Verifier.parse(VKEY)
    stranger = SigningKey.generate()
    line = notes.sign(TEXT, "witness.example", stranger).rpartition("\n\n")[2]
    assert notes.open_note(NOTE + line, [verifier]) == TEXT
    with pytest.raises(NoteInvalid):
        notes.open_note(f"{TEXT}\n{line}", [verifier])
    both = [verifier, notes.Verifier("witness.example", stranger.public_bytes)]
    assert notes.open_note(NOTE + line, both) == TEXT
    with pytest.raises(NoteInvalid, match="does not fit"):
        notes.open_note(NOTE.replace("answer", "cause") + line, both)


@pytest.mark.parametrize(
    "note",
    [
        "",
        TEXT,
        TEXT + "\n",
        NOTE[:-1],
        NOTE.replace("\u2014", "-"),
        NOTE.replace("PeterNeumann x08", "PeterNeumann  x08"),
        NOTE.replace("x08go", "x09go"),
        NOTE.replace("cryptography", "cryptographY"),
        NOTE.replace("problem,", "problem\t,"),
        NOTE + "x" * 70_000,
        f"{TEXT}\n" + LINE * 101,
        f"{TEXT}\n\u2014 PeterNeumann x08g\n",
        f"{TEXT}\n\u2014 PeterNeumann !!!!\n",
    ],
)
def test_a_malformed_or_forged_note_is_refused(note: str):
    with pytest.raises(NoteInvalid):
        notes.open_note(note, [notes.Verifier.parse(VKEY)])


@pytest.mark.parametrize(
    "vkey",
    [
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3",
        "",
    ],
)
def test_a_malformed_key_is_refused(vkey: str):
    with pytest.raises(NoteInvalid):
        notes.Verifier.parse(vkey)


def test_text_that_is_no_note_is_not_signed():
    key = SigningKey.generate()
    for text in ("no newline", "tab\there\n"):
        with pytest.raises(NoteInvalid):
            notes.sign(text, "zgoda.example/log", key)
    with pytest.raises(NoteInvalid):
        notes.sign("fine\n", "with space", key)
