"""Polish identifiers, with their check digits, and Polish ways to write phones and addresses.

They are looked for in texts of every language: an English note about a Polish customer holds a PESEL too.
"""

from __future__ import annotations

from pseudonymize.detection.kinds import Kind
from pseudonymize.detection.patterns import Needs, Pattern, expression, words_near
from pseudonymize.transforms import checksums

_WORD = r"[A-ZĄĆĘŁŃÓŚŹŻ][\w'’\-]*"
_STREET = (
    r"(?: (?: (?i:ulic[ayęąi]|alej[aeiąę]|osiedl[aeu]|plac(?:u|em)?|skwer(?:u|em)?|rond[aoe]) \s+"
    r" | (?i:ul|al|os|pl) (?:\.\s*|\s+) )"
    rf" (?: (?:{_WORD}|\d{{1,2}}|i|gen\.|ks\.|św\.|im\.) \s+ ){{0,4}} {_WORD} | Rynek ) \s+"
)
_NUMBER = r"\d{1,4}[A-Za-z]? (?![\w@]) (?: \s? (?:/|m\.?|lok\.?|mieszk\w*\.?) \s? \d{1,4}[A-Za-z]? (?!\w) )?"
_TOWN = rf"\d{{2}}-\d{{3}} [ ] {_WORD} (?: [ \-] {_WORD} )?"

IDENTIFIERS = (
    Pattern(
        Kind.PL_PESEL,
        expression(r"(?<![\d.,\-]) \d{11} (?![\d]|[.,\-]\d)"),
        score=0.0,
        check=checksums.pesel,
        needs=Needs.SEVEN_DIGITS,
    ),
    Pattern(
        Kind.PL_NIP,
        expression(
            r"(?<![\d.,\-]) (?:(?i:PL)[ ]?)? (?P<nip>\d{3}-\d{3}-\d{2}-\d{2} | \d{3}-\d{2}-\d{2}-\d{3} | \d{3}[ ]\d{3}[ ]\d{2}[ ]\d{2})"
            r" (?![\d]|[.,\-]\d)"
        ),
        score=0.0,
        check=checksums.nip,
        group="nip",
    ),
    Pattern(
        Kind.PL_NIP,
        expression(r"(?<![\d.,\-+]) (?:(?i:PL)[ ]?)? (?P<nip>\d{10}) (?![\d]|[.,\-]\d)"),
        score=0.0,
        check=checksums.nip,
        checked=0.3,  # one number of ten digits in eleven fits by chance: without a word near it, it is no finding
        context=words_near(["nip", "podatnik", "podatkow", "tax id", "vat"]),
        group="nip",
    ),
    Pattern(
        Kind.PL_REGON,
        expression(r"(?<![\d.,\-+]) (?:\d{14}|\d{9}) (?![\d]|[.,\-]\d)"),
        score=0.0,
        check=checksums.regon,
        checked=0.3,
        context=words_near(["regon"]),
    ),
    Pattern(
        Kind.PL_ID_CARD,
        expression(r"(?<![^\W_]) [A-Za-z]{3}[ ]?\d{6} (?![^\W_])"),
        score=0.0,
        check=checksums.polish_id_card,
        checked=0.55,
        context=words_near(["dowód", "dowod", "dowód", "osobist", "seria", "legitym", "id card", "identity card"]),
    ),
    Pattern(
        Kind.PL_PASSPORT,
        expression(r"(?<![^\W_]) [A-Za-z]{2}[ ]?\d{7} (?![^\W_])"),
        score=0.0,
        check=checksums.polish_passport,
        checked=0.45,
        context=words_near(["paszport", "passport", "dokument"]),
    ),
    Pattern(
        Kind.IBAN,
        expression(
            r"(?<![^\W_]) [A-Za-z]{2}\d{2} (?:[ \-]?[A-Za-z0-9]{4}){2,7} (?:[ \-]?[A-Za-z0-9]{1,3})? (?![^\W_])"
        ),
        score=0.0,
        check=checksums.iban,
    ),
    Pattern(  # a Polish account number without its country code
        Kind.IBAN,
        expression(r"(?<![\d\-]) \d{2} (?:[ \-]?\d{4}){6} (?![\d])"),
        score=0.0,
        check=lambda digits: checksums.iban("PL" + digits),
        needs=Needs.SEVEN_DIGITS,
    ),
)

PHONES = (
    Pattern(
        Kind.PHONE,
        expression(r"(?<![\w+]) (?:\+|00)48 (?:[ \-.]?\d){9} (?!\d|[\-]\d)"),
        score=0.9,
        needs=Needs.SEVEN_DIGITS,
    ),
    Pattern(  # the way people write mobile and land-line numbers
        Kind.PHONE,
        expression(
            r"(?<![\w+.,\-/]) (?:[4-8]\d{2}[ \-]\d{3}[ \-]\d{3} | \(?[1-9]\d\)?[ \-]\d{3}[ \-]\d{2}[ \-]\d{2}) (?![\d\-]|[.,]\d|[ ]\d{3}\b)"
        ),
        score=0.5,
        needs=Needs.SEVEN_DIGITS,
    ),
    Pattern(
        Kind.PHONE,
        expression(r"(?<![\w+.,\-/]) [1-9]\d{8} (?!\d|[\-]\d|[.,]\d)"),
        score=0.1,
        needs=Needs.SEVEN_DIGITS,
        context=words_near(
            ["tel", "kom", "fon", "numer", "nr tel", "dzwoń", "dzwon", "zadzwoń", "sms", "whatsapp", "kontakt"]
        ),
    ),
)

ADDRESSES = (
    Pattern(
        Kind.ADDRESS,
        expression(rf"(?<![^\W_]) {_STREET} {_NUMBER} (?: \s*,?\s+ {_TOWN} )?"),
        score=0.88,
    ),
    Pattern(
        Kind.ADDRESS,
        expression(rf"(?<![\d\-]) {_TOWN}"),
        score=0.86,
    ),
)
