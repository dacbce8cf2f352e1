"""Identifiers: UUIDv7 (RFC 9562 §5.7) inside, prefixed opaque text outside."""

from __future__ import annotations

from typing import NewType
from uuid import UUID

import uuid_utils
import uuid_utils.compat

from governance.kernel.errors import InvalidInput

SubjectId = NewType("SubjectId", UUID)
"""A data subject (Art. 4(1)), as an opaque number that says nothing about who it is."""
PurposeKey = NewType("PurposeKey", str)
Pseudonym = NewType("Pseudonym", str)

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U to misread
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
_LENGTH = 26  # ceil(128 / 5)


def uuid7() -> UUID:
    """A new time-ordered identifier, monotonic within the process."""
    return uuid_utils.compat.uuid7()


def uuid7_many(count: int) -> list[UUID]:
    """`count` new identifiers in ascending order."""
    return [UUID(int=uuid_utils.uuid7().int) for _ in range(count)]  # half the time of `compat`, and the same counter


def opaque(prefix: str, identifier: UUID) -> str:
    """The identifier as outsiders see it: `dec_01J8…`, 26 characters of Crockford base 32 behind what it names."""
    number = identifier.int
    characters = [_ALPHABET[(number >> shift) & 31] for shift in range(5 * (_LENGTH - 1), -1, -5)]
    return f"{prefix}_{''.join(characters)}"


def from_opaque(prefix: str, text: str) -> UUID:
    """Read `opaque(prefix, …)` back. Raises InvalidInput for another prefix, a wrong length or a stray character."""
    head, separator, body = text.partition("_")
    if head != prefix or not separator or len(body) != _LENGTH:
        raise InvalidInput(f"Expected an identifier that starts with {prefix}_.")
    number = 0
    for character in body.upper():
        if character not in _VALUES:
            raise InvalidInput(f"Not an identifier of the form {prefix}_….")
        number = number << 5 | _VALUES[character]
    if number >> 128:
        raise InvalidInput(f"Not an identifier of the form {prefix}_….")
    return UUID(int=number)
