"""Detection of personal data in texts and columns: identifiers with check digits, contact data, names.

What must stay true:

* no network, ever: the language model and the public-suffix list are those of installed packages;
* what could not be examined to the end is quarantined, it never passes as clean;
* nothing here imports Django; a text is never logged and never part of an exception's message.
"""

from pseudonymize.detection.columns import ColumnGuess, classify_column
from pseudonymize.detection.engine import LANGUAGES, find, languages, redact
from pseudonymize.detection.kinds import DIRECT, Finding, Kind, LanguageNotSupported

__all__ = [
    "DIRECT",
    "LANGUAGES",
    "ColumnGuess",
    "Finding",
    "Kind",
    "LanguageNotSupported",
    "classify_column",
    "find",
    "languages",
    "redact",
]
