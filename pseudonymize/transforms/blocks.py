"""AES over columns: one ECB call per block position over thousands of rows. CMAC, SIV and FF1 are built from it.

The cost of a MAC per value in Python is the call, not the cipher. So rows are taken by the batch, sorted by how many 16-byte
blocks they have, and block j of every row that has one is encrypted in a single call. Blocks are held as ``uint64[n, 2]`` in
the machine's order; exclusive-or does not care. ECB is only the raw block cipher here, never a mode of encryption.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from pseudonymize.transforms.columns import ByteColumn, Bytes, Ints
from pseudonymize.transforms.errors import KeyLengthInvalid

Blocks = npt.NDArray[np.uint64]  # shape (n, 2): one 16-byte block a row

SIZE = 16
BATCH = 8_192  # rows; 4,000 to 16,000 keep every intermediate in the second-level cache
LONG = 1_024  # bytes; beyond it one library call a value is cheaper than 64 passes over few rows
_WINDOW = np.dtype((np.void, SIZE))


class BlockCipher:
    """AES with one key, over many blocks at once. Not for sharing between threads."""

    def __init__(self, key: bytes) -> None:
        # The raw permutation on independent blocks; every mode around it is in the callers.
        self._encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305
        self._out = np.empty((BATCH + 1, 2), dtype=np.uint64)

    def encrypt(self, blocks: Blocks) -> Blocks:
        """The encrypted blocks: a view that the next call overwrites."""
        n = len(blocks)
        if n >= len(self._out):
            self._out = np.empty((n + 1, 2), dtype=np.uint64)
        self._encryptor.update_into(_flat(blocks), _flat(self._out))
        return self._out[:n]

    def encrypt_one(self, block: bytes) -> bytes:
        """One block, for the constants of a column."""
        return self._encryptor.update(block)


def require_key(key: Any, lengths: Collection[int], what: str) -> None:
    """Raise KeyLengthInvalid unless the key is bytes of one of these lengths."""
    if not isinstance(key, bytes | bytearray | memoryview):
        raise KeyLengthInvalid(f"{what} needs a key of bytes, not {type(key).__name__}")
    if len(key) not in lengths:
        *most, last = map(str, lengths)
        known = f"{', '.join(most)} or {last}" if most else last
        raise KeyLengthInvalid(f"{what} needs a key of {known} bytes, not {len(key)}")


def _flat(blocks: Blocks) -> memoryview:
    return blocks.data.cast("B")


def words(blocks: bytes) -> Blocks:
    """Bytes as blocks, shape (len // 16, 2)."""
    return np.frombuffer(blocks, dtype=np.uint64).reshape(-1, 2)


def _windows(data: Bytes) -> npt.NDArray[np.void]:
    """Every 16 consecutive bytes of the buffer, overlapping, without a copy."""
    return np.ndarray((data.size - SIZE + 1,), dtype=_WINDOW, buffer=data, strides=(1,))


def gather(data: Bytes, places: Ints) -> Blocks:
    """The 16 bytes from each place on, shape (n, 2). Every place must have 16 bytes behind it."""
    if not len(places):
        return np.empty((0, 2), dtype=np.uint64)
    gathered: Blocks = _windows(data)[places].view(np.uint64)
    return gathered.reshape(-1, 2)


def scatter(data: Bytes, places: Ints, blocks: Blocks) -> None:
    """Write each block at its place. Where two overlap, the caller may not care which one wins."""
    _windows(data)[places] = np.ascontiguousarray(blocks).view(_WINDOW).reshape(-1)


def xor(left: bytes, right: bytes) -> bytes:
    """Exclusive-or of two blocks."""
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def double(block: bytes) -> bytes:
    """Multiplication by x in GF(2^128), as CMAC's subkeys and S2V use it (SP 800-38B section 6.1)."""
    number = int.from_bytes(block, "big") << 1
    if number >> 128:
        number = (number & (2**128 - 1)) ^ 0x87
    return number.to_bytes(SIZE, "big")


@dataclass(frozen=True)
class Batch:
    """At most BATCH rows that lie near each other, sorted so that rows with more blocks come first."""

    data: Bytes
    starts: Ints  # where each row's bytes begin in ``data``
    blocks: Ints  # of each row: at least 1 (an empty value has one, of padding), descending
    rest: Ints  # bytes of the last block: 0 (empty value) to 16
    active: Ints  # active[j]: how many rows have more than j blocks; it ends with two zeros
    rows: Ints  # row numbers in the column

    def block(self, position: int, count: int) -> Blocks:
        """Block ``position`` of the first ``count`` rows; a last block runs over into what follows the value."""
        return gather(self.data, self.starts[:count] + position * SIZE)


def batches(column: ByteColumn) -> Iterator[Batch]:
    """The column's values of at most LONG bytes, batch by batch, in order. Nulls are left out, longer values too."""
    for low in range(0, len(column), BATCH):
        lengths = column.lengths[low : low + BATCH]
        rows = np.arange(low, low + len(lengths), dtype=np.int64)
        wanted = lengths <= LONG
        if column.valid is not None:
            wanted &= column.valid[low : low + BATCH]
        if not wanted.all():
            rows, lengths = rows[wanted], lengths[wanted]
            if not len(rows):
                continue
        blocks = np.maximum((lengths + (SIZE - 1)) >> 4, 1)
        most = int(blocks.max())
        if most != int(blocks.min()):
            order = np.argsort((most - blocks).astype(np.uint8), kind="stable")
            rows, blocks, lengths = rows[order], blocks[order], lengths[order]
        active = np.append(len(rows) - np.cumsum(np.bincount(blocks)), 0)
        data, starts = _with_room(column.data, column.starts[rows], blocks)
        yield Batch(data, starts, blocks, lengths - ((blocks - 1) << 4), active, rows)


def _with_room(data: Bytes, starts: Ints, blocks: Ints) -> tuple[Bytes, Ints]:
    """The same rows where reading whole blocks cannot run past the buffer: its end is copied when it would."""
    low, high = int(starts.min()), int((starts + (blocks << 4)).max())
    if high <= data.size:
        return data, starts
    room = np.zeros(high - low, dtype=np.uint8)
    tail = data[low:]
    room[: tail.size] = tail[: room.size]
    return room, starts - low


def long_rows(column: ByteColumn) -> Iterator[tuple[int, bytes]]:
    """(row, value) of each row of more than LONG bytes: for these one library call a value is the fast way."""
    if len(column) and int(column.lengths.max()) > LONG:
        for row in np.flatnonzero(column.lengths > LONG).tolist():
            start = int(column.starts[row])
            yield row, column.data[start : start + int(column.lengths[row])].tobytes()


@dataclass(frozen=True)
class Tails:
    """What a chained MAC does to the last blocks, by the number of bytes (0 to 16) in the last one. Shape (17, 2) each."""

    single: Blocks  # exclusive-ored onto the last block of a one-block value
    last: Blocks  # the same for longer values
    before: Blocks | None  # exclusive-ored onto the block before the last; None: nothing is


KEEP = words(b"".join(b"\xff" * r + b"\0" * (SIZE - r) for r in range(SIZE + 1)))


def pad(rest: int) -> bytes:
    """10* padding after ``rest`` bytes; nothing after a full block."""
    return bytes(SIZE) if rest == SIZE else bytes(rest) + b"\x80" + bytes(SIZE - 1 - rest)


def chained_mac(cipher: BlockCipher, batch: Batch, tails: Tails) -> Blocks:
    """CBC-MAC with ``tails`` over each row of the batch, in the batch's order. Shape (rows, 2)."""
    state = np.zeros((len(batch.rows), 2), dtype=np.uint64)
    active = batch.active
    for position in range(len(active) - 2):
        count, going_on = int(active[position]), int(active[position + 1])
        block = batch.block(position, count)
        if count > going_on:  # these rows end here
            ends = batch.rest[going_on:count]
            block[going_on:] &= KEEP.take(ends, axis=0)
            block[going_on:] ^= (tails.last if position else tails.single).take(ends, axis=0)
        if tails.before is not None and going_on > (later := int(active[position + 2])):
            block[later:going_on] ^= tails.before.take(batch.rest[later:going_on], axis=0)
        if position:
            block ^= state[:count]
        state[:count] = cipher.encrypt(block)
    return state
