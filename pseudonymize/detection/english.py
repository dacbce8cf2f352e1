"""Ways to write addresses, phones and card numbers that Presidio's recognizers do not know."""

from __future__ import annotations

from pseudonymize.detection.folding import fold
from pseudonymize.detection.kinds import Kind
from pseudonymize.detection.patterns import Pattern, expression, words_near
from pseudonymize.detection.writing import NO_YEAR
from pseudonymize.transforms import checksums

DIGITS_OF_A_PHONE = (r"\d(?:[^a-z0-9\n]{0,3}\d){6}",)
_WORD = r"\p{Lu}[\p{L}\p{M}'’.\-]*"
_STREET_WORDS = (
    "Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Way|Place|Pl|Square|Squares|Sq|Terrace|Parkway|Pkwy|"
    "Circle|Cir|Highway|Hwy|Turnpike|Trail|Crescent|Close|Gardens|Grove|Mews|Row|Walk|Gate|Quay|Alley|Bypass|Pike|Loop|Plaza"
)
# Streets of the continent: words that begin a street's name, and endings of compound ones.
_STREET_BEGINS = (
    r"Via|Viale|Piazza|Corso|Rue|Avenue|Boulevard|Place|Quai|Chemin|Rua|Avenida|Av\.|Avda\.|Calle|C/|C\.|Plaza|Paseo|Praça|"
    r"ul\.|Ulica|al\.|Aleja|pl\.|os\.|Ul\.|Strada|Str\.|Bd\.|Am|An[ ](?:der|den|dem)|Auf[ ](?:der|dem)|Im|Zum|Zur"
)
_STREET_ENDS = (
    "straße|strasse|str\\.|gasse|weg|platz|allee|damm|ufer|gade|vej|vejen|gata|gatan|vägen|väg|vegen|veien|straat|laan|"
    "plein|dijk|katu|tie|kuja|utca|út|tér"
)
_RING = r"\p{Lu}[\p{L}\-]{3,}ring"  # not spring, string, during
_HOUSE = r"\d{1,6}[A-Za-z]? (?:\s?[\-/]\s?\d{1,5}[A-Za-z]?)?"
# What an English text counts is no house: Via Email 24 hours, Offering 20 percent. After a house, such a word goes on.
_GOES_ON = (
    "in|at|on|and|or|to|is|was|by|near|for|from|between|with|until|opposite|next|before|after|the|where|will|has|but|as|this|please|"
    "today|tomorrow|every|it|you|we|they|he|she|who|which|again|behind|beside|above|below|because|if|then|so|since|street|str|road|avenue|square|apt|apartment|suite|unit|flat|floor"
)
_NO_COUNT = rf"(?! [ ]?% | [ ] (?! (?:{_GOES_ON}) \b ) \p{{Ll}} )"
_ABROAD = rf"{_HOUSE} (?!\w) {_NO_COUNT}"
_UNITS = r"Apt|Apartment|Suite|Ste|Unit|Flat|Floor|No|\#"
_UNIT = rf"(?: [,\s]+ (?:{_UNITS}) \.? \s* [A-Za-z]?\d+[A-Za-z]? )"
# What follows on the next lines or after commas: towns, a state, a postal code; only when it ends in the code.
_TAIL = (
    rf"(?: (?:[,\s>?]+ {_WORD} (?:[ ](?:{_WORD}|de|del|nad|am|an|der|la|le|upon|sur)){{0,4}}){{1,3}} (?:[,\s>?]+[A-Z]{{2,3}})?"
    r" [,\s>?]+ \d{4,6} (?:-\d{4})? (?!\w) )"
)

_APART = r"[^a-z0-9_]"
_GAP = r"[ \t\u00a0]+"


def _folded(words: str) -> str:
    """Alternatives, as the prefilter sees them."""
    return "|".join(fold(word).decode() for word in words.split("|"))


