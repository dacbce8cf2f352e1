"""Every measure of risk equals what a person with paper and patience would count, on small tables of any kind."""

from __future__ import annotations

import math
import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pseudonymize import risk

QUASI = ("age", "post")
ROW = st.tuples(
    st.one_of(st.none(), st.integers(0, 3)),
    st.one_of(st.none(), st.sampled_from(["", "00", "01", "ł"])),
    st.one_of(st.none(), st.integers(-2, 4)),
)
ROWS = st.lists(ROW, min_size=1, max_size=40)
calmly = settings(max_examples=int(os.environ.get("ZGODA_EXAMPLES", "100")))


def table(rows: Sequence[Any]) -> pa.Table:
    age, post, pay = zip(*rows, strict=True)
    return pa.table(
        {"age": pa.array(age, pa.int64()), "post": pa.array(post, pa.string()), "pay": pa.array(pay, pa.int64())}
    )


def classes(rows: Sequence[Any]) -> dict[Any, list[Any]]:
    found: dict[Any, list[Any]] = defaultdict(list)
    for *quasi, pay in rows:
        found[tuple(quasi)].append(pay)
    return found


@calmly
@given(ROWS)
def test_k_uniqueness_and_attackers_are_what_counting_says(rows: list[Any]) -> None:
    sizes = [len(group) for group in classes(rows).values()]
    found = risk.attackers(table(rows), QUASI, threshold=0.3)

    assert risk.k_anonymity(table(rows), QUASI) == min(sizes)
    assert risk.uniqueness(table(rows), QUASI) == pytest.approx(sizes.count(1) / len(rows))
    assert found.prosecutor_highest == pytest.approx(1 / min(sizes))
    assert found.prosecutor_average == found.marketer == pytest.approx(sum(s * (1 / s) for s in sizes) / len(rows))
    assert found.prosecutor_at_risk == pytest.approx(sum(s for s in sizes if 1 / s > 0.3) / len(rows))


@calmly
@given(ROWS, st.integers(2, 3))
def test_l_diversity_is_what_counting_says(rows: list[Any], least: int) -> None:
    counts = [Counter(group) for group in classes(rows).values()]
    found = risk.l_diversity(table(rows), QUASI, "pay", recursive_l=least)

    def entropy(group: Counter[Any]) -> float:
        total = sum(group.values())
        return math.exp(-sum(n / total * math.log(n / total) for n in group.values()))

    def recursive(group: Counter[Any]) -> float:
        ranked = sorted(group.values(), reverse=True)
        tail = sum(ranked[least - 1 :])
        return ranked[0] / tail if tail else math.inf

    assert found.distinct == min(map(len, counts))
    assert found.entropy == pytest.approx(min(map(entropy, counts)))
    assert found.recursive_c == pytest.approx(max(map(recursive, counts)))


@calmly
@given(ROWS)
def test_t_closeness_is_the_earth_movers_distance(rows: list[Any]) -> None:
    values = sorted({pay for *_, pay in rows}, key=lambda pay: (pay is not None, pay))
    whole = [sum(pay == value for *_, pay in rows) / len(rows) for value in values]

    def distances(group: list[Any]) -> tuple[float, float]:
        mine = [group.count(value) / len(group) for value in values]
        differences = [p - q for p, q in zip(mine, whole, strict=True)]
        moved, carried = 0.0, 0.0
        for difference in differences[:-1]:
            carried += difference
            moved += abs(carried)
        return moved / max(1, len(values) - 1), sum(map(abs, differences)) / 2

    found = [distances(group) for group in classes(rows).values()]
    assert risk.t_closeness(table(rows), QUASI, "pay") == pytest.approx(max(o for o, _ in found), abs=1e-9)
    assert risk.t_closeness(table(rows), QUASI, "pay", ordered=False) == pytest.approx(
        max(e for _, e in found), abs=1e-9
    )


@calmly
@given(ROWS, ROWS)
def test_presence_and_the_journalist_look_into_the_population(rows: list[Any], others: list[Any]) -> None:
    population = rows + others
    here, there = (Counter(tuple(row[:2]) for row in source) for source in (rows, population))
    shares = [here[key] / there[key] for key in there]

    presence = risk.delta_presence(table(rows), table(population), QUASI)
    found = risk.attackers(table(rows), QUASI, population=table(population))

    assert (presence.least, presence.greatest) == (pytest.approx(min(shares)), pytest.approx(max(shares)))
    assert found.journalist_highest == pytest.approx(max(1 / there[key] for key in here))
    assert found.marketer == pytest.approx(sum(here[key] / there[key] for key in here) / len(rows))


