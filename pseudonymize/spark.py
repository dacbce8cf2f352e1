"""The same policies on Spark: `mapInArrow` over the partitions, with keys that each executor is lent for minutes.

    from pseudonymize import spark
    from pseudonymize.key_sources import ServiceKeys

    keys = ServiceKeys("https://zgoda.example.com", "ml-churn-2026")   # the client's key is in each executor's environment
    output = spark.pseudonymize(spark_frame, "policy.yaml", keys)

What goes into the plan is the policy's text and where to ask for keys; a key is in no closure, plan, log or broadcast. The output equals a
batch run's, row for row. k and l are judged by Spark over the whole output; so is the gate, on the executors, with counts alone coming
back. Random and shreddable tokens need the vault's tables, so policies with them run in the house (VaultNeeded).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa

from pseudonymize import key_sources
from pseudonymize.columns import Transformer
from pseudonymize.key_sources import KeySource
from pseudonymize.kit import Kit, keys_needed
from pseudonymize.policies.parsing import load
from pseudonymize.policies.policy import Policy
from pseudonymize.risk import Assessment, RiskTerms, enforce

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from pseudonymize.residual import GateResult

_SIZE = "__rows__"


def pseudonymize(frame: DataFrame, policy: Policy | str | Path, keys: KeySource) -> DataFrame:
    """The frame as the policy wants it. Lazy but for what k, l and the gate have to count first.

    Rows that cannot be transformed are left out where the policy says `on_error: quarantine`. Raises PolicyInvalid, ColumnsNotCovered,
    ColumnsMissing, TableUnreadable, VaultNeeded; RiskTooHigh and ResidualPersonalData; on executors TransformFailed ends the job.
    """
    rules = policy if isinstance(policy, Policy) else load(policy)
    key_sources.require_lendable(rules)
    output = frame.mapInArrow(_transforming(rules.text, keys), _schema(frame, rules))
    if rules.gate is not None:
        judge_residue(frame, rules, keys)
    return output if rules.risk is None else _without_violating(output, rules.risk)


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


def _without_violating(output: DataFrame, terms: RiskTerms) -> DataFrame:
    """The rows outside of groups that are too small or too uniform. Raises RiskTooHigh."""
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
        return output
    marked = groups.filter(bad).select(*[f.col(name).alias(f"__bad_{name}") for name in terms.quasi])
    same = [output[name].eqNullSafe(marked[f"__bad_{name}"]) for name in terms.quasi]
    condition = same[0]
    for other in same[1:]:
        condition = condition & other
    return output.join(marked, condition, "left_anti")


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
    from pseudonymize.residual import decide

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
        from pseudonymize.residual import Sample

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
