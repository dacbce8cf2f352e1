"""The same policies on Spark: `mapInArrow` over the partitions, with keys that each executor is lent for minutes.

    from pseudonymize import spark
    from pseudonymize.key_sources import ServiceKeys

    keys = ServiceKeys("https://zgoda.example.com", "ml-churn-2026")   # the client's key is in each executor's environment
    output = spark.pseudonymize(spark_frame, "policy.yaml", keys)

What goes into the plan is the policy's text and where to ask for keys; a key is in no closure, plan, log or broadcast. The output equals a
batch run's, row for row. k and l are judged by Spark over the whole output; so is the gate, on the executors, with counts alone coming
back. `write` also has the house sign a manifest of what the driver states. Random and shreddable tokens need the vault's tables, which
are not lent: they lead from a token to a person, for all time and every domain, and no lease could end that. Policies with them run in
the house (VaultNeeded).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import pyarrow as pa

from pseudonymize import key_sources
from pseudonymize.columns.transformer import Transformer
from pseudonymize.key_sources import KeySource, Signed
from pseudonymize.kits.kit import Kit, keys_needed
from pseudonymize.policies.parsing import load
from pseudonymize.policies.policy import Policy
from pseudonymize.risk import Assessment, RiskTerms, enforce

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from pseudonymize.runs.residual import GateResult

_SIZE = "__rows__"


def pseudonymize(frame: DataFrame, policy: Policy | str | Path, keys: KeySource) -> DataFrame:
    """The frame as the policy wants it. Lazy but for what k, l and the gate have to count first.

    Rows that cannot be transformed are left out where the policy says `on_error: quarantine`. Raises PolicyInvalid, ColumnsNotCovered,
    ColumnsMissing, TableUnreadable, VaultNeeded; RiskTooHigh and ResidualPersonalData; on executors TransformFailed ends the job.
    """
    return _worked(frame, policy if isinstance(policy, Policy) else load(policy), keys).output


def write(
    frame: DataFrame,
    policy: Policy | str | Path,
    keys: KeySource,
    path: str,
    *,
    activity: str,
    verdict_id: UUID | None = None,
) -> Signed:
    """Write the frame as the policy wants it to Parquet files under ``path``, and have the house sign what was made.

    The manifest has the rows, the digest of every file, and what k, l and the gate counted; it says that the driver stated them, for the
    house saw no row. There must be nothing at ``path``. Raises what `pseudonymize` raises; ServiceRefused, or what `outside.record` raises.
    """
    from pyspark.sql import functions as f

    rules = policy if isinstance(policy, Policy) else load(policy)
    started_at = datetime.now(UTC)
    done = _worked(frame, rules, keys)
    done.output.write.mode("errorifexists").parquet(path)
    written = frame.sparkSession.read.format("binaryFile").load(f"{path.rstrip('/')}/*.parquet")
    digests = written.select("path", f.sha2("content", 256).alias("sha256")).collect()
    stated: dict[str, Any] = {
        "activity": activity,
        "verdict_id": str(verdict_id) if verdict_id else None,
        "epoch": key_sources.held(keys).epoch,
        "started_at": started_at.isoformat(),
        "rows_in": frame.count(),
        "rows_out": frame.sparkSession.read.parquet(path).count(),
        "files": [{"name": str(row["path"]).rpartition("/")[2], "sha256": row["sha256"]} for row in digests],
        "risk": asdict(done.assessment) | {"diversity": dict(done.assessment.diversity)} if done.assessment else None,
        "searched": done.gate.searched if done.gate else 0,
        "hits": done.gate.hits if done.gate else 0,
    }
    return keys.sign(stated)


@dataclass(frozen=True)
class _Done:
    """The output, and what was counted of it."""

    output: DataFrame
    assessment: Assessment | None = None
    gate: GateResult | None = None


def _worked(frame: DataFrame, rules: Policy, keys: KeySource) -> _Done:
    key_sources.require_lendable(rules)
    output = frame.mapInArrow(_transforming(rules.text, keys), _schema(frame, rules))
    gate = None if rules.gate is None else judge_residue(frame, rules, keys)
    if rules.risk is None:
        return _Done(output, gate=gate)
    left, assessment = _without_violating(output, rules.risk)
    return _Done(left, assessment, gate)


def _transforming(text: str, keys: KeySource) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def over(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        transformer = Transformer(_kit(text, keys))
        for batch in batches:
            done = transformer.transform(pa.Table.from_batches([batch]))
            yield from done.table.to_batches()

    return over


def _kit(text: str, keys: KeySource) -> Kit:
    """The lent kit, for exactly the policy that the plan is about."""
    kit = key_sources.held(keys)
    if kit.policy.text != text:
        raise ValueError("The keys were lent for another version of the policy.")
    return kit


def _schema(frame: DataFrame, policy: Policy) -> Any:
    """The columns of the output: what the policy makes of no rows, under keys that nobody uses."""
    from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema

    throwaway = {name: hashlib.sha256(repr(name).encode()).digest() for name in keys_needed(policy)}
    kit = Kit(policy, "", 0, date(1970, 1, 1), throwaway)
    empty = Transformer(kit).transform(to_arrow_schema(frame.schema).empty_table()).table
    return from_arrow_schema(empty.schema)


def _without_violating(output: DataFrame, terms: RiskTerms) -> tuple[DataFrame, Assessment]:
    """The rows outside of groups that are too small or too uniform, and what was counted. Raises RiskTooHigh."""
    from pyspark.sql import functions as f

    # Null is a value like any other, also among the sensitive ones, which `countDistinct` would leave out.
    distinct = [
        (f.countDistinct(name) + f.max(f.col(name).isNull().cast("int"))).alias(f"__l_{name}") for name in terms.l
    ]
    groups = output.groupBy(*terms.quasi).agg(f.count("*").alias(_SIZE), *distinct).cache()
    bad = f.col(_SIZE) < terms.k
    for name, least in terms.l.items():
        bad = bad | (f.col(f"__l_{name}") < least)
    assessment = _assessed(groups, bad, terms)
    enforce(assessment, terms)
    if not assessment.violating_rows:
        return output, assessment
    marked = groups.filter(bad).select(*[f.col(name).alias(f"__bad_{name}") for name in terms.quasi])
    same = [output[name].eqNullSafe(marked[f"__bad_{name}"]) for name in terms.quasi]
    condition = same[0]
    for other in same[1:]:
        condition = condition & other
    return output.join(marked, condition, "left_anti"), assessment


def _assessed(groups: DataFrame, bad: Any, terms: RiskTerms) -> Assessment:
    from pyspark.sql import functions as f

    row = groups.agg(
        f.coalesce(f.sum(_SIZE), f.lit(0)).alias("rows"),
        f.count("*").alias("groups"),
        f.coalesce(f.min(_SIZE), f.lit(0)).alias("smallest"),
        f.coalesce(f.sum((f.col(_SIZE) == 1).cast("long")), f.lit(0)).alias("unique"),
        f.coalesce(f.sum(f.when(bad, f.col(_SIZE)).otherwise(0)), f.lit(0)).alias("violating"),
        *[f.coalesce(f.min(f"__l_{name}"), f.lit(0)).alias(f"l_{name}") for name in terms.l],
    ).first()
    found = cast("dict[str, int]", row.asDict() if row is not None else {})
    return Assessment(
        rows=found["rows"],
        groups=found["groups"],
        smallest=found["smallest"],
        unique_rows=found["unique"],
        violating_rows=found["violating"],
        diversity={name: found[f"l_{name}"] for name in terms.l},
    )


def judge_residue(frame: DataFrame, policy: Policy, keys: KeySource) -> GateResult:
    """Search a sample of the output for personal data on the executors; three counts come back, and no text.

    Raises ResidualPersonalData.
    """
    from pseudonymize.runs.residual import decide

    assert policy.gate is not None  # noqa: S101  the caller looked
    rows = frame.count()
    share = min(1.0, policy.gate.sample / max(rows, 1))
    sampled = frame if share == 1.0 else frame.sample(share)
    counted = (
        sampled.mapInArrow(_searching(policy.text, keys), "rows long, hits long").groupBy().sum("rows", "hits").first()
    )
    searched, hits = (int(counted[0] or 0), int(counted[1] or 0)) if counted is not None else (0, 0)
    return decide(policy.gate, rows=rows, searched=searched, hits=hits)


def _searching(text: str, keys: KeySource) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def over(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from pseudonymize.runs.residual import Sample

        kit = _kit(text, keys)
        transformer = Transformer(kit)
        for batch in batches:
            source = pa.Table.from_batches([batch])
            done = transformer.transform(source)
            assert kit.policy.gate is not None  # noqa: S101  the driver looked
            sample = Sample(kit.policy, replace(kit.policy.gate, sample=max(len(source), 1)))
            sample.add(source.filter(pa.array(~done.failed)), done.table, int((~done.failed).sum()))
            searched, hits = sample.search()
            yield pa.RecordBatch.from_pydict({"rows": [searched], "hits": [hits]})

    return over
