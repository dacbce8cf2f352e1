"""Coarser values: numbers into buckets, dates into periods, codes into prefixes, words up a hierarchy; with top and bottom coding.

Generalisation lowers how far a column singles people out; it does not make data anonymous by itself (Recital 26). Labels are
text and sort as they read: ``[30, 40)``, ``1985-1989``, ``1987-03``, ``1987-W05``; the open ends are ``<20`` and ``>=90``.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pseudonymize.transforms.columns import Flags, is_text, per_distinct, plain, text_of
from pseudonymize.transforms.errors import (
    ColumnTypeUnsupported,
    HierarchyGap,
    NotCanonical,
    ParameterInvalid,
)

OTHER = "*"
_ROUNDING = 1e-9
_FARTHEST = 2.0**53  # behind it a float cannot tell one bucket from the next
_YEARS = re.compile(r"([1-9]\d{0,2})y\Z")
_SEPARATORS = r"[\s./\-]+"


def numbers(
    column: Any, width: float | Decimal, *, bottom: float | None = None, top: float | None = None, origin: float = 0
) -> pa.Array:
    """Numbers as half-open buckets ``[30, 40)`` of one width, laid from ``origin``; text.

    Below ``bottom`` is ``<bottom``, from ``top`` on ``>=top`` (both should be bucket edges, else their buckets are cut short).
    Nulls stay null; NaN becomes null, and so does what is more than 2^53 buckets away and beyond no open end. Raises
    ParameterInvalid, ColumnTypeUnsupported.
    """
    if width <= 0 or (bottom is not None and top is not None and bottom >= top):
        raise ParameterInvalid("a bucket has a positive width, and the bottom lies below the top")
    array = plain(column)
    if not (pa.types.is_integer(array.type) or pa.types.is_floating(array.type) or pa.types.is_decimal(array.type)):
        raise ColumnTypeUnsupported(f"only numbers go into buckets, not {array.type}")
    values = array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    step, first = _exact(width), _exact(origin)
    with np.errstate(over="ignore", invalid="ignore"):
        # 0.3 / 0.1 is 2.9999999999999996: what is that near an edge is on it.
        away = np.floor((values - float(first)) / float(step) + _ROUNDING)
        known = np.abs(away) <= _FARTHEST
    places = np.where(known, away, 0).astype(np.int64)

    def label(place: int) -> str:
        low, high = first + place * step, first + (place + 1) * step
        if bottom is not None:
            low = max(low, _exact(bottom))
        if top is not None:
            high = min(high, _exact(top))
        return f"[{low:f}, {high:f})"

    ends = []
    if bottom is not None:
        ends.append(_Outside(values < bottom, f"<{_exact(bottom):f}"))
    if top is not None:
        ends.append(_Outside(values >= top, f">={_exact(top):f}"))
    return _labelled(places, known, label, ends)


def _exact(number: float | Decimal) -> Decimal:
    """The decimal that a number is written as, without trailing zeros."""
    return Decimal(str(number)).normalize()


def dates(column: Any, to: str, *, earliest: dt.date | None = None, latest: dt.date | None = None) -> pa.Array:
    """Dates or timestamps (or ISO 8601 text) as periods: ``to`` is year, quarter, month, week (ISO) or ``5y`` (any number); text.

    Before ``earliest`` is ``<earliest``, from ``latest`` on ``>=latest``. Timestamps count in their own zone. Raises
    NotCanonical for text that is no date, ParameterInvalid, ColumnTypeUnsupported.
    """
    array = _days_of(plain(column))
    known = array.is_valid().to_numpy(zero_copy_only=False)
    days = array.cast(pa.int32()).fill_null(0).to_numpy(zero_copy_only=False).astype("datetime64[D]")
    places, label = _periods(days, to)
    ends = []
    if earliest is not None:
        ends.append(_Outside(known & (days < np.datetime64(earliest)), f"<{earliest}"))
    if latest is not None:
        ends.append(_Outside(known & (days >= np.datetime64(latest)), f">={latest}"))
    return _labelled(places, known, label, ends)


def _periods(days: npt.NDArray[np.datetime64], to: str) -> tuple[npt.NDArray[np.int64], Callable[[int], str]]:
    """The number of each day's period, and how a period is written."""
    years = days.astype("datetime64[Y]").astype(np.int64) + 1970
    months = days.astype("datetime64[M]").astype(np.int64)
    if to == "year":
        return years, lambda place: f"{place:04d}"
    if found := _YEARS.match(to):
        span = int(found[1])
        return years // span, lambda place: f"{place * span:04d}-{place * span + span - 1:04d}"
    if to == "quarter":
        return months // 3, lambda place: f"{1970 + place // 4:04d}-Q{place % 4 + 1}"
    if to == "month":
        return months, lambda place: f"{1970 + place // 12:04d}-{place % 12 + 1:02d}"
    if to == "week":  # weeks begin on Monday; 1970-01-01 was a Thursday
        return (days.astype(np.int64) + 3) // 7, _iso_week
    raise ParameterInvalid(f"no such period: {to!r}; year, quarter, month, week, or a number of years such as 5y")


