"""What stands around persons in German texts, and how their names look: titles, roles, sayings, places and firms called after somebody."""

from __future__ import annotations

from pseudonymize.detection.patterns import as_written, expression

_PART = r"\p{Lu}(?:['’]\p{Lu})?[\p{Ll}\p{M}]+(?:\p{Lu}[\p{Ll}\p{M}]+)?|\p{Lu}{3,}"
_WORD = rf"(?:{_PART})(?:[\-‐‑](?:{_PART}))*"
_PARTICLES = r"(?:(?:von|van|vom|zu|zur|der|den|de|da|di|del|al|el|bin|ter|und[ ]zu|dos|la|le)[ ]){0,3}"
SEQUENCE = expression(
    rf"(?<![\w@./#\-]) (?:{_WORD}) (?: [ \u00a0] (?:\p{{Lu}}\.[ ]?){{0,2}} {_PARTICLES} (?:{_WORD}) ){{0,5}} (?![\w@])"
)
TOKEN = as_written(_WORD)
_TITLES = r"herrn?|frau|fräulein|hr\.?|fr\.?|dr\.?|prof\.?|professor(?:in)?|doktor|dipl\.-?\w*\.?|ing\.?|familie|kollegen?|kollegin|sankt"
_ROLES = (
    r"kund(?:e|en|in)|mitarbeiter(?:in)?|ansprechpartner(?:in)?|berater(?:in)?|verkäufer(?:in)?|patient(?:en|in)?|nutzer(?:in)?|freund(?:in)?|"
    r"chef(?:in)?|geschäftsführer(?:in)?|direktor(?:in)?|präsident(?:en|in)?|kanzler(?:in|s)?|bundeskanzler(?:in|s)?|minister(?:in)?|\w+minister(?:in)?|"
    r"trainer(?:in|s)?|spieler(?:in)?|sänger(?:in)?|schauspieler(?:in)?|autor(?:in)?|regisseur(?:in)?|sprecher(?:in)?|anwalt|anwältin|"
    r"bürgermeister(?:in)?|oberbürgermeister(?:in)?|vorsitzende[rn]?|tochter|sohn|bruder|schwester|mutter|vater|mama|papa|oma|opa|onkel|tante|"
    r"ehefrau|ehemann|nachbar(?:in|n)?|empfänger(?:in)?|absender(?:in)?|inhaber(?:in)?|gewinner(?:in)?|teilnehmer(?:in)?|influencer(?:in)?"
)
ROLE = as_written(
    r"(?i)(?:kolleg(?:e|en|in)|chef(?:in|s)?|trainer(?:in|s)?|spieler(?:in|s)?|sprecher(?:in|s)?|minister(?:in|s)?|präsident(?:en|in)?|"
    r"manager(?:in|s)?|leiter(?:in|s)?|direktor(?:in|s)?|kandidat(?:en|in)?|abgeordnete[rn]?|sieger(?:in|s)?|regisseur(?:in|s)?|"
    r"schauspieler(?:in|s)?|sänger(?:in|s)?|autor(?:in|s|en)?|künstler(?:in|s)?|maler(?:in|s)?|dichter(?:in|s)?|komponist(?:en|in)?|"
    r"fotograf(?:en|in)?|journalist(?:en|in)?|moderator(?:in|s|en)?|professor(?:in|s|en)?|forscher(?:in|s)?|expert(?:e|en|in)|anwalt|anwältin|"
    r"bischof|papst|papstes|königs?|königin|kaisers?|kaiserin|prinz(?:en|essin)?|herzogs?|herzogin|graf(?:en)?|gräfin|freiherr(?:n)?|"
    r"bruders?|brüder|schwestern?|ehemanns?|ehefrau|sohne?s?|tochter|vaters?|mutter|onkels?|tante|opas?|omas?|gründer(?:in|s)?|"
    r"inhaber(?:in|s)?|unternehmer(?:in|s)?|investor(?:in|s|en)?|politiker(?:in|s)?|senator(?:in|s|en)?|kanzler(?:in|s)?|generals?|kapitäns?|"
    r"torwarts?|torhüter(?:in|s)?|stürmer(?:in|s)?|landsmanns?|landsfrau|geschwister|eheleute|ehepaar|familie|ceo|cco|cfo|cto|cmo|ob|"
    r"freund(?:e|in|es)?|nachbar(?:n|in|s)?|weltmeister(?:in|s)?|bürgermeister(?:in|s)?|meister(?:in|s)?|star)$"
)
# ruff: noqa: SIM905  a list of words reads better without its quotes
NOT_PEOPLE = frozenset(
    """
    Airport Air Awards Bad Bank Big Black Blue City Club College Company County Cup Football Forest Great Green Group Hill Hotel
    International Island Islands Lake La Las Le Les Line Los El Mount Museum Music National New North Old Open Park Real Records Red
    Republic River Royal Saint San Sankt Santa Santo School South Sporting St States Street Tour United University Valley Village
    Black West East White
    """.split()
)
"""Words in names of places, clubs and firms: a doubtful sequence with one of them is no person."""
SAINTS = frozenset({"San", "Sankt", "Saint", "Santa", "Santo"})
_SAYINGS = (
    r"ich[ ]heiße | mein[ ]name[ ]ist | (?:name|vorname|nachname|kontakt|empfänger|absender|kunde|kundin|"
    r"ansprechpartner(?:in)?|unterschrift|inhaber)[ ]?: | "
    r"hier[ ](?:ist|schreibt|spricht) | (?:viele|liebe|beste|herzliche|schöne|mit[ ]freundlichen)[ ]gr(?:ü|"
    r"ue)(?:ß|ss)en?[,]?\s | gez\. | i\.[ ]?a\. | i\.[ ]?v\. | "
    r"(?:sehr[ ]geehrte[rn]?|liebe[rs]?|hallo|hi|hey|moin|servus|danke|guten[ ](?:tag|morgen|abend))[,]? |"
    r" lg[,]? | vg[,]? | mfg[,]? | gruß[,]? | namens | heißt "
)
TITLE = expression(rf"(?:^|[^\w@.\-]) (?:{_TITLES}) [ ]? $", any_case=True)
SAID = expression(rf"(?:^|[^\w@.\-]) (?: (?:{_TITLES}|{_ROLES}) | {_SAYINGS} ) \s* $", any_case=True)
IS_TITLE = expression(rf"^(?:{_TITLES}|{_ROLES}|lieber?|hallo|hi|hey|danke)$", any_case=True)
SAYS = as_written(
    r"^,? (?:sagte|sagt|erklärte|erklärt|meinte|meint|betonte|betont|kritisierte|forderte|fordert|schrieb|"
    r"schreibt|lobte|antwortete|erzählte|erzählt|"
    r"berichtete|berichtet|fügte|kündigte|twitterte|postete|rief|bestellte|reklamierte|kaufte|wohnt|arbeitet|"
    r"gewann|verlor|traf|spielte|heiratete|starb|wurde geboren)\b"
)
NAMES_FOLLOW = expression(
    rf"(?:^|[^\w@.\-]) (?: {_ROLES} | ich[ ]heiße | mein[ ]name[ ]ist | (?:name|vorname|nachname|kontakt|empfänger|"
    rf"absender|ansprechpartner(?:in)?)[ ]?: |"
    r" grüß(?:e|en),?\s | gr(?:uß|uss),? | liebe[rs]? | hallo | hi | hey | gez\. | i\.[ ]?[av]\. ) \s* $",
    any_case=True,
)
WHERE = as_written(
    r"(?i)(?:^|[^\w])(?:in|im|ins|nach|aus|bei|beim|am|vom|zum|zur|ab|via|bis|auf|unter|an|ob|sankt|st\.) $"
)
ARTICLE = as_written(
    r"(?i)(?:^|[^\w])(?:der|die|das|den|dem|des|eine?[rsnm]?|keine?[rsnm]?|(?!zwischen)\w+ische[rsnm]?) $"
)
ROMANCE = as_written(r" (?:de|del|da|di|do|dos|des|du|la|le|of|and) ")  # in names of places as often as of people
QUOTES = as_written(r"^ ?: ?[„\"»«“]")
FINITE = as_written(r"^ (\p{Ll}+)")
ENUMERATED = expression(
    rf"(?<![\w\-]) (?P<one>{_WORD}) (?: [ ]?,[ ] (?P<one>{_WORD}) )*"
    rf" [ ]?,? [ ] (?:und|oder|sowie|&) [ ] (?P<one>{_WORD}) (?![\w\-]|[ ]\p{{Lu}})"
)
PREPOSITION = as_written(
    r"(?i)(?:^|[^\w])(?:von|mit|an|bei|für|laut|durch|gegen|über|und|hat|ist|sind|war|dass|sie|haben|wie|als) $"
)
DETERMINER = as_written(
    r"(?i)(?:^|[^\w])(?:der|die|das|den|dem|des|ein|eine|einen|einem|einer|kein|keine|mein|meine|sein|seine|ihr|"
    r"ihre|unser|unsere|dies\w+|jede\w*|\w+e[rsnm]?) $"
)
THING = as_written(r"(?i)(?:^|[^\p{L}])(\p{L}+) [\"„»]?$")
QUOTED = as_written(r"[„\"»«‚]$")
FIRM = expression(
    r"^ (?:['’]s)? [ ]? (?: GmbH | AG\b | KG\b | e\.?[ ]?K | OHG | mbH | UG\b | SE\b | &[ ] | \+[ ] |"
    r" und[ ](?:Söhne|Partner|Co)\b | Inc | Ltd | [®™] | [\-][A-Za-z] )"
)
STREET = as_written(
    r"(?i)(?:stra(?:ß|ss)e|str\.?|weg|platz|allee|gasse|ring|ufer|brücke|schule|preis|haus|stiftung|park|halle|stadion|gymnasium|klinik|kirche|universität|denkmal|orden)$"
)
NOUN = as_written(
    r".{3,}(?:ung|ungen|heit|keit|schaft|tion|tionen|tät|ismus|nis|tum|ment|ling|chen|lein|stoff|zeug|werk|ware|karte|service|nummer|preis|paket|gerät|straße|markt|laden)s?$"
)
WITH_INITIAL = expression(rf"(?<![\w.]) \p{{Lu}}\. [ ]? (?:\p{{Lu}}\. [ ]?)? (?P<name>{_WORD}) (?!\w)")
LOWER = as_written(
    r"(?i)(?<!\w)(?:herrn?|frau|ich heiße|mein name ist|ich bin|hallo|liebe[r]?|hier ist) ([a-zäöüß]{3,})(?: ([a-zäöüß\-]{3,}))?"
)
LOWER_WORDS = as_written(r"(?<![\w@.#/])[a-zäöüß]{3,}(?:-[a-zäöüß]{2,})?(?![\w@])")
