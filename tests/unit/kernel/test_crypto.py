import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.kernel import crypto

KEY = bytes(range(32))


@given(st.binary(max_size=300), st.lists(st.binary(max_size=20), max_size=4))
def test_what_was_sealed_opens_to_the_same_bytes(plaintext: bytes, associated: list[bytes]) -> None:
    assert crypto.unseal(KEY, crypto.seal(KEY, plaintext, associated), associated) == plaintext


def test_any_flipped_bit_breaks_the_seal() -> None:
    record = crypto.seal(KEY, b"secret", [b"subject", b"email"])
    for position in range(len(record)):
        for bit in range(8):
            broken = bytearray(record)
            broken[position] ^= 1 << bit
            with pytest.raises(crypto.SealBroken):
                crypto.unseal(KEY, bytes(broken), [b"subject", b"email"])


@pytest.mark.parametrize(
    "moved",
    [
        [b"subject", b"phone"],
        [b"other", b"email"],
        [b"subjectemail"],
        [b"subject", b"email", b""],
        [b"subjecte", b"mail"],
        [],
    ],
)
def test_a_record_moved_to_another_place_does_not_open(moved: list[bytes]) -> None:
    record = crypto.seal(KEY, b"secret", [b"subject", b"email"])
    with pytest.raises(crypto.SealBroken):
        crypto.unseal(KEY, record, moved)


def test_a_truncated_record_does_not_open() -> None:
    record = crypto.seal(KEY, b"secret", [])
    for length in range(len(record)):
        with pytest.raises(crypto.SealBroken):
            crypto.unseal(KEY, record[:length], [])


def test_another_key_is_refused_by_its_commitment_before_anything_is_decrypted() -> None:
    record = crypto.seal(KEY, b"secret", [])
    with pytest.raises(crypto.SealBroken, match="another key"):
        crypto.unseal(bytes(32), record, [])


def test_two_seals_of_one_text_share_nothing() -> None:
    first, second = crypto.seal(KEY, b"same", []), crypto.seal(KEY, b"same", [])
    assert first[3:27] != second[3:27]
    assert first[59:] != second[59:]


def test_the_label_of_a_derived_key_cannot_be_split_elsewhere() -> None:
    assert crypto.derive(KEY, "ab", "c") != crypto.derive(KEY, "a", "bc")


def test_a_jws_of_another_type_key_or_content_is_refused() -> None:
    signer = crypto.SigningKey.generate()
    token = crypto.jws_sign(signer, {"a": 1}, "receipt")
    assert crypto.jws_verify(signer.public_bytes, token, "receipt") == {"a": 1}
    with pytest.raises(crypto.SignatureInvalid):
        crypto.jws_verify(signer.public_bytes, token, "certificate")
    with pytest.raises(crypto.SignatureInvalid):
        crypto.jws_verify(crypto.SigningKey.generate().public_bytes, token, "receipt")
    head, body, signature = token.split(".")
    for forged in (f"{head}.{body}.", f"{head}.{body[:-2]}.{signature}", f"{body}.{head}.{signature}", "", "a.b.c"):
        with pytest.raises(crypto.SignatureInvalid):
            crypto.jws_verify(signer.public_bytes, forged, "receipt")


def test_a_jws_without_signature_algorithm_is_refused() -> None:
    import base64

    def text(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    forged = text(b'{"alg":"none","typ":"receipt"}') + "." + text(b'{"a":1}') + "."
    with pytest.raises(crypto.SignatureInvalid):
        crypto.jws_verify(crypto.SigningKey.generate().public_bytes, forged, "receipt")


def test_the_signing_key_does_not_show_itself() -> None:
    signer = crypto.SigningKey.generate()
    assert signer.raw.hex() not in repr(signer)


def test_ed25519_agrees_with_the_vectors_of_rfc_8032() -> None:
    """RFC 8032 §7.1, test 2."""
    signer = crypto.SigningKey.from_bytes(
        bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    )
    assert signer.public_bytes.hex() == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    signature = signer.sign(bytes.fromhex("72"))
    assert signature.hex().startswith("92a009a9f0d4cab8720e820b5f642540")
    crypto.verify(signer.public_bytes, signature, bytes.fromhex("72"))


@given(st.binary(max_size=200), st.lists(st.binary(max_size=200), max_size=3))
def test_authentication_codes_are_those_of_hmac(key: bytes, messages: list[bytes]) -> None:
    authenticate = crypto.Mac(key)
    for message in messages:
        assert authenticate(message) == crypto.mac(key, message) == hmac.digest(key, message, "sha256")


def test_authentication_codes_agree_with_the_vectors_of_rfc_4231() -> None:
    jefe = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    long_key = "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    assert crypto.mac(b"Jefe", b"what do ya want for nothing?").hex() == jefe
    assert crypto.mac(b"\xaa" * 131, b"Test Using Larger Than Block-Size Key - Hash Key First").hex() == long_key