def _iso_week(place: int) -> str:
    # A week is of the year of its Thursday (ISO 8601); Python's calendar ends in 9999
    thursday = np.datetime64(place * 7, "D")
    year = thursday.astype("datetime64[Y]")
    week = (thursday - year.astype("datetime64[D]")).astype(int) // 7 + 1
    return f"{year.astype(int) + 1970:04d}-W{week:02d}"


def _days_of(array: pa.Array) -> pa.Array:
    if pa.types.is_date(array.type):
        return array.cast(pa.date32())
    if pa.types.is_timestamp(array.type):
        local = pc.local_timestamp(array) if array.type.tz else array
        return pc.floor_temporal(local, unit="day").cast(pa.date32())
    if not is_text(array.type):
        raise ColumnTypeUnsupported(f"only dates, timestamps and ISO 8601 text have periods, not {array.type}")
    parsed = pc.strptime(array.cast(pa.string()), format="%Y-%m-%d", unit="s", error_is_null=True)
    lost = pc.and_(parsed.is_null(), array.is_valid())
    if pc.any(lost).as_py():
        raise NotCanonical(pc.index(lost, True).as_py(), "date")
    return parsed.cast(pa.date32())


def earliest_birth_below(age: int, on: dt.date) -> dt.date:
    """The earliest birth date of people who are younger than ``age`` on a day: as ``earliest`` it codes all older ones as one."""
    year = on.year - age
    turned = on.replace(year=year, day=28) if (on.month, on.day) == (2, 29) else on.replace(year=year)
    return turned + dt.timedelta(days=1)


def prefix(column: Any, characters: int) -> pa.Array:
    """The first characters of a text; a shorter one stays as it is. Raises ParameterInvalid, ColumnTypeUnsupported."""
    if characters < 1:
        raise ParameterInvalid("a prefix has a character or more")
    return per_distinct(column, lambda array: pc.utf8_slice_codeunits(text_of(array), 0, characters), pa.string())


def postcode(column: Any, characters: int) -> pa.Array:
    """The first characters of a postal code in upper case, without blanks and hyphens: 00-950 to 2 characters is 00."""

    def bare(array: pa.Array) -> pa.Array:
        return pc.replace_substring_regex(pc.utf8_upper(text_of(array)), pattern=_SEPARATORS, replacement="")

    return prefix(per_distinct(column, bare, pa.string()), characters)


def network(
    column: Any, v4_bits: int = 24, v6_bits: int = 48, *, on_error: Literal["raise", "null"] = "raise"
) -> pa.Array:
    """Internet addresses as networks: 203.0.113.7 is 203.0.113.0/24. An IPv4 address in IPv6 clothes is an IPv4 address.

    What is no address raises NotCanonical with its row, or becomes null with ``on_error="null"``.
    """
    if not (0 <= v4_bits <= 32 and 0 <= v6_bits <= 128):
        raise ParameterInvalid("a network has 0 to 32 (version 4) or 0 to 128 (version 6) bits")

    def masked(array: pa.Array) -> pa.Array:
        answers: list[str | None] = []
        for row, value in enumerate(text_of(array).to_pylist()):
            try:
                address = None if value is None else _address(value)
            except ValueError:
                if on_error == "raise":
                    raise NotCanonical(row, "internet address") from None
                address = None
            bits = v6_bits if isinstance(address, ipaddress.IPv6Address) else v4_bits
            answers.append(None if address is None else str(ipaddress.ip_network((address, bits), strict=False)))
        return pa.array(answers, pa.string())

    return per_distinct(column, masked, pa.string())


