"""Persons and places in Russian texts: natasha's small model, and pymorphy's dictionary for names that the model leaves out.

Both ship as packages. The model was trained on news: it knows names in all cases, and is unsure of names alone, in lower case and
with initials; the dictionary tags given names, patronymics and surnames in every form.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any

from pseudonymize.detection.kinds import Finding, Kind
from pseudonymize.detection.patterns import as_written, expression

MODEL, FULL, TITLED, BESIDE, GIVEN, PLACE, SHAPED = 0.85, 0.9, 0.8, 0.75, 0.65, 0.6, 0.5

_REMEMBERED = 50_000  # word forms
_CAPITAL = as_written(r"[А-ЯЁ]")
_CYRILLIC = as_written(r"[А-Яа-яЁё]")
_PART = r"[А-ЯЁ][а-яё]+|[А-ЯЁ]{2,}"
_WORD = rf"(?:{_PART})(?:-(?:{_PART}))?"
_INITIALS = r"[А-ЯЁ]\.[ ]?(?:[А-ЯЁ]\.)?"
_SEQUENCE = expression(rf"(?<![\w@./#]) (?:{_WORD}) (?: [ \u00a0]+ (?:{_WORD}) ){{0,4}} (?![\w@])")
_TOKEN = as_written(_WORD)
_WITH_INITIALS = expression(
    rf"(?<![\w.]) (?: {_INITIALS} [ ]? (?P<behind>{_WORD}) | (?P<before>{_WORD}) [ ] {_INITIALS} ) (?!\w)"
)
_SAID = expression(
    r"(?<![а-яё]) (?: господин(?:а|у|ом)?|госпож[аиеуой]+|г-н(?:а|у|ом)?|г-ж[аиеуой]+|гражданин(?:а|у|ом)?|"
    r"гражданк[аиеуой]+|уважаем\w+|дорог(?:ой|ая)|"
    r"меня[ ]зовут|моё[ ]имя|мое[ ]имя|я[ ]-|это|клиент\w*|покупател\w*|заказчи\w*|получател\w*|отправител\w*|менеджер\w*|курьер\w*|"
    r"врач\w*|доктор\w*|директор\w*|сотрудни\w*|коллег\w*|друг\w*|подруг\w*|муж\w*|жен[аыеуой]+|сын\w*|доч\w+|брат\w*|сестр\w*|мам[аыеуой]+|"
    r"фио|ф\.и\.о\.|имя|фамилия|контакт\w*|подписал\w*|подпись|привет|здравствуйте|спасибо|с[ ]уважением )"
    r" \s? [,:—–-]? \s* $",
    any_case=True,
)
_NAMED = expression(
    r"(?<!от[ ]) (?<![а-яё]) (?: улиц\w*|ул\.|проспект\w*|пр\.|пр-т\w*|площад\w+|пл\.|переул\w+|пер\.|бульвар\w*|"
    r"наб\.|набережн\w+|шоссе|метро|станци\w+|имени|им\.|"
    r"памятник\w*|парк\w*|школ\w*|музе\w+|театр\w*|марк\w+|модел\w+|коллекци\w+|сери\w+|бренд\w*|магазин\w*|салон\w*|ресторан\w*|кафе|отел\w+|"
    r"диван\w*|кресл\w+|стул\w*|стол\w*|крем\w*|шампун\w*|духи|платье|сумк\w+|шоколад\w*|конфет\w+|торт\w*|"
    r"фильм\w*|книг\w+|роман\w*|песн\w+ )"
    r" [ ]* [«\"„]? $",
    any_case=True,
)
_QUOTED = as_written(r"[«\"„“]$")
_DAY = as_written(r"\d[ ]$")
_NEXT = as_written(r"[ ]+(?:не )?([а-яё]+)")
_PATRONYMIC = as_written(r"(?:ович|евич|ьич|ич)(?:а|у|ем|ом|е)?$|(?:овн|евн|ичн|иничн)(?:а|ы|е|у|ой|ою)$")
_SURNAME = as_written(
    r".{2,}(?:ов|ев|ёв|ин|ын)(?:а|у|ым|е|ой|ых|ы|ыми)?$|.{2,}[сц]к(?:ий|ого|ому|им|ом|ая|ой|ую|их|ими|ие)$|.{3,}(?:енко|ук|юк|чук|дзе|швили|ян)(?:а|у|ом|е)?$"
)
_LOWER_SAID = as_written(
    r"(?<![а-яё])(?:меня зовут|зовут|господин|госпожа|уважаем\w+|имя|фио)[ :,]+([а-яё]{3,})(?: ([а-яё]{3,}))?(?: ([а-яё]{4,}))?"
)


@dataclass(frozen=True, slots=True)
class Word:
    """A word form: whether it can be a given name, a patronymic, a surname, a place, a frequent word or any.

    ``likely``: what it is most often is a part of a person's name.
    """

    given: bool
    patronymic: bool
    surname: bool
    place: bool
    common: bool
    word: bool
    likely: bool
    known: bool

    @property
    def name(self) -> bool:
        """Whether it can be any part of a person's name."""
        return self.given or self.patronymic or self.surname


