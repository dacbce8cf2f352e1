"""Bits of base64url text, sets of ids, and the encodings that TCF and GPP share: fixed integers, ranges, Fibonacci codes.

All reading is bounded: a text has at most MAX_CHARACTERS, an id fits 16 bits, and a set of ids is one integer with a bit per id, so a
short text that names many long ranges costs no more than the ranges it spells out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from consent.signals.errors import SignalInvalid, SignalMalformed

MAX_CHARACTERS: Final = 64 * 1024
MAX_ID: Final = 0xFFFF
_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_SIX_BITS: Final = {character: format(place, "06b") for place, character in enumerate(_ALPHABET)}
_RUN: Final = re.compile("1+")


@dataclass(frozen=True, slots=True)
class Ids:
    """A set of positive ids, as the bits of one integer: bit n stands for id n."""

    mask: int = 0

    @classmethod
    def of(cls, ids: Iterable[int]) -> Ids:
        """The set of these ids. Raises SignalInvalid for an id outside 1..65535."""
        mask = 0
        for one in ids:
            if not 1 <= one <= MAX_ID:
                raise SignalInvalid("An id lies between 1 and 65535.")
            mask |= 1 << one
        return cls(mask)

    @classmethod
    def between(cls, first: int, last: int) -> Ids:
        """All ids from first to last, both included."""
        return cls((1 << (last + 1)) - (1 << first))

    @property
    def top(self) -> int:
        """The largest id; 0 of the empty set."""
        return max(0, self.mask.bit_length() - 1)

    def runs(self) -> list[tuple[int, int]]:
        """The set as (first, last) of its unbroken runs, ascending."""
        return [(found.start(), found.end() - 1) for found in _RUN.finditer(bin(self.mask)[:1:-1])]

    def __contains__(self, one: int) -> bool:
        return one >= 0 and bool(self.mask >> one & 1)

    def __iter__(self) -> Iterator[int]:
        for first, last in self.runs():
            yield from range(first, last + 1)

    def __len__(self) -> int:
        return self.mask.bit_count()

    def __or__(self, other: Ids) -> Ids:
        return Ids(self.mask | other.mask)

    def __and__(self, other: Ids) -> Ids:
        return Ids(self.mask & other.mask)

    def __sub__(self, other: Ids) -> Ids:
        return Ids(self.mask & ~other.mask)


NONE: Final = Ids()


class Reader:
    """Reads one base64url segment from its first bit to its last. Every method raises SignalMalformed at the end of the text."""

    def __init__(self, text: str) -> None:
        if len(text) > MAX_CHARACTERS:
            raise SignalMalformed("The text is too long.")
        try:
            self._bits = "".join([_SIX_BITS[character] for character in text])
        except KeyError:
            raise SignalMalformed("Not base64url.") from None
        self._at = 0

    def integer(self, width: int) -> int:
        """An unsigned integer of so many bits."""
        return int(self._take(width), 2) if width else 0

    def flag(self) -> bool:
        """One bit."""
        return self._take(1) == "1"

    def letters(self, count: int) -> str:
        """Letters of six bits each: A is 0."""
        codes = [self.integer(6) for _ in range(count)]
        if any(code > 25 for code in codes):
            raise SignalMalformed("Not a letter.")
        return "".join(_ALPHABET[code] for code in codes)

    def field(self, width: int) -> Ids:
        """A bit field: its first bit is id 1."""
        return Ids(int(self._take(width)[::-1], 2) << 1) if width else NONE

    def ranges(self) -> Ids:
        """A list of single ids and ranges, 16 bits an id, with its length in 12 bits before it."""
        found = 0
        for _ in range(self.integer(12)):
            several = self.flag()
            first = self.integer(16)
            last = self.integer(16) if several else first
            found |= _run(first, last).mask
        return Ids(found)

    def fibonacci(self) -> int:
        """A Fibonacci code: ends with the first two ones in a row."""
        end = self._bits.find("11", self._at)
        if end < 0 or end - self._at > 24:  # 24 places reach beyond 65535
            raise SignalMalformed("No end of a Fibonacci code.")
        code = self._take(end + 2 - self._at)
        return sum(number for bit, number in zip(code[:-1], _FIBONACCI, strict=False) if bit == "1")

    def fibonacci_ranges(self) -> Ids:
        """A list of single ids and ranges, each as its distance from the one before, in Fibonacci codes."""
        found, last = 0, 0
        for _ in range(self.integer(12)):
            several = self.flag()
            first = last + self.fibonacci()
            last = first + self.fibonacci() if several else first
            found |= _run(first, last).mask
        return Ids(found)

    def vendors(self) -> Ids:
        """A set with its largest id before it, as a bit field or as ranges: whatever its writer found shorter."""
        return self._optimized(self.ranges)

    def fibonacci_vendors(self) -> Ids:
        """The same with ranges in Fibonacci codes (GPP: OptimizedRange)."""
        return self._optimized(self.fibonacci_ranges)

    def finish(self) -> None:
        """What is left may only be padding. Raises SignalMalformed."""
        if "1" in self._bits[self._at :]:
            raise SignalMalformed("There is more than the specification has.")

    @property
    def length(self) -> int:
        """All bits of the segment, padding included."""
        return len(self._bits)

    @property
    def left(self) -> int:
        """How many bits have not been read, padding included."""
        return len(self._bits) - self._at

    def _optimized(self, ranges: Callable[[], Ids]) -> Ids:
        top = self.integer(16)
        found = ranges() if self.flag() else self.field(top)
        if found.top > top:
            raise SignalMalformed("An id is larger than the largest.")
        return found

    def _take(self, width: int) -> str:
        end = self._at + width
        if end > len(self._bits):
            raise SignalMalformed("The text ends too early.")
        taken = self._bits[self._at : end]
        self._at = end
        return taken


class Writer:
    """Writes one segment, the mirror of Reader; values that do not fit raise SignalInvalid."""

    def __init__(self) -> None:
        self._parts: list[str] = []

    def integer(self, value: int, width: int) -> Writer:
        if value < 0 or value >> width:
            raise SignalInvalid(f"{value} does not fit {width} bits.")
        if width:
            self._parts.append(format(value, f"0{width}b"))
        return self

    def flag(self, value: bool) -> Writer:
        self._parts.append("1" if value else "0")
        return self

    def letters(self, text: str) -> Writer:
        for letter in text:
            code = _ALPHABET.find(letter)
            if not 0 <= code < 26:
                raise SignalInvalid("Only capital letters can be written.")
            self.integer(code, 6)
        return self

    def field(self, ids: Ids, width: int) -> Writer:
        if ids.top > width or ids.mask & 1:
            raise SignalInvalid(f"An id lies between 1 and {width}.")
        if width:
            self._parts.append(format(ids.mask >> 1, f"0{width}b")[::-1])
        return self

    def ranges(self, ids: Ids) -> Writer:
        runs = ids.runs()
        self.integer(len(runs), 12)
        for first, last in runs:
            self.flag(first < last).integer(first, 16)
            if first < last:
                self.integer(last, 16)
        return self

    def fibonacci(self, value: int) -> Writer:
        self._parts.append(_fibonacci(value))
        return self

    def fibonacci_ranges(self, ids: Ids) -> Writer:
        runs = ids.runs()
        self.integer(len(runs), 12)
        before = 0
        for first, last in runs:
            self.flag(first < last).fibonacci(first - before)
            if first < last:
                self.fibonacci(last - first)
            before = last
        return self

    def vendors(self, ids: Ids) -> Writer:
        runs = ids.runs()
        return self._optimized(
            ids, 12 + sum(33 if first < last else 17 for first, last in runs), len(runs), self.ranges
        )

    def fibonacci_vendors(self, ids: Ids) -> Writer:
        runs = ids.runs()
        cost, before = 12, 0
        for first, last in runs:
            cost += 1 + len(_fibonacci(first - before)) + (len(_fibonacci(last - first)) if first < last else 0)
            before = last
        return self._optimized(ids, cost, len(runs), self.fibonacci_ranges)

    def text(self, multiple: int = 6) -> str:
        """The segment as base64url, padded with zeros to whole characters and to a multiple of so many bits."""
        bits = "".join(self._parts)
        bits += "0" * (-len(bits) % multiple)
        bits += "0" * (-len(bits) % 6)
        return "".join(_ALPHABET[int(bits[at : at + 6], 2)] for at in range(0, len(bits), 6))

    def _optimized(self, ids: Ids, cost: int, runs: int, write_ranges: Callable[[Ids], Writer]) -> Writer:
        self.integer(ids.top, 16)
        if cost <= ids.top and runs < 1 << 12:
            self.flag(True)
            return write_ranges(ids)
        return self.flag(False).field(ids, ids.top)


def _run(first: int, last: int) -> Ids:
    if not 1 <= first <= last <= MAX_ID:
        raise SignalMalformed("A range runs from a smaller id to a larger one, from 1 to 65535.")
    return Ids.between(first, last)


def _numbers(largest: int) -> tuple[int, ...]:
    numbers = [1, 2]
    while numbers[-1] <= largest:
        numbers.append(numbers[-1] + numbers[-2])
    return tuple(numbers)


_FIBONACCI: Final = _numbers(MAX_ID * 2)


def _fibonacci(value: int) -> str:
    """The Fibonacci code of a positive integer (Zeckendorf's sum, smallest first, closed with a one)."""
    if not 1 <= value <= MAX_ID:
        raise SignalInvalid("A Fibonacci code stands for 1 to 65535.")
    code = ""
    for number in reversed(_FIBONACCI):
        if number <= value:
            code += "1"
            value -= number
        elif code:
            code += "0"
    return code[::-1] + "1"
