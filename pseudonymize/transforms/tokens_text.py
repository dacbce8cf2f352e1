"""Tokens as text that says what it is, so that none is made twice, read in the wrong place, or mistaken for a value.

    zm 7k2qe 01 3x9rb0v5g4c8n6w2jtdq7hk0fa 8
    |  |     |  |                          check character
    |  |     |  130 bits or more in base32 (the 128 of a MAC or of a random number; a SIV and its ciphertext)
    |  |     epoch of the domain's key, 0 to 1,023
    |  code of the pseudonymisation domain (25 bits)
    kind: zm keyed MAC, zs reversible (SIV), zv random from the token vault; zx, zy, zw the same, opaque

without the blanks: 36 characters for a MAC. The alphabet is Crockford's (no i, l, o, u), lower case. The check character makes
the whole a word of a code over GF(32), so any one wrong character and any two exchanged ones (up to 30 apart) are noticed.
An opaque token names neither domain nor epoch, for domains whose very name is sensitive, but its check character covers
them: a foreign one is refused with a probability of 31/32.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pseudonymize.transforms import mac, siv
from pseudonymize.transforms.columns import (
    ByteColumn,
    Bytes,
    Flags,
    Ints,
    as_bytes,
    per_distinct,
    plain,
    text_of,
    variable_width,
)
from pseudonymize.transforms.errors import ForeignToken, NotAToken, ParameterInvalid

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
DOMAIN_CHARACTERS = 5
EPOCH_CHARACTERS = 2
MAX_EPOCH = 32**EPOCH_CHARACTERS - 1
BODY_LEAST = 26  # characters: 130 bits hold the 128 of a MAC, a SIV or a random token
BYTES_LEAST = 16
_ROWS = 8_192

_CHARACTERS = np.frombuffer(ALPHABET.encode(), dtype=np.uint8)
_VALUES = np.full(256, 255, dtype=np.uint8)
_VALUES[_CHARACTERS] = np.arange(32, dtype=np.uint8)
_LETTERS = f"[{ALPHABET}]"


class TokenKind(StrEnum):
    """What a token is. The value is its first two characters."""

    MAC = "zm"
    SIV = "zs"
    VAULT = "zv"


_OPAQUE = {TokenKind.MAC: "zx", TokenKind.SIV: "zy", TokenKind.VAULT: "zw"}
_TOKEN = (
    rf"^(?:z[msv]{_LETTERS}{{{DOMAIN_CHARACTERS + EPOCH_CHARACTERS}}}|z[wxy]){_LETTERS}{{{BODY_LEAST},}}{_LETTERS}$"
)
_START = 1  # of the check: not 0, so that two tokens end to end are not one
_NAMED = np.frombuffer(b"msv", dtype=np.uint8)


def domain_code(domain: str) -> str:
    """The five characters that stand for a domain's name: 25 bits of its SHA-256. Keep codes unique where domains are kept."""
    number = int.from_bytes(hashlib.sha256(domain.encode()).digest()[:4], "big") >> 7
    return _numeral(number, DOMAIN_CHARACTERS)


def _numeral(number: int, length: int) -> str:
    return "".join(ALPHABET[number >> 5 * place & 31] for place in reversed(range(length)))


@dataclass(frozen=True)
class TokenFormat:
    """The part of a token that a whole column shares. ``domain``: a code (``domain_code``). Raises ParameterInvalid."""

    kind: TokenKind
    domain: str
    epoch: int
    opaque: bool = False

    def __post_init__(self) -> None:
        if len(self.domain) != DOMAIN_CHARACTERS or not set(self.domain) <= set(ALPHABET):
            raise ParameterInvalid(f"a domain code is {DOMAIN_CHARACTERS} characters of {ALPHABET}")
        if not 0 <= self.epoch <= MAX_EPOCH:
            raise ParameterInvalid(f"an epoch is 0 to {MAX_EPOCH}")

    @property
    def prefix(self) -> str:
        """What every token of the column begins with."""
        return _OPAQUE[self.kind] if self.opaque else self._named

    @property
    def _named(self) -> str:
        return f"{self.kind}{self.domain}{_numeral(self.epoch, EPOCH_CHARACTERS)}"

    @property
    def covered(self) -> str:
        """What the check character covers before the body: the named prefix, also where it is not shown."""
        return self._named if not self.opaque else self.prefix + self._named[2:]


def mac_tokens(column: Any, key: bytes, form: TokenFormat) -> pa.Array:
    """One-way tokens of a text column. A token of the same format stays as it is; nulls stay null.

    Raises ForeignToken for a token of another domain, epoch or kind: a token is never tokenised twice. And what
    ``mac.tokens`` raises.
    """
    _require(form, TokenKind.MAC)
    return _tokenise(column, form, lambda values: mac.tags(values, key))


