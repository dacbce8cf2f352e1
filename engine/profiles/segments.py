"""Segments: sets of subjects by rule, evaluated when asked for. Membership is a selection, not a permission: the gate comes after it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from engine.profiles.errors import SegmentUnknown
from engine.profiles.models import Segment
from engine.profiles.rules import compile_rule
from governance.kernel import clock
from governance.kernel.ids import SubjectId


@dataclass(frozen=True, slots=True)
class SegmentDefinition:
    """A segment as it is defined now."""

    key: str
    title: str
    rule: dict[str, Any]


def define(key: str, *, title: str, rule: dict[str, Any]) -> SegmentDefinition:
    """Create a segment or change its rule; the change is captured in the log. Raises RuleMalformed."""
    compile_rule(rule, now=clock.now())
    with transaction.atomic():
        segment = Segment.objects.select_for_update().filter(key=key).first() or Segment(key=key)
        segment.title, segment.rule = title, rule
        segment.save()
    return SegmentDefinition(key, title, rule)


def members(key: str, *, at: datetime | None = None) -> list[SubjectId]:
    """Whose profile fits the rule, in order of id. Raises SegmentUnknown."""
    return [SubjectId(subject) for (subject,) in _select("subject_id", key, at, order="ORDER BY subject_id")]


def size(key: str, *, at: datetime | None = None) -> int:
    """How many profiles fit the rule. Raises SegmentUnknown."""
    return int(_select("count(*)", key, at)[0][0])


def _select(what: str, key: str, at: datetime | None, *, order: str = "") -> list[tuple[Any, ...]]:
    condition = compile_rule(_rule(key), now=at or clock.now())
    # `what`, `order` and the condition are made of constants; every value is a parameter.
    statement = f"SELECT {what} FROM engine_profile WHERE {condition.sql} {order}"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, condition.values)
        return list(cursor.fetchall())


def _rule(key: str) -> dict[str, Any]:
    rule: dict[str, Any] | None = Segment.objects.filter(key=key).values_list("rule", flat=True).first()
    if rule is None:
        raise SegmentUnknown
    return rule
