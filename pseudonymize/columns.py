"""Carrying out a policy over one Arrow table: rule by rule, column by column, with keys that never leave this module's values.

The world is closed: a column that the policy does not name is refused, and so is a type that a rule does not take.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from governance.kernel.clock import today
from pseudonymize import texts, tokens
from pseudonymize.detection import Kind
from pseudonymize.errors import ColumnsMissing, ColumnsNotCovered, TableUnreadable, TransformFailed
from pseudonymize.keys.domain_keys import working_key
from pseudonymize.models import Domain
from pseudonymize.policies.policy import (
    Buckets,
    DateShift,
    DetectText,
    Drop,
    Keep,
    Mask,
    OnError,
    Periods,
    Policy,
    Prefix,
    Redact,
    Rule,
    TokenMac,
)
from pseudonymize.tokens import Flags
from pseudonymize.tokens import flags as _flags
from pseudonymize.transforms import canonical, dates, generalize, mask
from pseudonymize.transforms.errors import RowError, TransformError


@dataclass(frozen=True)
class Transformed:
    """The output and, for every input row, whether it could be transformed; rows that could not are not in the output."""

    table: pa.Table
    failed: Flags
    failures: Mapping[str, int]
    """How many rows failed in each column."""


@dataclass(frozen=True, repr=False)
class _Column:
    values: pa.Array
    failed: Flags | None = None


@dataclass(frozen=True, repr=False)
class Transformer:
    """A policy with the working keys of its domain. Its repr shows neither."""

    policy: Policy
    domain: Domain
    _keys: Mapping[str, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, policy: Policy, domain: Domain) -> Transformer:
        """Derive the keys that the policy's columns need. A few queries; make one per run and not one per batch."""
        keys = {}
        for name, rule in policy.columns.items():
            match rule:
                case TokenMac():
                    keys[name] = working_key(domain, "mac", rule.column_class)
                case DateShift():
                    keys[name] = working_key(domain, "date-shift", _class_of(policy.columns[rule.key], rule.key))
                case _:
                    pass
        return cls(policy, domain, keys)

    def transform(self, table: pa.Table) -> Transformed:
        """The table as the policy wants it. Order of rows is kept.

        Raises ColumnsNotCovered, ColumnsMissing, TableUnreadable; TransformFailed when a value cannot be transformed and the
        policy says to fail, or when a value is a token of another domain.
        """
        self._check(table)
        failed = np.zeros(len(table), dtype=np.bool_)
        failures: dict[str, int] = {}
        columns: dict[str, pa.Array] = {}
        for name in table.column_names:
            rule = self.policy.columns[name]
            if isinstance(rule, Drop):
                continue
            done = self._column(name, rule, table)
            if done.failed is not None and done.failed.any():
                failures[name] = int(done.failed.sum())
                self._refuse(name, failures[name])
                failed |= done.failed
            columns[name] = done.values
        output = pa.table(columns) if columns else pa.table({})
        if failed.any():
            output = output.filter(pa.array(~failed))
        return Transformed(output, failed, failures)

    def _refuse(self, name: str, count: int) -> None:
        if self.policy.on_error is OnError.FAIL:
            raise TransformFailed(f"{count} values of {name!r} cannot be transformed.", column=name, rows=count)

    def _check(self, table: pa.Table) -> None:
        names = table.column_names
        if len(set(names)) != len(names):
            raise TableUnreadable("Two columns have the same name.")
        uncovered = sorted(set(names) - set(self.policy.columns))
        if uncovered:
            raise ColumnsNotCovered(f"Not in the policy: {', '.join(uncovered)}.", columns=uncovered)
        missing = sorted(set(self.policy.columns) - set(names) - self.policy.optional)
        if missing:
            raise ColumnsMissing(f"Not in the table: {', '.join(missing)}.", columns=missing)

    def _column(self, name: str, rule: Rule, table: pa.Table) -> _Column:
        values = _plain(table[name])
        try:
            return self._carry_out(name, rule, values, table)
        except RowError as error:
            raise TransformFailed(f"Row {error.row} of {name!r}: {error.reason}.", column=name, row=error.row) from None
        except (TransformError, pa.ArrowException):
            # Arrow's own messages quote values; ours say which column and which rule.
            raise TableUnreadable(
                f"{name!r} is {_shape(values.type)}, which {_named(rule)} does not take.", column=name
            ) from None

    def _carry_out(self, name: str, rule: Rule, values: pa.Array, table: pa.Table) -> _Column:
        match rule:
            case TokenMac():
                forms, failed = tokens.of_column(rule, _text(values), self._keys[name], self.domain, self.domain.epoch)
                return _Column(forms, failed)
            case Buckets(width, bottom, top):
                return _Column(generalize.numbers(values, width, bottom=bottom, top=top))
            case Periods():
                days, failed = _days(values)
                earliest = generalize.earliest_birth_below(rule.oldest, today()) if rule.oldest else None
                return _Column(generalize.dates(days, rule.to, earliest=earliest), failed)
            case Prefix(characters):
                return _Column(generalize.prefix(_text(values), characters))
            case DateShift():
                return self._shift(name, rule, values, table)
            case Mask(first, last):
                return _Column(mask.mask(_text(values), keep_first=first, keep_last=last))
            case Redact():
                return _Column(mask.redact(values))
            case DetectText():
                return _redacted(rule, _text(values), table)
            case Keep():
                return _Column(_kept(values))
            case Drop():
                raise AssertionError  # dropped columns are not carried out

    def _shift(self, name: str, rule: DateShift, values: pa.Array, table: pa.Table) -> _Column:
        persons = self._persons(rule.key, table)
        when, failed = (values, None) if pa.types.is_timestamp(values.type) else _days(values)
        lost = pc.and_(when.is_valid(), persons.is_null())
        if pc.any(lost).as_py():
            when = pc.if_else(lost, pa.scalar(None, when.type), when)
            failed = _either(failed, _flags(lost))
        return _Column(dates.shift(when, persons, self._keys[name], rule.max_days), failed)

    def _persons(self, name: str, table: pa.Table) -> pa.Array:
        """Who a date belongs to, spelt as the column's own rule spells them."""
        rule, values = self.policy.columns[name], _text(_plain(table[name]))
        if isinstance(rule, TokenMac) and rule.canonical:
            return canonical.canonicalise(values, rule.canonical, on_error="null")
        return values


