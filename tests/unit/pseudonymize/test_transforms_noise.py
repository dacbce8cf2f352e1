"""Noise: as large as it says, the same for who asks again, and nowhere where there is nobody."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pyarrow as pa
import pytest

from pseudonymize.transforms import noise
from pseudonymize.transforms.errors import ColumnTypeUnsupported, KeyLengthInvalid, ParameterInvalid, PersonMissing
from pseudonymize.transforms.noise import Distribution

KEY = bytes(range(32))
PEOPLE = pa.array([f"person {number}" for number in range(40_000)])
NUMBERS = pa.array(np.full(40_000, 100.0))


@pytest.mark.parametrize(
    ("distribution", "mean_distance", "deviation"),
    [("laplace", 5.0, 5 * 2**0.5), ("gaussian", 5 * (2 / np.pi) ** 0.5, 5.0), ("uniform", 2.5, 5 / 3**0.5)],
)
def test_the_noise_is_as_large_as_the_scale_says(distribution: str, mean_distance: float, deviation: float) -> None:
    moved = noise.add(NUMBERS, PEOPLE, KEY, 5, distribution=Distribution(distribution)).to_numpy() - 100
    assert abs(moved.mean()) < 0.15
    assert np.abs(moved).mean() == pytest.approx(mean_distance, rel=0.03)
    assert moved.std() == pytest.approx(deviation, rel=0.03)


def test_the_normal_quantile_is_that_of_the_library() -> None:
    places = np.array([1e-12, 1e-6, 0.001, 0.024, 0.0243, 0.3, 0.5, 0.7, 0.999, 1 - 1e-9])
    expected = [NormalDist().inv_cdf(place) for place in places]
    assert noise._normal(places) == pytest.approx(expected, abs=1e-7)


def test_who_asks_again_gets_the_same_and_another_person_or_key_another() -> None:
    again = noise.add(NUMBERS, PEOPLE, KEY, 5)
    assert noise.add(NUMBERS, PEOPLE, KEY, 5) == again
    assert noise.add(NUMBERS[:1], PEOPLE[:1], KEY, 5)[0] == again[0]
    assert again[0] != again[1]
    assert noise.add(NUMBERS[:1], PEOPLE[:1], bytes(32), 5)[0] != again[0]


def test_whole_numbers_stay_whole_and_in_their_type() -> None:
    for kind, values in ((pa.uint8(), [0, 255, None, 7]), (pa.int64(), [2**63 - 1, -(2**63), None, 0])):
        moved = noise.add(pa.array(values, kind), pa.array(["a", "b", None, "c"]), KEY, 1000)
        assert moved.type == kind
        assert moved[2].as_py() is None
    bounded = noise.add(NUMBERS, PEOPLE, KEY, 50, bottom=90, top=110).to_numpy()
    assert (bounded.min(), bounded.max()) == (90, 110)


def test_what_is_no_number_of_somebody_is_refused_or_null() -> None:
    strange = noise.add(pa.array([float("nan"), float("inf"), None, -0.0]), pa.array(["a", "b", None, "c"]), KEY, 1)
    assert [value is None for value in strange.to_pylist()] == [True, True, True, False]
    assert noise.add(pa.array([0.0]), pa.array(["c"]), KEY, 1)[0] == strange[3]
    with pytest.raises(PersonMissing):
        noise.add(pa.array([1.0]), pa.array([None], pa.string()), KEY, 1)
    with pytest.raises(ColumnTypeUnsupported):
        noise.add(pa.array(["1"]), pa.array(["a"]), KEY, 1)
    with pytest.raises(KeyLengthInvalid):
        noise.add(pa.array([1.0]), pa.array(["a"]), b"short", 1)
    for scale, bounds in ((0, {}), (-1, {}), (float("nan"), {}), (1, {"bottom": 2, "top": 1})):
        with pytest.raises(ParameterInvalid):
            noise.add(pa.array([1.0]), pa.array(["a"]), KEY, scale, **bounds)
    assert len(noise.add(pa.array([], pa.float32()), pa.array([], pa.string()), KEY, 1)) == 0
