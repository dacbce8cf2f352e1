"""The sections of a GPP string besides TCF EU: US Privacy, the US national and state sections, and TCF Canada.

Source: IAB Tech Lab, Global Privacy Platform, folder Sections. A US section is a table of two-bit fields behind a version of six bits
(0 not applicable, 1 yes, 2 no), with a small segment after the dot for Global Privacy Control or for consents to sensitive data. The
tables below are the specification; one reader and one writer serve them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from consent.signals.bits import NONE, Ids, Reader, Writer
from consent.signals.errors import SignalInvalid, SignalMalformed
from consent.signals.tcf import FEATURE_BITS, PURPOSE_BITS, Restriction, RestrictionType

Values = tuple[int, ...]
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DECISECOND: Final = timedelta(milliseconds=100)
_GPC, _SENSITIVE = "gpc", "sensitive_data_consent"

# Groups of fields as several sections have them: (name, how many two-bit values).
_SALE_AND_ADS: Final = (
    ("sale_opt_out_notice", 1),
    ("targeted_advertising_opt_out_notice", 1),
    ("sale_opt_out", 1),
    ("targeted_advertising_opt_out", 1),
)
_MSPA: Final = (
    ("mspa_covered_transaction", 1),
    ("mspa_opt_out_option_mode", 1),
    ("mspa_service_provider_mode", 1),
)


@dataclass(frozen=True, slots=True)
class Layout:
    """A US section: its number and name in GPP, the jurisdiction, its version, the fields in order and the kind of the last segment."""

    id: int
    name: str
    jurisdiction: str
    fields: tuple[tuple[str, int], ...]
    version: int = 1
    extra: str = _GPC
    sensitive: int = 0
    """How many values the segment of consents to sensitive data has."""


def _state(
    id: int,
    code: str,
    *,
    sensitive: int,
    children: int,
    notice: str = "processing_notice",
    additional: bool = True,
    extra: str = _GPC,
) -> Layout:
    fields = (
        (notice, 1),
        *_SALE_AND_ADS,
        ("sensitive_data_processing", sensitive),
        ("known_child_sensitive_data_consents", children),
        *((("additional_data_processing_consent", 1),) if additional else ()),
        *_MSPA,
    )
    return Layout(id, f"us{code.lower()}", f"US-{code}", fields, extra=extra)


def _later(id: int, code: str, *, children: bool, extra: str, sensitive: int = 0) -> Layout:
    """The states that joined in 2026 begin with the agreement between the parties (MSPA)."""
    fields = (
        ("mspa_covered_transaction", 1),
        ("mspa_mode", 1),
        ("processing_notice", 1),
        *_SALE_AND_ADS,
        *((("known_child_sensitive_data_consents", 1),) if children else ()),
        ("additional_data_processing_consent", 1),
    )
    return Layout(id, f"us{code.lower()}", f"US-{code}", fields, extra=extra, sensitive=sensitive)


def _national(version: int, sensitive: int, children: int) -> Layout:
    fields = (
        ("sharing_notice", 1),
        ("sale_opt_out_notice", 1),
        ("sharing_opt_out_notice", 1),
        ("targeted_advertising_opt_out_notice", 1),
        ("sensitive_data_processing_opt_out_notice", 1),
        ("sensitive_data_limit_use_notice", 1),
        ("sale_opt_out", 1),
        ("sharing_opt_out", 1),
        ("targeted_advertising_opt_out", 1),
        ("sensitive_data_processing", sensitive),
        ("known_child_sensitive_data_consents", children),
        ("personal_data_consents", 1),
        *_MSPA,
    )
    return Layout(7, "usnat", "US", fields, version)


_CALIFORNIA: Final = Layout(
    8,
    "usca",
    "US-CA",
    (
        ("sale_opt_out_notice", 1),
        ("sharing_opt_out_notice", 1),
        ("sensitive_data_limit_use_notice", 1),
        ("sale_opt_out", 1),
        ("sharing_opt_out", 1),
        ("sensitive_data_processing", 9),
        ("known_child_sensitive_data_consents", 2),
        ("personal_data_consents", 1),
        *_MSPA,
    ),
)
_IOWA: Final = Layout(
    18,
    "usia",
    "US-IA",
    (
        ("processing_notice", 1),
        ("sale_opt_out_notice", 1),
        ("targeted_advertising_opt_out_notice", 1),
        ("sensitive_data_opt_out_notice", 1),
        ("sale_opt_out", 1),
        ("targeted_advertising_opt_out", 1),
        ("sensitive_data_processing", 8),
        ("known_child_sensitive_data_consents", 1),
        *_MSPA,
    ),
)
_UTAH: Final = Layout(
    11,
    "usut",
    "US-UT",
    (
        ("sharing_notice", 1),
        ("sale_opt_out_notice", 1),
        ("targeted_advertising_opt_out_notice", 1),
        ("sensitive_data_processing_opt_out_notice", 1),
        ("sale_opt_out", 1),
        ("targeted_advertising_opt_out", 1),
        ("sensitive_data_processing", 8),
        ("known_child_sensitive_data_consents", 1),
        *_MSPA,
    ),
    extra="",
)
_NATIONAL_WIDE: Final = _national(1, 16, 3)
"""The fields of version 2 under the number 1, as the reference implementation wrote them until it counted up."""
_WIDE_NATIONAL_BITS: Final = 70
_LAYOUTS: Final = (
    _national(1, 12, 2),
    _national(2, 16, 3),
    _CALIFORNIA,
    _state(9, "VA", sensitive=8, children=1, notice="sharing_notice", additional=False, extra=""),
    _state(10, "CO", sensitive=7, children=1, notice="sharing_notice", additional=False),
    _UTAH,
    _state(12, "CT", sensitive=8, children=3, notice="sharing_notice", additional=False),
    _state(13, "FL", sensitive=8, children=3, extra=""),
    _state(14, "MT", sensitive=8, children=3, notice="sharing_notice"),
    _state(15, "OR", sensitive=11, children=3),
    _state(16, "TX", sensitive=8, children=1),
    _state(17, "DE", sensitive=9, children=5),
    _IOWA,
    _state(19, "NE", sensitive=8, children=1),
    _state(20, "NH", sensitive=8, children=3),
    _state(21, "NJ", sensitive=10, children=5),
    _state(22, "TN", sensitive=8, children=1),
    _state(23, "MN", sensitive=8, children=1),
    _later(24, "MD", children=False, extra=_GPC),
    _later(25, "IN", children=True, extra=_SENSITIVE, sensitive=8),
    _later(26, "KY", children=True, extra=_SENSITIVE, sensitive=8),
    _later(27, "RI", children=True, extra=_SENSITIVE, sensitive=8),
)
US: Final[Mapping[tuple[int, int], Layout]] = {(one.id, one.version): one for one in _LAYOUTS}
US_IDS: Final = frozenset(one.id for one in _LAYOUTS)
NAMES: Final[Mapping[int, str]] = {2: "tcfeuv2", 5: "tcfcav1", 6: "uspv1"} | {one.id: one.name for one in _LAYOUTS}


@dataclass(frozen=True, slots=True)
class UsSection:
    """A US national or state section. `values` has every field of its layout; `gpc` is None where that segment is not there."""

    layout: Layout
    values: Mapping[str, Values]
    gpc: bool | None = None
    sensitive_consents: Values | None = None

    @property
    def opted_out(self) -> bool:
        """Whether the person said no to sale, sharing or targeted advertising."""
        fields = ("sale_opt_out", "sharing_opt_out", "targeted_advertising_opt_out")
        return any(self.values.get(name) == (1,) for name in fields)


@dataclass(frozen=True, slots=True)
class UsPrivacy:
    """The US Privacy string (deprecated, still in use): each field is Y, N or -."""

    notice: str
    opt_out_sale: str
    lspa_covered: str


@dataclass(frozen=True, slots=True)
class TcfCanada:
    """TCF Canada, version 1. Its ranges are Fibonacci codes; express consent is a yes, implied consent is not."""

    created: datetime
    updated: datetime
    cmp_id: int
    cmp_version: int
    consent_screen: int
    language: str
    vendor_list_version: int
    policy_version: int
    non_standard_stacks: bool = False
    special_features: Ids = NONE
    purposes_express: Ids = NONE
    purposes_implied: Ids = NONE
    vendors_express: Ids = NONE
    vendors_implied: Ids = NONE
    restrictions: tuple[Restriction, ...] = ()
    disclosed: Ids | None = None
    publisher_express: Ids | None = None
    publisher_implied: Ids | None = None
    custom_purposes: int = 0
    custom_express: Ids = field(default=NONE)
    custom_implied: Ids = field(default=NONE)


def read_us(section: int, text: str) -> UsSection:
    """A US national or state section. Raises SignalMalformed."""
    core, *others = text.split(".")
    reader = Reader(core)
    version = reader.integer(6)
    layout = US.get((section, version))
    if layout is None:
        raise SignalMalformed("That version of the section is not known.")
    if layout.id == 7 and version == 1 and reader.length >= _WIDE_NATIONAL_BITS:
        layout = _NATIONAL_WIDE
    values = {name: _values(reader, count) for name, count in layout.fields}
    reader.finish()
    if values["mspa_covered_transaction"] == (0,):
        raise SignalMalformed("mspa_covered_transaction is yes or no.")
    if len(others) > 1 or (others and not layout.extra):
        raise SignalMalformed("There is no such segment in this section.")
    gpc, sensitive = None, None
    if others and layout.extra == _GPC:
        gpc = _read_gpc(Reader(others[0]))
    elif others:
        extra = Reader(others[0])
        sensitive = _values(extra, layout.sensitive)
        extra.finish()
    return UsSection(layout, values, gpc, sensitive)


def write_us(section: UsSection) -> str:
    """The section as text. Raises SignalInvalid for values that its layout does not have."""
    layout = section.layout
    if set(section.values) != {name for name, _ in layout.fields}:
        raise SignalInvalid("Name every field of the section and no other.")
    writer = Writer().integer(layout.version, 6)
    for name, count in layout.fields:
        _write_values(writer, section.values[name], count)
    if section.values["mspa_covered_transaction"] == (0,):
        raise SignalInvalid("mspa_covered_transaction is yes or no.")
    text = writer.text(8)
    if section.gpc is not None:
        if layout.extra != _GPC:
            raise SignalInvalid("The section has no place for Global Privacy Control.")
        text += "." + Writer().integer(1, 2).flag(section.gpc).text(8)
    if section.sensitive_consents is not None:
        if layout.extra != _SENSITIVE:
            raise SignalInvalid("The section has no segment of consents to sensitive data.")
        extra = Writer()
        _write_values(extra, section.sensitive_consents, layout.sensitive)
        text += "." + extra.text(8)
    return text


def read_usp(text: str) -> UsPrivacy:
    """A US Privacy string such as 1YNN. Raises SignalMalformed."""
    if len(text) != 4 or text[0] != "1" or any(letter not in "YN-" for letter in text[1:]):
        raise SignalMalformed("A US Privacy string is 1 and three of Y, N and -.")
    return UsPrivacy(text[1], text[2], text[3])


def write_usp(section: UsPrivacy) -> str:
    """The US Privacy string. Raises SignalInvalid."""
    text = f"1{section.notice}{section.opt_out_sale}{section.lspa_covered}"
    try:
        read_usp(text)
    except SignalMalformed as error:
        raise SignalInvalid(error.detail) from None
    return text


def read_canada(text: str) -> TcfCanada:
    """A TCF Canada section. Raises SignalMalformed."""
    core, *others = text.split(".")
    disclosed: Ids | None = None
    publisher: tuple[Ids | None, Ids | None, int, Ids, Ids] = (None, None, 0, NONE, NONE)
    seen: set[int] = set()
    for segment in others[:3]:
        reader = Reader(segment)
        kind = reader.integer(3)
        if kind in seen or len(others) > 2:
            raise SignalMalformed("A segment is there twice.")
        seen.add(kind)
        if kind == 1:
            disclosed = reader.fibonacci_vendors()
        elif kind == 3:
            express, implied = reader.field(PURPOSE_BITS), reader.field(PURPOSE_BITS)
            custom = reader.integer(6)
            publisher = (express, implied, custom, reader.field(custom), reader.field(custom))
        else:
            raise SignalMalformed("There is no such kind of segment.")
        reader.finish()
    return _canada(Reader(core), disclosed, publisher)


def write_canada(section: TcfCanada) -> str:
    """The TCF Canada section as text. Raises SignalInvalid."""
    writer = (
        Writer()
        .integer(1, 6)
        .integer((section.created - _EPOCH) // _DECISECOND, 36)
        .integer((section.updated - _EPOCH) // _DECISECOND, 36)
        .integer(section.cmp_id, 12)
        .integer(section.cmp_version, 12)
        .integer(section.consent_screen, 6)
        .letters(section.language)
        .integer(section.vendor_list_version, 12)
        .integer(section.policy_version, 6)
        .flag(section.non_standard_stacks)
        .field(section.special_features, FEATURE_BITS)
        .field(section.purposes_express, PURPOSE_BITS)
        .field(section.purposes_implied, PURPOSE_BITS)
        .fibonacci_vendors(section.vendors_express)
        .fibonacci_vendors(section.vendors_implied)
        .integer(len(section.restrictions), 12)
    )
    for one in section.restrictions:
        writer.integer(one.purpose, 6).integer(one.kind, 2).fibonacci_vendors(one.vendors)
    segments = [writer.text(8)]
    if section.disclosed is not None:
        segments.append(Writer().integer(1, 3).fibonacci_vendors(section.disclosed).text(8))
    if section.publisher_express is not None and section.publisher_implied is not None:
        custom = section.custom_purposes
        publisher = Writer().integer(3, 3).field(section.publisher_express, PURPOSE_BITS)
        publisher.field(section.publisher_implied, PURPOSE_BITS).integer(custom, 6)
        segments.append(publisher.field(section.custom_express, custom).field(section.custom_implied, custom).text(8))
    return ".".join(segments)


def _canada(
    reader: Reader, disclosed: Ids | None, publisher: tuple[Ids | None, Ids | None, int, Ids, Ids]
) -> TcfCanada:
    if reader.integer(6) != 1:
        raise SignalMalformed("Only version 1 of TCF Canada is read.")
    section = TcfCanada(
        created=_EPOCH + reader.integer(36) * _DECISECOND,
        updated=_EPOCH + reader.integer(36) * _DECISECOND,
        cmp_id=reader.integer(12),
        cmp_version=reader.integer(12),
        consent_screen=reader.integer(6),
        language=reader.letters(2),
        vendor_list_version=reader.integer(12),
        policy_version=reader.integer(6),
        non_standard_stacks=reader.flag(),
        special_features=reader.field(FEATURE_BITS),
        purposes_express=reader.field(PURPOSE_BITS),
        purposes_implied=reader.field(PURPOSE_BITS),
        vendors_express=reader.fibonacci_vendors(),
        vendors_implied=reader.fibonacci_vendors(),
        restrictions=_canadian_restrictions(reader),
        disclosed=disclosed,
        publisher_express=publisher[0],
        publisher_implied=publisher[1],
        custom_purposes=publisher[2],
        custom_express=publisher[3],
        custom_implied=publisher[4],
    )
    reader.finish()
    return section


def _canadian_restrictions(reader: Reader) -> tuple[Restriction, ...]:
    if reader.left < 12:
        return ()  # strings made before restrictions were added end here
    return tuple(
        Restriction(reader.integer(6), RestrictionType(reader.integer(2)), reader.fibonacci_vendors())
        for _ in range(reader.integer(12))
    )


def _values(reader: Reader, count: int) -> Values:
    values = tuple(reader.integer(2) for _ in range(count))
    if 3 in values:
        raise SignalMalformed("A field is 0, 1 or 2.")
    return values


def _write_values(writer: Writer, values: Values, count: int) -> None:
    if len(values) != count or any(value not in (0, 1, 2) for value in values):
        raise SignalInvalid(f"The field has {count} values of 0, 1 or 2.")
    for value in values:
        writer.integer(value, 2)


def _read_gpc(reader: Reader) -> bool:
    if reader.integer(2) != 1:
        raise SignalMalformed("Not the segment of Global Privacy Control.")
    said = reader.flag()
    reader.finish()
    return said
