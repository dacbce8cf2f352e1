"""German identifiers, with their check digits, and German ways to write phones, plates and addresses."""

from __future__ import annotations

from pseudonymize.detection import checks
from pseudonymize.detection.folding import fold
from pseudonymize.detection.kinds import Kind
from pseudonymize.detection.patterns import Pattern, expression, words_near
from pseudonymize.detection.writing import BEGIN, BLANKS, DASHES, END, GAP, GAPS, NO_YEAR, ORDERS, digits, groups, hint

_SERIAL = "CFGHJKLMNPRTVWXYZ0-9"  # characters of documents' numbers: no vowels, nothing that looks like another
_WORD = r"\p{Lu}[\p{L}\p{M}'’\-]*"
_STREET_ENDS = (
    r"stra(?:ß|ss)e|str\.|gasse|weg|platz|allee|ring|damm|ufer|chaussee|steig|stieg|pfad|markt|hof|berg|graben|wall|kai|brücke|"
    r"garten|gärten|park|höhe|tor|promenade"
)
_STREET_BEGINS = (
    r"Am|An[ ](?:der|den|dem)|Auf[ ](?:der|dem)|Im|In[ ](?:der|den)|Zum|Zur|Unter[ ]den|Alte[rs]?|Neue[rs]?"
)
_HOUSE = r"\d{1,4}[ ]?[a-zA-Z]? (?![^\W_]) (?: \s?[\-–/]\s?\d{1,4}[a-zA-Z]? (?!\w) )?"
_COUNTED = (
    "Prozent|Uhr|Min|Minuten?|Std|Stunden?|Tage[ns]?|Wochen?|Monate[ns]?|Jahre[ns]?|Euro|EUR|Cent|Stück|Stk|Punkten?|Personen|Gäste|"
    "Runden?|Teilen?|Farben|Größen|Sorten|Artikeln?|Karat|Seiten?|Reihe|Plätzen?|Sitzen?|[mMxX]al|[cmk]?m|m²|m?g|kg|m?l|GB|MB|TB"
)
_NO_COUNT = rf"(?! [ ]?[%€] | [ ] (?:{_COUNTED}) (?!\w) )"
_NO_STREETS = (
    "Januar|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember|(?:Mon|Diens|Donners|Frei|Sams|Sonn)tag|"
    "Mittwoch|Winter|Sommer|Frühling|Frühjahr|Herbst|Jahr|Sale|Geburtstag|Preis|Wert|Alter|Schnitt|Durchschnitt|Auswahl|Tag|Abend|Morgen|"
    "Wochenende|Angebot|Shop|Set|Paket|Monat|Advent"
)
"""What stands after Im, Am, Zum and Zur as a street does."""
_NO_PLACES = r"\w*(?:sitz|arbeits|steh|stell|lade|spiel)platz|(?:ehe|gold|silber|ohr|schlüssel|box|finger)ring|(?:um|heim|arbeits|schul)weg"
_TOWN = rf"(?:D[{DASHES}])? (?<!\d) \d{{5}} [{BLANKS}] {_WORD} (?: [ \-] (?:am|an[ ]der|im|ob[ ]der|bei|{_WORD}) (?:[ ]{_WORD})? )?"
_CALL = (
    "tel", "fon", "telefon", "handy", "mobil", "mobilnummer", "anruf", "ruf", "erreich", "rückruf", "durchwahl", "whatsapp", "sms",
    "nummer", "kontakt", "fax", "phone", "call", "unter",
)  # fmt: skip


def _folded(words: str) -> str:
    """Alternatives, as the prefilter sees them."""
    return fold(words).decode()


