"""What the law of a place says about consent, read from `jurisdictions.yaml`: regime, binding signals, and from what age.

In the Union consent comes first, so an opt-out signal there is evidence of a wish and changes nothing by itself (Art. 21(5) leaves
objections by automated means to the services concerned); elsewhere a law makes it an opt-out that must be honoured, from a day on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import yaml

GPC: Final = "gpc"
"""Global Privacy Control, the header `Sec-GPC: 1`."""

_FILE: Final = Path(__file__).with_name("jurisdictions.yaml")
_STRICTEST: Final = "EU"


class Regime(StrEnum):
    """Whether processing waits for a yes or may start until a no."""

    OPT_IN = "opt_in"
    OPT_OUT = "opt_out"


@dataclass(frozen=True, slots=True)
class Jurisdiction:
    """The rule of one place. `signals` says from which day on a signal binds; `age` from which people consent for themselves."""

    code: str
    law: str
    regime: Regime
    age: int
    signals: Mapping[str, date]
    effective_on: date

    def binds(self, signal: str, at: datetime) -> bool:
        """Whether a signal of that instant is an opt-out here and not only a wish."""
        start = self.signals.get(signal)
        return start is not None and at.astimezone(UTC).date() >= start


def rule_of(code: str) -> Jurisdiction:
    """The rule of a place (ISO 3166), or of the place it lies in; the Union's for a place that nobody has written down."""
    rules = _rules()
    return rules.get(code) or rules.get(code.partition("-")[0]) or rules[_STRICTEST]


def signal_binds(code: str, at: datetime) -> bool:
    """Whether `Sec-GPC: 1` from there, at that instant, is an opt-out."""
    return rule_of(code).binds(GPC, at)


def known() -> tuple[Jurisdiction, ...]:
    """Every place with a rule of its own, by code."""
    return tuple(rule for _, rule in sorted(_rules().items()))


def parse(text: str) -> dict[str, Jurisdiction]:
    """The rules of a document. Raises ValueError for a key that no rule has, and for a place that lies nowhere."""
    rules: dict[str, Jurisdiction] = {}
    for code, said in yaml.safe_load(text).items():
        outer = said.pop("within", None)
        if outer is not None and outer not in rules:
            raise ValueError(f"{code} lies in {outer}, which has to come first.")
        rules[str(code)] = _rule(str(code), said, rules.get(outer) if outer else None)
    return rules


def _rule(code: str, said: dict[str, Any], outer: Jurisdiction | None) -> Jurisdiction:
    unknown = set(said) - {"law", "regime", "age", "signals", "effective_on"}
    if unknown:
        raise ValueError(f"{code} says {', '.join(sorted(unknown))}, which no rule has.")
    if "regime" in said:
        said["regime"] = Regime(said["regime"])
    if "signals" in said:
        said["signals"] = MappingProxyType(dict(said["signals"]))
    if outer is not None:
        return replace(outer, code=code, **said)
    return Jurisdiction(code=code, **({"signals": MappingProxyType({})} | said))


@cache
def _rules() -> dict[str, Jurisdiction]:
    return parse(_FILE.read_text())
