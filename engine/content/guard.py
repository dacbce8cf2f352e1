"""The guard at the way out: text that many people will get is read by detection before it is published.

Detection finds kinds of personal data by pattern, checksum and, for names, a language model; names of firms and products can look like
people. A marketer lists such phrases as `reviewed`; they stay visible in the version's log entry as a count, and a value with a
pattern or a checksum (an address, a number) cannot be excused.
"""

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from engine.content.errors import PersonalDataInTemplate
from pseudonymize import detection
from pseudonymize.detection import DIRECT, Kind

# What points at one person by itself, or was not examined to the end. An address of a page is part of most messages.
PERSONAL: Final = DIRECT - {Kind.URL}
_EXCUSABLE: Final = frozenset({Kind.PERSON})
_TAG = re.compile(r"<(?:[^<>\"']|\"[^\"]*\"|'[^']*')*>")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a finding lies: which field, from which character, of which kind. Never what it says."""

    field: str
    start: int
    kind: str


def inspect(fields: Mapping[str, str], language: str, *, reviewed: Iterable[str] = ()) -> list[Place]:
    """What looks like personal data in these texts, apart from the controller's own name and contact details."""
    names = list(fields)
    texts = [_visible(fields[name]) for name in names]
    known = {phrase.casefold() for phrase in reviewed}
    public = [contact.casefold() for contact in _our_contacts()]
    places = []
    for name, text, findings in zip(names, texts, detection.find(texts, language), strict=True):
        for finding in findings:
            found = text[finding.start : finding.end].casefold()
            if finding.kind not in PERSONAL or any(found in contact for contact in public):
                continue
            if finding.kind in _EXCUSABLE and found.strip() in known:
                continue
            places.append(Place(name, finding.start, finding.kind.value))
    return places


def refuse_personal_data(fields: Mapping[str, str], language: str, *, reviewed: Iterable[str] = ()) -> None:
    """Raise PersonalDataInTemplate when a text holds what looks like somebody's data."""
    if places := inspect(fields, language, reviewed=reviewed):
        raise PersonalDataInTemplate(
            "Take the personal data out, or use a slot.",
            findings=[{"pointer": f"/{place.field}", "at": place.start, "kind": place.kind} for place in places],
        )


def _our_contacts() -> list[str]:
    return [
        settings.ZGODA_DPO_CONTACT,
        settings.DEFAULT_FROM_EMAIL,
        settings.ZGODA_CONTROLLER,
        settings.ZGODA_PUBLIC_URL,
    ]


def _visible(text: str) -> str:
    """The text that people read, with attribute values kept: an address can hide in a link."""
    attributes = " ".join(re.findall(r"(?:href|src|alt|title)\s*=\s*[\"']([^\"']*)", text))
    return html.unescape(_TAG.sub(" ", text)) + ("\n" + html.unescape(attributes) if attributes else "")
