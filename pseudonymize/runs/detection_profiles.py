"""How well detection must have shown to find persons before a run may rely on it (`min_f2_profile`).

A profile is a language and the least F2. It is measured where the run is, with the packages that are installed there, over made-up texts
whose names are on no list of the detectors (`detection_profiles.json`): an installation without a language's model does not pass as one
that has it. Measured once per process.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from governance.kernel.errors import Conflict
from pseudonymize.columns.texts import DIRECT, find
from pseudonymize.policies.policy import DetectText, Policy
from pseudonymize.policies.vocabulary import PROFILES

_TEXTS: Final = Path(__file__).with_suffix(".json")


class DetectionBelowProfile(Conflict):
    """Detection, as it is installed here, finds fewer persons than the policy relies on."""

    code = "detection_below_profile"
    title = "Detection finds fewer persons than the policy relies on"


@dataclass(frozen=True, slots=True)
class Probe:
    """A made-up text, and where its persons and their data are: (kind, start, end)."""

    text: str
    spans: tuple[tuple[str, int, int], ...]


def require(policy: Policy) -> dict[str, float]:
    """The F2 of every profile that the policy names. Raises DetectionBelowProfile, and DetectionUnavailable without the packages."""
    named = sorted({rule.profile for rule in policy.columns.values() if isinstance(rule, DetectText) and rule.profile})
    measured = {name: f2(PROFILES[name].language) for name in named}
    for name, found in measured.items():
        if found < PROFILES[name].least_f2:
            raise DetectionBelowProfile(profile=name, f2=round(found, 3), least=PROFILES[name].least_f2)
    return {name: round(found, 3) for name, found in measured.items()}


@lru_cache(maxsize=8)
def f2(language: str) -> float:
    """F2 of what points at one person, by overlap and kind, over the texts of a language: recall weighs four times as much as precision."""
    probes = _probes()[language]
    right = missed = extra = 0
    for probe, findings in zip(probes, find([probe.text for probe in probes], language), strict=True):
        found = [(finding.kind.value, finding.start, finding.end) for finding in findings if finding.kind in DIRECT]
        hit = [any(_same(span, other) for other in found) for span in probe.spans]
        right, missed = right + sum(hit), missed + len(hit) - sum(hit)
        extra += sum(not any(_same(other, span) for span in probe.spans) for other in found)
    return 5 * right / max(5 * right + 4 * missed + extra, 1)


def _same(one: tuple[str, int, int], other: tuple[str, int, int]) -> bool:
    return one[0] == other[0] and one[1] < other[2] and other[1] < one[2]


@lru_cache(maxsize=1)
def _probes() -> Mapping[str, tuple[Probe, ...]]:
    given = json.loads(_TEXTS.read_text())
    return {
        language: tuple(Probe(text, tuple((kind, start, end) for kind, start, end in spans)) for text, spans in texts)
        for language, texts in given.items()
    }
