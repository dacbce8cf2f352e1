"""Carrying out a policy over one Arrow table: rule by rule, column by column, from a kit. No Django, so that executors can.

The world is closed: a column that the policy does not name is refused, and so is a type that a rule does not take.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pseudonymize.columns import tokens
from pseudonymize.columns.worked import (
    NO_CANONICAL_FORM,
    NO_PERSON,
    NOT_A_DATE,
    NOT_AN_ADDRESS,
    NOT_IN_HIERARCHY,
    NULL,
    TOO_SHORT,
    UNKNOWN_LANGUAGE,
    WRONG_CHECK,
    Flags,
    Worked,
    flags,
    per_distinct,
    plain_text,
    present,
    text_of,
    without,
)
from pseudonymize.errors import ColumnsMissing, ColumnsNotCovered, TableUnreadable, TransformFailed
from pseudonymize.kits.kit import Kit, class_of
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
    Nulls,
    OnError,
    Periods,
    Prefix,
    Redact,
    Rule,
    Synthetic,
    TokenMac,
    TokenSiv,
    TokenVault,
)
from pseudonymize.transforms import canonical, dates, formats, generalize, mask, noise, synthetic
from pseudonymize.transforms.columns import plain, unified
from pseudonymize.transforms.errors import RowError, TransformError
from pseudonymize.transforms.noise import Distribution


@dataclass(frozen=True, repr=False)
class Failure:
    """Rows of a column that could not be transformed, and why in words that quote nothing."""

    column: str
    reason: str
    rows: Flags


@dataclass(frozen=True, repr=False)
class Transformed:
    """The output and, for every input row, whether it could be transformed; rows that could not are not in the output."""

    table: pa.Table
    failed: Flags
    reasons: tuple[Failure, ...] = field(default=())

    @property
    def failures(self) -> dict[str, int]:
        """How many rows failed in each column."""
        counts: dict[str, Flags] = {}
        for failure in self.reasons:
            counts[failure.column] = counts.get(failure.column, np.zeros_like(self.failed)) | failure.rows
        return {name: int(rows.sum()) for name, rows in counts.items()}


Prepared = Mapping[str, Worked]
"""Columns whose values the house had to look up, worked already (`lookups.py`)."""


@dataclass(frozen=True, repr=False)
class Transformer:
    """A policy over tables, with the keys of a kit. Its repr shows neither."""

    kit: Kit

    def transform(self, table: pa.Table, prepared: Prepared | None = None) -> Transformed:
        """The table as the policy wants it. Order of rows is kept.

        Raises ColumnsNotCovered, ColumnsMissing, TableUnreadable; TransformFailed when a value cannot be transformed and the
        policy says to fail.
        """
        check(self.kit, table)
        failed = np.zeros(len(table), dtype=np.bool_)
        reasons: list[Failure] = []
        columns: dict[str, pa.Array] = {}
        for name in table.column_names:
            rule = self.kit.policy.columns[name]
            if isinstance(rule, Drop):
                continue
            done = (prepared or {}).get(name) or self._column(name, rule, table)
            if self.kit.policy.nulls is Nulls.REFUSE and not isinstance(rule, Keep):
                done = done.with_failure(NULL, ~present(table[name]))
            for reason, rows in done.failures:
                self._refuse(name, reason, int(rows.sum()))
                reasons.append(Failure(name, reason, rows))
                failed |= rows
            columns[name] = done.values
        output = pa.table(columns) if columns else pa.table({})
        if failed.any():
            output = output.filter(pa.array(~failed))
        return Transformed(output, failed, tuple(reasons))

    def _refuse(self, name: str, reason: str, count: int) -> None:
        if self.kit.policy.on_error is OnError.FAIL:
            raise TransformFailed(
                f"{count} values of {name!r} cannot be transformed: {reason}.", column=name, rows=count, reason=reason
            )

    def _column(self, name: str, rule: Rule, table: pa.Table) -> Worked:
        values = one_array(table[name])
        try:
            return self._carry_out(name, rule, values, table)
        except RowError as error:
            raise TransformFailed(f"Row {error.row} of {name!r}: {error.reason}.", column=name, row=error.row) from None
        except (TransformError, pa.ArrowException):
            # Arrow's own messages quote values; ours say which column and which rule.
            raise TableUnreadable(
                f"{name!r} is {_shape(values.type)}, which {rule.word} does not take.", column=name
            ) from None

    def _carry_out(self, name: str, rule: Rule, values: pa.Array, table: pa.Table) -> Worked:
        match rule:
            case TokenMac() if not rule.shreddable:
                return per_distinct(text_of(values), lambda text: tokens.of_mac(rule, text, self.kit))
            case TokenSiv():
                return per_distinct(text_of(values), lambda text: tokens.of_siv(rule, text, self.kit))
            case Fpe():
                return per_distinct(text_of(values), lambda text: self._formatted(rule, text))
            case Synthetic():
                return self._stood_in(rule, values, table)
            case DateShift():
                return self._shifted(name, rule, values, table)
            case Noise():
                return self._noised(name, rule, values, table)
            case DetectText():
                return self._searched(rule, values, table)
            case Redact(placeholder):
                return Worked(mask.redact(values, placeholder))
            case Keep():
                return Worked(_kept(values))
            case TokenMac() | TokenVault() | Drop():
                raise AssertionError  # looked up before, or dropped
            case _:
                return self._coarser(rule, values)

    def _coarser(self, rule: Rule, values: pa.Array) -> Worked:
        match rule:
            case Mask(first, last, character, length):
                return per_distinct(
                    text_of(values),
                    lambda text: Worked(
                        mask.mask(text, keep_first=first, keep_last=last, character=character, length=length)
                    ),
                )
            case Buckets(width, bottom, top):
                return Worked(generalize.numbers(values, width, bottom=bottom, top=top))
            case Periods():
                days, failed = _days(values)
                earliest = generalize.earliest_birth_below(rule.oldest, self.kit.today) if rule.oldest else None
                return Worked(generalize.dates(days, rule.to, earliest=earliest)).with_failure(NOT_A_DATE, failed)
            case Prefix(characters):
                return per_distinct(text_of(values), lambda text: Worked(generalize.prefix(text, characters)))
            case Network(v4_bits, v6_bits):
                return per_distinct(text_of(values), lambda text: _network(text, v4_bits, v6_bits))
            case Coordinates(decimals):
                return Worked(generalize.coordinates(values, decimals))
            case Hierarchy():
                return per_distinct(text_of(values), lambda text: _climbed(rule, text))
            case _:
                raise AssertionError  # every rule is carried out by one of the two

    def _formatted(self, rule: Fpe, text: pa.Array) -> Worked:
        forms, lost = _canonical(rule, plain_text(text))
        form = formats.Format(rule.first, rule.last, rule.country_code, rule.luhn, rule.min_domain)
        done = formats.encrypt(forms, self.kit.key("ff1", rule.column_class), form, rule.column_class.encode())
        worked = Worked(done.values).with_failure(TOO_SHORT, done.too_short)
        return worked.with_failure(WRONG_CHECK, done.unchecked).with_failure(NO_CANONICAL_FORM, lost)

    def _stood_in(self, rule: Synthetic, values: pa.Array, table: pa.Table) -> Worked:
        key = self.kit.key("synthetic", rule.column_class)
        if rule.language_column is None:
            return per_distinct(text_of(values), lambda text: _stand_ins(rule, text, rule.language, key))
        text, languages = plain_text(text_of(values)), self._languages(rule.language_column, table)
        answer, known = pa.nulls(len(text), pa.string()), np.zeros(len(text), dtype=np.bool_)
        lost = known.copy()
        for language in synthetic.LANGUAGES:
            rows = flags(pc.equal(languages, language))
            done = _stand_ins(rule, text.filter(pa.array(rows)), language, key)
            answer = pc.replace_with_mask(answer, pa.array(rows), done.values)
            for _, failed in done.failures:
                lost[np.flatnonzero(rows)[failed]] = True
            known |= rows
        worked = Worked(answer).with_failure(NO_CANONICAL_FORM, lost)
        return worked.with_failure(UNKNOWN_LANGUAGE, ~known & present(text))

    def _shifted(self, name: str, rule: DateShift, values: pa.Array, table: pa.Table) -> Worked:
        persons = self._persons(rule.key, table)
        values = plain(values)
        if pa.types.is_timestamp(values.type):
            when, wrong = values, np.zeros(len(values), dtype=np.bool_)
        else:
            when, wrong = _days(values)
        lost = flags(pc.and_(when.is_valid(), persons.is_null()))
        key = self.kit.key("date-shift", class_of(self.kit.policy.columns[rule.key], rule.key))
        moved = dates.shift(without(when, lost), persons, key, rule.max_days)
        return Worked(moved).with_failure(NOT_A_DATE, wrong).with_failure(NO_PERSON, lost)

    def _noised(self, name: str, rule: Noise, values: pa.Array, table: pa.Table) -> Worked:
        persons, values = self._persons(rule.key, table), plain(values)
        lost = flags(pc.and_(values.is_valid(), persons.is_null()))
        moved = noise.add(
            without(values, lost),
            persons,
            self.kit.key("noise", name),
            rule.scale,
            distribution=Distribution(rule.distribution),
            bottom=rule.bottom,
            top=rule.top,
        )
        return Worked(moved).with_failure(NO_PERSON, lost)

    def _searched(self, rule: DetectText, values: pa.Array, table: pa.Table) -> Worked:
        from pseudonymize.columns import free_text  # heavy: the detectors

        text = plain_text(text_of(values))
        column = rule.language_column
        return free_text.of_text(rule, text, self._languages(column, table) if column else None, self.kit)

    def _languages(self, name: str, table: pa.Table) -> pa.Array:
        return plain_text(text_of(one_array(table[name]))).cast(pa.string())

    def _persons(self, name: str, table: pa.Table) -> pa.Array:
        """Who a date or number belongs to, spelt as the column's own rule spells them."""
        rule, values = self.kit.policy.columns[name], text_of(one_array(table[name]))
        version = getattr(rule, "canonical", None)
        if version is None:
            return plain_text(values)
        region = getattr(rule, "region", None)
        return canonical.canonicalise(values, version, region=region, on_error="null")