def siv_tokens(column: Any, key: bytes, associated: list[bytes], form: TokenFormat) -> pa.Array:
    """Reversible tokens of a text column, under the same rules; ``siv_values`` is the way back."""
    _require(form, TokenKind.SIV)
    return _tokenise(column, form, lambda values: siv.encrypt(values, key, associated))


def siv_values(column: Any, key: bytes, associated: list[bytes], form: TokenFormat) -> pa.Array:
    """The texts behind reversible tokens. Raises NotAToken, ForeignToken or ForgedValue with the first such row."""
    _require(form, TokenKind.SIV)
    return siv.decrypt(decode(column, form), key, associated, text=True)


def _require(form: TokenFormat, kind: TokenKind) -> None:
    if form.kind is not kind:
        raise ParameterInvalid(f"this makes tokens of kind {kind.name}, not {form.kind.name}")


def _tokenise(column: Any, form: TokenFormat, transform: Callable[[pa.Array], pa.Array]) -> pa.Array:
    def work(array: pa.Array) -> pa.Array:
        array = text_of(array)
        already = recognised(array)
        if not pc.any(already).as_py():
            return encode(transform(array), form)
        _refuse_foreign(array, already, form)
        fresh = encode(transform(pc.if_else(already, pa.scalar(None, array.type), array)), form)
        return pc.if_else(already, array.cast(fresh.type), fresh)

    return per_distinct(column, work, pa.string())


def _refuse_foreign(array: pa.Array, already: pa.Array, form: TokenFormat) -> None:
    decode(pc.if_else(already, array, pa.scalar(None, array.type)), form)


def recognised(column: Any) -> pa.Array:
    """Which texts are tokens of any domain, epoch and kind, as booleans; null is not a token.

    A text that is a token by chance would have to be 29 or more characters of the alphabet behind one of six prefixes, and,
    where the domain is named, have the right check character.
    """
    array = plain(column)
    if pa.types.is_null(array.type):
        return pa.array(np.zeros(len(array), dtype=np.bool_))
    shaped = _shaped(array)
    sound = shaped.copy()
    for rows, text in _by_length(as_bytes(array), shaped):
        sound[rows] = ~_names_domain(text) | (_remainder(_VALUES[text], _START) == 0)
    return pa.array(sound)


def standing(column: Any, form: TokenFormat) -> tuple[Flags, Flags]:
    """Of each text: whether it is a token of this format already, and whether it is one of another (domain, epoch or kind)."""
    array = plain(column)
    own = np.zeros(len(array), dtype=np.bool_)
    foreign = np.zeros(len(array), dtype=np.bool_)
    if pa.types.is_null(array.type):
        return own, foreign
    array = text_of(array)
    shaped = _shaped(array)
    for rows, text in _by_length(as_bytes(array), shaped):
        spoilt, other = _judge(text, form)
        own[rows], foreign[rows] = ~spoilt & ~other, other
    return own, foreign


def _shaped(array: pa.Array) -> Flags:
    matches = pc.fill_null(pc.match_substring_regex(text_of(array), _TOKEN), False)
    return np.array(matches.to_numpy(zero_copy_only=False), dtype=np.bool_)


def _names_domain(text: Bytes) -> Flags:
    """Of tokens as ``text[characters, rows]``: whether they are of a kind that shows its domain."""
    return np.isin(text[1], _NAMED)


def _by_length(column: ByteColumn, wanted: Flags) -> Iterator[tuple[Ints, Bytes]]:
    """(row numbers, characters[length, rows]) of the wanted rows, those of one length together, _ROWS at a time."""
    for length in np.unique(column.lengths[wanted]).tolist():
        rows = np.flatnonzero(wanted & (column.lengths == length))
        for low in range(0, len(rows), _ROWS):
            some = rows[low : low + _ROWS]
            values = _every(column.data, length)[column.starts[some]].view(np.uint8).reshape(-1, length)
            yield some, np.ascontiguousarray(values.T)


def _every(data: Bytes, length: int) -> npt.NDArray[np.void]:
    """Every ``length`` consecutive bytes of the buffer, overlapping, without a copy."""
    return np.ndarray((data.size - length + 1,), dtype=np.dtype((np.void, length)), buffer=data, strides=(1,))


def encode(column: Any, form: TokenFormat) -> pa.Array:
    """Binary values of 16 bytes or more as tokens of a format, text. Nulls stay null. Raises ParameterInvalid for shorter ones."""
    return per_distinct(column, lambda array: _encode(as_bytes(array), form), pa.string())


