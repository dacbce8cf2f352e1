"""How people write numbers apart: parts of expressions that the recognizers of several countries share."""

from __future__ import annotations

from collections.abc import Sequence

BLANKS = r" \t\u00a0\u2007\u2009\u202f"
DASHES = r"\-\u2010-\u2015\u2212"
GAP = rf"[{BLANKS}{DASHES}.·/]?"
"""At most one blank (of any width), dash (of any length), dot or slash. For patterns of ``expression``: no blank of it is ignored."""
SPLIT = rf"[{BLANKS}{DASHES}.·/]"
"""Exactly one of these."""
GAPS = rf"(?:[{BLANKS}]?[{DASHES}/.·][{BLANKS}]?|[{BLANKS}]{{1,2}})?"
BEGIN = r"(?<![^\W_])(?<!\d[.,\-])"
"""Not inside of a word or of a longer number."""
END = r"(?![^\W_])(?![.,\-]\d)"

NO_YEAR = r"(?!(?:19|20)\d\d(?!\w))"
"""Before the number of a house: spring 2024 and Im Mai 2024 are no streets."""

ORDERS = (
    "zamówien", "zamowien", "paczk", "przesył", "order", "parcel", "tracking", "bestell", "sendung", "rechnung", "заказ",
    "посылк", "трек", "артикул", "sku", "ean", "kod prod", "kod rab", "indeks", "katalog", "artikel", "item", "ref", "isbn",
)  # fmt: skip
"""Words that say that the number behind them is not a person's."""
SERIALS = (
    "seryjn", "katalog", "partii", "partia", "indeks", "sku", "ean", "isbn", "kwot", "licznik", "przesył", "paczk", "tracking", "biletu",
    "bilet", "transakcj", "paragon", "serial", "batch", "lot", "amount", "invoice", "faktur", "kod kresk", "konto użytkownik",
)  # fmt: skip
"""Words right behind which a number is a thing's or an amount, however it is written."""


def groups(*sizes: int, gap: str = GAP) -> str:
    """Digits in groups of these sizes with the same gap or none between them."""
    return gap.join(rf"\d{{{size}}}" for size in sizes)


def digits(count: int, gap: str = GAP) -> str:
    """So many digits, any of them apart."""
    return rf"\d(?:{gap}\d){{{count - 1}}}"


def hint(count: int) -> Sequence[str]:
    """The prefilter's hint for so many digits with at most two other characters between two of them."""
    return (rf"\d(?:[^a-z0-9\n]{{0,2}}\d){{{count - 1}}}",)
