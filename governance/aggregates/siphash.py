"""SipHash-2-4 over columns of 64-bit words: the keyed rank that chooses which rows of a person are kept.

Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012). The words of one message are given as columns, so
that a million short messages are hashed in a few array operations. A column is worked on in blocks that fit the
processor's cache; larger blocks are three times slower on two cores.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]

_BLOCK = 16_384
_U64 = np.uint64
_INITIAL = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)


def siphash(key: bytes, columns: Sequence[Words]) -> Words:
    """The SipHash-2-4 tag of each row of `columns`.

    `key` has 16 bytes; `columns` holds at least one array of unsigned 64-bit words, all of one length n, and row i is
    the message `columns[0][i] || columns[1][i] || ...` with words in little-endian order. Returns n unsigned 64-bit
    tags. Raises ValueError for a key or shape that does not fit.
    """
    if len(key) != 16:
        raise ValueError("a SipHash key has 16 bytes")
    if not columns or any(column.shape != columns[0].shape or column.ndim != 1 for column in columns):
        raise ValueError("SipHash wants columns of one length")
    length = columns[0].shape[0]
    tags = np.empty(length, dtype=_U64)
    for start in range(0, length, _BLOCK):
        stop = min(start + _BLOCK, length)
        tags[start:stop] = _block(key, [column[start:stop] for column in columns])
    return tags


def _block(key: bytes, columns: Sequence[Words]) -> Words:
    low = int.from_bytes(key[:8], "little")
    high = int.from_bytes(key[8:], "little")
    size = columns[0].shape[0]
    state = tuple(
        np.full(size, initial ^ half, dtype=_U64)
        for initial, half in zip(_INITIAL, (low, high, low, high), strict=True)
    )
    spare = np.empty(size, dtype=_U64)
    # The last word of a message carries its length in bytes modulo 256 in the top byte; whole words leave the rest
    # zero.
    last = np.full(size, (8 * len(columns) % 256) << 56, dtype=_U64)
    for word in (*columns, last):
        np.bitwise_xor(state[3], word, out=state[3])
        for _ in range(2):
            _round(state, spare)
        np.bitwise_xor(state[0], word, out=state[0])
    np.bitwise_xor(state[2], _U64(0xFF), out=state[2])
    for _ in range(4):
        _round(state, spare)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def _round(state: tuple[Words, ...], spare: Words) -> None:
    """One SipRound, in place. Additions wrap modulo 2**64, which is what unsigned arrays do."""
    v0, v1, v2, v3 = state
    np.add(v0, v1, out=v0)
    _rotate(v1, 13, spare)
    np.bitwise_xor(v1, v0, out=v1)
    _rotate(v0, 32, spare)
    np.add(v2, v3, out=v2)
    _rotate(v3, 16, spare)
    np.bitwise_xor(v3, v2, out=v3)
    np.add(v0, v3, out=v0)
    _rotate(v3, 21, spare)
    np.bitwise_xor(v3, v0, out=v3)
    np.add(v2, v1, out=v2)
    _rotate(v1, 17, spare)
    np.bitwise_xor(v1, v2, out=v1)
    _rotate(v2, 32, spare)


def _rotate(word: Words, bits: int, spare: Words) -> None:
    np.right_shift(word, _U64(64 - bits), out=spare)
    np.left_shift(word, _U64(bits), out=word)
    np.bitwise_or(word, spare, out=word)