ADDRESSES = (
    Pattern(  # 12 Main Street, Apt. 3, Springfield, IL 62701
        Kind.ADDRESS,
        expression(
            rf"(?<![\w.,\-]) {_HOUSE} {_GAP} (?: (?:{_WORD}|\d{{1,3}}(?:st|nd|rd|th)?) {_GAP} ){{1,5}} (?:{_STREET_WORDS}) (?!\w) \.?"
            rf" {_UNIT}? {_TAIL}?"
        ),
        score=0.88,
        hints=(rf"\d[^\n]*[ \t](?:{_STREET_WORDS}){_APART}",),
    ),
    Pattern(  # Via Roma 12, Rua da Igreja 25, ul. Długa 3
        Kind.ADDRESS,
        expression(
            rf"(?<!\w) (?:{_HOUSE}\s+)? (?:{_STREET_BEGINS}) [ ]?"
            rf" (?: (?:{_WORD}|d[aeiou]s?|del|della|de[ ]la|\d{{1,2}}) [ ] ){{0,4}} {_WORD} (?<![ ]\p{{Lu}})"
            rf" ,? [ ] {_ABROAD} {_UNIT}? {_TAIL}?"
        ),
        score=0.87,
        hints=(rf"{_APART}(?:{_folded(_STREET_BEGINS)}) ?[^ \n][^\n]*\d",),
    ),
    Pattern(  # Hauptstraße 5, Vesterskovvej 79
        Kind.ADDRESS,
        expression(
            rf"(?<!\w) (?:{_HOUSE}\s+)? (?:{_WORD}[ ]){{0,2}}"
            rf" (?: \p{{L}}[\p{{L}}\-]* (?:{_STREET_ENDS}) | {_RING} ) [ ] {NO_YEAR} {_ABROAD}"
            rf" {_UNIT}? {_TAIL}?"
        ),
        score=0.87,
        hints=(rf"[a-z\-](?:{_folded(_STREET_ENDS)}|ring) \d",),
    ),
    Pattern(  # 3247 Golfskálinn 25 Apt. 236: a number, a name, a number, a unit
        Kind.ADDRESS,
        expression(
            rf"(?<![\w.,\-]) (?:{_HOUSE}\s+)? (?: (?:{_WORD}|\d{{1,3}}) [ ] ){{1,5}} (?:{_HOUSE})? {_UNIT} {_TAIL}?"
        ),
        score=0.86,
        hints=(rf"[,\s](?:{_UNITS})\.?\s*[a-z]?\d",),
    ),
    Pattern(  # PO Box 12; PSC 3294, Box 9168, APO AA 61487; Unit 1009 Box 0219, DPO AP 51065
        Kind.ADDRESS,
        expression(
            r"(?<!\w) (?: (?: (?:PSC|Unit|CMR)\s+\d{1,5}[,\s]+ (?:P\.?\s?O\.?\s?)? | P\.?\s?O\.?\s? ) Box\s+\d{1,6}"
            r" | US[NSC]{1,2}V?\s+\p{Lu}\w+ ) (?: [,\s]+ [AFD]PO [ ] A[AEP] [ ] \d{5} )?"
        ),
        score=0.88,
        hints=(r"box\s+\d", rf"{_APART}us[nsc]{{1,2}}v?\s+[a-z]"),
    ),
)

PHONES = (
    Pattern(
        Kind.PHONE,
        expression(
            r"(?<![\w+]) (?= \+ \d (?:[^\w\n]{0,3}\d){6} | 00 (?:[^\w\n]{0,3}\d){9} )"
            r" (?! \+? (?:[^\w\n]{0,3}\d){18} ) (?:\+|00)[1-9]\d{0,2} (?: [ .\-]?\(0\d?\) )?"
            r" (?: [ .\-/]? \(? \d{1,5} \)? ){2,6} (?: [ ]?(?:x|ext\.?)[ ]?\d{1,6} )?"
            r" (?![\w])"
        ),
        score=0.75,
        hints=DIGITS_OF_A_PHONE,
    ),
    Pattern(
        Kind.PHONE,
        expression(
            r"(?<![\w+.\-/]) (?= \(? \d (?:[^\w\n]{0,3}\d){6} ) (?: (?: \(\d{1,5}\)[ \-]? |"
            r" \d{2,4}[ .\-/]{1,2} ) \d{2,6} (?: [ .\-/]{1,2} \d{2,5} ){0,4} | \d{7,11} )"
            r" (?: [ ]?(?:x|ext\.?)[ ]?\d{1,6} )? (?![\w/] | [\-.]\d)"
        ),
        score=0.1,
        hints=DIGITS_OF_A_PHONE,
        context=words_near(
            [
                "phone",
                "tel",
                "mobile",
                "cell",
                "call",
                "fax",
                "office",
                "desk",
                "sms",
                "text me",
                "whatsapp",
                "reach me",
                "contact number",
                "registered",
                "answering at",
                "ring me",
            ]
        ),
    ),
)

CARDS = (
    Pattern(
        Kind.CREDIT_CARD,
        expression(
            r"(?<![\w.,\-]) \d{4} (?:[ \-]?\d{4}){2} (?:[ \-]?\d{1,7})? (?!\w|[\-.]\d) | (?<![\w.,\-]) \d{12,19} (?!\w|[\-.]\d)"
        ),
        score=0.0,
        check=checksums.luhn,
        checked=0.3,
        hints=(r"\d{4}[ \-]?\d{4}[ \-]?\d{4}",),
        context=words_near(
            ["credit", "card", "visa", "mastercard", "amex", "maestro", "debit", "cc ", "karta", "kart", "kredyt"]
        ),
    ),
)
