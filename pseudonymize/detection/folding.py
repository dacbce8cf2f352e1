"""Texts folded to one byte a character, so that places in the bytes are places in the text, whatever the script.

Only for looking whether something can be in a text; what is in it is then read from the text itself.
"""

from __future__ import annotations

import unicodedata
from functools import cache

import numpy as np

_PLANES = 0x20000  # the planes that hold scripts; beyond are ideographs, emoji tags and private use
_CASELESS = {
    "ı": "i",
    "İ": "I",
    "ſ": "s",
    "\u212a": "K",
    "ﬅ": "t",
    "ﬆ": "t",
}  # what matches an ASCII letter in any case


def fold(text: str) -> bytes:
    """The text, one byte a character.

    ASCII stays. Digits of every script become 0-9, dashes a hyphen, white space a blank, wide forms their plain ones, lower-case
    and other letters (and marks) an x, upper-case letters an X, all else an exclamation mark.
    """
    if text.isascii():
        return text.encode()
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    return _table()[np.minimum(codes, _PLANES)].tobytes()


@cache
def _table() -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    folded = bytes(map(_folded, range(_PLANES))) + b"x"
    return np.frombuffer(folded, dtype=np.uint8)


def _folded(code: int) -> int:
    if code < 128:
        return code
    character = chr(code)
    category = unicodedata.category(character)
    if category == "Nd":
        return ord("0") + unicodedata.digit(character)
    plain = _CASELESS.get(character) or (unicodedata.normalize("NFKC", character) if category[0] != "L" else "")
    if len(plain) == 1 and plain.isascii():
        return ord(plain)
    if category[0] in "LMN" or category == "Pc":
        return ord("X" if category in {"Lu", "Lt"} else "x")
    if category == "Pd" or character == "\u2212":
        return ord("-")
    return ord(" " if category[0] == "Z" or category == "Cc" else "!")
