"""Rules for English names: titles, what people say before a name, lists of names, initials, and names that come again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import regex  # type: ignore[import-untyped]

from pseudonymize.detection import gazetteer
from pseudonymize.detection.kinds import Finding, Kind
from pseudonymize.detection.patterns import as_written, expression
from pseudonymize.detection.words import ENGLISH_NOT_NAMES, ENGLISH_WORDS, ENUMERATED

TITLED, BOTH, AGAIN, LISTED, SAID, INITIALED, ALONE, BESIDE, LAST = 0.86, 0.86, 0.86, 0.8, 0.7, 0.6, 0.6, 0.5, 0.5

_NAME = r"\p{Lu}[\p{L}\p{M}]*(?:['’\-]\p{Lu}[\p{L}\p{M}]*)*"
_PARTICLES = r"(?:(?:van|von|de|der|den|da|di|du|la|le|el|bin|al)[ ]){0,2}"
_SEQUENCE = expression(rf"(?<![\w@./\-]) {_NAME} (?: [ ] (?:\p{{Lu}}\.[ ])? {_PARTICLES} {_NAME} ){{0,4}}")
_TOKEN = expression(_NAME)
_WORDS = as_written(r"(?<![\w@#./])\p{L}[\p{L}\p{M}'’]*(?![\w@])")
_TITLES = r"(?:mr|mrs|ms|miss|mx|dr|prof|professor|sir|madam|mister|doctor|rev)"
_TITLE = expression(rf"(?<!\w) {_TITLES} \.? [ ] $", any_case=True)
_NAMING = (  # what follows is a name, known or not
    r"my[ ]name[ ]is | my[ ]name's | i[ ]am[ ]called | was[ ]called | calls?[ ]me | (?:maiden|last|first|full|sur)[ ]?name(?:[ ]is|[?:])"
    r" | (?<!\w)name[ ]?: | signed[ ]by | attn\.?[ ]?:? | c/o"
)
_SOCIAL = (
    r"happy[ ]b(?:irth)?day | shout[ ]?out[ ]to | proud[ ]of | congrat(?:s|ulations)(?:[ ]to)? | r\.?i\.?p\.? |"
    r" th(?:x|anks)(?:[ ]to)? | thank[ ]you |"
    r" (?:love|miss)[ ]you | listening[ ]to | starring | feat\.? | ft\.? | interview[ ]with | tickets[ ]for |"
    r" met | my[ ](?:boss|friend|bro|brother|sister|mom|"
    r"mum|dad|wife|husband|gf|bf|cousin|uncle|aunt|teacher|son|daughter|bestie) | president | senator | actor |"
    r" actress | singer | rapper | coach | captain |"
    r" lmao | ugh | (?:mum|mom|dad)[ ]and | saw | customer | collab[ ]with"
)
_GREETING = r"the[ ]name[ ]of | customer[ ]?: | contact[ ]?: | dear | (?:hi|hello),? | regards,?[ ]? | sincerely,?[ ]?"
_NAMED = expression(rf"(?<!\w) (?:{_NAMING}) \s* $", any_case=True)
_SAID = expression(rf"(?<!\w) (?:{_NAMING} | {_GREETING} | {_SOCIAL}) \s* $", any_case=True)
_FIRM = expression(
    r"^ (?:['’]s?)? ,? [ ]* (?:and|&) [ ] (?:Sons|Co|Company|Partners|Associates|Brothers)\b"
    r" | ^,? [ ] (?:Inc|LLC|Ltd|Limited|PLC|Corp|GmbH|Group)\b"
)
_WORD = r"[\p{L}\p{M}]+(?:['’\-][\p{L}\p{M}]+)*"
_LOWER_TITLED = expression(rf"(?<!\w) {_TITLES} \.? [ ] (?P<name>{_WORD}) (?: [ ] (?P<more>{_WORD}) )?")
_LOWER_NAMING = expression(
    rf"(?<!\w) (?:{_NAMING}) \s+ (?P<name>{_WORD}) (?: [ ] (?:\p{{L}}\.?[ ])? (?P<more>{_WORD}) )?", any_case=True
)
_LOWER_SAID = expression(
    rf"(?<!\w) (?:{_NAMING} | {_GREETING}) \s+ (?P<name>{_WORD}) (?: [ ] (?:\p{{L}}\.?[ ])? (?P<more>{_WORD}) )?"
)
_LOWER_PAIR = expression(rf"(?<![\w@.\-]) (?P<name>{_WORD}) [ ] (?:\p{{L}}\.?[ ])? (?P<more>{_WORD}) (?![\w@])")
_PAIR = expression(rf"(?<!\w) {_NAME} [ ] (?:and|&) [ ] {_NAME} (?!\w)")  # the model takes Jay & Trish for a firm
_APART = as_written(r"(?<=\w) (['’]) (s|t|m|re|ve|ll|d)(?!\w)")
# More letters on their own than any name is spelled with: no language, and each costs the model as much as a word.
_SCATTERED = as_written(r"(?<![\w'’])\p{L}(?:\s+\p{L}(?![\w'’])){24,}+")
_HOUSE = as_written(
    r"^,? (?:\d{1,5}\b|(?:str|strasse|straße|street|st|road|rd|ave|avenue|u|utca|tér|tere|weg|platz|lane|drive|blvd|orchestra|stripes|"
    r"hotel|university|college|institute|foundation|insurance|group|investments|school|hospital|park|airport)\b)",
    regex.IGNORECASE,
)
_LISTED = expression(
    rf"(?<!\w) (?P<one>{_NAME}(?:[ ]{_NAME}){{0,2}}) (?: [ ]?,[ ] (?P<one>{_NAME}(?:[ ]{_NAME}){{0,2}}) )*"
    rf" [ ]?,? [ ] (?:and|&|or) [ ] (?P<one>{_NAME}(?:[ ]{_NAME}){{0,2}}) (?!\w)"
)
# ruff: noqa: SIM905  a list of words reads better without its quotes
_SMALL = frozenset(
    """
    about after again all also always and any anyone are back because been before best but buy can cannot could day
    did does done dont down even ever every everyone feel first for from get getting give going gonna good got great
    had happy has have hello her here him his hope how into its just know last let lets like lol look looking lot love
    made make man many mark may maybe mean met might mind mine miss more most much must need needs never new next nice
    not now off okay old omg one only other our out over please post pretty proud rather really right said same saw
    say see she should show since some still stop such sure take tell than thank thanks that the their them then there
    these they thing think this those time today tonight too try two under until very wait want was way week well went
    were what when where which while who why will with without wow year yes yet you young your yours bill will art
    faith hope joy grace rose summer dawn drew guy gene jack mark max pat ray rob rich rod sue victor wade bob dash
    chase chance price read wear young long short strong white black brown green gray grey gold rice bush banks fields
    wells woods stone park hill lake rivers page pool ball bell berry bird bond book boon brand case cash coin cook
    cross daily dance deal drake early fall farmer field fish flower fox free french frost gate glass golden grand
    hall hand hard heart high holiday home house hunt hunter kitchen lamb land lane large light little lord love low
    marsh mason may moody moon morning mills night noble north oak page parks peace peak penny pepper place plant
    poole power quick rain reader reed reyes sharp shepherd ship silver singer small snow south spring star steel
    storm street sweet swift tan temple thorn tower trail turner vine wall ward waters weeks west winter wise wolf
    wood worth york kid kids mum mom dad boss gift gifts sale store order online app ad ads brands customer
    """.split()
)
"""Words that are names on some list, and nearly always words in a text without capitals."""
_PLACES = frozenset({"GPE", "LOC", "FAC", "NORP"})
_FIRMS = frozenset({"ORG", "PRODUCT", "EVENT", "WORK_OF_ART", "LAW"})

Entity = tuple[str, int, int]
"""What the model said: label, start, end."""
Token = tuple[str, int, int]


class NameRules:
    """Persons by title, by what stands before them, by initials, and by lists of given names and surnames."""

    def __init__(self, given: frozenset[str], surnames: frozenset[str], words: frozenset[str] = frozenset()) -> None:
        """``words``: lower-case words that texts in the language use."""
        self._given = given
        self._given_alone = given - ENGLISH_WORDS
        self._surnames = surnames
        self._words = words | gazetteer.common_words("en_US") | _SMALL

    def is_word(self, word: str) -> bool:
        """Whether texts use it as a word; whether it is a name too is another question."""
        return word.lower() in self._words

    def is_known(self, word: str) -> bool:
        """Whether a word is on one of the lists."""
        word = _written(word)
        return word in self._given or word in self._surnames

    def is_given_name(self, word: str) -> bool:
        """Whether a word is a given name and hardly anything else."""
        return _written(word) in self._given and _written(word) not in ENGLISH_WORDS

    def find(self, text: str, entities: list[Entity]) -> Iterator[Finding]:
        """Persons among capitalised words. ``entities``: what the model said, to tell persons from places and firms."""
        for sequence in _SEQUENCE.finditer(text):
            before = text[max(0, sequence.start() - 24) : sequence.start()]
            titled = _TITLE.search(before) is not None or _NAMED.search(before) is not None
            said = titled or _SAID.search(before) is not None
            tokens = [(_written(match[0]), *match.span()) for match in _TOKEN.finditer(text, *sequence.span())]
            yield from self._persons(text, tokens, entities, titled=titled, said=said)

    def _persons(
        self, text: str, tokens: list[Token], entities: list[Entity], *, titled: bool, said: bool
    ) -> Iterator[Finding]:
        place = 0
        while place < len(tokens):
            last = _end_of_name(tokens, place)
            words, start, end = [token[0] for token in tokens[place : last + 1]], tokens[place][1], tokens[last][2]
            first = place == 0
            score = self._score(words, titled=titled and first, said=said and first)
            sure = score >= BOTH or (said and first)
            if score <= ALONE and not (said and first) and _HOUSE.match(text[end : end + 16]):
                score = 0.0
            if score and not is_firm(text, end) and (sure or not self._elsewhere(text, words, start, end, entities)):
                yield Finding(Kind.PERSON, start, end, score)
                place = last
            place += 1

    def _score(self, words: Sequence[str], *, titled: bool, said: bool) -> float:
        """How far these capitalised words look like one person; 0: not at all."""
        word, following = words[0], words[1:]
        if word in ENGLISH_NOT_NAMES:
            return 0.0
        if titled:
            return TITLED
        known, known_last = word in self._given, bool(following) and following[-1] in self._surnames
        if known and known_last:
            return BOTH
        if following and known and word not in ENGLISH_WORDS:
            return LISTED
        if said and (following or known or known_last or (len(word) > 3 and self._is_no_word(word))):
            return SAID
        if known_last and len(following) == 1 and self._is_no_word(word) and following[0] not in ENGLISH_NOT_NAMES:
            return LAST
        if len(following) > 1 and len(following[0]) == 1 and min(len(word), len(following[1])) > 1:
            return 0.0 if word in ENUMERATED else INITIALED
        return ALONE if known and word not in ENGLISH_WORDS and not following else 0.0

    def _is_no_word(self, word: str) -> bool:
        """Whether a capitalised word can be a given name that no list holds."""
        ends = word.lower().endswith(("ing", "ed", "tion", "ly", "ish", "ern"))
        return len(word) > 2 and word not in ENGLISH_WORDS and not self.is_word(word) and not ends

    def _elsewhere(self, text: str, words: Sequence[str], start: int, end: int, entities: list[Entity]) -> bool:
        """Whether the model sees a place in exactly these words, or a firm's longer name around this one."""
        for label, low, high in entities:
            if label in _PLACES and (low, high) == (start, end):
                return not self.is_given_name(words[0])
            if (
                label in _PLACES | _FIRMS
                and not (_PAIR.search(text[low:high]) and self.is_given_name(words[0]))
                and len(words) == 1
                and low <= start
                and end <= high
                and high - low > end - start
            ):
                return True
        return False

    def find_uncapitalised(self, text: str) -> Iterator[Finding]:
        """Persons in a text without capitals: after a title or a saying, or a given name and a surname on the lists."""
        for match in _LOWER_TITLED.finditer(text):
            end = match.end("more") if match["more"] and match["more"].title() in self._surnames else match.end("name")
            yield Finding(Kind.PERSON, match.start("name"), end, SAID)
        for match in _LOWER_SAID.finditer(text):
            given, surname = match["name"].title() in self._given, (match["more"] or "").title() in self._surnames
            if given or surname:
                yield Finding(Kind.PERSON, match.start("name"), match.end("more" if surname else "name"), SAID)
        for match in _LOWER_NAMING.finditer(text):
            more = match["more"] is not None and not self.is_word(match["more"])
            if more or not self.is_word(match["name"]):
                yield Finding(Kind.PERSON, match.start("name"), match.end("more" if more else "name"), SAID)
        for match in _LOWER_PAIR.finditer(text, overlapped=True):
            if match["name"].title() in self._given_alone and match["more"].title() in self._surnames:
                yield Finding(Kind.PERSON, match.start(), match.end(), SAID)


