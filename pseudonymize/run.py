"""One run of a policy over one or many batches: what is counted, judged and stated on the way.

`transform` each batch; then `settle` the risk; then `admit` each transformed batch again, which drops the rows that must not leave
and counts the rest; then `finish`. A table that fits in memory does it in one go (`batch.py`), a file in two passes (`files.py`).
"""

from __future__ import annotations

from uuid import UUID

import polars as pl
import pyarrow as pa

from governance.kernel.actors import Actor
from governance.kernel.clock import now
from governance.kernel.errors import JSON
from governance.kernel.logs import get_logger
from pseudonymize import manifests, policies
from pseudonymize.columns import Transformed, Transformer
from pseudonymize.distinct import DistinctCount
from pseudonymize.manifests import Manifest
from pseudonymize.policies.policy import DateShift, Drop, Policy, Rule, TokenMac
from pseudonymize.residual import Sample
from pseudonymize.risk import Assessment, GroupCounts, enforce

logger = get_logger(__name__)
_KEY_DERIVED = "Tokens are derived from the domain's key. Erasing a person deletes their rows; the token itself dies with the epoch."


class PolicyRun:
    """The state of a run. Make one per output."""

    def __init__(self, policy: Policy, *, actor: Actor, activity: str, verdict_id: UUID | None) -> None:
        self.policy = policy
        self._actor, self._activity, self._verdict_id = actor, activity, verdict_id
        self._started_at = now()
        self._published = policies.publish(policy, actor=actor)
        self._transformer = Transformer.of(policy, self._published.domain)
        self._groups = GroupCounts(policy.risk) if policy.risk else None
        self._sample = Sample(policy, policy.gate) if policy.gate else None
        self._assessment: Assessment | None = None
        self._inputs: dict[str, _Counts] = {}
        self._outputs: dict[str, _Counts] = {}
        self._failures: dict[str, int] = {}
        self._rows_in = self._rows_out = self._quarantined = 0

    @property
    def judges_groups(self) -> bool:
        """Whether rows may have to be dropped once all are known."""
        return self._groups is not None

    def transform(self, table: pa.Table) -> Transformed:
        """First pass: the batch as the policy wants it. Raises what `Transformer.transform` raises."""
        done = self._transformer.transform(table)
        self._rows_in += len(table)
        self._quarantined += int(done.failed.sum())
        for name, count in done.failures.items():
            self._failures[name] = self._failures.get(name, 0) + count
        _count(self._inputs, table)
        if self._groups is not None:
            self._groups.add(_frame(done.table))
        if self._sample is not None:
            source = table.filter(pa.array(~done.failed)) if done.failed.any() else table
            self._sample.add(source, done.table)
        return done

    def settle(self) -> None:
        """Between the passes: raises RiskTooHigh when the output singles people out and suppressing would cost too much."""
        if self._groups is not None:
            self._assessment = self._groups.assess()
            enforce(self._assessment, self._groups.terms)

    def admit(self, table: pa.Table) -> pa.Table:
        """Second pass: the rows of a transformed batch that may leave."""
        if self._groups is not None and self._assessment is not None and self._assessment.violating_rows:
            table = table.filter(self._groups.allow(_frame(table)).to_arrow())
        self._rows_out += len(table)
        _count(self._outputs, table)
        return table

    def finish(self, output_sha256: str) -> Manifest:
        """The gate, the manifest, the entry in the log. Raises ResidualPersonalData: then nothing may leave."""
        gate = self._sample.judge() if self._sample is not None else None
        statement: dict[str, JSON] = {
            "policy_sha256": self.policy.sha256,
            "output_sha256": output_sha256,
            "rows": {
                "in": self._rows_in,
                "out": self._rows_out,
                "quarantined": self._quarantined,
                "suppressed": self._rows_in - self._quarantined - self._rows_out,
            },
            "columns": [self._state(name, rule) for name, rule in self.policy.columns.items() if name in self._inputs],
            "risk": self._assessment.as_json(self._groups.terms) if self._assessment and self._groups else None,
            "gate": gate.as_json(self.policy.gate) if gate and self.policy.gate else None,
            "shredding": _KEY_DERIVED,
        }
        facts = manifests.Facts(
            activity=self._activity,
            verdict_id=self._verdict_id,
            rows_in=self._rows_in,
            rows_out=self._rows_out,
            started_at=self._started_at,
            finished_at=now(),
            statement=statement,
        )
        manifest = manifests.record(self._published, facts, actor=self._actor)
        logger.info("table_pseudonymized", domain=self.policy.domain.id, rows=self._rows_out, run_id=str(manifest.id))
        return manifest

    def _state(self, name: str, rule: Rule) -> dict[str, JSON]:
        """The statement of one column."""
        before, after = self._inputs[name], self._outputs.get(name)
        state: dict[str, JSON] = {
            "name": name,
            "transform": _transform(rule),
            "distinct_in": before.distinct.estimate(),
            "nulls_in": before.nulls,
            "distinct_out": after.distinct.estimate() if after else None,
            "nulls_out": after.nulls if after else None,
            "counts_exact": before.distinct.exact and (after is None or after.distinct.exact),
            "failed": self._failures.get(name, 0),
        }
        if isinstance(rule, TokenMac):
            state |= {"class": rule.column_class, "canonical": rule.canonical, "form": rule.form.value}
        if isinstance(rule, DateShift):
            state |= {"person": rule.key, "max_days": rule.max_days}
        if isinstance(rule, Drop):
            state["in_output"] = False
        return state


class _Counts:
    def __init__(self) -> None:
        self.distinct, self.nulls = DistinctCount(), 0


def _count(counts: dict[str, _Counts], table: pa.Table) -> None:
    for name in table.column_names:
        counted = counts.setdefault(name, _Counts())
        counted.nulls += table[name].null_count
        counted.distinct.add(table[name])


def _frame(table: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)  # noqa: S101  a table makes a frame
    return frame


def _transform(rule: Rule) -> str:
    """The policy's word for a rule."""
    names = {"TokenMac": "token_mac", "DateShift": "date_shift", "DetectText": "detect_text"}
    kind = type(rule).__name__
    return names.get(kind, "generalise" if kind in {"Buckets", "Periods", "Prefix"} else kind.lower())
