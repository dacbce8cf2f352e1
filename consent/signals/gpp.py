"""GPP strings of the IAB Global Privacy Platform: a header that lists sections, and the sections, joined by tildes.

Source: IAB Tech Lab, "Global Privacy Platform String", version 1. Sections that are not known here are kept as text: a reader of one
jurisdiction's section must not stumble over another's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, assert_never

from consent.signals import sections, tcf
from consent.signals.bits import MAX_CHARACTERS, Ids, Reader, Writer
from consent.signals.errors import SignalInvalid, SignalMalformed
from consent.signals.sections import TcfCanada, UsPrivacy, UsSection
from consent.signals.tcf import TCString

TYPE: Final = 3
VERSION: Final = 1
TCF_EU, TCF_CANADA, US_PRIVACY = 2, 5, 6
_MOST_SECTIONS: Final = 64
_FIRST_VERSION: Final = "B"  # six bits that say 1

Section = TCString | TcfCanada | UsPrivacy | UsSection | str
"""A section as read; text when it is of a kind that is not known here."""


def decode(text: str) -> Mapping[int, Section]:
    """The sections by their numbers, ascending. Raises SignalMalformed when the header or any known section cannot be read."""
    if len(text) > MAX_CHARACTERS:
        raise SignalMalformed("The text is too long.")
    header, *bodies = text.split("~")
    listed = _header(header)
    if len(listed) != len(bodies):
        raise SignalMalformed("The header lists other sections than there are.")
    return {section: _read(section, body) for section, body in zip(listed, bodies, strict=True)}


def encode(given: Mapping[int, Section]) -> str:
    """A GPP string of these sections, in order of their numbers. Raises SignalInvalid."""
    header = Writer().integer(TYPE, 6).integer(VERSION, 6).fibonacci_ranges(Ids.of(given)).text(8)
    return "~".join([header, *(_write(section, given[section]) for section in sorted(given))])


@dataclass(frozen=True, slots=True)
class Heard:
    """What a GPP string says about sale, sharing and targeted advertising in one jurisdiction."""

    section: str
    jurisdiction: str
    opted_out: bool
    gpc: bool


def opt_outs(given: Mapping[int, Section]) -> list[Heard]:
    """What the US sections say, in order."""
    heard = []
    for number, section in given.items():
        if isinstance(section, UsSection):
            layout = section.layout
            heard.append(Heard(layout.name, layout.jurisdiction, section.opted_out, section.gpc is True))
        elif isinstance(section, UsPrivacy):
            heard.append(Heard(sections.NAMES[number], "US-CA", section.opt_out_sale == "Y", gpc=False))
    return heard


def _header(text: str) -> list[int]:
    reader = Reader(text)
    if (reader.integer(6), reader.integer(6)) != (TYPE, VERSION):
        raise SignalMalformed("Not the header of a GPP string of version 1.")
    listed = reader.fibonacci_ranges()
    reader.finish()
    if len(listed) > _MOST_SECTIONS:
        raise SignalMalformed("No string has so many sections.")
    return list(listed)


def _read(section: int, body: str) -> Section:
    if section == TCF_EU:
        return tcf.decode(body)
    if section == TCF_CANADA:
        # Drafts of that framework counted differently; what they wrote gives no permission, so it can stand as text.
        return sections.read_canada(body) if body.startswith(_FIRST_VERSION) else body
    if section == US_PRIVACY:
        return sections.read_usp(body)
    if section in sections.US_IDS:
        return sections.read_us(section, body)
    return body


def _write(number: int, section: Section) -> str:
    match section:
        case TCString():
            expected, text = TCF_EU, tcf.encode(section)
        case TcfCanada():
            expected, text = TCF_CANADA, sections.write_canada(section)
        case UsPrivacy():
            expected, text = US_PRIVACY, sections.write_usp(section)
        case UsSection():
            expected, text = section.layout.id, sections.write_us(section)
        case str():
            expected, text = number, section
            known = number in sections.NAMES and (number != TCF_CANADA or text.startswith(_FIRST_VERSION))
            if known or "~" in text:
                raise SignalInvalid("Write a known section from its fields.")
        case _:
            assert_never(section)
    if expected != number:
        raise SignalInvalid("The section stands under another number.")
    return text
