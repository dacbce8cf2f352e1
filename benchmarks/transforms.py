"""How fast the transforms are, beside their peers: keyed tokens, AES-SIV, FF1 over columns.

Answers are checked against each other where two parties compute the same.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from benchmarks._contest import ROWS, Contest, Party, installed
from pseudonymize.transforms import ff1, mac, siv

KEY = hashlib.sha256(b"benchmark").digest()
LONG_KEY = hashlib.sha512(b"benchmark").digest()
BOUND = [b"ml-churn-2026", b"email"]
FEWER = 20  # rows given to slow parties: one in so many


def addresses(rows: int, distinct: int) -> pa.Array:
    """E-mail addresses as people have them, 20 to 33 characters."""
    domains = ("example.org", "mail.example.com", "post.example.pl")
    people = [f"{hashlib.sha256(str(n).encode()).hexdigest()[: 8 + n % 6]}@{domains[n % 3]}" for n in range(distinct)]
    return pa.array([people[(n * 7919) % distinct] for n in range(rows)])


def token_contest(rows: int) -> Contest:
    column = addresses(rows, rows)
    values = [value.encode() for value in column.to_pylist()]
    parties = [
        Party("Zgoda mac.tokens", rows, lambda: mac.tokens(column, KEY)),
        Party("hmac.digest loop", rows, lambda: [hmac.digest(KEY, value, "sha256").hex() for value in values]),
    ]
    if installed("polars_hash"):
        import polars as pl
        import polars_hash as plh

        frame = pl.DataFrame({"value": pl.from_arrow(column)})
        expression = plh.col("value").chash.hmac_sha256(key=KEY.hex())
        parties.append(Party("polars-hash HMAC", rows, lambda: frame.select(expression)))
    return Contest(
        f"Keyed tokens of {rows:,} e-mails, all distinct", parties, {"hmac.digest loop": 10, "polars-hash HMAC": 1.4}
    )


def siv_contest(rows: int, distinct: int, least: float) -> Contest:
    column = addresses(rows, distinct)
    values = [value.encode() for value in column.to_pylist()]
    library = AESSIV(LONG_KEY)
    expected = [library.encrypt(value, BOUND) for value in values[:99]]
    assert siv.encrypt(column.slice(0, 99), LONG_KEY, BOUND).to_pylist() == expected
    parties = [
        Party("Zgoda siv.encrypt", rows, lambda: siv.encrypt(column, LONG_KEY, BOUND)),
        Party("cryptography AESSIV", rows, lambda: [library.encrypt(value, BOUND) for value in values]),
    ]
    if installed("tink"):
        tink = tink_primitive()
        loop = Party(
            "Tink AES-SIV", rows, lambda: [tink.encrypt_deterministically(value, b"email") for value in values]
        )
        parties.append(loop)
    return Contest(f"AES-SIV of {rows:,} e-mails, {distinct:,} distinct", parties, {"Tink AES-SIV": least})


def tink_primitive() -> Any:
    import tink
    from tink import daead

    daead.register()
    handle = tink.new_keyset_handle(daead.deterministic_aead_key_templates.AES256_SIV)
    return handle.primitive(daead.DeterministicAead)


def ff1_contest(rows: int) -> Contest:
    column = pa.array([f"{(n * 7919 * 10**8 + n) % 10**16:016d}" for n in range(rows)])
    few = column.slice(0, rows // FEWER).to_pylist()
    parties = [Party("Zgoda ff1.encrypt", rows, lambda: ff1.encrypt(column, KEY))]
    if installed("fastfpe"):
        from fastfpe import ff1 as fast

        key = KEY.hex()
        answers = [fast.encrypt(key, "", "0123456789", value) for value in few[:99]]
        assert ff1.encrypt(pa.array(few[:99]), KEY).to_pylist() == answers
        parties.append(
            Party("fastfpe FF1 (Rust)", len(few), lambda: [fast.encrypt(key, "", "0123456789", value) for value in few])
        )
    if installed("ff3"):
        from ff3 import FF3Cipher

        cipher = FF3Cipher(KEY.hex(), "D8E7920AFA330A")
        fewer = few[: len(few) // FEWER]
        parties.append(Party("ff3 FF3-1", len(fewer), lambda: [cipher.encrypt(value) for value in fewer]))
    return Contest("FF1 of 16-digit numbers", parties, {"fastfpe FF1 (Rust)": 8, "ff3 FF3-1": 140})


def contests() -> Iterable[Contest]:
    """See the package."""
    yield token_contest(ROWS)
    yield siv_contest(ROWS, ROWS, 2.5)
    yield siv_contest(ROWS, ROWS // 20, 15)
    yield ff1_contest(ROWS)
