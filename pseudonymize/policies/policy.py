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
    """How a token is written.

    `token` says what it is (kind, domain, epoch, check character) and is never tokenised twice; `opaque` is the same without
    naming its domain; `base32_26` and `hex` are the bare 128 bits.
    """

    TOKEN = "token"  # noqa: S105  a word of the policy
    OPAQUE = "opaque"
    BASE32 = "base32_26"
    HEX = "hex"


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
    form: TokenForm = TokenForm.TOKEN


@dataclass(frozen=True, slots=True)
class Buckets:
    """Numbers as buckets of one width; beyond `bottom` and `top` all are one."""

    width: float
    bottom: float | None = None
    top: float | None = None


@dataclass(frozen=True, slots=True)
class Periods:
    """Dates as years, months, spans of years…; people of `oldest` years and more are one."""

    to: str
    oldest: int | None = None


@dataclass(frozen=True, slots=True)
class Prefix:
    """The first characters of a code."""

    characters: int


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
    """Free text: what is found in it is replaced by its kind. Without `types` that is everything that detection knows."""

    language: str = "en"
    language_column: str | None = None
    types: tuple[str, ...] = ()


Rule: TypeAlias = TokenMac | Buckets | Periods | Prefix | DateShift | Mask | Redact | Drop | Keep | DetectText


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
