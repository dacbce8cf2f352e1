"""Which arm a subject is in: a hash of experiment and subject. Pure, vectorised, the same everywhere.

The 128 bits of the subject's id and 128 bits derived from the experiment's key go through the finaliser of MurmurHash3 twice. The
result is uniform enough that arms pass a chi-square test at a million subjects (tests), and independent between experiments, although
UUIDv7 ids of people who arrived together share most of their bits.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from engine.experiments.errors import ExperimentInvalid
from governance.kernel.ids import SubjectId

HOLDOUT: Final = "holdout"
_U64: Final = np.uint64


def arms_of(key: str, subjects: Sequence[SubjectId], weights: Mapping[str, float], holdout: float = 0.0) -> list[str]:
    """The arm of each subject, in order. The share `holdout` of everybody is in no arm: "holdout", the same people in every experiment.

    Raises ExperimentInvalid for weights that are not positive or a holdout outside 0 to 1.
    """
    names, edges = _edges(weights, holdout)
    if not subjects:
        return []
    places = np.searchsorted(edges, uniform(f"experiment:{key}", subjects), side="right")
    arms = np.asarray(names, dtype=object)[np.minimum(places, len(names) - 1)]
    if holdout > 0:
        arms[uniform("global holdout", subjects) < holdout] = HOLDOUT
    return [str(arm) for arm in arms]


def uniform(salt: str, subjects: Sequence[SubjectId]) -> npt.NDArray[np.float64]:
    """A number in [0, 1) per subject, fixed by `salt` and the subject, with 53 random bits."""
    raw = np.frombuffer(b"".join(subject.bytes for subject in subjects), dtype=">u8").astype(_U64).reshape(-1, 2)
    keys = np.frombuffer(hashlib.sha256(salt.encode()).digest(), dtype=">u8").astype(_U64)
    mixed = _mix(raw[:, 0] ^ keys[0])
    mixed = _mix(mixed ^ raw[:, 1] ^ keys[1])
    mixed = _mix(mixed ^ keys[2])
    shares: npt.NDArray[np.float64] = (mixed >> _U64(11)).astype(np.float64) * 2.0**-53
    return shares


def _mix(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """fmix64 of MurmurHash3: every bit of the input changes every bit of the output with probability one half."""
    values = values ^ (values >> _U64(33))
    values = values * _U64(0xFF51AFD7ED558CCD)
    values = values ^ (values >> _U64(33))
    values = values * _U64(0xC4CEB9FE1A85EC53)
    return values ^ (values >> _U64(33))


def _edges(weights: Mapping[str, float], holdout: float) -> tuple[list[str], npt.NDArray[np.float64]]:
    if not weights or HOLDOUT in weights or any(weight <= 0 for weight in weights.values()) or not 0 <= holdout < 1:
        raise ExperimentInvalid("An experiment has arms with positive weights, and a holdout below one.")
    names = sorted(weights)
    shares = np.asarray([weights[name] for name in names], dtype=np.float64)
    return names, np.cumsum(shares / shares.sum())
