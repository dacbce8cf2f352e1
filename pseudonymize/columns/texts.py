"""Searching texts for personal data, as runs and the API ask for it: each distinct text once, errors of our own kind."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache

from governance.kernel.errors import InvalidInput, Unavailable
from pseudonymize import detection
from pseudonymize.detection import DIRECT, LANGUAGES, Finding, Kind, LanguageNotSupported
from pseudonymize.detection.engine import SECONDS

__all__ = ["DIRECT", "LANGUAGES", "Finding", "Kind", "find", "redact"]


class LanguageUnknown(InvalidInput):
    """Texts in this language cannot be searched, so they do not pass."""

    code = "language_unknown"
    title = "Texts in this language cannot be searched"


class DetectionUnavailable(Unavailable):
    """The packages that detection needs are not installed (`pip install zgoda[detection]`); texts do not pass without it."""

    code = "detection_unavailable"
    title = "Detection is not installed"


def find(texts: Sequence[str], language: str, *, seconds: float = SECONDS) -> list[list[Finding]]:
    """Personal data in each text, aligned; a text that takes more than ``seconds`` is quarantined.

    Raises LanguageUnknown, DetectionUnavailable.
    """
    try:
        _warm(language)
        return detection.find(texts, language, seconds=seconds)
    except LanguageNotSupported:
        raise LanguageUnknown(language=language) from None
    except ImportError as error:
        raise DetectionUnavailable from error


def redact(texts: Sequence[str], language: str, kinds: Collection[Kind]) -> list[str]:
    """The texts with what was found of these kinds replaced by its kind. Raises as `find`."""
    try:
        _warm(language)
        return detection.redact(texts, language, kinds=kinds)
    except LanguageNotSupported:
        raise LanguageUnknown(language=language) from None
    except ImportError as error:
        raise DetectionUnavailable from error


@lru_cache(maxsize=8)
def _warm(language: str) -> None:
    """Load the recognizers outside of any text's time budget: the first text would be quarantined for their sake."""
    detection.find(["A. Nobody, nobody@example.org, +48 601 000 100"], language, seconds=300)
