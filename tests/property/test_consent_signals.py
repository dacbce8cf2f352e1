"""Signals under anything: what is written reads back, what is read writes back, and no bytes do harm."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from consent.signals import gpp, sections, tcf
from consent.signals.bits import MAX_ID, Ids, Reader, Writer
from consent.signals.errors import SignalMalformed
from consent.signals.gpp import Section
from consent.signals.sections import Layout, TcfCanada, UsPrivacy, UsSection
from consent.signals.tcf import PublisherTC, Restriction, RestrictionType, TCString

# The committed runs keep the developer's lane quick; raise them with this variable.
EXAMPLES = int(os.environ.get("ZGODA_SIGNAL_EXAMPLES", "8"))
QUICK = settings(max_examples=EXAMPLES)
HANGING = 20.0
"""Seconds of processor time, hundreds of times the usual: a guard against reading without end, not a measure of speed."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

instants = st.integers(0, 2**36 - 1).map(lambda deciseconds: EPOCH + timedelta(milliseconds=100 * deciseconds))
letters = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=2, max_size=2)
few = st.sets(st.integers(1, 1500), max_size=40).map(Ids.of)
long_runs = st.tuples(st.integers(1, MAX_ID), st.integers(0, 5000)).map(
    lambda run: Ids.between(run[0], min(MAX_ID, run[0] + run[1]))
)
vendors = st.one_of(few, long_runs, st.tuples(few, long_runs).map(lambda both: both[0] | both[1]))


def bits(width: int) -> st.SearchStrategy[Ids]:
    return st.integers(0, 2**width - 1).map(lambda mask: Ids(mask << 1))


def numbers(width: int) -> st.SearchStrategy[int]:
    return st.integers(0, 2**width - 1)


restrictions = st.lists(st.builds(Restriction, numbers(6), st.sampled_from(RestrictionType), vendors), max_size=4).map(
    tuple
)
publishers = numbers(6).flatmap(
    lambda custom: st.builds(PublisherTC, bits(24), bits(24), st.just(custom), bits(custom), bits(custom))
)
tc_strings = st.builds(
    TCString,
    instants, instants, numbers(12), numbers(12), numbers(6), letters, numbers(12), numbers(6), st.booleans(),
    st.booleans(), bits(12), bits(24), bits(24), st.booleans(), letters, vendors, vendors, restrictions,
    st.none() | vendors, st.none() | vendors, st.none() | publishers,
)  # fmt: skip


@st.composite
def canadian(draw: st.DrawFn) -> TcfCanada:
    publisher = draw(st.booleans())
    custom = draw(numbers(6)) if publisher else 0
    return TcfCanada(
        draw(instants), draw(instants), draw(numbers(12)), draw(numbers(12)), draw(numbers(6)), draw(letters),
        draw(numbers(12)), draw(numbers(6)), draw(st.booleans()), draw(bits(12)), draw(bits(24)), draw(bits(24)),
        draw(vendors), draw(vendors), draw(restrictions), draw(st.none() | vendors),
        draw(bits(24)) if publisher else None, draw(bits(24)) if publisher else None, custom,
        draw(bits(custom)), draw(bits(custom)),
    )  # fmt: skip


def of_layout(layout: Layout) -> st.SearchStrategy[UsSection]:
    def value(name: str, count: int) -> st.SearchStrategy[tuple[int, ...]]:
        low = 1 if name == "mspa_covered_transaction" else 0
        return st.tuples(*[st.integers(low, 2)] * count)

    values = st.fixed_dictionaries({name: value(name, count) for name, count in layout.fields})
    gpc = st.none() | st.booleans() if layout.extra == "gpc" else st.none()
    consents = st.none() | st.tuples(*[st.integers(0, 2)] * layout.sensitive) if layout.sensitive else st.none()
    return st.builds(UsSection, st.just(layout), values, gpc, consents)


us_sections = st.sampled_from(list(sections.US.values())).flatmap(of_layout)
usp = st.builds(UsPrivacy, *[st.sampled_from("YN-")] * 3)


@st.composite
def gpp_strings(draw: st.DrawFn) -> dict[int, Section]:
    found: dict[int, Section] = {}
    for section in draw(st.lists(us_sections, max_size=3)):
        found[section.layout.id] = section
    if draw(st.booleans()):
        found[2] = draw(tc_strings)
    if draw(st.booleans()):
        found[5] = draw(canadian())
    if draw(st.booleans()):
        found[6] = draw(usp)
    return dict(sorted(found.items()))


@given(tc_strings)
@QUICK
def test_a_tc_string_reads_back_and_writes_back(tc: TCString) -> None:
    text = tcf.encode(tc)
    assert tcf.decode(text) == tc
    assert tcf.encode(tcf.decode(text)) == text


@given(gpp_strings())
@QUICK
def test_a_gpp_string_reads_back_and_writes_back(given_sections: dict[int, Section]) -> None:
    text = gpp.encode(given_sections)
    assert gpp.decode(text) == given_sections
    assert gpp.encode(gpp.decode(text)) == text


@given(st.integers(1, MAX_ID), st.integers(1, MAX_ID))
@QUICK
def test_fibonacci_codes_need_no_length_between_them(first: int, second: int) -> None:
    reader = Reader(Writer().fibonacci(first).fibonacci(second).text())
    assert (reader.fibonacci(), reader.fibonacci()) == (first, second)


@given(vendors)
@QUICK
def test_the_shorter_of_two_encodings_is_written(ids: Ids) -> None:
    text = Writer().vendors(ids).text()
    assert Reader(text).vendors() == ids
    as_field = 17 + ids.top
    assert len(text) <= -(-as_field // 6)


alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~"
starts = st.sampled_from(["", "C", "CPSG_8APSG_8AAAAAAENAACg", "DBAB", "DBABMA~C", "DBABjw~B", "DBABLA~B", "I", "Y"])
noise = st.tuples(starts, st.text(alphabet, max_size=400) | st.text(max_size=60)).map("".join)


@given(noise)
@settings(max_examples=EXAMPLES * 5)
def test_noise_is_refused_by_one_error_and_at_once(text: str) -> None:
    started = time.process_time()
    for read in (tcf.decode, gpp.decode, sections.read_canada, sections.read_usp, lambda one: sections.read_us(7, one)):
        try:
            read(text)
        except SignalMalformed:
            continue
    assert time.process_time() - started < HANGING


def test_many_long_ranges_cost_no_more_than_their_text() -> None:
    head = tcf.encode(TCString(EPOCH, EPOCH, 1, 1, 1, "EN", 1, 5, True))
    writer = Writer()
    reader = Reader(head)
    for width in [6, 36, 36, 12, 12, 6, 12, 12, 6, 1, 1, 12, 24, 24, 1, 12, 17, 17]:
        writer.integer(reader.integer(width), width)
    writer.integer(200, 12)
    for _ in range(200):
        writer.integer(1, 6).integer(0, 2).integer(50, 12)
        for _ in range(50):
            writer.flag(True).integer(1, 16).integer(MAX_ID, 16)
    started = time.process_time()
    assert all(len(one.vendors) == MAX_ID for one in tcf.decode(writer.text()).restrictions)
    assert time.process_time() - started < HANGING
