"""The words that a policy may use where the list is not in its own structure."""

from __future__ import annotations

from pseudonymize.detection import LANGUAGES, Kind
from pseudonymize.transforms.canonical import FORMS

CANONICALISERS = tuple(FORMS)
GENERALISATION = r"[1-9]\d{0,2}y|year|quarter|month|week|prefix[1-9]\d?|\d{1,9}(\.\d{1,6})?"
KINDS = tuple(kind.value for kind in Kind if kind is not Kind.QUARANTINED)

__all__ = ["CANONICALISERS", "GENERALISATION", "KINDS", "LANGUAGES"]
