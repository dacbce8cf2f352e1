"""Format-preserving encryption: FF1 (NIST SP 800-38G) of each numeral of a column. A 16-digit number stays one.

Rows are grouped by length. FF1's first block depends on the length alone, so each of its ten rounds is one AES block a row,
in one call for thousands of rows, and 64-bit arithmetic on columns. Halves of more than 60 bits (18 decimal digits, 11 of
radix 36) take the exact path, one value at a time.

Revision 1 of the standard (draft, February 2025) makes radix^length >= 1,000,000 a requirement and withdraws FF3: shorter
values are refused here, and FF3 is not offered. FF1 has no integrity: a wrong key gives a wrong value, not an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pseudonymize.transforms import ff1_exact
from pseudonymize.transforms.blocks import BATCH, SIZE, BlockCipher, require_key, words, xor
from pseudonymize.transforms.columns import ByteColumn, Bytes, Ints, as_bytes, is_text, per_distinct, variable_width
from pseudonymize.transforms.errors import (
    CharacterOutsideAlphabet,
    ColumnTypeUnsupported,
    DomainTooSmall,
    ParameterInvalid,
    RadixInvalid,
    ValueTooLong,
)
from pseudonymize.transforms.ff1_exact import ROUNDS, Shape, power

Numbers = npt.NDArray[np.uint64]

MIN_DOMAIN = 1_000_000
MAX_LENGTH = 2**32 - 1
MAX_TWEAK = 2**32 - 1
_FAST_BITS = 60  # of a half: leaves room for a sum and for a reduction by at least four bits at a time


def encrypt(column: Any, key: bytes, tweak: bytes = b"", radix: int = 10) -> pa.Array:
    """The encrypted numeral of every value, text of the same length and alphabet.

    ``column``: Arrow text of any layout, digits 0-9 and then a-z in lower case. Nulls stay null. ``key``: 16, 24 or 32
    bytes. ``tweak``: public, makes equal values in two columns different. ``radix``: 2 to 36. Raises DomainTooSmall for a
    value with radix^length < 1,000,000 (so for the empty one), CharacterOutsideAlphabet, KeyLengthInvalid, RadixInvalid,
    ColumnTypeUnsupported; the first two name the first such row.
    """
    return _apply(column, key, tweak, radix, forwards=True)


def decrypt(column: Any, key: bytes, tweak: bytes = b"", radix: int = 10) -> pa.Array:
    """The values that ``encrypt`` was given. Same arguments and errors; a wrong key or tweak goes unnoticed."""
    return _apply(column, key, tweak, radix, forwards=False)


def shortest(radix: int) -> int:
    """The least length that the standard allows for a radix: radix^length >= 1,000,000."""
    length = 2
    while radix**length < MIN_DOMAIN:
        length += 1
    return length


def _apply(column: Any, key: bytes, tweak: Any, radix: Any, *, forwards: bool) -> pa.Array:
    require_key(key, (16, 24, 32), "FF1")
    if not isinstance(radix, int) or not 2 <= radix <= len(ff1_exact.ALPHABET):
        raise RadixInvalid(f"radix 2 to {len(ff1_exact.ALPHABET)}, not {radix}")
    if not isinstance(tweak, bytes | bytearray | memoryview) or len(tweak) > MAX_TWEAK:
        raise ParameterInvalid("a tweak is bytes, fewer than 2^32")
    return per_distinct(column, lambda array: _array(array, key, bytes(tweak), radix, forwards), pa.string())


@dataclass(frozen=True)
class _Work:
    """A column on its way: what comes in, where each row goes out, and the direction."""

    column: ByteColumn
    edges: Ints
    out: Bytes
    cipher: BlockCipher
    tweak: bytes
    forwards: bool


def _array(array: pa.Array, key: bytes, tweak: bytes, radix: int, forwards: bool) -> pa.Array:
    if not is_text(array.type):
        raise ColumnTypeUnsupported(f"format-preserving encryption keeps a text's format; {array.type} is no text")
    column = as_bytes(array)
    _refuse_lengths(column, radix)
    edges = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(column.lengths)])
    work = _Work(column, edges, np.empty(int(edges[-1]), dtype=np.uint8), BlockCipher(key), tweak, forwards)
    bad: list[int] = []
    for length in np.unique(column.lengths).tolist():
        if not length:
            continue  # nulls; the empty value was refused
        shape = Shape(radix, length)
        rows = np.flatnonzero(column.lengths == length)
        refused = _fast_rows(work, shape, rows) if _is_fast(shape) else _exact_rows(work, shape, rows)
        bad += [] if refused is None else [refused]
    if bad:
        raise CharacterOutsideAlphabet(min(bad))
    return variable_width(work.out, edges, column, text=True)


def _refuse_lengths(column: ByteColumn, radix: int) -> None:
    small = column.lengths < shortest(radix)
    if column.valid is not None:
        small &= column.valid
    if small.any():
        raise DomainTooSmall(int(np.argmax(small)), f"radix {radix} needs {shortest(radix)} digits or more")
    if len(column) and int(column.lengths.max()) > MAX_LENGTH:
        raise ValueTooLong(int(np.argmax(column.lengths > MAX_LENGTH)), "2^32 digits or more")


def _is_fast(shape: Shape) -> bool:
    return shape.v <= _FAST_BITS and power(shape.radix, shape.v).bit_length() <= _FAST_BITS


def _exact_rows(work: _Work, shape: Shape, rows: Ints) -> int | None:
    """One value at a time, by ``ff1_exact``. Returns the first row with a foreign character, or None."""
    one = ff1_exact.encrypt_one if work.forwards else ff1_exact.decrypt_one
    allowed = np.zeros(256, dtype=np.bool_)
    allowed[np.frombuffer(ff1_exact.ALPHABET[: shape.radix].encode(), dtype=np.uint8)] = True
    for row in rows.tolist():
        start = int(work.column.starts[row])
        value = work.column.data[start : start + shape.n]
        if not allowed[value].all():
            return int(row)
        answer = one(work.cipher, work.tweak, shape.radix, value.tobytes().decode("ascii"))
        work.out[int(work.edges[row]) : int(work.edges[row + 1])] = np.frombuffer(answer.encode(), dtype=np.uint8)
    return None


def _fast_rows(work: _Work, shape: Shape, rows: Ints) -> int | None:
    """All rows of one length, BATCH at a time. Returns the first row with a foreign character, or None."""
    rounds = _Rounds(work.cipher, shape, work.tweak)
    apply = rounds.encrypt if work.forwards else rounds.decrypt
    source, target = _numerals(work.column.data, shape.n), _numerals(work.out, shape.n)
    for low in range(0, len(rows), BATCH):
        some = rows[low : low + BATCH]
        characters = source[work.column.starts[some]].view(np.uint8).reshape(-1, shape.n)
        digits = _digits_of(np.ascontiguousarray(characters.T))
        if int(digits.max()) >= shape.radix:
            return int(some[np.argmax((digits >= shape.radix).any(axis=0))])
        left, right = apply(_number(digits[: shape.u], shape.radix), _number(digits[shape.u :], shape.radix))
        _write_digits(left, digits[: shape.u], shape.radix)
        _write_digits(right, digits[shape.u :], shape.radix)
        answer = np.ascontiguousarray(_characters_of(digits, shape.radix).T)
        target[work.edges[some]] = answer.view(target.dtype).reshape(-1)
    return None


def _numerals(data: Bytes, length: int) -> npt.NDArray[np.void]:
    """Every ``length`` consecutive bytes of the buffer, overlapping, without a copy."""
    return np.ndarray((data.size - length + 1,), dtype=np.dtype((np.void, length)), buffer=data, strides=(1,))


class _Rounds:
    """The Feistel rounds for one length: everything but the half that goes in is constant."""

    def __init__(self, cipher: BlockCipher, shape: Shape, tweak: bytes) -> None:
        self._cipher = cipher
        self._shape = shape
        self._moduli = (np.uint64(power(shape.radix, shape.u)), np.uint64(power(shape.radix, shape.v)))
        chain = bytes(SIZE)
        message = shape.header(tweak) + shape.start(tweak)  # ends b + 1 bytes before the end of a block
        whole = len(message) // SIZE * SIZE
        for place in range(0, whole, SIZE):
            chain = cipher.encrypt_one(xor(chain, message[place : place + SIZE]))
        tail = message[whole:]
        self._templates = [words(xor(chain, tail + bytes([turn]) + bytes(shape.b)))[0].copy() for turn in range(ROUNDS)]
        self._blocks = np.empty((BATCH, 2), dtype=np.uint64)

    def encrypt(self, a: Numbers, b: Numbers) -> tuple[Numbers, Numbers]:
        """Algorithm 7, step 6, on columns of halves."""
        for turn in range(ROUNDS):
            modulus = self._moduli[turn % 2]
            c = self._pseudorandom(turn, b, modulus)
            c += a
            np.subtract(c, modulus, out=c, where=c >= modulus)
            a, b = b, c
        return a, b

    def decrypt(self, a: Numbers, b: Numbers) -> tuple[Numbers, Numbers]:
        """Algorithm 8, step 6."""
        for turn in reversed(range(ROUNDS)):
            modulus = self._moduli[turn % 2]
            c = modulus - self._pseudorandom(turn, a, modulus)
            c += b
            np.subtract(c, modulus, out=c, where=c >= modulus)
            a, b = c, a
        return a, b

    def _pseudorandom(self, turn: int, half: Numbers, modulus: np.uint64) -> Numbers:
        """y mod radix^m of steps 6 i to vi: y is the first d = 8 or 12 bytes of the encrypted block."""
        blocks = self._blocks[: len(half)]
        template = self._templates[turn]
        blocks[:, 0] = template[0]
        np.bitwise_xor(half.astype(">u8").view(np.uint64), template[1], out=blocks[:, 1])
        y = self._cipher.encrypt(blocks).view(">u8")
        if self._shape.d == 8:
            return _modulo(y[:, 0].astype(np.uint64), modulus)
        return _modulo_96(y[:, 0].astype(np.uint64), y[:, 1].astype(np.uint64) >> np.uint64(32), modulus)


def _modulo(values: Numbers, modulus: np.uint64) -> Numbers:
    """values mod modulus; floor division by a scalar is vectorised in NumPy, the remainder is not."""
    quotient = values // modulus
    quotient *= modulus
    return values - quotient


def _modulo_96(high: Numbers, low: Numbers, modulus: np.uint64) -> Numbers:
    """(high * 2^32 + low) mod modulus, as many bits at a time as fit in 64 beside a residue."""
    step = 64 - int(modulus).bit_length()
    rest = _modulo(high, modulus)
    left = 32
    while left:
        take = min(step, left)
        left -= take
        bits = (low >> np.uint64(left)) & np.uint64((1 << take) - 1)
        rest = _modulo((rest << np.uint64(take)) | bits, modulus)
    return rest


def _digits_of(characters: Bytes) -> Bytes:
    """Digit values of ASCII characters 0-9 a-z; 255 for any other."""
    if not characters.size:
        return characters
    letters = characters >= ord("a")
    digits = characters - np.uint8(ord("0"))  # below "0" it wraps to 208 and more
    np.putmask(digits, ~letters & (digits > 9), 255)
    np.putmask(digits, letters, np.minimum(characters, 254) - np.uint8(ord("a") - 10))
    return digits


def _characters_of(digits: Bytes, radix: int) -> Bytes:
    characters = digits + np.uint8(ord("0"))
    if radix > 10:
        np.add(characters, np.uint8(ord("a") - ord("0") - 10), out=characters, where=digits > 9)
    return characters


def _piece(radix: int) -> int:
    """How many digits fit a number of 32 bits."""
    count = 1
    while radix ** (count + 1) <= 2**32:
        count += 1
    return count


def _number(digits: Bytes, radix: int) -> Numbers:
    """NUM_radix of columns of digits, shape (length, rows): by pieces of 32 bits, then 64."""
    length, piece = len(digits), _piece(radix)
    whole = np.zeros(digits.shape[1], dtype=np.uint64)
    for low in range(0, length, piece):
        part = digits[low : low + piece]
        value = part[0].astype(np.uint32)
        for digit in part[1:]:
            value *= np.uint32(radix)
            value += digit
        if low:
            whole *= np.uint64(radix ** len(part))
        whole += value
    return whole


def _write_digits(values: Numbers, digits: Bytes, radix: int) -> None:
    """STR_radix into ``digits``, shape (length, rows), from the least significant piece on."""
    length, piece = len(digits), _piece(radix)
    high = length
    while high:
        low = max(high - piece, 0)
        if low:
            base = np.uint64(radix ** (high - low))
            rest = values // base
            part = (values - rest * base).astype(np.uint32)
            values = rest
        else:
            part = values.astype(np.uint32)
        for place in range(high - 1, low, -1):
            rest32 = part // np.uint32(radix)
            digits[place] = part - rest32 * np.uint32(radix)
            part = rest32
        digits[low] = part
        high = low
