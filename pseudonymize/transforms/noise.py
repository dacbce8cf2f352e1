"""Numbers with noise: each person's number moved by a random amount of a stated size, the same in every run.

The noise comes from a keyed MAC of the person and the value, so whoever asks again gets the same answer and cannot average it away, a
resumed run equals an uninterrupted one, and a cluster equals one machine. This blurs single values. It is not differential privacy:
that is a promise about answers, and `governance.aggregates` keeps it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pseudonymize.transforms import mac
from pseudonymize.transforms.blocks import gather
from pseudonymize.transforms.columns import as_bytes, plain
from pseudonymize.transforms.errors import ColumnTypeUnsupported, ParameterInvalid, PersonMissing

Floats = npt.NDArray[np.float64]
_MANTISSA = 52  # so that the largest draw is still below 1


class Distribution(StrEnum):
    """How the noise is spread."""

    LAPLACE = "laplace"
    GAUSSIAN = "gaussian"
    UNIFORM = "uniform"


def add(
    numbers: Any,
    persons: Any,
    key: bytes,
    scale: float,
    *,
    distribution: Distribution = Distribution.LAPLACE,
    bottom: float | None = None,
    top: float | None = None,
) -> pa.Array:
    """Each number plus its noise; whole numbers stay whole. Nulls stay null, NaN and infinities become null.

    ``scale``: b of Laplace (the mean distance), the standard deviation of the Gaussian, half the width of the uniform. ``persons``: text
    or binary, as long as ``numbers``; without a person there is no noise of theirs, so PersonMissing. ``bottom`` and ``top`` cut the
    result. ``key``: 32 bytes of its own kind. Raises ParameterInvalid, KeyLengthInvalid, ColumnTypeUnsupported.
    """
    if not (np.isfinite(scale) and scale > 0) or (bottom is not None and top is not None and bottom >= top):
        raise ParameterInvalid("noise has a positive scale, and the bottom lies below the top")
    column, who = plain(numbers), plain(persons)
    if len(column) != len(who):
        raise ParameterInvalid(f"{len(column)} numbers and {len(who)} persons")
    if pa.types.is_null(column.type):
        return column
    whole = pa.types.is_integer(column.type)
    if not (whole or pa.types.is_floating(column.type) or pa.types.is_decimal(column.type)):
        raise ColumnTypeUnsupported(f"only numbers take noise, not {column.type}")
    lost = pc.and_(column.is_valid(), who.is_null())
    if pc.any(lost).as_py():
        raise PersonMissing(pc.index(lost, True).as_py())
    values = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    moved = values + scale * _standard(_uniforms(values, who, key), distribution)
    if bottom is not None or top is not None:
        moved = np.clip(moved, bottom, top)
    known = np.isfinite(values)
    if whole:
        limits = np.iinfo(column.type.to_pandas_dtype())
        # Above 2^53 a float has no units; the noise is what blurs there anyway.
        rounded = np.clip(np.rint(np.where(known, moved, 0.0)), float(limits.min), _below(float(limits.max)))
        return pa.array(rounded.astype(np.int64 if limits.min < 0 else np.uint64), mask=~known).cast(column.type)
    return pa.array(np.where(known, moved, 0.0), mask=~known)


def _below(limit: float) -> float:
    """The largest float that a cast to the integer type does not carry past its limit."""
    return float(np.nextafter(limit, 0.0)) if limit > 2.0**53 else limit


def _uniforms(values: Floats, who: pa.Array, key: bytes) -> Floats:
    """A number strictly between 0 and 1 for each (person, value); 0.5 without either."""
    people = as_bytes(mac.tags(who, key))
    present = np.arange(len(people)) if people.valid is None else np.flatnonzero(people.valid)
    blocks = gather(people.data, people.starts[present])
    exact = np.where(values[present] == 0, 0.0, values[present])  # -0.0 is 0.0
    mixed = np.concatenate([blocks, exact.view(np.uint64)[:, None]], axis=1)
    tags = as_bytes(mac.tags(pa.Array.from_buffers(pa.binary(24), len(mixed), [None, pa.py_buffer(mixed)]), key))
    words = gather(tags.data, tags.starts)[:, 0].byteswap()
    spread = np.full(len(values), 0.5)
    spread[present] = ((words >> np.uint64(64 - _MANTISSA)).astype(np.float64) + 0.5) / 2.0**_MANTISSA
    return spread


def _standard(uniform: Floats, distribution: Distribution) -> Floats:
    """Draws of scale 1 by the inverse of the distribution function."""
    if distribution is Distribution.UNIFORM:
        return 2 * uniform - 1
    if distribution is Distribution.GAUSSIAN:
        return _normal(uniform)
    centred = uniform - 0.5
    drawn: Floats = -np.sign(centred) * np.log1p(-2 * np.abs(centred))
    return drawn


def _normal(uniform: Floats) -> Floats:
    """The normal quantile by Acklam's rational approximation (relative error below 1.2e-9), in columns."""
    a = (
        -39.69683028665376,
        220.9460984245205,
        -275.9285104469687,
        138.3577518672690,
        -30.66479806614716,
        2.506628277459239,
    )
    b = (-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572, 1.0)
    c = (
        -0.007784894002430293,
        -0.3223964580411365,
        -2.400758277161838,
        -2.549732539343734,
        4.374664141464968,
        2.938163982698783,
    )
    d = (0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1.0)
    centre = uniform - 0.5
    square = centre * centre
    middle = centre * np.polyval(a, square) / np.polyval(b, square)
    tail = np.minimum(uniform, 1 - uniform)
    root = np.sqrt(-2 * np.log(tail))
    outer = np.polyval(c, root) / np.polyval(d, root)
    drawn: Floats = np.where(tail < 0.02425, np.where(centre < 0, outer, -outer), middle)
    return drawn
