"""Runs that were made elsewhere with lent keys: the house saw no row of them, so it signs what their driver states, and says so.

What the policy asks is judged here too: numbers that its k, l or gate would have refused are refused, and nothing is signed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from governance.kernel.actors import Actor
from governance.kernel.canonical import digest
from governance.kernel.clock import now
from governance.kernel.errors import JSON
from governance.kernel.ids import uuid7
from pseudonymize import publishing
from pseudonymize.errors import InvalidRequest
from pseudonymize.policies.policy import Policy
from pseudonymize.risk import Assessment, enforce
from pseudonymize.runs import manifests, residual
from pseudonymize.runs.manifests import Facts, Manifest
from pseudonymize.runs.run import shredding, terms

STATED = "The run was made elsewhere with lent keys. The service signs what its driver stated, and saw no row."


@dataclass(frozen=True, slots=True)
class OutsideRun:
    """What a driver states: rows, the digest of each file of the output by its name, what k, l and the gate counted."""

    activity: str
    rows_in: int
    rows_out: int
    files: Mapping[str, str]
    epoch: int
    started_at: datetime
    verdict_id: UUID | None = None
    assessment: Assessment | None = None
    searched: int = 0
    hits: int = 0
    id: UUID = field(default_factory=uuid7)

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> OutsideRun:
        """What a driver sends (`spark.write`), validated by the API's shape or made in this house."""
        risk = given.get("risk")
        started, verdict = given["started_at"], given.get("verdict_id")
        return cls(
            activity=given["activity"],
            rows_in=given["rows_in"],
            rows_out=given["rows_out"],
            files={file["name"]: file["sha256"] for file in given["files"]},
            epoch=given["epoch"],
            started_at=datetime.fromisoformat(started) if isinstance(started, str) else started,
            verdict_id=UUID(str(verdict)) if verdict else None,
            assessment=Assessment(**risk) if risk else None,
            searched=given.get("searched", 0),
            hits=given.get("hits", 0),
        )


def record(policy: Policy, stated: OutsideRun, *, actor: Actor) -> Manifest:
    """Sign a run as it was stated, keep the manifest and log it. The output's digest is that of the files' digests by name, as canonical
    JSON.

    Raises InvalidRequest for numbers that cannot be, RiskTooHigh and ResidualPersonalData for what the policy would have refused.
    """
    published = publishing.publish(policy, actor=actor)
    suppressed = stated.assessment.violating_rows if stated.assessment else 0
    if stated.rows_out + suppressed > stated.rows_in or stated.hits > stated.searched or not stated.files:
        raise InvalidRequest("These numbers of rows cannot be, or there is no file.")
    if not 1 <= stated.epoch <= published.domain.epoch:
        raise InvalidRequest("The domain has had no such epoch.")
    facts = Facts(
        id=stated.id,
        activity=stated.activity,
        verdict_id=stated.verdict_id,
        rows_in=stated.rows_in,
        rows_out=stated.rows_out,
        started_at=stated.started_at,
        finished_at=now(),
        statement=_statement(policy, stated),
    )
    return manifests.record(published, stated.epoch, facts, actor=actor)


def _statement(policy: Policy, stated: OutsideRun) -> dict[str, JSON]:
    suppressed = stated.assessment.violating_rows if stated.assessment else 0
    columns: list[JSON] = [
        {"name": name, "transform": rule.word, **terms(rule)} for name, rule in policy.columns.items()
    ]
    return {
        "policy_sha256": policy.sha256,
        "input_sha256": None,
        "output_sha256": digest(dict(stated.files)),
        "output_files": dict(stated.files),
        "rows": {
            "in": stated.rows_in,
            "out": stated.rows_out,
            "quarantined": stated.rows_in - stated.rows_out - suppressed,
            "suppressed": suppressed,
        },
        "columns": columns,
        "risk": _risk(policy, stated),
        "gate": _gate(policy, stated),
        "shredding": shredding(policy),
        "stated": STATED,
    }


def _risk(policy: Policy, stated: OutsideRun) -> JSON:
    if policy.risk is None:
        return None
    if stated.assessment is None or set(stated.assessment.diversity) != set(policy.risk.l):
        raise InvalidRequest("The policy asks for k and l, and they were not stated.")
    enforce(stated.assessment, policy.risk)
    return stated.assessment.as_json(policy.risk)


def _gate(policy: Policy, stated: OutsideRun) -> JSON:
    if policy.gate is None:
        return None
    if stated.rows_out and not stated.searched:
        raise InvalidRequest("The policy has a gate, and no row was searched.")
    rows = max(stated.rows_out, stated.searched)  # rows are searched before k and l suppress any
    judged = residual.decide(policy.gate, rows=rows, searched=stated.searched, hits=stated.hits)
    return judged.as_json(policy.gate)
