"""What packages know about their own columns: a first answer to category, purpose and retention, given where the column is made.

    declare("consent_event", method=Declared("evidence of consent", "accountability", "three years after the last event"))

in `AppConfig.ready()`. A person's later decision in the console is never overwritten.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Declared:
    """Of one column: the category of personal data, the purpose's key, and how long it is kept, in words."""

    category: str
    purpose: str
    retention: str


_declared: dict[tuple[str, str], Declared] = {}


def declare(table: str, **columns: Declared) -> None:
    """Say what columns of `table` hold and why; the last word about a column counts."""
    for name, said in columns.items():
        _declared[table, name] = said


def declared() -> Mapping[tuple[str, str], Declared]:
    """All that was declared, by table and column."""
    return _declared