def _encode(column: ByteColumn, form: TokenFormat) -> pa.Array:
    present = np.ones(len(column), dtype=np.bool_) if column.valid is None else column.valid
    if present.any() and int(column.lengths[present].min()) < BYTES_LEAST:
        raise ParameterInvalid(f"a token has {BYTES_LEAST} bytes or more")
    prefix = np.frombuffer(form.prefix.encode(), dtype=np.uint8)
    covered = _seed(form.covered)
    sizes = np.where(present, (column.lengths * 8 + 4) // 5 + len(prefix) + 1, 0)
    edges = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes)])
    out = np.empty(int(edges[-1]), dtype=np.uint8)
    for rows, values in _by_length(column, present):
        if len(values) == BYTES_LEAST:
            places = _every(out, len(prefix) + BODY_LEAST + 1)
            places[edges[rows]] = _tags_written(values, prefix, covered).view(places.dtype)
            continue
        digits = _to_base32(values)
        text = np.empty((len(rows), len(prefix) + len(digits) + 1), dtype=np.uint8)
        text[:, : len(prefix)] = prefix
        text[:, len(prefix) : -1] = _CHARACTERS[digits].T
        text[:, -1] = _CHARACTERS[_times_alpha(_remainder(digits, covered))]
        places = _every(out, text.shape[1])
        places[edges[rows]] = text.view(places.dtype).reshape(-1)
    return variable_width(out, edges, column, text=True)


