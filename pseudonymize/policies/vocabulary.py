"""The words that a policy may use where the list is not in its own structure."""

from __future__ import annotations

from pseudonymize.transforms.canonical import FORMS

CANONICALISERS = tuple(FORMS)
GENERALISATIONS = r"\d{1,3}y|year|quarter|month|week|prefix\d{1,2}|\d{1,9}(\.\d{1,6})?"
LANGUAGES = ("en",)