def check(kit: Kit, table: pa.Table) -> None:
    """Raises ColumnsNotCovered, ColumnsMissing or TableUnreadable when the table's columns are not the policy's."""
    policy, names = kit.policy, table.column_names
    if len(set(names)) != len(names):
        raise TableUnreadable("Two columns have the same name.")
    uncovered = sorted(set(names) - set(policy.columns))
    if uncovered:
        raise ColumnsNotCovered(f"Not in the policy: {', '.join(uncovered)}.", columns=uncovered)
    missing = sorted(set(policy.columns) - set(names) - policy.optional)
    if missing:
        raise ColumnsMissing(f"Not in the table: {', '.join(missing)}.", columns=missing)


def one_array(column: pa.ChunkedArray) -> pa.Array:
    """A column as one array, dictionary and all."""
    if isinstance(column, pa.ChunkedArray):
        if pa.types.is_dictionary(column.type):
            column = unified(column)
        column = column.combine_chunks()
    if isinstance(column, pa.ChunkedArray):  # Arrow keeps chunks when the offsets of one would overflow
        if column.num_chunks == 1:
            return column.chunk(0)
        raise TableUnreadable("A column holds more than 2 GiB: work in batches.")
    return column


def _shape(kind: pa.DataType) -> str:
    """A type in words. Of a nested one only that: the names inside may be somebody's data."""
    return "nested" if pa.types.is_nested(kind) else f"of type {kind}"


