"""What a column holds, guessed from a sample of its values and from its name."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

from pseudonymize.detection import gazetteer, names_pl
from pseudonymize.detection.engine import find
from pseudonymize.detection.kinds import Kind
from pseudonymize.detection.patterns import as_written

SAMPLE = 1_000
MOST_SHARE = 0.5  # of the sampled values: from here on the column is of that kind
NOTED_SHARE = 0.02  # of the sampled values: personal data here and there
COVER = 0.8  # of a value's letters and digits: from here on the value is that thing, and does not just mention it
_WORDS_OF_TEXT = 4.0  # mean number of words from which a column is free text
_UNSURE = frozenset({Kind.PERSON, Kind.LOCATION, Kind.NRP, Kind.ADDRESS})  # a single word says little about these
_CODE = as_written(r"[\w\-]*\d[\w\-]*")

# What a column's name says, where values alone are ambiguous (a surname, a town, nine digits).
_NAMES: Sequence[tuple[Any, Kind]] = tuple(
    (as_written(rf"(?i)(?:^|[^\p{{L}}])(?:{words})(?:$|[^\p{{L}}])"), kind)
    for words, kind in (
        ("e-?mail(?:[ _-]?ad(?:d?)ress?e?)?|mail|почта|эл[ _]?почта", Kind.EMAIL),
        (
            "phone|mobile|cell|tel|telefon(?:nummer)?|telephone|kom[oó]rka|handy|mobil(?:nummer)?|телефон|тел|фон",
            Kind.PHONE,
        ),
        ("pesel", Kind.PL_PESEL),
        ("nip", Kind.PL_NIP),
        ("regon", Kind.PL_REGON),
        ("nr[ _]?dowodu|dow[oó]d(?:[ _]?osobisty)?", Kind.PL_ID_CARD),
        ("steuer[ _-]?id|idnr|steueridentifikationsnummer|tax[ _]?id[ _]?de", Kind.DE_TAX_ID),
        ("sozialversicherungsnummer|sv[ _-]?n(?:umme)?r", Kind.DE_SOCIAL_SECURITY),
        ("(?:personal)?ausweis(?:[ _-]?n(?:umme)?r)?", Kind.DE_ID_CARD),
        ("инн|inn", Kind.RU_INN),
        ("снилс|snils", Kind.RU_SNILS),
        ("паспорт", Kind.RU_PASSPORT),
        ("ssn|social[ _]?security(?:[ _]?number)?", Kind.US_SSN),
        ("iban|account[ _]?(?:no|number)|konto(?:nummer)?|rachunek|nr[ _]?rachunku|счёт|счет", Kind.IBAN),
        ("card[ _]?(?:no|number)|pan|kreditkarte|karta[ _]?kredytowa", Kind.CREDIT_CARD),
        ("ip|ip[ _]?address", Kind.IP_ADDRESS),
        ("license[ _]?plate|plate|kennzeichen|nr[ _]?rej(?:estracyjny)?|госномер", Kind.LICENSE_PLATE),
        (
            "(?:first|last|full|given|family|sur|middle)[ _]?name|surname|name|imi[eę]|nazwisko|customer|vorname|nachname|kunde|фио|имя",
            Kind.PERSON,
        ),
        ("address|street|adres|ulica|addr|adresse|stra(?:ß|ss)e|anschrift|адрес|улица", Kind.ADDRESS),
        ("post[ _]?code|zip|zip[ _]?code|postal[ _]?code|kod[ _]?pocztowy|plz|postleitzahl|индекс", Kind.ADDRESS),
        ("фамилия|отчество|client|klient", Kind.PERSON),
        ("city|town|country|place|miasto|kraj|stadt|ort|land|город|страна", Kind.LOCATION),
        (
            "birth|born|dob|birth[ _]?date|date[ _]?of[ _]?birth|data[ _]?urodzenia|geburtsdatum|geburtstag|дата[ _]?рождения",
            Kind.DATE_TIME,
        ),
    )
)
NAMED_ALONE = 0.5
"""How sure a column's name makes us whose values say nothing."""
AGREED = 0.95
"""How sure we are at least when values and name say the same."""


@dataclass(frozen=True)
class ColumnGuess:
    """What a column seems to hold.

    ``kind``: of most values, or None. ``share``: of the sampled values that are of that kind. ``free_text``: the values are
    sentences; then ``kind`` is None and ``mentions`` counts. ``mentions``: share of sampled values in which each kind was found,
    whole or in part. ``by_name``: the kind that the column's name says. ``sampled``: how many distinct values were looked at.
    ``confidence``: how sure the guess is, 0 to 1; from values alone it is what share of the whole column's values the sample lets
    us count on at least (Wilson score, 95 %), and a few values are little evidence.
    """

    kind: Kind | None
    share: float
    free_text: bool
    mentions: Mapping[Kind, float]
    by_name: Kind | None
    sampled: int
    confidence: float = 0.0

    @property
    def personal(self) -> bool:
        """Whether the column needs a transform, as far as the sample shows."""
        return self.kind is not None or any(share >= NOTED_SHARE for share in self.mentions.values())


