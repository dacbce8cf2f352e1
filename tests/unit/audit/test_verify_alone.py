"""The verifier's own arithmetic, for those who have nothing but Python: the vectors of RFC 8032, and against the library."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from audit import verify
from governance.kernel.crypto import SigningKey
from tests.unit.audit.test_notes import NOTE, VKEY

# RFC 8032, section 7.1: public key, message, signature.
VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


@pytest.mark.parametrize(("public", "message", "signature"), VECTORS)
def test_the_vectors_of_rfc_8032_verify_without_any_package(public: str, message: str, signature: str):
    verify.plain_ed25519(bytes.fromhex(public), bytes.fromhex(signature), bytes.fromhex(message))
    with pytest.raises(verify.Refused):
        verify.plain_ed25519(bytes.fromhex(public), bytes.fromhex(signature), bytes.fromhex(message) + b"!")


def test_plain_arithmetic_and_the_library_agree(monkeypatch: pytest.MonkeyPatch):
    rng = random.Random(1)
    key = SigningKey.generate()
    signature = key.sign(b"a text")
    broken = [
        signature[:-1],
        signature + b"\0",
        bytes(64),
        signature[:32] + (2**252 + 27742317777372353535851937790883648493).to_bytes(32, "little"),
    ]
    for _ in range(12):
        flipped = bytearray(signature)
        flipped[rng.randrange(64)] ^= 1 << rng.randrange(8)
        broken.append(bytes(flipped))
    for check in (verify.verify_ed25519, verify.plain_ed25519):
        check(key.public_bytes, signature, b"a text")
        for bad in broken:
            with pytest.raises(verify.Refused):
                check(key.public_bytes, bad, b"a text")
    monkeypatch.setattr(verify, "Ed25519PublicKey", None)
    verify.verify_ed25519(key.public_bytes, signature, b"a text")


def test_nothing_is_verified_when_nothing_was_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    key = tmp_path / "log.vkey"
    key.write_text(VKEY)
    (tmp_path / "empty").mkdir()
    for arguments, said in (
        ([], "nothing was given"),
        (["--known", str(key)], "nothing was given"),
        (["--receipt", str(key), "--witness", str(key)], "held against a bundle"),
        ([str(tmp_path / "empty")], "is no bundle"),
        ([str(tmp_path / "nowhere")], "is no bundle"),
    ):
        assert verify.main([*arguments, "--public-key", str(key)]) == 2
        printed = capsys.readouterr()
        assert said in printed.err
        assert "verified" not in printed.out


@pytest.mark.parametrize("text", ["PeterNeumann+c74f20a3+\u2014", "\u2014", "a+b+\u0105", ""])
def test_a_key_of_any_letters_is_refused_and_crashes_nothing(text: str):
    with pytest.raises(verify.Unreadable):
        verify.Key(text)


@pytest.mark.parametrize(
    "line", ["\u2014 PeterNeumann \u0105\u0119", "\u2014 \u0105 \u2014", "\u2014 PeterNeumann  ", "\u2014"]
)
def test_a_signature_of_any_letters_is_refused_and_crashes_nothing(line: str):
    with pytest.raises(verify.Refused):
        verify.Key(VKEY).open(f"text\n\n{line}\n")


def test_a_note_of_another_key_says_whose_it_is():
    with pytest.raises(
        verify.Refused, match=r"signed by PeterNeumann\+c74f20a3, and not by the key EnochRoot\+af0cfe78"
    ):
        verify.Key("EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop").open(NOTE)
