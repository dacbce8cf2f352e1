"""A policy over one table in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa

from governance.kernel.actors import Actor
from pseudonymize.errors import TableUnreadable
from pseudonymize.manifests import Manifest, table_sha256
from pseudonymize.policies.policy import Policy
from pseudonymize.run import PolicyRun


@dataclass(frozen=True)
class Pseudonymized:
    """What a model may see, and the manifest that says what it is. `quarantined` are the input rows that could not be transformed."""

    table: pa.Table
    manifest: Manifest
    quarantined: tuple[int, ...] = ()


def apply(table: Any, policy: Policy, *, actor: Actor, activity: str, verdict_id: UUID | None = None) -> Pseudonymized:
    """Pseudonymise a table (Arrow, or anything that speaks Arrow, such as a Polars frame) by the policy.

    `activity` says which processing activity wants it, `verdict_id` which gate verdict permits it; both are in the manifest.
    The policy is published, the manifest signed and the run logged before the table is returned. Raises ColumnsNotCovered,
    ColumnsMissing, TableUnreadable, TransformFailed, RiskTooHigh, ResidualPersonalData, DomainMismatch.
    """
    whole = _arrow(table)
    run = PolicyRun(policy, actor=actor, activity=activity, verdict_id=verdict_id)
    done = run.transform(whole)
    run.settle()
    output = run.admit(done.table)
    manifest = run.finish(table_sha256(output))
    return Pseudonymized(output, manifest, tuple(np.flatnonzero(done.failed).tolist()))


def _arrow(table: Any) -> pa.Table:
    if isinstance(table, pa.Table):
        return table
    if isinstance(table, pa.RecordBatch):
        return pa.Table.from_batches([table])
    if hasattr(table, "__arrow_c_stream__"):
        return pa.table(table)
    raise TableUnreadable("This is not a table of Arrow columns.")
