"""A policy over one table in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa

from governance.kernel.actors import Actor
from pseudonymize.columns.transformer import Failure
from pseudonymize.policies.policy import Policy
from pseudonymize.risk import GroupCounts, enforce
from pseudonymize.runs.manifests import Manifest, table_sha256
from pseudonymize.runs.residual import Sample
from pseudonymize.runs.run import Purpose, Run
from pseudonymize.runs.tally import Tally
from pseudonymize.tables.frames import as_table, frame


@dataclass(frozen=True)
class Pseudonymized:
    """What a model may see, and the manifest that says what it is. `quarantined` are the input rows that could not be transformed."""

    table: pa.Table
    manifest: Manifest
    quarantined: tuple[int, ...] = ()
    reasons: tuple[Failure, ...] = ()


def apply(table: Any, policy: Policy, *, actor: Actor, activity: str, verdict_id: UUID | None = None) -> Pseudonymized:
    """Pseudonymise a table (Arrow, or anything that speaks Arrow, such as a Polars or pandas frame) by the policy.

    `activity` says which processing activity wants it, `verdict_id` which gate verdict permits it; both are in the manifest.
    The policy is published, the manifest signed and the run logged before the table is returned. Raises ColumnsNotCovered,
    ColumnsMissing, TableUnreadable, TransformFailed, RiskTooHigh, ResidualPersonalData, DomainMismatch.
    """
    whole = as_table(table)
    run = Run.begin(policy, Purpose(actor, activity, verdict_id))
    done = run.transformer.transform(whole, run.prepare(whole))
    run.tally = Tally.of(whole, done, policy.columns)
    output = _judged(run, done.table)
    if policy.gate is not None:
        sample = Sample(policy, policy.gate)
        sample.add(whole.filter(pa.array(~done.failed)) if done.failed.any() else whole, done.table)
        run.gate = sample.judge()
    manifest = run.finish(table_sha256(output))
    return Pseudonymized(output, manifest, tuple(np.flatnonzero(done.failed).tolist()), done.reasons)


def _judged(run: Run, output: pa.Table) -> pa.Table:
    """The rows that may leave by the policy's k and l. Raises RiskTooHigh."""
    terms = run.policy.risk
    if terms is None:
        return output
    groups = GroupCounts(terms)
    groups.add(frame(output))
    run.assessment = groups.assess()
    enforce(run.assessment, terms)
    if run.assessment.violating_rows:
        output = output.filter(groups.allow(frame(output)).to_arrow())
        run.tally.recount_output()
        run.tally.count_output(output)
    return output
