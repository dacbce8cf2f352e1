"""Reversible tokens: deterministic authenticated encryption with AES-SIV (RFC 5297) of each value of a column.

Equal values under one key and associated data give equal ciphertexts, so joins go on working; whoever has the key gets the
value back, and a ciphertext that was altered or moved to other associated data is refused. It leaks equality and length,
and nothing else. Byte for byte what ``cryptography``'s AESSIV returns: SIV ‖ ciphertext, 16 bytes longer than the value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from pseudonymize.transforms.blocks import (
    SIZE,
    Batch,
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
from pseudonymize.transforms.columns import ByteColumn, Bytes, Ints, as_bytes, per_distinct, variable_width
from pseudonymize.transforms.errors import AssociatedDataInvalid, ForgedValue, ParameterInvalid
from pseudonymize.transforms.mac import PAYS_FROM, cmac_one

KEY_BYTES = (32, 48, 64)
MAX_ASSOCIATED = 126  # RFC 5297 section 7: 127 components in all, the plaintext is one
# RFC 5297 section 2.5: two bits of the counter start cleared, so that counting never carries out of the last 32 bits.
_COUNTER_MASK = words(bytes.fromhex("ffffffffffffffff7fffffff7fffffff"))[0]


def encrypt(column: Any, key: bytes, associated: Sequence[bytes]) -> pa.Array:
    """SIV ‖ ciphertext of every value, binary.

    ``column``: Arrow text or binary of any layout. Nulls stay null; the empty value becomes 16 bytes. ``key``: 32, 48 or 64
    bytes (the first half authenticates, the second encrypts), else KeyLengthInvalid. ``associated``: what the value is
    bound to, such as domain and column; the list is part of the key, its order matters. Raises ColumnTypeUnsupported,
    AssociatedDataInvalid.
    """
    keys = _Keys.of(key, associated)
    return per_distinct(column, lambda array: _encrypt(as_bytes(array), keys), pa.binary(), pays_from=PAYS_FROM)


def decrypt(column: Any, key: bytes, associated: Sequence[bytes], *, text: bool = False) -> pa.Array:
    """The values that ``encrypt`` was given: binary, or text when ``text`` is true (then they must be UTF-8).

    Raises ForgedValue with the first row that does not verify; nothing is returned then. ParameterInvalid when what was asked for as text
    is none. Nulls stay null.
    """
    keys = _Keys.of(key, associated)
    values = per_distinct(column, lambda array: _decrypt(as_bytes(array), keys), pa.binary(), pays_from=PAYS_FROM)
    return _as_text(values) if text else values


def _as_text(values: pa.Array) -> pa.Array:
    try:
        return values.cast(pa.large_string() if pa.types.is_large_binary(values.type) else pa.string())
    except pa.ArrowInvalid:
        raise ParameterInvalid("the values are bytes and no text") from None


@dataclass(frozen=True)
class _Keys:
    """One key and its associated data, with the constants that a whole column shares."""

    whole: bytes
    associated: list[bytes]
    counter_key: bytes
    mac_key: bytes
    tails: Tails

    @classmethod
    def of(cls, key: bytes, associated: Any) -> _Keys:
        require_key(key, KEY_BYTES, "AES-SIV")
        if not isinstance(associated, Sequence) or not all(isinstance(component, bytes) for component in associated):
            raise AssociatedDataInvalid("associated data is a list of byte strings, one a component")
        if len(associated) > MAX_ASSOCIATED:
            raise AssociatedDataInvalid(f"at most {MAX_ASSOCIATED} components, not {len(associated)}")
        mac_key, counter_key = key[: len(key) // 2], key[len(key) // 2 :]
        chain = cmac_one(mac_key, bytes(SIZE))
        for component in associated:
            chain = xor(double(chain), cmac_one(mac_key, component))
        return cls(key, list(associated), counter_key, mac_key, _s2v_tails(mac_key, chain))


def _s2v_tails(mac_key: bytes, chain: bytes) -> Tails:
    """S2V's treatment of the plaintext (RFC 5297 section 2.4), folded into CMAC's last-block constants.

    From 16 bytes on, the chain is exclusive-ored onto the last 16 bytes, which lie across two blocks; below that the padded
    value and the doubled chain make one full block.
    """
    whole = double(BlockCipher(mac_key).encrypt_one(bytes(SIZE)))
    padded = double(whole)
    doubled = double(chain)
    single = [xor(xor(doubled, pad(r)), whole) for r in range(SIZE)] + [xor(chain, whole)]
    last = [xor(chain[SIZE - r :] + pad(r)[r:], padded) for r in range(SIZE)] + [xor(chain, whole)]
    before = [bytes(r) + chain[: SIZE - r] for r in range(SIZE + 1)]
    return Tails(single=words(b"".join(single)), last=words(b"".join(last)), before=words(b"".join(before)))


def _encrypt(column: ByteColumn, keys: _Keys) -> pa.Array:
    edges = _slots(column)
    out = np.empty(int(edges[-1]) + SIZE, dtype=np.uint8)
    mac, counter = BlockCipher(keys.mac_key), BlockCipher(keys.counter_key)
    for batch in batches(column):
        tags = chained_mac(mac, batch, keys.tails)
        slots = edges[batch.rows]
        # A row's last block runs up to 16 bytes over, onto the place of a later row's tag and no further. So the tags are
        # written after the ciphertexts of their batch, and batches in order.
        _counter_mode(counter, batch, tags, out, slots + SIZE)
        scatter(out, slots, tags)
    library = AESSIV(keys.whole)
    for row, value in long_rows(column):
        sealed = library.encrypt(value, keys.associated)
        out[int(edges[row]) : int(edges[row + 1])] = np.frombuffer(sealed, dtype=np.uint8)
    return variable_width(out, edges, column, text=False)


def _slots(column: ByteColumn) -> Ints:
    """Edges of the rows' places in a buffer: tag and ciphertext, or nothing for a null."""
    sizes = column.lengths + SIZE
    if column.valid is not None:
        sizes = np.where(column.valid, sizes, 0)
    return _edges(sizes)


