"""What a policy would do to a table, and what the output would give away, without publishing, signing or drawing anything.

Keys are thrown away after it: tokens of a dry run join with nothing. Every column gets a statement: what its transform keeps visible,
measured on the output; what somebody needs to undo it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import pyarrow as pa

from governance.kernel.clock import today
from governance.kernel.errors import JSON, GovernanceError
from pseudonymize import risk
from pseudonymize.columns.tokens import KINDS, tokenised
from pseudonymize.columns.transformer import Transformed, Transformer, check, one_array
from pseudonymize.columns.worked import Worked, per_distinct, text_of
from pseudonymize.kits.kit import Kit, keys_needed, looked_up
from pseudonymize.policies.policy import (
    Buckets,
    Coordinates,
    DateShift,
    DetectText,
    Drop,
    Fpe,
    Hierarchy,
    Keep,
    Mask,
    Network,
    Noise,
    OnError,
    Periods,
    Policy,
    Prefix,
    Redact,
    Rule,
    Synthetic,
    TokenForm,
    TokenMac,
    TokenSiv,
    TokenVault,
)
from pseudonymize.risk import Assessment, ColumnStatement, GroupCounts
from pseudonymize.runs.residual import Sample, decide
from pseudonymize.runs.run import shredding
from pseudonymize.tables.frames import as_table, frame
from pseudonymize.transforms import mac

_PLAIN: Mapping[type, str] = {
    DetectText: "What detection misses stays in the text: set a gate.",
    Mask: "Hides characters; what is left can still single somebody out.",
    Redact: "Only whether there was a value stays.",
    Drop: "Not in the output.",
    Keep: "In the clear.",
}
LEAST_FREQUENT = 0.05
"""From this share on, a value is named as one that its frequency gives away."""


@dataclass(frozen=True)
class ColumnForecast:
    """One column: what happens, how many values could not be worked and why, what the output's values give away, in words too."""

    name: str
    transform: str
    failures: Mapping[str, int]
    measured: ColumnStatement | None
    reversible: bool
    says: tuple[str, ...]


@dataclass(frozen=True)
class DryRun:
    """What would happen. `refused` is why a run would be, by code, when it would be."""

    rows_in: int
    rows_out: int
    columns: tuple[ColumnForecast, ...]
    risk: Assessment | None
    gate_rows: int
    gate_hits: int
    refused: str
    shredding: str

    def as_json(self) -> dict[str, JSON]:
        """For the API and the command."""
        columns: list[JSON] = [
            {
                "name": column.name,
                "transform": column.transform,
                "reversible": column.reversible,
                "failures": dict(column.failures),
                "measured": asdict(column.measured) if column.measured else None,
                "says": list(column.says),
            }
            for column in self.columns
        ]
        return {
            "rows": {"in": self.rows_in, "out": self.rows_out},
            "columns": columns,
            "risk": asdict(self.risk) | {"diversity": dict(self.risk.diversity)} if self.risk else None,
            "gate": {"rows_searched": self.gate_rows, "rows_with_findings": self.gate_hits},
            "refused": self.refused or None,
            "shredding": self.shredding,
        }


def dry_run(policy: Policy, table: Any) -> DryRun:
    """What the policy would do to the table, which may be a sample. Raises ColumnsNotCovered, ColumnsMissing, TableUnreadable.

    Values that cannot be worked are counted, also where a run would stop at them; k, l and the gate are judged, and what they would say is
    in `refused`.
    """
    whole = as_table(table)
    lenient = replace(policy, on_error=OnError.QUARANTINE)
    kit = Kit(lenient, "dry run", 0, today(), {name: os.urandom(32) for name in keys_needed(policy)})
    check(kit, whole)
    done = Transformer(kit).transform(whole, _drawn(kit, whole))
    refused = "transform_failed" if done.failed.any() and policy.on_error is OnError.FAIL else ""
    assessment, refused = _judged(policy, done.table, refused)
    searched, hits, refused = _searched(policy, whole, done, refused)
    return DryRun(
        rows_in=len(whole),
        rows_out=len(done.table),
        columns=tuple(
            _forecast(name, rule, done) for name, rule in policy.columns.items() if name in whole.column_names
        ),
        risk=assessment,
        gate_rows=searched,
        gate_hits=hits,
        refused=refused,
        shredding=shredding(policy),
    )