class RussianNames:
    """Finds what needs a language model in Russian texts."""

    def __init__(self) -> None:
        # Not natasha.MorphVocab: its dictionary package does not run on this Python, and nothing here needs it.
        from natasha import NewsEmbedding, NewsNERTagger

        self._tagger: Any = NewsNERTagger(NewsEmbedding())

    def find(self, texts: Sequence[str]) -> Iterator[list[Finding]]:
        """The findings of each text, in order."""
        written = [text for text in texts if _able(text)]
        marked = self._tagger.map(written)
        for text in texts:
            if _able(text):
                spans = list(_of_model(text, next(marked).spans))
                persons = [finding for finding in spans if finding.kind is Kind.PERSON]
                yield [*spans, *_of_rules(text, [finding for finding in spans if finding not in persons])]
            else:
                yield list(_uncapitalised(text)) if _CYRILLIC.search(text) is not None else []


def _able(text: str) -> bool:
    """Whether the model can say anything: it goes by capitals."""
    return _CAPITAL.search(text) is not None


def _of_model(text: str, spans: Sequence[Any]) -> Iterator[Finding]:
    for span in spans:
        start, end = span.start, span.stop
        if span.type == "PER":
            before = text[max(0, start - 24) : start]
            single = " " not in text[start:end].strip()
            if _NAMED.search(before) or (single and (_QUOTED.search(before) or not _may_be_alone(text, start, end))):
                continue
            yield Finding(Kind.PERSON, start + _verb_before(text[start:end]), end, MODEL)
        elif span.type == "LOC":
            yield Finding(Kind.LOCATION, start, end, PLACE)


def _verb_before(words: str) -> int:
    """How many characters of the model's person are a word before the name: Передайте Лене."""
    first, _, rest = words.partition(" ")
    known = word(first)
    return len(first) + 1 if rest and known.known and known.word and not known.name else 0


def _may_be_alone(text: str, start: int, end: int) -> bool:
    """Whether one word that the model takes for a person can be one.

    Not when the dictionary knows it only as something else; and not a word as well as a name (a rose, a novel) that opens a
    sentence without doing anything.
    """
    known = word(text[start:end].capitalize())
    before = text[max(0, start - 4) : start].rstrip(' «"—–-')
    if known.word and (not before or before[-1] in ".!?\n"):
        behind = _NEXT.match(text[end : end + 30])
        if behind is None or not _is_verb(behind[1]):
            return False
    return known.name or not known.known


def _is_verb(form: str) -> bool:
    return bool(_dictionary().parse(form)[0].tag.POS == "VERB")


_NAMES = frozenset({"Name", "Surn", "Patr", "Geox", "Orgn", "Trad"})


@lru_cache(maxsize=_REMEMBERED)
def word(form: str) -> Word:
    """What a form can be."""
    readings = _dictionary().parse(form.rsplit("-", 1)[-1])
    tags = [reading.tag for reading in readings]
    given, surname = any("Name" in tag for tag in tags), any("Surn" in tag for tag in tags)
    patronymic = any("Patr" in tag for tag in tags) or (_PATRONYMIC.search(form) is not None and len(form) > 6)
    known = any(reading.is_known for reading in readings)
    first = readings[0]
    return Word(
        given=given and known,
        patronymic=patronymic,
        surname=surname,
        place=any("Geox" in tag for tag in tags),
        common=any(
            not _NAMES & tag.grammemes and reading.score > 0.1 for tag, reading in zip(tags, readings, strict=True)
        )
        and known,
        word=known and any(not _NAMES & tag.grammemes for tag in tags),
        likely=bool({"Name", "Surn", "Patr"} & first.tag.grammemes),
        known=known,
    )


