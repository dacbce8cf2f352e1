"""Who somebody is: kinds of identifiers and an identity as the outside hands it in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class IdentifierKind(StrEnum):
    """What an identifier is."""

    CUSTOMER_ID = "customer_id"
    EMAIL = "email"
    PHONE = "phone"
    NAME = "name"
    BIRTH_DATE = "birth_date"
    NATIONAL_ID = "national_id"
    ADDRESS = "address"
    NOTE = "note"
    LANGUAGE = "language"


INDEXED_KINDS = frozenset(
    {IdentifierKind.CUSTOMER_ID, IdentifierKind.EMAIL, IdentifierKind.PHONE, IdentifierKind.NATIONAL_ID}
)
"""Kinds that somebody can be looked up by. Names and birth dates are not: an index on few values gives them away by frequency."""

MULTIPLE_KINDS = frozenset({IdentifierKind.EMAIL, IdentifierKind.PHONE})
"""Kinds that one person can have several of. Two different customer or national ids are two people."""


@dataclass(frozen=True, repr=False)
class Identity:
    """A person's identifiers in the clear, on the way into the vault. Its repr names the kinds and never a value."""

    values: Mapping[IdentifierKind, str]

    def __repr__(self) -> str:
        return f"Identity({', '.join(sorted(self.values))})"