def _address(value: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    address = ipaddress.ip_address(value.strip())
    return getattr(address, "ipv4_mapped", None) or address


def coordinates(column: Any, decimals: int) -> pa.Array:
    """Latitudes or longitudes as the middle of their cell of 10^-decimals degrees: 52.2297 to 1 decimal is 52.25; float64.

    One decimal is about 11 km of latitude, two are 1.1 km. Nulls stay null, what is no angle (beyond 180, NaN) becomes null. Raises
    ParameterInvalid, ColumnTypeUnsupported.
    """
    if not 0 <= decimals <= 4:
        raise ParameterInvalid("a cell has 0 to 4 decimals of a degree; finer is a place, not an area")
    array = plain(column)
    if not (pa.types.is_integer(array.type) or pa.types.is_floating(array.type) or pa.types.is_decimal(array.type)):
        raise ColumnTypeUnsupported(f"only numbers are coordinates, not {array.type}")
    values = array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    known = np.isfinite(values) & (np.abs(np.nan_to_num(values)) <= 180)
    cell = 10.0**decimals
    # 0.3 * 10 is 3.0000000000000004 and 0.7 * 10 is 6.999999999999999: what is that near an edge is on it.
    middle = (np.floor(np.where(known, values, 0.0) * cell + _ROUNDING) + 0.5) / cell
    return pa.array(np.round(middle, decimals + 1), mask=~known)


def hierarchy(column: Any, parents: Mapping[str, str], *, levels: int = 1, default: str | None = None) -> pa.Array:
    """Each word replaced by its ancestor ``levels`` up; a word without a parent at that height keeps its last ancestor.

    ``parents``: child to parent, for all levels in one mapping. A word that the mapping knows neither as child nor as parent
    becomes ``default``, or raises HierarchyGap with its row when there is none. Raises ParameterInvalid for circles.
    """
    known = {*parents, *parents.values()}
    ancestors = {word: _ancestor(word, parents, levels) for word in known}
    words = pa.array(list(ancestors), pa.large_string())
    above = pa.array(list(ancestors.values()), pa.string())

    def climb(array: pa.Array) -> pa.Array:
        places = pc.index_in(text_of(array).cast(pa.large_string()), value_set=words)
        gaps = pc.and_(places.is_null(), array.is_valid())
        if not pc.any(gaps).as_py():
            return above.take(places)
        if default is None:
            raise HierarchyGap(pc.index(gaps, True).as_py())
        return pc.if_else(gaps, default, above.take(places))

    return per_distinct(column, climb, pa.string())


def _ancestor(word: str, parents: Mapping[str, str], levels: int) -> str:
    if levels < 1:
        raise ParameterInvalid("a hierarchy is climbed one level or more")
    seen = {word}
    for _ in range(levels):
        if word not in parents:
            return word
        word = parents[word]
        if word in seen:
            raise ParameterInvalid("the hierarchy runs in a circle")
        seen.add(word)
    return word


def rare(column: Any, least: int, other: str = OTHER) -> pa.Array:
    """Values that fewer than ``least`` rows share become ``other``; text. Nulls stay null and are not counted."""
    if least < 1:
        raise ParameterInvalid("a value is shared by one row or more")
    array = text_of(plain(column))
    encoded = array.dictionary_encode()
    counts = np.bincount(encoded.indices.drop_null().to_numpy(), minlength=len(encoded.dictionary))
    kept = pc.if_else(pa.array(counts >= least), encoded.dictionary, other)
    return kept.take(encoded.indices)


@dataclass(frozen=True)
class _Outside:
    """Rows beyond an open end, and what they are called."""

    rows: Flags
    label: str


def _labelled(
    places: npt.NDArray[np.int64], known: Flags, label: Callable[[int], str], ends: Sequence[_Outside]
) -> pa.Array:
    """Text labels of numbered places, each distinct one written once; null where the value is not known."""
    inside = known.copy()
    for end in ends:
        inside &= ~end.rows
    distinct, which = np.unique(places[inside], return_inverse=True)
    labels = [label(int(place)) for place in distinct]
    indices = np.full(len(places), -1, dtype=np.int32)
    indices[inside] = which
    for end in ends:
        indices[end.rows] = len(labels)
        labels.append(end.label)
    return pa.array(labels, pa.string()).take(pa.array(indices, mask=indices < 0))