def _class_of(rule: Rule, name: str) -> str:
    return rule.column_class if isinstance(rule, TokenMac) else name


def _shape(kind: pa.DataType) -> str:
    """A type in words. Of a nested one only that: the names inside may be somebody's data."""
    return "nested" if pa.types.is_nested(kind) else f"of type {kind}"


def _named(rule: Rule) -> str:
    return type(rule).__name__


def _plain(column: pa.ChunkedArray) -> pa.Array:
    """One array without a dictionary: the transforms encode by themselves where values repeat."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):  # Arrow keeps chunks when the offsets of one would overflow
        raise TableUnreadable("A column holds more than 2 GiB: work in batches.")
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def _text(values: pa.Array) -> pa.Array:
    """Text as it is; whole numbers and dates in their one written form. Anything else has several and is refused."""
    kind = values.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return values
    if pa.types.is_integer(kind) or pa.types.is_date32(kind) or pa.types.is_null(kind):
        return values.cast(pa.string())
    raise TransformError(f"not text: {kind}")


def _days(values: pa.Array) -> tuple[pa.Array, Flags | None]:
    """Dates of a column of dates, timestamps or ISO 8601 text, and which values are none."""
    if pa.types.is_date(values.type) or pa.types.is_timestamp(values.type):
        return values, None
    text = _text(values).cast(pa.string())
    parsed = pc.strptime(text, format="%Y-%m-%d", unit="s", error_is_null=True)
    return parsed.cast(pa.date32()), _flags(pc.and_(parsed.is_null(), text.is_valid()))


def _kept(values: pa.Array) -> pa.Array:
    """Numbers, flags, times and text pass. What has an inside does not: nobody has looked there."""
    kind = values.type
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        raise TransformError(f"not a plain type: {kind}")
    return values


def _redacted(rule: DetectText, text: pa.Array, table: pa.Table) -> _Column:
    kinds = frozenset(map(Kind, rule.types)) or frozenset(Kind)
    if rule.language_column is None:
        return _Column(_redact(text, rule.language, kinds))
    languages = _text(_plain(table[rule.language_column])).cast(pa.string())
    answer = pa.nulls(len(text), pa.string())
    searched = np.zeros(len(text), dtype=np.bool_)
    for language in texts.LANGUAGES:
        rows = _flags(pc.equal(languages, language))
        found = _redact(text.filter(pa.array(rows)), language, kinds)
        answer = pc.replace_with_mask(answer, pa.array(rows), found)
        searched |= rows
    # A text in a language that nobody can search does not pass.
    return _Column(answer, ~searched & _flags(text.is_valid()))


def _redact(text: pa.Array, language: str, kinds: frozenset[Kind]) -> pa.Array:
    """Each distinct text searched once."""
    encoded = text.cast(pa.string()).dictionary_encode()
    cleaned = texts.redact(encoded.dictionary.to_pylist(), language, kinds)
    return pa.array(cleaned, pa.string()).take(encoded.indices)


def _either(left: Flags | None, right: Flags) -> Flags:
    return right if left is None else left | right