def classify_column(values: Any, *, name: str = "", language: str = "en", sample: int = SAMPLE) -> ColumnGuess:
    """Guess a column's kind. ``values``: an Arrow column or a sequence; numbers and dates count as their text, nulls not.

    At most ``sample`` distinct values are looked at, the same ones each time. A guess is no proof: a kind that is rarer than
    one value in ``sample`` goes unseen. Raises LanguageNotSupported.
    """
    chosen = _sample(values, sample)
    by_name = next((kind for pattern, kind in _NAMES if pattern.search(name)), None)
    if not chosen:
        return ColumnGuess(by_name, 0.0, False, {}, by_name, 0, NAMED_ALONE if by_name else 0.0)
    whole: Counter[Kind] = Counter()
    mentioned: Counter[Kind] = Counter()
    for value, findings in zip(chosen, find(chosen, language), strict=True):
        mentioned.update({finding.kind for finding in findings})
        for kind in {finding.kind for finding in findings}:
            covered = sum(_size(value[f.start : f.end]) for f in findings if f.kind is kind)
            whole[kind] += covered >= COVER * _size(value)
    persons = sum(map(_is_name, chosen))
    whole[Kind.PERSON] = max(whole[Kind.PERSON], persons)
    mentions = {kind: count / len(chosen) for kind, count in mentioned.items()}
    likeliest, count = max(whole.items(), key=lambda item: (item[1], item[0] is by_name))
    share = count / len(chosen)
    free_text = share < MOST_SHARE and sum(len(value.split()) for value in chosen) / len(chosen) >= _WORDS_OF_TEXT
    named = by_name if by_name is not None and not free_text and _may_be(by_name, chosen) else None
    size = len(chosen)
    if share >= MOST_SHARE and not (likeliest in _UNSURE and named is not None and named in _UNSURE):
        sure = _at_least(count, size)
        return ColumnGuess(
            likeliest, share, False, mentions, by_name, size, max(sure, AGREED) if likeliest is by_name else sure
        )
    # The name decides only what the values leave open: a number called e-mail is none.
    count = whole[named] if named else 0
    noted = max(mentioned.values(), default=0)
    # That texts mention people is sure once a few do; that none does, as far as the sample reaches.
    alone = AGREED if noted / size >= NOTED_SHARE else _at_least(size - noted, size)
    sure = max(_at_least(count, size), NAMED_ALONE) if named else alone
    return ColumnGuess(named, count / size, free_text, mentions, by_name, size, sure)


def _at_least(count: int, size: int) -> float:
    """The lower bound of a share of which ``count`` in ``size`` were seen (Wilson score, 95 %)."""
    share, z = count / size, 1.96
    centre = share + z * z / (2 * size)
    spread = z * sqrt(share * (1 - share) / size + z * z / (4 * size * size))
    return max(0.0, (centre - spread) / (1 + z * z / size))


def _sample(values: Any, size: int) -> list[str]:
    listed = values.unique().to_pylist() if hasattr(values, "unique") and hasattr(values, "to_pylist") else values
    texts = list(dict.fromkeys(text for value in listed if value is not None and (text := str(value).strip())))
    return texts if len(texts) <= size else random.Random(0).sample(texts, size)  # noqa: S311  a sample, not a secret


def _size(text: str) -> int:
    return sum(map(str.isalnum, text))


def _is_name(value: str) -> bool:
    """Whether the value is a given name, a surname, or both, and nothing else."""
    words = [word for word in value.replace(",", " ").split() if len(word.strip(".")) > 1]
    return 1 <= len(words) <= 4 and all(
        word.title() in gazetteer.given_names(gazetteer.LATIN_LOCALES)
        or word.title() in gazetteer.surnames(gazetteer.LATIN_LOCALES)
        or names_pl.is_name(word.title())
        for word in words
    )


def _may_be(kind: Kind, values: Sequence[str]) -> bool:
    """Whether the values can be of a kind that only the column's name says: names have letters, numbers have digits."""
    coded = sum(1 for value in values if _CODE.fullmatch(value)) / len(values)
    if kind is Kind.EMAIL:
        return any("@" in value for value in values)
    if kind in {Kind.PERSON, Kind.LOCATION}:
        return coded < MOST_SHARE
    if kind is Kind.ADDRESS:
        return True
    return any(any(map(str.isdigit, value)) for value in values)
