"""One-way keyed tokens: AES-256-CMAC (SP 800-38B, RFC 4493) of each value of a column.

Equal values under one key give equal tokens, so joins and group-bys go on working; without the key a token can neither be
computed nor reversed (EDPB Guidelines 01/2025, one-way keyed function). 128 bits: among 2^40 distinct values two meet with
a probability of 2^-49.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.cmac import CMAC

from pseudonymize.transforms.blocks import (
    SIZE,
    BlockCipher,
    Blocks,
    Tails,
    batches,
    chained_mac,
    double,
    gather,
    long_rows,
    pad,
    require_key,
    scatter,
    words,
    xor,
)
from pseudonymize.transforms.columns import ByteColumn, Ints, as_bytes, fixed_width, per_distinct, plain

KEY_BYTES = 32
HEX_WIDTH = 2 * SIZE
PAYS_FROM = 8  # rows a value: below it, hashing the values to find the distinct ones costs more than their MACs


def tokens(column: Any, key: bytes) -> pa.Array:
    """The keyed token of every value: 32 lower-case hexadecimal characters, text.

    ``column``: Arrow text or binary of any layout (plain, large, view, dictionary, chunked, sliced). Nulls stay null; the
    empty string is a value and has a token; text is its UTF-8 bytes, so bring it to its canonical form first. ``key``: 32
    bytes, else KeyLengthInvalid. Raises ColumnTypeUnsupported for other types.
    """
    check_key(key)
    return per_distinct(column, lambda array: _hex(as_bytes(array), key), pa.string(), pays_from=PAYS_FROM)


def tags(column: Any, key: bytes) -> pa.Array:
    """The same 128 bits as ``tokens``, binary of 16 bytes."""
    check_key(key)
    return per_distinct(column, lambda array: _binary(as_bytes(array), key), pa.binary(), pays_from=PAYS_FROM)


def hexadecimal(column: Any) -> pa.Array:
    """Binary values of 16 bytes, such as ``tags``, as ``tokens`` writes them. Nulls stay null."""
    values = as_bytes(plain(column))
    text = np.zeros(len(values) * HEX_WIDTH, dtype=np.uint8)
    present = np.arange(len(values)) if values.valid is None else np.flatnonzero(values.valid)
    digits = np.frombuffer(binascii.hexlify(gather(values.data, values.starts[present]).data), dtype=np.uint8)
    text.reshape(-1, HEX_WIDTH)[present] = digits.reshape(-1, HEX_WIDTH)
    return fixed_width(text, HEX_WIDTH, values, text=True)


def check_key(key: bytes) -> None:
    """Raises KeyLengthInvalid unless the key is one of AES-256."""
    require_key(key, (KEY_BYTES,), "AES-256-CMAC")


def _hex(column: ByteColumn, key: bytes) -> pa.Array:
    text = np.zeros(len(column) * HEX_WIDTH, dtype=np.uint8)
    places = text.view(np.dtype((np.void, HEX_WIDTH)))
    for rows, macs in _macs(column, key):
        places[rows] = np.frombuffer(binascii.hexlify(macs.data), dtype=places.dtype)
    return fixed_width(text, HEX_WIDTH, column, text=True)


def _binary(column: ByteColumn, key: bytes) -> pa.Array:
    return fixed_width(cmac(column, key).view(np.uint8).reshape(-1), SIZE, column, text=False)


def cmac(column: ByteColumn, key: bytes) -> Blocks:
    """CMAC of every row under an AES key of any size, shape (rows, 2). Null rows hold zeros."""
    result = np.zeros((len(column), 2), dtype=np.uint64)
    for rows, macs in _macs(column, key):
        scatter(result.view(np.uint8).reshape(-1), rows * SIZE, macs)
    return result


def _macs(column: ByteColumn, key: bytes) -> Iterator[tuple[Ints, Blocks]]:
    """(rows, their CMACs), batch by batch; null rows are left out."""
    cipher = BlockCipher(key)
    tails = cmac_tails(cipher)
    for batch in batches(column):
        yield batch.rows, chained_mac(cipher, batch, tails)
    for row, value in long_rows(column):
        yield np.array([row]), words(cmac_one(key, value))


def cmac_tails(cipher: BlockCipher) -> Tails:
    """Subkey K1 on a full last block, K2 on a padded one (SP 800-38B section 6.2)."""
    whole = double(cipher.encrypt_one(bytes(SIZE)))
    padded = double(whole)
    table = words(b"".join(xor(pad(r), padded if r < SIZE else whole) for r in range(SIZE + 1)))
    return Tails(single=table, last=table, before=None)


def cmac_one(key: bytes, message: bytes) -> bytes:
    """CMAC of one message, by the library."""
    context = CMAC(algorithms.AES(key))
    context.update(message)
    return context.finalize()
