"""The words of a notice, and what they have to say: each field answers a point of Art. 13 and 14 (and Art. 12(1), in plain words).

`lint` names the points without an answer: such a notice is not published. `doubts` names answers that a reader may find wanting; whether
they do is for a person to judge, so that a doubt stops nobody. Pure: no database here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from governance.purposes.terms import Channel, LegalBasis, PurposeVersion

LANGUAGES: Final = ("en", "pl")


@dataclass(frozen=True, slots=True)
class NoticeText:
    """The words of a notice: each field answers the point that `POINTS` names beside it."""

    title: str
    body: str
    controller: str
    controller_contact: str
    dpo_contact: str
    legitimate_interests: str
    recipients: tuple[str, ...]
    transfers: str
    data_categories: tuple[str, ...]
    retention: str
    rights: str
    withdrawal: str
    complaint: str
    obligation: str
    automated_decisions: str
    source: str = ""
    """Where the data come from, when not from the person: then Art. 14 applies."""


FIELDS: Final = tuple(NoticeText.__dataclass_fields__)
LISTS: Final = ("recipients", "data_categories")

POINTS: Final = {
    "title": "Art. 12(1): a clear title",
    "body": "Art. 12(1): an explanation in plain words",
    "controller": "Art. 13(1)(a): who the controller is",
    "controller_contact": "Art. 13(1)(a): how to reach the controller",
    "dpo_contact": "Art. 13(1)(b): how to reach the data protection officer",
    "legitimate_interests": "Art. 13(1)(d): which legitimate interests",
    "recipients": "Art. 13(1)(e): recipients or their categories",
    "transfers": "Art. 13(1)(f): transfers to third countries, and by which safeguard",
    "data_categories": "Art. 14(1)(d): which categories of data",
    "retention": "Art. 13(2)(a): for how long",
    "rights": "Art. 13(2)(b): the person's rights",
    "withdrawal": "Art. 13(2)(c): that consent can be withdrawn, and how",
    "complaint": "Art. 13(2)(d): the right to complain to an authority",
    "obligation": "Art. 13(2)(e): whether the data must be given, and what follows if not",
    "automated_decisions": "Art. 13(2)(f): automated decisions, their logic and consequences",
    "source": "Art. 14(2)(f): from where the data come, when not from the person",
}
_ALWAYS: Final = frozenset(
    {
        "title",
        "body",
        "controller",
        "controller_contact",
        "dpo_contact",
        "recipients",
        "retention",
        "rights",
        "complaint",
    }
)

_EMPTY_WORDS: Final = re.compile(r"(todo|tbd|tba|n/?a|x{2,}|lorem ipsum.*|\W*)", re.IGNORECASE | re.DOTALL)

# What a text has to mention, in either language; stems, since Polish inflects.
_RIGHTS: Final = {
    "access (Art. 15)": r"access|\bsee\b|copy|dostęp|wgląd|zobacz|kopi",
    "rectification (Art. 16)": r"rectif|correct|popraw|sprostow",
    "erasure (Art. 17)": r"eras|delet|usun|skasow",
    "restriction (Art. 18)": r"restrict|pause|ogranicz|wstrzym",
    "portability (Art. 20)": r"portab|\btake\b|transfer|przenie|przenos|zabra",
    "objection (Art. 21)": r"object|sprzeciw",
}
_NEEDS: Final = {
    "portability (Art. 20)": frozenset({LegalBasis.CONSENT, LegalBasis.CONTRACT}),
    "objection (Art. 21)": frozenset({LegalBasis.LEGITIMATE_INTEREST, LegalBasis.PUBLIC_TASK}),
}
_AUTHORITY: Final = r"authorit|commission|office|ombuds|inspector|uodo|prezes|organ|urz[ęą]d|cnil|garante|edpb|\bico\b"
_PERIOD: Final = (
    r"\d|until|as long as|for as|week|month|year|day|dopóki|do czasu|do chwili|tak długo|tydz|miesi|lat\b|lata|rok|dni"
)
_SAFEGUARD: Final = (
    r"adequa|standard contract|contractual clauses|binding corporate|art(icle)?\.? ?4[5-9]|framework"
    r"|adekwatn|odpowiedni\w+ stop|standardow\w+ klauzul|wiążąc\w+ reguł"
)
_FAR: Final = (
    r"\busa\b|\bu\.s\.|united states|stan\w+ zjednoczon|\bindi[ae]|\bindii|\bchin|brazil|brazyli|united kingdom|zjednoczon\w+ królest"
    r"|ukrain|singap|japan|japoni|australi|outside the e(u|ea)\b|third countr|poza (eog|ue)\b|państw\w* trzeci"
)
_TELLING: Final = {
    "en": frozenset(
        {"the", "and", "of", "to", "you", "your", "we", "our", "is", "are", "for", "with", "this", "that", "in", "it"}
    ),
    "pl": frozenset(
        {"i", "w", "z", "na", "do", "się", "nie", "że", "to", "jest", "dla", "przez", "możesz", "oraz", "które", "od"}
    ),
}
_LONGEST_SENTENCE: Final = 40


def lint(text: NoticeText, language: str, purposes: Sequence[PurposeVersion]) -> list[tuple[str, str]]:
    """The points that the text does not answer, as (field, point). A placeholder is no answer."""
    bases = {purpose.legal_basis for purpose in purposes}
    values = asdict(text)
    needed = {
        "legitimate_interests": LegalBasis.LEGITIMATE_INTEREST in bases,
        "withdrawal": LegalBasis.CONSENT in bases,
        "obligation": LegalBasis.LEGAL_OBLIGATION in bases,
        "automated_decisions": any(Channel.PROFILING in purpose.channels for purpose in purposes),
        "transfers": _mentions(_FAR, *text.recipients),
        "data_categories": bool(text.source.strip()),
    }
    missing = [
        (field, point)
        for field, point in POINTS.items()
        if (field in _ALWAYS or needed.get(field, False)) and not _said(values[field])
    ]
    if not purposes:
        missing.append(("purposes", "Art. 13(1)(c): the purposes and their legal basis"))
    if language not in LANGUAGES:
        missing.append(("language", f"One of: {', '.join(LANGUAGES)}."))
    return missing


def doubts(text: NoticeText, language: str, purposes: Sequence[PurposeVersion]) -> list[tuple[str, str]]:
    """What a reader may miss in the answers, as (field, doubt), for somebody to look at before it is published."""
    return [
        *_rights(text, {purpose.legal_basis for purpose in purposes}),
        *_vague(text),
        *_hard_to_read(text, language),
    ]


def _rights(text: NoticeText, bases: set[LegalBasis]) -> Iterator[tuple[str, str]]:
    if not _said(text.rights):
        return
    for right, words in _RIGHTS.items():
        if _NEEDS.get(right, bases) & bases and not _mentions(words, text.rights):
            yield "rights", f"The right of {right} is not mentioned."


def _vague(text: NoticeText) -> Iterator[tuple[str, str]]:
    if _said(text.complaint) and not _mentions(_AUTHORITY, text.complaint):
        yield "complaint", "Which authority? (Art. 77)"
    if _said(text.retention) and not _mentions(_PERIOD, text.retention):
        yield "retention", "Neither a period nor what decides it."
    if _said(text.transfers) and not _mentions(_SAFEGUARD, text.transfers):
        yield "transfers", "By which safeguard? (Art. 45 to 49)"
    if not _said(text.data_categories):
        yield "data_categories", "People want to know which data."


def _hard_to_read(text: NoticeText, language: str) -> Iterator[tuple[str, str]]:
    words = re.findall(r"[^\W\d_]+", text.body.lower())
    other = "pl" if language == "en" else "en"
    if language in _TELLING and len(words) >= 6:
        own, foreign = (sum(word in _TELLING[one] for word in words) for one in (language, other))
        if foreign > own:
            yield "body", f"It does not read like {'English' if language == 'en' else 'Polish'}."
    longest = max((len(sentence.split()) for sentence in re.split(r"[.!?]\s", text.body)), default=0)
    if longest > _LONGEST_SENTENCE:
        yield "body", f"A sentence of {longest} words is hard to read (Art. 12(1))."


def _mentions(words: str, *texts: str) -> bool:
    return any(re.search(words, one, re.IGNORECASE) for one in texts)


def _said(value: Any) -> bool:
    texts = value if isinstance(value, (tuple, list)) else (value,)
    return any(not _EMPTY_WORDS.fullmatch(str(one).strip()) for one in texts)
