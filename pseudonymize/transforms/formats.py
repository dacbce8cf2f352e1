"""Format-preserving encryption of numbers as people write them: what is no digit stays, and so do the digits that a rule keeps.

``4111 1111 1111 1111`` with the last four kept becomes ``8730 2954 6185 1111``: the digits between are one FF1 numeral, blanks stay
where they were. With ``luhn`` one of the digits between carries the check instead of the numeral, so a card number stays one that
machines accept, and the way back stays open.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import phonenumbers
import pyarrow as pa

from pseudonymize.transforms import ff1
from pseudonymize.transforms.columns import ByteColumn, Bytes, Flags, Ints, as_bytes, plain, text_of, variable_width
from pseudonymize.transforms.errors import ParameterInvalid

_ZERO, _NINE, _PLUS = ord("0"), ord("9"), ord("+")
_SMALLEST = ff1.MIN_DOMAIN


@dataclass(frozen=True)
class Format:
    """What of a number stays. ``first`` and ``last``: digits at its ends; ``country_code``: that of an international number (E.164);
    ``luhn``: the result has a right Luhn check digit, as the value must have. ``min_domain``: how many values the encrypted part must
    be able to have, at least a million (SP 800-38G Rev. 1). Raises ParameterInvalid.
    """

    first: int = 0
    last: int = 0
    country_code: bool = False
    luhn: bool = False
    min_domain: int = _SMALLEST

    def __post_init__(self) -> None:
        if min(self.first, self.last) < 0 or self.min_domain < _SMALLEST:
            raise ParameterInvalid(
                f"a format keeps no fewer than zero digits and has a domain of {_SMALLEST:,} or more"
            )
        if self.country_code and (self.first or self.luhn):
            raise ParameterInvalid(
                "a country code is kept of telephone numbers, which have neither a fixed start nor a Luhn digit"
            )

    @property
    def shortest(self) -> int:
        """How many digits must be left to encrypt."""
        return len(str(self.min_domain - 1))


@dataclass(frozen=True)
class Changed:
    """The answers, null where a value could not be worked; and which values were too short or had a wrong check digit."""

    values: pa.Array
    too_short: Flags
    unchecked: Flags = field(repr=False)


def encrypt(column: Any, key: bytes, form: Format, tweak: bytes = b"") -> Changed:
    """Each number encrypted in its format. Text of any layout; nulls stay null. Raises what ``ff1.encrypt`` raises of keys."""
    return _change(column, key, form, tweak, forwards=True)


def decrypt(column: Any, key: bytes, form: Format, tweak: bytes = b"") -> Changed:
    """The way back, with the same format, key and tweak. A wrong key goes unnoticed."""
    return _change(column, key, form, tweak, forwards=False)


def _change(column: Any, key: bytes, form: Format, tweak: bytes, *, forwards: bool) -> Changed:
    whole = plain(column)
    if pa.types.is_null(whole.type):
        return Changed(whole.cast(pa.string()), *_none(len(whole)))
    if not whole.null_count and len(whole):
        return _distinct(text_of(whole), key, form, tweak, forwards)
    encoded = text_of(whole).dictionary_encode()
    done = _distinct(encoded.dictionary, key, form, tweak, forwards)
    used = encoded.indices
    present = np.asarray(used.is_valid().to_numpy(zero_copy_only=False), dtype=np.bool_)
    places = used.fill_null(0).to_numpy(zero_copy_only=False)
    if not len(encoded.dictionary):
        return Changed(done.values.take(used), *_none(len(whole)))
    return Changed(done.values.take(used), done.too_short[places] & present, done.unchecked[places] & present)


def _none(rows: int) -> tuple[Flags, Flags]:
    return np.zeros(rows, dtype=np.bool_), np.zeros(rows, dtype=np.bool_)


def _distinct(values: pa.Array, key: bytes, form: Format, tweak: bytes, forwards: bool) -> Changed:
    text = _alone(as_bytes(values))
    digits = _Digits.of(text)
    first = np.full(len(text), form.first, dtype=np.int64)
    if form.country_code:
        first = _country_codes(values, digits)
    # Which digit carries the check: the last one that is neither kept nor part of the numeral.
    check = 1 if form.luhn else 0
    inner = digits.counts - first - form.last - check
    too_short = inner < form.shortest
    unchecked = np.zeros(len(text), dtype=np.bool_)
    if form.luhn:
        unchecked = ~too_short & (_luhn_sums(digits) != 0)
    able = ~too_short & ~unchecked
    numeral = digits.part(first, np.where(able, inner, 0))
    source = variable_width(numeral.data, numeral.edges, numeral.like(able), text=True)
    answer = (ff1.encrypt if forwards else ff1.decrypt)(source, key, tweak)
    out = digits.packed.copy()
    out[numeral.places] = as_bytes(answer).data[: len(numeral.places)]
    if form.luhn:
        _carry_check(out, digits, first + inner, able)
    data = text.data.copy()
    data[digits.positions] = out
    return Changed(_rebuilt(data, text, able), too_short, unchecked)


def _alone(text: ByteColumn) -> ByteColumn:
    """The same rows, which lie end to end, without what else their buffer holds."""
    if not len(text):
        return ByteColumn(np.empty(0, dtype=np.uint8), text.starts, text.lengths, None)
    low, high = int(text.starts[0]), int(text.starts[-1] + text.lengths[-1])
    return ByteColumn(text.data[low:high], text.starts - low, text.lengths, None)


@dataclass(frozen=True)
class _Part:
    """A run of digits of every row, end to end."""

    data: Bytes
    edges: Ints
    places: Ints

    def like(self, able: Flags) -> ByteColumn:
        return ByteColumn(self.data, self.edges[:-1], np.diff(self.edges), None if able.all() else able)


@dataclass(frozen=True)
class _Digits:
    """The digits of a column, end to end: where they lie in its buffer, and how many each row has."""

    packed: Bytes
    positions: Ints
    starts: Ints
    counts: Ints

    @classmethod
    def of(cls, text: ByteColumn) -> _Digits:
        is_digit = (text.data >= _ZERO) & (text.data <= _NINE)
        before = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(is_digit)])
        counts = before[text.starts + text.lengths] - before[text.starts]
        positions = np.flatnonzero(is_digit)
        starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])[:-1]
        return cls(text.data[positions], positions, starts, counts)

    def part(self, first: Ints, sizes: Ints) -> _Part:
        """``sizes`` digits of each row from its ``first`` on."""
        edges = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes)])
        places = np.arange(int(edges[-1])) + np.repeat(self.starts + first - edges[:-1], sizes)
        return _Part(self.packed[places], edges, places)


def _rebuilt(data: Bytes, text: ByteColumn, able: Flags) -> pa.Array:
    edges = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(text.lengths)])
    like = ByteColumn(data, edges[:-1], text.lengths, None if able.all() else able)
    return variable_width(data, edges, like, text=True)


def _luhn_weights(digits: _Digits, values: Bytes) -> npt.NDArray[np.uint8]:
    """What each digit adds to its row's Luhn sum: every second one from the right is doubled (ISO/IEC 7812-1, annex B)."""
    ends = np.repeat(digits.starts + digits.counts, digits.counts)
    doubled = (ends - np.arange(len(values))) % 2 == 0
    number = (values - np.uint8(_ZERO)).astype(np.uint8)
    twice = number * np.uint8(2)
    twice -= np.where(twice > 9, np.uint8(9), np.uint8(0))
    return np.where(doubled, twice, number)


