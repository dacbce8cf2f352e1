"""One cheap look at a text, so that the many texts that hold nothing skip every recognizer."""

from __future__ import annotations

from pseudonymize.detection.patterns import Needs, as_written

_ANYTHING = as_written(r"[\d@]|\w\.\w|[0-9A-Fa-f]{2}[:\-][0-9A-Fa-f]{2}|::|[\p{Lu}\p{Lt}\p{Lo}]")
_DIGIT = as_written(r"\d")
_SEVEN_DIGITS = as_written(r"\d(?:[^\w\n]{0,3}\d){6}")
_DOT = as_written(r"\w\.\w")
_HEX = as_written(r"[0-9A-Fa-f]{2}[:\-.][0-9A-Fa-f]{2}|::")
_CAPITAL = as_written(r"[\p{Lu}\p{Lt}\p{Lo}]")


def holds(text: str) -> Needs:
    """What the text holds of that which recognizers need. NOTHING: no recognizer can find anything in it."""
    if _ANYTHING.search(text) is None:
        return Needs.NOTHING
    found = Needs.NOTHING
    if _DIGIT.search(text):
        found |= Needs.DIGIT
        if _SEVEN_DIGITS.search(text):
            found |= Needs.SEVEN_DIGITS
    if "@" in text:
        found |= Needs.AT
    if _DOT.search(text):
        found |= Needs.DOT
    if _HEX.search(text):
        found |= Needs.HEX
    if _CAPITAL.search(text):
        found |= Needs.CAPITAL
    return found