def _edges(sizes: Ints) -> Ints:
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes)])


def _counter_mode(cipher: BlockCipher, batch: Batch, tags: Blocks, out: Bytes, places: Ints) -> None:
    """Exclusive-or each row of the batch with its key stream (SP 800-38A CTR from the masked tag) into ``out``."""
    counters = tags & _COUNTER_MASK
    low = counters.view(">u4")[:, 3].copy()
    for position in range(len(batch.active) - 2):
        count = int(batch.active[position])
        if position:
            counters[:count].view(">u4")[:, 3] = low[:count] + np.uint32(position)
        stream = cipher.encrypt(counters[:count])
        stream ^= batch.block(position, count)
        scatter(out, places[:count] + position * SIZE, stream)


def _decrypt(column: ByteColumn, keys: _Keys) -> pa.Array:
    short = _first_short(column)
    checked = column if short is None else _head(column, short)
    body = ByteColumn(checked.data, checked.starts + SIZE, np.maximum(checked.lengths - SIZE, 0), checked.valid)
    edges = _slots(body)
    out = np.empty(int(edges[-1]) + SIZE, dtype=np.uint8)
    forged = _open_batches(checked, body, edges, out, keys) + _open_long(checked, body, edges, out, keys)
    if forged or short is not None:
        raise ForgedValue(min(forged) if forged else int(short or 0))
    return variable_width(_without_tags(out, edges, column), _edges(body.lengths), column, text=False)


def _without_tags(out: Bytes, edges: Ints, column: ByteColumn) -> Bytes:
    """The opened values end to end: what lies in ``out`` without the places of the tags."""
    slots = edges[:-1] if column.valid is None else edges[:-1][column.valid]
    wanted = np.ones(out.size, dtype=np.uint8)
    wanted[int(edges[-1]) :] = 0
    scatter(wanted, slots, np.zeros((len(slots), 2), dtype=np.uint64))
    return out[wanted.view(np.bool_)]


def _first_short(column: ByteColumn) -> int | None:
    """The first row that is too short to hold a tag."""
    short = column.lengths < SIZE
    if column.valid is not None:
        short &= column.valid
    return int(np.argmax(short)) if short.any() else None


def _head(column: ByteColumn, rows: int) -> ByteColumn:
    valid = None if column.valid is None else column.valid[:rows]
    return ByteColumn(column.data, column.starts[:rows], column.lengths[:rows], valid)


def _open_batches(column: ByteColumn, body: ByteColumn, edges: Ints, out: Bytes, keys: _Keys) -> list[int]:
    """Decrypt the rows that are worked in batches into ``out``. Returns the first row that does not verify, if any."""
    mac, counter = BlockCipher(keys.mac_key), BlockCipher(keys.counter_key)
    for batch in batches(body):
        given = gather(column.data, column.starts[batch.rows])
        places = edges[batch.rows] + SIZE
        _counter_mode(counter, batch, given, out, places)
        computed = chained_mac(mac, replace(batch, data=out, starts=places), keys.tails)
        differing = ((computed ^ given) != 0).any(axis=1)
        if differing.any():
            return [int(batch.rows[differing].min())]
    return []


def _open_long(column: ByteColumn, body: ByteColumn, edges: Ints, out: Bytes, keys: _Keys) -> list[int]:
    """The same for long rows, one library call each."""
    library = AESSIV(keys.whole)
    for row, _ in long_rows(body):
        start = int(column.starts[row])
        sealed = column.data[start : start + int(column.lengths[row])].tobytes()
        try:
            opened = library.decrypt(sealed, keys.associated)
        except InvalidTag:
            return [row]
        out[int(edges[row]) + SIZE : int(edges[row + 1])] = np.frombuffer(opened, dtype=np.uint8)
    return []