@calmly
@given(ROWS, st.integers(1, 5), st.integers(1, 3))
def test_mondrian_leaves_nobody_alone_and_covers_every_value(rows: list[Any], k: int, least: int) -> None:
    source = table(rows)
    done = risk.anonymise(source, QUASI, k=k, diversity={"pay": least})

    enough = len(rows) >= k and len({pay for *_, pay in rows}) >= least
    assert done.kept.all() == enough
    assert len(done.table) == (len(rows) if enough else 0)
    if not enough:
        assert done.discernibility == len(rows) ** 2
        return
    assert risk.k_anonymity(done.table, QUASI) >= k
    assert risk.l_diversity(done.table, QUASI, "pay").distinct >= least
    assert done.table["pay"].to_pylist() == source["pay"].to_pylist()
    assert 0.0 <= done.ncp <= 1.0
    for name in QUASI:
        inside = sorted(set(source[name].to_pylist()), key=lambda v: (v is not None, v))
        spelt = ["null" if value is None else str(value) for value in inside]
        spans = {f"{spelt[low]}..{spelt[high]}": (low, high) for high in range(len(inside)) for low in range(high)}
        spans |= {text: (place, place) for place, text in enumerate(spelt)}
        for label, value in zip(done.table[name].to_pylist(), source[name].to_pylist(), strict=True):
            low, high = spans[label]
            assert low <= inside.index(value) <= high


@calmly
@given(st.lists(st.one_of(st.none(), st.sampled_from("abcde")), max_size=30))
def test_a_columns_statement_is_what_counting_says(values: list[Any]) -> None:
    counts = Counter(value for value in values if value is not None)
    found = risk.statement(pa.table({"x": pa.array(values, pa.string())}), "x")
    total = sum(counts.values())

    assert (found.rows, found.nulls, found.distinct) == (len(values), values.count(None), len(counts))
    if total:
        assert found.entropy == pytest.approx(-sum(n / total * math.log2(n / total) for n in counts.values()))
        assert found.most_frequent == max(counts.values()) / total
        often = Counter(counts.values())
        assert found.frequency_unique == pytest.approx(sum(n for n in counts.values() if often[n] == 1) / total)


def test_edges_have_answers() -> None:
    empty = table([(1, "00", 1)]).slice(0, 0)
    assert risk.k_anonymity(empty, QUASI) == 0
    assert risk.l_diversity(empty, QUASI, "pay").distinct == 0
    assert risk.t_closeness(empty, QUASI, "pay") == 0.0
    assert risk.attackers(empty, QUASI).rows == 0
    assert risk.delta_presence(empty, empty, QUASI) == risk.Presence(0.0, 0.0)
    assert len(risk.anonymise(empty, QUASI, k=2).table) == 0
    assert risk.k_anonymity(table([(1, "00", 1)] * 3), []) == 3
    with pytest.raises(KeyError):
        risk.k_anonymity(empty, ["nothing"])
    with pytest.raises(ValueError, match="at least 1"):
        risk.anonymise(empty, QUASI, k=0)


def test_many_wide_columns_do_not_overflow_their_integer() -> None:
    wide = pa.table({f"c{number}": pa.array(range(1_000)) for number in range(12)})
    assert risk.k_anonymity(wide, wide.column_names) == 1
    twice = pa.concat_tables([wide, wide])
    assert risk.k_anonymity(twice, wide.column_names) == 2


def test_dictionaries_chunks_nans_and_flags_are_columns_like_any_other() -> None:
    values = pa.chunked_array([pa.array(["a", "b"]).dictionary_encode(), pa.array(["b", "c"]).dictionary_encode()])
    mixed = pa.table({"d": values, "f": [float("nan"), 1.0, 1.0, float("nan")], "b": [True, None, None, True]})
    assert risk.k_anonymity(mixed, ["d"]) == 1
    assert risk.k_anonymity(mixed, ["f"]) == 2
    assert risk.k_anonymity(mixed, ["b"]) == 2
    assert risk.uniqueness(mixed, ["d", "f", "b"]) == 0.5


@calmly
@given(st.lists(st.text(alphabet="aAłż0é\x00", max_size=9), min_size=1, max_size=30), st.integers(0, 3))
def test_texts_of_any_width_are_told_apart(values: list[str], skip: int) -> None:
    """Also where they are packed into integers, and where the column begins in the middle of its buffers."""
    for texts in (values, [value[:1] or "x" for value in values], [f"{value[:3]:\x00<3}" for value in values]):
        array = pa.array(["zz"] * skip + texts).slice(skip)
        counts = Counter(texts)
        assert risk.k_anonymity(pa.table({"v": array}), ["v"]) == min(counts.values())
        assert len(risk.group(pa.table({"v": array}), ["v"]).sizes) == len(counts)