@cache
def _dictionary() -> Any:
    import pymorphy3

    return pymorphy3.MorphAnalyzer()


def _of_rules(text: str, others: Sequence[Finding]) -> Iterator[Finding]:
    """Persons by the dictionary: names that stand together, with initials, after what people say, and alone."""
    for match in _WITH_INITIALS.finditer(text):
        name = match["behind"] or match["before"]
        known = word(name.capitalize())
        if known.surname or not known.known or _SURNAME.match(name):
            yield Finding(Kind.PERSON, match.start(), match.end(), FULL)
    for sequence in _SEQUENCE.finditer(text):
        before = text[max(0, sequence.start() - 32) : sequence.start()]
        if _NAMED.search(before):
            continue
        tokens = [
            (match.start(), match.end(), match[0].capitalize() if match[0].isupper() else match[0])
            for match in _TOKEN.finditer(text, *sequence.span())
        ]
        said = _SAID.search(before) is not None
        alone_ok = not _QUOTED.search(before) and not _DAY.search(before)
        opens = not before.rstrip(' «"—–-') or before.rstrip(' «"—–-')[-1] in ".!?\n:;"
        for first, last, score in _runs([token[2] for token in tokens], said=said, opens=opens):
            start, end = tokens[first][0], tokens[last][1]
            if first == last and (
                not alone_ok
                or text[start:end].isupper()
                or any(other.start <= start and end <= other.end for other in others)
            ):
                continue
            yield Finding(Kind.PERSON, start, end, score)


def _runs(words: Sequence[str], *, said: bool, opens: bool) -> Iterator[tuple[int, int, float]]:
    """(first, last, score) of names among capitalised words that stand together."""
    place = 0
    while place < len(words):
        known = word(words[place])
        last = place
        while last + 1 < len(words) and last - place < 2 and _goes_on(words[last + 1]):
            last += 1
        ordinary = opens and place == 0 and known.common and not known.likely
        if last > place and (known.name or not known.known) and not ordinary and _is_person(words[place : last + 1]):
            yield place, last, FULL
            place = last + 1
            continue
        if known.given and known.likely and not (opens and place == 0 and not said and known.word):
            yield place, place, TITLED if said else GIVEN
        elif said and place == 0 and (known.name or (not known.known and _SURNAME.match(words[place]))):
            yield place, place, TITLED
        elif (
            not opens
            and place == 0
            and len(words) == 1
            and known.surname
            and known.likely
            and not known.common
            and not known.place
        ):
            yield place, place, SHAPED
        place += 1


def _goes_on(form: str) -> bool:
    known = word(form)
    return known.name or (not known.known and _SURNAME.match(form) is not None) or (not known.known and len(form) > 2)


def _is_person(words: Sequence[str]) -> bool:
    """Whether words are a given name with a surname or patronymic, in either order."""
    known = [word(form) for form in words]
    given = sum(one.given for one in known)
    other = sum(one.patronymic or one.surname or not one.known for one in known)
    return given > 0 and (other > 0 and len(words) > 1) and any(one.likely for one in known)


def _uncapitalised(text: str) -> Iterator[Finding]:
    """Persons in a text without capitals: behind a saying, and a given name beside a surname or patronymic."""
    for match in _LOWER_SAID.finditer(text):
        last = 0
        for group in (1, 2, 3):
            if match[group] is None or not word(match[group].capitalize()).name:
                break
            last = group
        if last:
            yield Finding(Kind.PERSON, match.start(1), match.end(last), TITLED)
    words = list(_LOWER_WORDS.finditer(text))
    for one, two in pairwise(words):
        if two.start() - one.end() == 1:
            first, second = word(one[0].capitalize()), word(two[0].capitalize())
            if (first.given and first.likely and (second.surname or second.patronymic) and second.likely) or (
                first.surname and first.likely and second.given and second.likely
            ):
                yield Finding(Kind.PERSON, one.start(), two.end(), BESIDE)


_LOWER_WORDS = as_written(r"(?<![\w@.#/])[а-яё]{3,}(?![\w@])")