def recased(text: str, rules: NameRules) -> str:
    """The text as the model reads best, character for character: names get capitals where nobody writes them, shouting loses them.

    Empty for a text without a word. A text written as usual comes back as it is.
    """
    text = _SCATTERED.sub(lambda match: " " * len(match[0]), text)
    lower, upper = sum(map(str.islower, text)), sum(map(str.isupper, text))
    if not lower and not upper:
        return ""
    text = _APART.sub(r"\1\2  ", text)  # texts cut into words: Trump ' s
    if upper > 3 * lower and upper > 12:
        text = _WORDS.sub(lambda match: _less(match[0]), text)
    elif upper * 30 > lower:
        return text
    parts, done, named = [], 0, -2
    for match in _WORDS.finditer(text):
        title = _more(match[0], rules, behind_a_name=named + 1 == match.start())
        if title != match[0]:
            parts += [text[done : match.start()], title]
            done = match.end()
            named = done if rules.is_given_name(title) else -2
    return "".join([*parts, text[done:]])


def _less(word: str) -> str:
    return word.lower() if len(word.lower()) == len(word) else word


def _more(word: str, rules: NameRules, *, behind_a_name: bool) -> str:
    """With a capital when it is hardly anything but a name, or stands behind a given name and is no word at all."""
    if word.endswith(("'s", "’s")):
        return _more(word[:-2], rules, behind_a_name=behind_a_name) + word[-2:]
    title = word[:1].upper() + word[1:]
    if not word.islower() or len(word) < 3 or len(title) != len(word) or title in ENGLISH_WORDS or word in _SMALL:
        return word
    common = word in gazetteer.common_words("en_US")
    if behind_a_name and not rules.is_word(word):
        return title
    listed = rules.is_known(title) and not common
    return title if listed and (rules.is_given_name(title) or behind_a_name or not rules.is_word(word)) else word