def _canonical(rule: Fpe | Synthetic, text: pa.Array) -> tuple[pa.Array, Flags]:
    """The canonical form of each value as the rule asks, and which have none."""
    if rule.canonical is None:
        return text, np.zeros(len(text), dtype=np.bool_)
    forms = canonical.canonicalise(text, rule.canonical, region=rule.region, on_error="null")
    return forms, flags(pc.and_(forms.is_null(), text.is_valid()))


def _stand_ins(rule: Synthetic, text: pa.Array, language: str, key: bytes) -> Worked:
    forms, lost = _canonical(rule, plain_text(text))
    return Worked(synthetic.replace(forms, rule.kind, language, key)).with_failure(NO_CANONICAL_FORM, lost)


def _network(text: pa.Array, v4_bits: int, v6_bits: int) -> Worked:
    networks = generalize.network(text, v4_bits, v6_bits, on_error="null")
    return Worked(networks).with_failure(NOT_AN_ADDRESS, flags(pc.and_(networks.is_null(), text.is_valid())))


def _climbed(rule: Hierarchy, text: pa.Array) -> Worked:
    text = plain_text(text)
    known = pa.array([*{*rule.parents, *rule.parents.values()}], pa.string())
    gaps = flags(pc.and_(pc.invert(pc.is_in(text.cast(pa.string()), value_set=known)), text.is_valid()))
    if rule.other is None:
        climbed = generalize.hierarchy(without(text, gaps), rule.parents, levels=rule.levels)
        return Worked(climbed).with_failure(NOT_IN_HIERARCHY, gaps)
    return Worked(generalize.hierarchy(text, rule.parents, levels=rule.levels, default=rule.other))


def _days(values: pa.Array) -> tuple[pa.Array, Flags]:
    """Dates of a column of dates, timestamps or ISO 8601 text, and which values are none."""
    values = plain(values)
    if pa.types.is_date(values.type) or pa.types.is_timestamp(values.type):
        return values, np.zeros(len(values), dtype=np.bool_)
    text = plain_text(text_of(values)).cast(pa.string())
    parsed = pc.strptime(text, format="%Y-%m-%d", unit="s", error_is_null=True)
    return parsed.cast(pa.date32()), flags(pc.and_(parsed.is_null(), text.is_valid()))


def _kept(values: pa.Array) -> pa.Array:
    """Numbers, flags, times and text pass. What has an inside does not: nobody has looked there."""
    kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        raise TransformError(f"not a plain type: {kind}")
    if pa.types.is_binary_view(kind) or pa.types.is_fixed_size_binary(kind):
        raise TransformError(f"not a plain type: {kind}")
    return plain(values) if pa.types.is_dictionary(values.type) else values