def _tags_written(values: Bytes, prefix: Bytes, covered: int) -> npt.NDArray[np.void]:
    """Tokens of values of 16 bytes, shape (16, rows): two characters at a time from a table, and their share of the check beside."""
    high, low = np.ascontiguousarray(values.T).view(">u8").astype(np.uint64).T
    characters, shares, start = _pair_tables(covered)
    text = np.empty(values.shape[1], dtype=_layout(len(prefix)))
    text["prefix"] = prefix.tobytes()
    check = np.full(values.shape[1], start, dtype=np.uint8)
    for pair in range(BODY_LEAST // 2):
        at = 10 * pair
        if at <= 54:
            bits = (high >> np.uint64(54 - at)) & np.uint64(1023)
        elif at < 64:  # 4 bits of one half and 6 of the other
            bits = (high & np.uint64(15)) << np.uint64(6) | low >> np.uint64(58)
        elif at <= 118:
            bits = (low >> np.uint64(118 - at)) & np.uint64(1023)
        else:  # 8 bits are left; two zeros fill up
            bits = (low & np.uint64(255)) << np.uint64(2)
        places = bits.astype(np.intp)
        text[f"pair{pair}"] = characters[places]
        check ^= shares[pair][places]
    text["check"] = _CHARACTERS[check]
    return text


@lru_cache(maxsize=4)
def _layout(prefix: int) -> np.dtype[np.void]:
    pairs = range(BODY_LEAST // 2)
    return np.dtype(
        {
            "names": ["prefix", *(f"pair{pair}" for pair in pairs), "check"],
            "formats": [(np.bytes_, prefix), *(np.uint16 for _ in pairs), np.uint8],
            "offsets": [0, *(prefix + 2 * pair for pair in pairs), prefix + BODY_LEAST],
            "itemsize": prefix + BODY_LEAST + 1,
        }
    )


@lru_cache(maxsize=64)
def _pair_tables(covered: int) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint8], int]:
    """The characters of every 10 bits; what they add to the check character at each place (the code is linear); where it starts."""
    digits = np.stack([np.arange(1024) >> 5, np.arange(1024) & 31]).astype(np.uint8)
    characters = np.ascontiguousarray(_CHARACTERS[digits].T).view(np.uint16).reshape(-1)
    shares = np.zeros((BODY_LEAST // 2, 1024), dtype=np.uint8)
    value = _remainder(digits, 0)
    for pair in reversed(range(BODY_LEAST // 2)):
        shares[pair] = _times_alpha(value)
        value = _times_alpha(_times_alpha(value))
    nothing = np.zeros((BODY_LEAST, 1), dtype=np.uint8)
    return characters, shares, int(_times_alpha(_remainder(nothing, covered))[0])


def decode(column: Any, form: TokenFormat) -> pa.Array:
    """The binary values behind tokens of one format.

    Raises, with the first row that is none, NotAToken for text of another shape or with a wrong check character, and
    ForeignToken for a token of another domain, epoch or kind. Nothing is returned then. An opaque token that does not check
    counts as foreign: the two cannot be told apart.
    """
    return per_distinct(column, lambda array: _decode(array, form), pa.binary())


def _decode(array: pa.Array, form: TokenFormat) -> pa.Array:
    array = text_of(array)
    column = as_bytes(array)
    shaped = _shaped(array)
    present = np.ones(len(column), dtype=np.bool_) if column.valid is None else column.valid
    not_tokens, foreign = np.flatnonzero(present & ~shaped).tolist()[:1], []
    bodies: list[tuple[Ints, Bytes]] = []
    for rows, text in _by_length(column, shaped):
        spoilt, other = _judge(text, form)
        not_tokens += rows[spoilt].tolist()
        foreign += rows[other].tolist()
        if not not_tokens and not foreign:
            values, rest = _from_base32(_VALUES[text[len(form.prefix) : -1]])
            not_tokens += rows[rest].tolist()
            bodies.append((rows, values))
    if not_tokens and (not foreign or min(not_tokens) < min(foreign)):
        raise NotAToken(min(not_tokens))
    if foreign:
        raise ForeignToken(min(foreign))
    sizes = np.zeros(len(column), dtype=np.int64)
    for rows, values in bodies:
        sizes[rows] = len(values)
    edges = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes)])
    out = np.empty(int(edges[-1]), dtype=np.uint8)
    for rows, values in bodies:
        places = _every(out, len(values))
        places[edges[rows]] = np.ascontiguousarray(values.T).view(places.dtype).reshape(-1)
    return variable_width(out, edges, column, text=False)


def _judge(text: Bytes, form: TokenFormat) -> tuple[Flags, Flags]:
    """Of well-shaped tokens, characters[length, rows]: which have a wrong check character, and which are of another format."""
    digits = _VALUES[text]
    spoilt = _names_domain(text) & (_remainder(digits, _START) != 0)
    prefix = np.frombuffer(form.prefix.encode(), dtype=np.uint8)
    other: Flags = (text[: len(prefix)] != prefix[:, None]).any(axis=0)
    if form.opaque:
        other |= _remainder(digits[len(prefix) :], _seed(form.covered)) != 0
    return spoilt, other & ~spoilt


def _to_base32(values: Bytes) -> Bytes:
    """Bytes, shape (length, rows), as 5-bit digits, most significant first; the last one is filled up with zero bits."""
    length, rows = values.shape
    digits = np.empty(((length + 4) // 5 * 8, rows), dtype=np.uint8)
    for group in range((length + 4) // 5):
        number = np.zeros(rows, dtype=np.uint64)
        for place, byte in enumerate(values[group * 5 : group * 5 + 5]):
            number |= byte.astype(np.uint64) << np.uint64(32 - 8 * place)
        for place in range(8):
            digits[group * 8 + place] = (number >> np.uint64(35 - 5 * place)) & np.uint64(31)
    return digits[: (length * 8 + 4) // 5]


def _from_base32(digits: Bytes) -> tuple[Bytes, Flags]:
    """The bytes, shape (length, rows), and which rows are no encoding: a digit too many, or bits left over that are not zero."""
    width, rows = digits.shape
    length = width * 5 // 8
    values = np.zeros(((width + 7) // 8 * 5, rows), dtype=np.uint8)
    for group in range((width + 7) // 8):
        number = np.zeros(rows, dtype=np.uint64)
        for place, digit in enumerate(digits[group * 8 : group * 8 + 8]):
            number |= digit.astype(np.uint64) << np.uint64(35 - 5 * place)
        for place in range(5):
            values[group * 5 + place] = (number >> np.uint64(32 - 8 * place)) & np.uint64(255)
    if (length * 8 + 4) // 5 != width:
        return values[:length], np.ones(rows, dtype=np.bool_)
    left_over = np.bitwise_or.reduce(values[length:], axis=0) != 0
    return values[:length], left_over


def _times_alpha(symbols: Bytes) -> Bytes:
    """Multiplication by the primitive element of GF(32) = GF(2)[x] / (x^5 + x^2 + 1)."""
    return (symbols << np.uint8(1)) ^ ((symbols >> np.uint8(4)) * np.uint8(0b100101))


def _remainder(digits: Bytes, start: int) -> Bytes:
    """Horner's rule over GF(32) along each column of digits[length, rows]. A whole token, check character and all, gives 0."""
    value = np.full(digits.shape[1], start, dtype=np.uint8)
    for digit in digits:
        value = _times_alpha(value) ^ digit
    return value


def _seed(covered: str) -> int:
    """The remainder of what a column's tokens share."""
    return int(_remainder(_VALUES[np.frombuffer(covered.encode(), dtype=np.uint8)].reshape(-1, 1), _START)[0])