def _end_of_name(tokens: Sequence[Token], place: int) -> int:
    """The last of at most four words that can belong to the name that begins at ``place``."""
    last = place
    while last + 1 < len(tokens) and last - place < 3 and tokens[last + 1][0] not in ENGLISH_NOT_NAMES:
        last += 1
    return last


def _written(word: str) -> str:
    """A word as the lists write it: KATHERINE is Katherine."""
    return word.title() if len(word) > 2 and word.isupper() else word


def is_firm(text: str, end: int) -> bool:
    """Whether the words before ``end`` go on as a firm's name: Thomas and Sons, Jones Ltd."""
    return _FIRM.match(text[end : end + 14]) is not None


def again(text: str, found: Sequence[Finding]) -> Iterator[Finding]:
    """Words of a person's name of two words and more, where they stand alone elsewhere in the text."""
    persons = [finding for finding in found if finding.kind is Kind.PERSON and finding.score >= INITIALED]
    words = {
        word
        for person in persons
        if len(parts := text[person.start : person.end].split()) > 1
        for word in (parts[0], parts[-1])
        if len(word) > 2 and word not in ENGLISH_WORDS
    }
    for word in words:
        at = text.find(word)
        while at >= 0:
            end = at + len(word)
            alone = not text[at - 1 : at].isalnum() and not text[end : end + 1].isalnum() and text[end : end + 1] != "@"
            if alone and not any(person.start < end and at < person.end for person in persons):
                yield Finding(Kind.PERSON, at, end, AGAIN)
            at = text.find(word, end)


def beside(text: str, found: Sequence[Finding]) -> Iterator[Finding]:
    """The other names of an enumeration in which at least half are persons: Monjeau, Graves and Reed."""
    persons = [finding for finding in found if finding.kind is Kind.PERSON]
    for match in _LISTED.finditer(text):
        spans = match.spans("one")
        known = [any(person.start < end and start < person.end for person in persons) for start, end in spans]
        if sum(known) * 2 >= len(spans) and not is_firm(text, match.end()):
            for (start, end), is_person in zip(spans, known, strict=True):
                if not is_person and end - start > 1 and text[start:end].split(maxsplit=1)[0] not in ENGLISH_NOT_NAMES:
                    yield Finding(Kind.PERSON, start, end, BESIDE)