def _luhn_sums(digits: _Digits, values: Bytes | None = None) -> Ints:
    weights = _luhn_weights(digits, digits.packed if values is None else values).astype(np.int64)
    before = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(weights)])
    sums: Ints = (before[digits.starts + digits.counts] - before[digits.starts]) % 10
    return sums


def _carry_check(out: Bytes, digits: _Digits, place: Ints, able: Flags) -> None:
    """Set the digit at ``place`` of each row so that its Luhn sum is right. Doubling is one to one on digits, so there is one such."""
    rows = np.flatnonzero(able)
    where = digits.starts[rows] + place[rows]
    out[where] = _ZERO
    missing = (10 - _luhn_sums(digits, out)[rows]) % 10
    doubled = (digits.starts[rows] + digits.counts[rows] - where) % 2 == 0
    halved = np.where(missing % 2 == 0, missing // 2, (missing + 9) // 2)
    out[where] = (np.where(doubled, halved, missing) + _ZERO).astype(np.uint8)


def _country_codes(values: pa.Array, digits: _Digits) -> Ints:
    """How many digits of each international number are its country code; 0 for a number that does not begin with + and one."""
    text = _alone(as_bytes(values))
    codes = np.zeros(1000, dtype=np.int64)
    for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
        codes[code] = len(str(code))  # ITU codes are free of prefixes of each other
    international = (text.lengths > 0) & (text.data[np.minimum(text.starts, max(len(text.data) - 1, 0))] == _PLUS)
    found = np.zeros(len(text), dtype=np.int64)
    value = np.zeros(len(text), dtype=np.int64)
    for length in (1, 2, 3):
        rows = np.flatnonzero(international & (digits.counts > length) & (found == 0))
        value[rows] = value[rows] * 10 + (digits.packed[digits.starts[rows] + length - 1] - np.uint8(_ZERO))
        hit = codes[value[rows]] == length
        found[rows[hit]] = length
    return found
