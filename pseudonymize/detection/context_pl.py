"""What stands around persons in Polish texts, and how their names look: titles, offices, sayings, places called after somebody."""

from __future__ import annotations

from pseudonymize.detection.patterns import as_written, expression

_PART = r"\p{Lu}(?:['’]\p{Lu})?[\p{Ll}\p{M}]+(?:\p{Lu}[\p{Ll}\p{M}]+)?"
_WORD = rf"{_PART}(?:[\-‐‑–]{_PART})?|\p{{Lu}}[\p{{Lu}}\p{{M}}]+(?:[\-‐‑–]\p{{Lu}}+)?"
SEQUENCE = expression(
    rf"(?<![\w@./#]) (?:{_WORD}) (?: [ \u00a0]+ (?:\p{{Lu}}\.[ ]*)? (?:(?:van|von|de|da|di|el|al|bin|"
    rf"vel)[ ]+)? (?:{_WORD}) ){{0,5}} (?![\w@])"
)
TOKEN = as_written(rf"(?:{_WORD})")
_TITLES = (
    r"pan(?:a|i|u|ą|em|ie|ią|ią|ów|om)?|państw[oau]?|dr|doktora?|prof|profesor(?:a|owi|em|ze)?|mgr|inż|mec|mecenas(?:a|owi|em)?|"
    r"ks|ksi[ąę]dz[aue]?m?|siostr[ao]|lek|dyr|dyrektor(?:a|ce|ka|ki|kę|ką|owi|em)?|prezes(?:a|owi|em|ka|ki)?|kierownik\w*|"
    r"klient(?:a|ka|ki|kę|ką|owi|em|ce)?|pacjent(?:a|ka|ki|kę|ką|owi|em|ce)?|redaktor\w*|adwokat\w*|sędzi\w*|komisarz\w*|hrabi\w*"
)
_OFFICES = (  # what stands before a surname alone, and as often before the name of an office
    r"(?:wice|eks|vice-?)?(?:trener|wójt|burmistrz|prezydent|premier|minist(?:e)?r|pos[eł]ł|posłan|senator|starost|radn[ya]|inspektor|kapitan|"
    r"major|pułkownik|generał|rotmistrz|porucznik|sierżant|komendant|rektor|dziekan|docent|kanclerz|marszał[ek]|wojewod|papież|biskup|"
    r"arcybiskup|kardynał|dyrektor|prezes|przewodnicząc|naczelni|piłkarz|siatkar|bramkarz|napastni|aktor|piosenkar|wokalist|reżyser|pisar|poe[tc]|"
    r"malar|raper|dziennikar|fotograf|influencer|bloger|youtuber|lektor|prelegent|ekspert|lider|świad[ek]|oskarżon|pozwan|pełnomocni|"
    r"notariusz|komorni|lekar[zk]|psycholog|architekt|projektant|księgow|sekretar[zk]|menedżer|manager|koordynator|majster|listonosz)\w*"
)
_RELATIONS = (
    r"mąż|męż[ae]\w*|żon[aęyąie]+|syn(?:a|em|owi)?|córk[aięą]|córce|brat(?:a|em|u)?|siostr[aęyą]|siostrze|mam[aęyąo]|tat[aęyąo]|cioci[aęąi]|"
    r"wuj(?:ek|ka|kiem)|babci[aęąi]|dziad(?:ek|ka|kiem|ziu)|koleżank[aięą]|koleżance|koleg[aięą]|koledze|przyjaci(?:el|ela|elem|ółk[aięą])|"
    r"przyjaciółce|sąsiad(?:a|em|ka|ki|ką)?|doradc[aęyąo]|konsultant(?:a|em|ka|ki|kę|ką|owi)?|sprzedawc[aęyą]|pracowni(?:k|ka|kiem|ca|cę|cy|cą)|"
    r"kurier(?:a|em|owi)?|asystent\w*|specjalist\w*|opiekun\w*|właściciel\w*|autor(?:a|em|ka|ki|ką)?|aktor(?:a|em|ka|ki|ką)?|użytkownik\w*|"
    r"subskrybent\w*|odbiorc\w*|nadawc\w*|zamawiając\w*|kupując\w*|posiadacz\w*|uczestni\w*|laureat\w*|zwyci\w*|partner\w*|narzeczon\w*"
)
_SAYINGS = (
    r"nazywam[ ]+się | podpisan[oay][,:]? | imię[ ]+i[ ]+nazwisko[ ]*:? | (?:imię|nazwisko|odbiorca|nadawca|klient|klientka|kontakt|osoba|"
    r"zamawiający|właściciel|autor|podpis)[ ]*: | mam[ ]+na[ ]+imię | na[ ]+imię | jestem | tu | p\. | (?:z[ ]+)?poważaniem[,.]?\s | "
    r"pozdrawiam[,.]?(?:[ ]+serdecznie[,.]?)?\s | (?<!\w)(?:cześć|hej|witaj|drog[ai]|kochan[ay]|szanown[ay]|dzięki)[,]?"
)
BEFORE = expression(rf"(?:^|[^\w@.\-]) (?: (?:{_TITLES}|{_RELATIONS}) \.? | {_SAYINGS} ) \s* $", any_case=True)
OFFICE = expression(rf"(?:^|[^\w@.\-]) (?:{_OFFICES}) [ ]+ $", any_case=True)
IS_TITLE = expression(rf"^(?:{_TITLES}|{_RELATIONS})$", any_case=True)
IS_OFFICE = expression(rf"^(?:{_OFFICES})$", any_case=True)
GREETING = expression(
    r"^(?:cześć|hej|witaj|drog[ai]|kochan[ay]|szanown[ayi]|szanowny|witam|dzięki|pozdrawiam|z|od|dla|do|u|przez)$",
    any_case=True,
)
_PLACES = (
    r"ul\.?|ulic\w*|al\.?|alej\w*|plac\w*|pl\.|os\.?|osiedl\w*|rond\w*|skwer\w*|park\w*|most\w*|bulwar\w*|im\.?|imieni[ae]|pomnik\w*|szkoł\w*|"
    r"liceum|uniwersytet\w*|hotel\w*|pensjonat\w*|restauracj\w*|kawiarni\w*|galeri\w*|sklep\w*|mark[aięą]|marce|firm\w*|spółk\w*|model\w*|kolekcj\w*|"
    r"lini[aięą]|seri[aięą]|wieś|wsi|gmin\w*|miejscowoś\w*|mieście|miasto|miasta|dzielnic\w*|święt\w+|św\.?|stadion\w*|kościo\w*|parafi\w*|szpital\w*|"
    r"klub\w*|drużyn\w*|powieś\w*|książk\w*|film\w*|serial\w*|piosenk\w*|album\w*|gr[aęy]|hurtowni\w*|producent\w*|apartament\w*|centrum|stacj\w*|"
    r"przystan\w*|tramwaj\w*|dworzec\w*|dworc\w*|nagrod\w*|order\w*|fundacj\w*|bank\w*|apte\w*|odmian\w*|huragan\w*|orkan\w*|burz\w*|statek|prom"
)
_WORKS = r"film\w*|książk\w*|powieś\w*|piosenk\w*|album\w*|serial\w*|firm\w*|spółk\w*|sklep\w*|restauracj\w*|mark[aięą]|apte\w*|klub\w*"
"""Things that somebody makes or owns: a full name behind them in the genitive is that person's."""
WORK = expression(rf"(?:^|[^\w]) (?:{_WORKS}) [ ]* $", any_case=True)
PLACE = expression(rf"(?:^|[^\w]) (?:{_PLACES}) [ ]* [„\"'«]? $", any_case=True)
QUOTED = as_written(r"[„\"«'‚][ ]?$")
FIRM = expression(
    r"^ [ ]* (?: Sp\.? [ ]? z | S\.A | SA\b | s\.c | sp\.j | Sp\.j | sp\.[ ]k | &[ ] | i[ ](?:Synowie|Wspólnicy|"
    r"S-ka) | GmbH | Ltd | Inc | [®™] )"
)
DAY = as_written(r"\d\.?[ ]$")
OF_WHOM = as_written(r"(?:^|[^\p{L}])(?:z|ze|od|dla|do|u|przez|wobec|według|bez|o)[ ]+$")
ENUMERATED = expression(
    rf"(?<!\w) (?P<one>{_WORD}) (?: ,[ ] (?P<one>{_WORD}) )* "
    rf"[ ] (?:i|oraz|lub|albo|ani|czy) [ ] (?P<one>{_WORD}) (?!\w)"
)
LAST_WORD = as_written(r"(?:^|[^\p{L}])([\p{L}]+)[ ]+$")
SHAPE = as_written(
    r".{2,}(?:[sc]|dz)k(?:i|iego|iemu|im|ich|imi|a|iej|ą|o)$|.{2,}(?:[eo]wicz)(?:a|owi|em|u|owie|ów|om|ami|owa|owej|ową)?$"
    r"|.{3,}czyk(?:a|owi|iem|u|owie|ów|om)?$|.{3,}(?:czak|iak|szczak)(?:a|owi|iem|u|owie|ów|om)?$"
    r"|.{3,}(?:czuk|niuk|szuk|enko|eńko)(?:a|owi|iem|u|i|ę|ą)?$"
)
# Shaped like surnames, and adjectives all the same (nationalities, towns, months): only beside a name or after a title.
ADJECTIVES = as_written(
    r"^(?:Pol|Niemiec|Angiel|Francu|Włos|Rosyj|Hiszpań|Ukraiń|Cze|Szwedz|Europej|Warszaw|Krakow|Gdań|Poznań|Śląs|Mazowiec|Pomor|"
    r"Małopol|Wielkopol|Wrocław|Łódz|Lubel|Miej|Morz|Królew|Wojsk|Boż|Amerykań|Brytyj|Białos|Bałtyc|Katolic|Miejs|Politechnicz|Nauczyciel|"
    r"Norwes|Duńs|Fińs|Greck|Turec|Chińs|Japoń|Koreań|Holender|Portugal|Litew|Słowac|Węgier|Szwajcar|Austriac|Irlandz|Szkoc|Zachodniopomor|"
    r"Podkarpac|Dolnośląs|Kujaws|Świętokrzys|Opols|Toruńs|Szczeciń|Katowic|Gdyńs|Olsztyń|Rzeszow|Bydgos|Kielec|Tatrzań|Zakopiań|Podhalań|Klasycz)"
)
LABELS = frozenset(
    (
        "Nazwisko",
        "Imię",
        "Adres",
        "Telefon",
        "Tel",
        "Email",
        "Mail",
        "Nip",
        "Pesel",
        "Firma",
        "Data",
        "Numer",
        "Klient",
        "Adresat",
    )
)
LABEL_WORDS = frozenset("imię nazwisko kontakt podpis osoba klientka infolinia obsługa biuro telefon".split())  # noqa: SIM905
WITH_INITIAL = expression(
    rf"(?<![\w.]) (?: \p{{Lu}}\. [ ]? (?:\p{{Lu}}\. [ ]?)? (?P<name>{_WORD}) | (?P<name>{_WORD}) [ ] \p{{Lu}}\. ) (?!\w)"
)
LOWER = as_written(
    r"(?i)(?<!\w)(?:pan(?:a|i|u|ą|em|ie|ią)?|nazywam się|mam na imię|tu|jestem|p\.) ([\p{Ll}]+)(?: ([\p{Ll}\-]+))?"
)