def _drawn(kit: Kit, table: pa.Table) -> dict[str, Worked]:
    """Columns that a run would look up, with tokens of a key that is thrown away."""
    key, found = os.urandom(32), {}
    for name, rule in kit.policy.columns.items():
        if looked_up(rule) and name in table.column_names and isinstance(rule, TokenMac | TokenVault):
            found[name] = per_distinct(text_of(one_array(table[name])), partial(_thrown_away, rule, kit, key))
    return found


def _thrown_away(rule: TokenMac | TokenVault, kit: Kit, key: bytes, text: pa.Array) -> Worked:
    written = kit.token_format(KINDS[type(rule)], rule.form)
    return tokenised(rule, text, lambda forms: mac.tags(forms, key), written, idempotent=kit.policy.idempotent)


def _judged(policy: Policy, output: pa.Table, refused: str) -> tuple[Assessment | None, str]:
    if policy.risk is None or not len(output):
        return None, refused
    groups = GroupCounts(policy.risk)
    groups.add(frame(output))
    assessment = groups.assess()
    try:
        risk.enforce(assessment, policy.risk)
    except GovernanceError as error:
        return assessment, refused or error.code
    return assessment, refused


def _searched(policy: Policy, source: pa.Table, done: Transformed, refused: str) -> tuple[int, int, str]:
    if policy.gate is None:
        return 0, 0, refused
    sample = Sample(policy, policy.gate)
    sample.add(source.filter(pa.array(~done.failed)), done.table)
    searched, hits = sample.search()
    try:
        decide(policy.gate, rows=len(done.table), searched=searched, hits=hits)
    except GovernanceError as error:
        return searched, hits, refused or error.code
    return searched, hits, refused


def _forecast(name: str, rule: Rule, done: Transformed) -> ColumnForecast:
    failures = {failure.reason: int(failure.rows.sum()) for failure in done.reasons if failure.column == name}
    measured = risk.statement(done.table, name) if name in done.table.column_names else None
    return ColumnForecast(
        name=name,
        transform=rule.word,
        failures=failures,
        measured=measured,
        reversible=isinstance(rule, TokenSiv | TokenVault | Fpe),
        says=(*_of_rule(rule), *(_of_values(rule, measured) if measured else ())),
    )


def _of_rule(rule: Rule) -> tuple[str, ...]:
    """What the transform itself means, whatever the values."""
    match rule:
        case TokenMac():
            said = "One-way: whoever has the key can test guesses, nobody can go back."
            own = "A secret of the person is mixed in: forgotten people's tokens cannot be tested either."
            bare = "Bare tokens cannot be told from values: run twice, they would be tokenised twice."
            return (
                said,
                *([own] if rule.shreddable else []),
                *([bare] if rule.form in (TokenForm.BASE32, TokenForm.HEX) else []),
            )
        case TokenSiv():
            return ("Reversible by whoever has the key. Its length tells the length of the value.",)
        case TokenVault():
            return (f"Random: only the vault's row leads back, for {rule.expires_days} days.",)
        case Fpe():
            return (
                "Reversible by whoever has the key; nothing tells an encrypted number from a real one.",
                f"Numbers with fewer than {rule.min_domain:,} possible encrypted parts are refused.",
            )
        case Synthetic():
            return ("Several people may share a stand-in: for reading and testing, not for joining.",)
        case DateShift():
            return (f"Intervals of one person stay; the calendar date is off by up to {rule.max_days} days.",)
        case Noise():
            return (
                f"{rule.distribution.capitalize()} noise of scale {rule.scale:g}, the same in every run. Not differential privacy.",
            )
        case Buckets() | Periods() | Prefix() | Network() | Coordinates() | Hierarchy():
            return ("Coarser, and in the clear: judge it by k together with the other quasi-identifiers.",)
        case _:
            return (_PLAIN[type(rule)],)


def _of_values(rule: Rule, measured: ColumnStatement) -> tuple[str, ...]:
    """What the measured values add: frequencies stay visible under every transform that keeps equality."""
    if isinstance(rule, Redact | Drop | Noise) or not measured.distinct:
        return ()
    said = [f"{measured.distinct:,} distinct values, {measured.entropy:.1f} bits of entropy."]
    if measured.most_frequent >= LEAST_FREQUENT and measured.distinct > 1:
        said.append(
            f"The most frequent value is in {measured.most_frequent:.0%} of the rows: its frequency tells which it is."
        )
    if isinstance(rule, TokenMac | TokenSiv | Fpe):
        said.append(f"If the key leaks, testing these values takes one core {_duration(measured.dictionary_seconds)}.")
    return tuple(said)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} seconds" if seconds >= 1 else "less than a second"
