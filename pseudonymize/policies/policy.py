"""A policy as the runs see it: what happens to each column, for which domain, and what the output has to satisfy.

Frozen values without behaviour; `parsing.py` makes them from YAML, `pseudonymize.columns.transformer` carries them out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, TypeAlias

from governance.kernel.errors import JSON
from pseudonymize.identity import IdentifierKind
from pseudonymize.risk import RiskTerms


class OnError(StrEnum):
    """What happens to a row with a value that its transform cannot take."""

    FAIL = "fail"
    QUARANTINE = "quarantine"


class Nulls(StrEnum):
    """What a null is in a column that is transformed: null afterwards too, or a value that its transform cannot take."""

    KEEP = "keep"
    REFUSE = "refuse"


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
    """A one-way keyed token; equal values of one class join within the domain.

    `shreddable`: a secret of the person is mixed in, which dies with them. `identifies`: what kind of identifier the values are.
    """

    word: ClassVar[str] = "token_mac"
    column_class: str
    canonical: str | None = None
    form: TokenForm = TokenForm.TOKEN
    shreddable: bool = False
    identifies: IdentifierKind | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True)
class TokenSiv:
    """A reversible deterministic token (AES-SIV); equal values of one class join within the domain."""

    word: ClassVar[str] = "token_siv"
    column_class: str
    canonical: str | None = None
    form: TokenForm = TokenForm.TOKEN
    associated: tuple[str, ...] = ("domain", "column")
    region: str | None = None


@dataclass(frozen=True, slots=True)
class TokenVault:
    """A random token from the token vault, the same for equal values of one class until it expires."""

    word: ClassVar[str] = "token_vault"
    column_class: str
    expires_days: int
    canonical: str | None = None
    form: TokenForm = TokenForm.TOKEN
    identifies: IdentifierKind | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Fpe:
    """Format-preserving encryption (FF1): digits between those that are kept."""

    word: ClassVar[str] = "fpe_ff1"
    column_class: str
    canonical: str | None = None
    first: int = 0
    last: int = 0
    country_code: bool = False
    luhn: bool = False
    min_domain: int = 1_000_000
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Synthetic:
    """A value that looks real and is nobody's, the same for equal values of one class."""

    word: ClassVar[str] = "replace_synthetic"
    column_class: str
    kind: str
    language: str = "en"
    language_column: str | None = None
    canonical: str | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Buckets:
    """Numbers as buckets of one width; beyond `bottom` and `top` all are one."""

    word: ClassVar[str] = "generalise"
    width: float
    bottom: float | None = None
    top: float | None = None


@dataclass(frozen=True, slots=True)
class Periods:
    """Dates as years, months, spans of years…; people of `oldest` years and more are one."""

    word: ClassVar[str] = "generalise"
    to: str
    oldest: int | None = None


@dataclass(frozen=True, slots=True)
class Prefix:
    """The first characters of a code."""

    word: ClassVar[str] = "generalise"
    characters: int


@dataclass(frozen=True, slots=True)
class Network:
    """Internet addresses as networks."""

    word: ClassVar[str] = "generalise"
    v4_bits: int
    v6_bits: int


@dataclass(frozen=True, slots=True)
class Coordinates:
    """Latitudes or longitudes as the middle of a cell of 10^-decimals degrees."""

    word: ClassVar[str] = "generalise"
    decimals: int


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """Words replaced by what stands `levels` above them; `other` for words that it does not have."""

    word: ClassVar[str] = "generalise"
    parents: Mapping[str, str]
    levels: int = 1
    other: str | None = None


@dataclass(frozen=True, slots=True)
class DateShift:
    """Moved by up to `max_days`, the same for all dates of the person in the column `key`, so intervals stay."""

    word: ClassVar[str] = "date_shift"
    key: str
    max_days: int


@dataclass(frozen=True, slots=True)
class Noise:
    """Numbers moved by noise of `scale`, the same in every run for the person in the column `key` and the value."""

    word: ClassVar[str] = "noise"
    key: str
    scale: float
    distribution: str = "laplace"
    bottom: float | None = None
    top: float | None = None


@dataclass(frozen=True, slots=True)
class Mask:
    """Characters replaced, except the first and last few. `length`: always so many, which hides how long the value was."""

    word: ClassVar[str] = "mask"
    keep_first: int = 0
    keep_last: int = 0
    character: str = "*"
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Redact:
    """The same constant for every value: that there was one stays visible."""

    word: ClassVar[str] = "redact"
    placeholder: str = "<REDACTED>"


@dataclass(frozen=True, slots=True)
class Drop:
    """The column is not in the output."""

    word: ClassVar[str] = "drop"


@dataclass(frozen=True, slots=True)
class Keep:
    """The column passes as it is."""

    word: ClassVar[str] = "keep"


Nested: TypeAlias = "TokenMac | TokenSiv | Synthetic | Mask | Redact"
"""What may happen to a piece of a text. A redacted piece is replaced by its kind, `<EMAIL>`."""


@dataclass(frozen=True, slots=True)
class DetectText:
    """Free text: what is found in it is replaced. Without `types` that is everything that detection knows.

    `each` says what replaces a finding of a kind, `otherwise` of all others. `profile` names the accuracy that detection must have shown.
    """

    word: ClassVar[str] = "detect_text"
    language: str = "en"
    language_column: str | None = None
    types: tuple[str, ...] = ()
    each: Mapping[str, Nested] = field(default_factory=dict)
    otherwise: Nested = field(default_factory=Redact)
    profile: str = ""


Rule: TypeAlias = (
    TokenMac
    | TokenSiv
    | TokenVault
    | Fpe
    | Synthetic
    | Buckets
    | Periods
    | Prefix
    | Network
    | Coordinates
    | Hierarchy
    | DateShift
    | Noise
    | Mask
    | Redact
    | Drop
    | Keep
    | DetectText
)


@dataclass(frozen=True, slots=True)
class Policy:
    """A validated policy. `sha256` is the digest of its text."""

    name: str
    domain: DomainTerms
    columns: Mapping[str, Rule]
    text: str
    sha256: str
    on_error: OnError = OnError.FAIL
    nulls: Nulls = Nulls.KEEP
    idempotent: bool = True
    risk: RiskTerms | None = None
    gate: GateTerms | None = None
    optional: frozenset[str] = field(default_factory=frozenset)

    def as_json(self) -> dict[str, JSON]:
        """What identifies the policy in a manifest."""
        return {"name": self.name, "sha256": self.sha256, "domain": self.domain.id, "purpose": self.domain.purpose}