IDENTIFIERS = (
    Pattern(
        Kind.DE_TAX_ID,
        expression(rf"{BEGIN} (?: {groups(2, 3, 3, 3)} | {digits(11, GAPS)} ) {END}"),
        score=0.0,
        hints=hint(11),
        check=checks.german_tax_id,
        checked=0.3,  # rare by chance, and still any number of eleven digits may be one
        context=words_near(
            ["steuer", "idnr", "id-nr", "idnummer", "tin", "tax", "finanzamt", "identifikationsn"], ORDERS
        ),
    ),
    Pattern(
        Kind.DE_SOCIAL_SECURITY,
        expression(rf"{BEGIN} \d{{2}}{GAP}\d{{2}}{GAP}\d{{2}}{GAP}\d{{2}}{GAP}[A-Za-z]{GAP}\d{{2}}{GAP}\d {END}"),
        score=0.0,
        hints=(r"\d{2}[^a-z0-9]?[a-z][^a-z0-9]?\d{2}[^a-z0-9]?\d",),
        check=checks.german_social_security,
    ),
    Pattern(
        Kind.DE_PASSPORT,
        expression(rf"{BEGIN} [CFGHJK][{_SERIAL}]{{8}}\d? {END}"),
        score=0.1,
        hints=(r"[cfghjk][a-z0-9]{8}",),
        context=words_near(["reisepass", "pass", "passnummer", "passport"]),
    ),
    Pattern(
        Kind.DE_ID_CARD,
        expression(rf"{BEGIN} [LMNPRTVWXY][{_SERIAL}]{{8}}\d? {END}"),
        score=0.1,
        hints=(r"[lmnprtvwxy][a-z0-9]{8}",),
        context=words_near(
            ["ausweis", "personalausweis", "perso", "personal", "id card", "identity card", "seriennummer"]
        ),
    ),
    Pattern(
        Kind.DE_VAT_ID,
        expression(rf"{BEGIN} DE{GAP}{digits(9)} {END}"),
        score=0.0,
        hints=(r"de[^a-z0-9]?\d",),
        check=checks.german_vat_id,
        checked=0.9,
    ),
)

PLATES = (
    Pattern(
        Kind.LICENSE_PLATE,
        expression(
            rf"{BEGIN} [A-ZÄÖÜ]{{1,3}} (?: [{DASHES}][A-Z]{{1,2}}[{BLANKS}{DASHES}]?\d{{1,4}}[EH]? |"
            rf" [ ][A-Z]{{1,2}}[ ]\d{{1,4}}[EH]? ) {END}"
        ),
        score=0.25,
        hints=(r"[^a-z0-9][a-z]{1,3}(?:-[a-z]{1,2}[^a-z0-9]?\d| [a-z]{1,2} \d)",),
        context=words_near(
            ["kennzeichen", "kfz", "auto", "wagen", "pkw", "fahrzeug", "nummernschild", "plate", "parkt"]
        ),
    ),
)

PHONES = (
    Pattern(
        Kind.PHONE,
        expression(
            rf"(?<![\w+]) (?: [+＋]49 | 0049 | \(\+49\) ) (?: {GAPS}\(0\) )? (?: {GAPS}\(?\d\)? ){{6,12}} (?!\d|[\-]\d)"
        ),
        score=0.9,
        hints=(r"49[^a-z0-9\n]{0,8}\d",),
    ),
    Pattern(  # the trunk's zero, the area or the network, the number
        Kind.PHONE,
        expression(
            rf"(?<![\w+.,\-/]) (?: \(0[1-9]\d{{1,4}}\) [{BLANKS}]? | 0[1-9]\d{{1,4}} [{BLANKS}]?[/{DASHES}{BLANKS}][{BLANKS}]? )"
            rf" (?= (?:[{BLANKS}{DASHES}]?\d){{5}} ) \d{{2,8}} (?:[{BLANKS}{DASHES}]\d{{1,6}}){{0,4}} (?!\w|[.,]\d)"
        ),
        score=0.6,
        hints=hint(7),
    ),
    Pattern(
        Kind.PHONE,
        expression(r"(?<![\w+.,\-/]) 0[1-9]\d{7,11} (?!\w|[.,\-]\d)"),
        score=0.3,
        hints=(r"0[1-9]\d{7}",),
        context=words_near(_CALL, ORDERS),
    ),
)

ADDRESSES = (
    Pattern(  # Hauptstraße 5, Lange Straße 12 b, Berliner Allee 3, 10115 Berlin
        Kind.ADDRESS,
        expression(
            rf"(?<!\w) (?! (?i:{_NO_PLACES}) (?!\w) )"
            rf" (?: \p{{Lu}}[\p{{L}}\-]*(?i:{_STREET_ENDS}) | {_WORD}[ {DASHES}] (?:{_WORD}[ {DASHES}])? (?i:{_STREET_ENDS})"
            rf" | (?:{_STREET_BEGINS})[ ] (?! (?:{_NO_STREETS})e?s? (?!\w) ) {_WORD} ) [ ]{{1,2}} {NO_YEAR} {_HOUSE} {_NO_COUNT}"
            rf" (?: \s*,?\s+ {_TOWN} )?"
        ),
        score=0.88,
        hints=(
            rf"(?:{_folded(_STREET_ENDS)}) {{1,2}}\d",
            rf"[^a-z0-9_](?:{_folded(_STREET_BEGINS)}) [^\s]+ {{1,2}}\d",
        ),
    ),
    Pattern(
        Kind.ADDRESS,
        expression(rf"(?<![\d\-]) {_TOWN} (?!\w)"),
        score=0.45,
        hints=(r"\d{5} [a-z]",),
    ),
)
