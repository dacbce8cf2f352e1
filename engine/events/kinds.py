"""The schema of each kind of event: declared fields, nothing else. What is not declared is not accepted.

Texts have a pattern that no address, name or number of a person fits into by accident; free text has no place in an event.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

DEPARTMENTS = (
    "grocery", "drugstore", "produce", "meat", "deli", "bakery", "nutrition", "fuel", "seafood", "salad_bar", "cosmetics",
    "flowers", "household", "other",
)  # fmt: skip
"""The departments of the shop. The list is public, so private aggregates may group by it without hiding its keys."""

IDENTIFIER = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$"
PAGE = r"^/[A-Za-z0-9/._-]{0,199}$"  # no query string: those carry identifiers


@dataclass(frozen=True, slots=True)
class Text:
    """A text field: it fits the pattern, or is one of the choices."""

    pattern: str = IDENTIFIER
    choices: tuple[str, ...] = ()
    required: bool = True


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number from `low` to `high`; money is in cents."""

    low: int = 0
    high: int = 1_000_000_000
    required: bool = True


Field: TypeAlias = "Text | Integer"

KINDS: Mapping[str, Mapping[str, Field]] = {
    "purchase": {  # one line of a basket
        "basket": Text(),
        "product": Text(),
        "store": Text(required=False),
        "department": Text(choices=DEPARTMENTS, required=False),
        "quantity": Integer(high=1_000_000),
        "value_cents": Integer(),
        "discount_cents": Integer(required=False),
        "coupon_cents": Integer(required=False),
    },
    "coupon_redeemed": {"campaign": Text(), "coupon": Text()},
    "campaign_received": {"campaign": Text()},
    "page_viewed": {"page": Text(pattern=PAGE), "dwell_seconds": Integer(high=86_400, required=False)},
    "cart_abandoned": {"basket": Text(), "value_cents": Integer()},
    "message_opened": {"campaign": Text(), "message": Text()},
    "message_clicked": {"campaign": Text(), "message": Text()},
    "support_contacted": {"topic": Text(choices=("order", "delivery", "return", "payment", "account", "other"))},
}

_WITH_A_COLUMN = (
    "store", "basket", "product", "department", "quantity", "value_cents", "discount_cents", "coupon_cents",
)  # fmt: skip
COLUMNS: Mapping[str, Field] = {name: KINDS["purchase"][name] for name in _WITH_A_COLUMN}
"""Fields with a column of their own in the event table: those of the kind that comes by the million. Others go to `attributes`."""

ALL_FIELDS: tuple[str, ...] = tuple(sorted({name for fields in KINDS.values() for name in fields}))


def attribute_fields(kind: str) -> tuple[str, ...]:
    """The declared fields of a kind that have no column of their own."""
    return tuple(name for name in KINDS[kind] if name not in COLUMNS)
