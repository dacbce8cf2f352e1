"""The closed language of segment rules: comparisons over profile columns, joined by all, any and not. No expressions, no SQL.

    {"all": [{"field": "baskets", "op": ">=", "value": 5}, {"not": {"field": "last_purchase_at", "op": "within_days", "value": 28}}]}

A rule compiles to one SQL condition with its values as parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from engine.profiles.errors import RuleMalformed

NUMBERS = (
    "events", "baskets", "lines", "quantity", "value_cents", "discount_cents", "coupon_cents", "coupons_redeemed",
    "campaigns_received",
)  # fmt: skip
INSTANTS = ("first_event_at", "last_event_at", "last_purchase_at")
COMPARISONS = {"=": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
WITHIN_DAYS = "within_days"
_DEEPEST, _LONGEST = 5, 20
_LARGEST_NUMBER, _MOST_DAYS = 10**15, 3_650


@dataclass(slots=True)
class Condition:
    """SQL over the columns of `engine_profile`, and the values of its placeholders in order."""

    sql: str
    values: list[Any] = field(default_factory=list)


def compile_rule(rule: object, *, now: datetime) -> Condition:
    """The condition that a rule means at an instant. Raises RuleMalformed with a pointer to what is wrong."""
    return _compile(rule, now, "", 0)


def _compile(rule: object, now: datetime, pointer: str, depth: int) -> Condition:
    if not isinstance(rule, Mapping) or depth > _DEEPEST:
        raise _malformed(pointer, "Expected a comparison, or all, any or not of rules.")
    match dict(rule):
        case {"all": [*parts], **rest} if parts and not rest:
            return _join(parts, " AND ", now, f"{pointer}/all", depth)
        case {"any": [*parts], **rest} if parts and not rest:
            return _join(parts, " OR ", now, f"{pointer}/any", depth)
        case {"not": part, **rest} if not rest:
            inner = _compile(part, now, f"{pointer}/not", depth + 1)
            return Condition(f"NOT ({inner.sql})", inner.values)
        case {"field": str(name), "op": str(operator), "value": value, **rest} if not rest:
            return _compare(name, operator, value, now, pointer)
        case _:
            raise _malformed(pointer, "Expected a comparison, or all, any or not of rules.")


def _join(parts: list[object], joint: str, now: datetime, pointer: str, depth: int) -> Condition:
    if len(parts) > _LONGEST:
        raise _malformed(pointer, f"At most {_LONGEST} rules.")
    compiled = [_compile(part, now, f"{pointer}/{place}", depth + 1) for place, part in enumerate(parts)]
    sql = joint.join(f"({one.sql})" for one in compiled)
    return Condition(sql, [value for one in compiled for value in one.values])


def _compare(name: str, operator: str, value: object, now: datetime, pointer: str) -> Condition:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if name in NUMBERS and operator in COMPARISONS:
        if not whole or abs(value) > _LARGEST_NUMBER:  # type: ignore[arg-type]
            raise _malformed(f"{pointer}/value", "Expected a whole number.")
        return Condition(f"{name} {COMPARISONS[operator]} %s", [value])
    if name in INSTANTS and operator == WITHIN_DAYS:
        if not whole or not 0 < value <= _MOST_DAYS:  # type: ignore[operator]
            raise _malformed(f"{pointer}/value", f"Expected 1 to {_MOST_DAYS} days.")
        # Never is not within any number of days: `not` of it must be true, so it may not be null.
        return Condition(f"coalesce({name} > %s, false)", [now - timedelta(days=value)])  # type: ignore[arg-type]
    if name not in (*NUMBERS, *INSTANTS):
        raise _malformed(f"{pointer}/field", "Not a column of profiles.")
    raise _malformed(f"{pointer}/op", "Not an operator of this column.")


def _malformed(pointer: str, detail: str) -> RuleMalformed:
    return RuleMalformed(errors=[{"pointer": f"/rule{pointer}", "detail": detail}])
