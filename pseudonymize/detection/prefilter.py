"""One cheap look at a text, so that the many texts that hold nothing skip every recognizer."""

from __future__ import annotations

from pseudonymize.detection.patterns import Needs, as_written

_ANYTHING = as_written(r"[\d@]|\w\.\w|[0-9A-Fa-f]{2}[:\-][0-9A-Fa-f]{2}|::|[\p{Lu}\p{Lt}\p{Lo}]")
_DIGIT = as_written(r"\d")
_SEVEN_DIGITS = as_written(r"\d(?:[^\w\n]{0,3}\d){6}")
_DOT = as_written(r"\w\.\w")
_HEX = as_written(r"[:\-.](?<=[0-9A-Fa-f]{2}.)[0-9A-Fa-f]{2}|::")
_CAPITAL = as_written(r"[\p{Lu}\p{Lt}\p{Lo}]")


_AT, _DIGIT_FLAG, _SEVEN, _DOT_FLAG, _HEX_FLAG, _CAPITAL_FLAG = map(
    int, (Needs.AT, Needs.DIGIT, Needs.SEVEN_DIGITS, Needs.DOT, Needs.HEX, Needs.CAPITAL)
)


def holds(text: str) -> int:
    """What the text holds of that which recognizers need, as ``Needs`` added up. 0: no recognizer can find anything in it."""
    if _ANYTHING.search(text) is None:
        return 0
    found = _AT if "@" in text else 0
    if _DIGIT.search(text):
        found |= _DIGIT_FLAG
        if _SEVEN_DIGITS.search(text):
            found |= _SEVEN
    if "." in text and _DOT.search(text):
        found |= _DOT_FLAG
    if _HEX.search(text):
        found |= _HEX_FLAG
    if _CAPITAL.search(text):
        found |= _CAPITAL_FLAG
    return found
