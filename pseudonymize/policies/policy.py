"""A policy as the runs see it: what happens to each column, for which domain, and what the output has to satisfy.

Frozen values without behaviour; `parsing.py` makes them from YAML, `pseudonymize.columns` carries them out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from governance.kernel.errors import JSON
from pseudonymize.risk import RiskTerms


class OnError(StrEnum):
    """What happens to a row with a value that its transform cannot take."""

    FAIL = "fail"
    QUARANTINE = "quarantine"


class TokenForm(StrEnum):
    """How a token is written: 32 hexadecimal digits, or 26 characters of base 32."""

    HEX = "hex"
    BASE32 = "base32_26"


@dataclass(frozen=True, slots=True)
class DomainTerms:
    """The pseudonymisation domain that the output belongs to."""

    id: str
    purpose: str
    recipients: tuple[str, ...] = ()
    additional_information: str = ""
    join_group: str = ""
    retention_days: int | None = None


@dataclass(frozen=True, slots=True)
class GateTerms:
    """How much residual personal data the output may have: rows per 1,000, judged on a sample with this confidence."""

    rows_per_1000: float
    sample: int = 20_000
    confidence: float = 0.95


@dataclass(frozen=True, slots=True)
class TokenMac:
    """A one-way keyed token; equal values of one class join within the domain."""

    column_class: str
    canonical: str | None = None
    form: TokenForm = TokenForm.HEX


@dataclass(frozen=True, slots=True)
class Generalise:
    """A coarser value. `to` says how coarse (`5y`, `month`, `prefix2`, `10`); beyond `bottom` and `top` all are one."""

    to: str
    bottom: float | None = None
    top: float | None = None


@dataclass(frozen=True, slots=True)
class DateShift:
    """Moved by up to `max_days`, the same for all dates of the person in the column `key`, so intervals stay."""

    key: str
    max_days: int


@dataclass(frozen=True, slots=True)
class Mask:
    """Characters replaced, except the first and last few."""

    keep_first: int = 0
    keep_last: int = 0


@dataclass(frozen=True, slots=True)
class Redact:
    """The same constant for every value: that there was one stays visible."""


@dataclass(frozen=True, slots=True)
class Drop:
    """The column is not in the output."""


@dataclass(frozen=True, slots=True)
class Keep:
    """The column passes as it is."""


@dataclass(frozen=True, slots=True)
class DetectText:
    """Free text: what is found in it is replaced by its kind."""

    language: str = "en"
    language_column: str | None = None


Rule: TypeAlias = TokenMac | Generalise | DateShift | Mask | Redact | Drop | Keep | DetectText


@dataclass(frozen=True, slots=True)
class Policy:
    """A validated policy. `sha256` is the digest of its text."""

    name: str
    domain: DomainTerms
    columns: Mapping[str, Rule]
    text: str
    sha256: str
    on_error: OnError = OnError.FAIL
    risk: RiskTerms | None = None
    gate: GateTerms | None = None
    optional: frozenset[str] = field(default_factory=frozenset)

    def as_json(self) -> dict[str, JSON]:
        """What identifies the policy in a manifest."""
        return {"name": self.name, "sha256": self.sha256, "domain": self.domain.id, "purpose": self.domain.purpose}
