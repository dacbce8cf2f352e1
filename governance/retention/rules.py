"""Retention rules: define, end, list. A rule names a registered place and what that place can do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction

from audit import log
from audit.acting import acting
from governance.kernel.actors import SYSTEM, Actor
from governance.kernel.clock import now
from governance.kernel.ids import uuid7
from governance.retention import disposables
from governance.retention.disposables import Action, Disposable
from governance.retention.errors import NotDisposable, PeriodTooShort, ReasonMissing, RuleExists, RuleUnknown
from governance.retention.models import RetentionRule


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule in force."""

    id: UUID
    source: str
    purpose: str
    period_days: int
    action: Action
    ground: str

    def before(self, at: datetime) -> datetime:
        """The instant up to which rows are too old."""
        return at - timedelta(days=self.period_days)


@dataclass(frozen=True, slots=True)
class DefaultRule:
    """A rule that a package ships with a place of its own."""

    source: str
    period_days: int
    ground: str


_defaults: dict[str, DefaultRule] = {}


def ship(default: DefaultRule) -> None:
    """Announce a rule that is there from the first migration on, until staff end it. From `AppConfig.ready()`."""
    _defaults[default.source] = default


def define(source: str, *, period_days: int, action: Action, ground: str, actor: Actor, purpose: str = "") -> UUID:
    """Put a rule in force. Returns its id.

    Raises NotDisposable, PeriodTooShort, ReasonMissing; RuleExists when the place has one for this purpose.
    """
    check(disposables.get(source), period_days=period_days, action=action, ground=ground, purpose=purpose)
    with transaction.atomic(), acting(actor):
        if RetentionRule.objects.filter(source=source, purpose=purpose, ended_at__isnull=True).exists():
            raise RuleExists("There is a rule for this place and purpose.", source=source)
        rule = RetentionRule(
            id=uuid7(),
            source=source,
            purpose=purpose,
            period_days=period_days,
            action=action,
            ground=ground.strip(),
            defined_at=now(),
        )
        try:
            with transaction.atomic():
                rule.save(force_insert=True)
        except IntegrityError as error:
            raise RuleExists("There is a rule for this place and purpose.", source=source) from error
        log.emit(
            "retention.rule_defined",
            actor=actor,
            object=f"retention_rule:{rule.pk}",
            purpose=purpose or None,
            facts={"source": source, "period_days": period_days, "action": str(action)},
        )
    return rule.pk


def end(rule_id: UUID, *, reason: str, actor: Actor) -> None:
    """Take a rule out of force; another may follow it. Raises RuleUnknown, ReasonMissing."""
    if not reason.strip():
        raise ReasonMissing("Say why the rule ends.", errors=[{"pointer": "/reason", "detail": "Missing."}])
    with transaction.atomic(), acting(actor):
        rule = RetentionRule.objects.select_for_update(of=("self",)).filter(pk=rule_id, ended_at__isnull=True).first()
        if rule is None:
            raise RuleUnknown("There is no such rule in force.")
        rule.ended_at = now()
        rule.save()
        log.emit("retention.rule_ended", actor=actor, object=f"retention_rule:{rule.pk}", facts={"source": rule.source})


def in_force() -> list[Rule]:
    """All rules in force, by place."""
    return [_rule(row) for row in RetentionRule.objects.filter(ended_at__isnull=True).order_by("source", "purpose")]


def get(rule_id: UUID) -> Rule:
    """A rule in force. Raises RuleUnknown."""
    row = RetentionRule.objects.filter(pk=rule_id, ended_at__isnull=True).first()
    if row is None:
        raise RuleUnknown("There is no such rule in force.")
    return _rule(row)


def install_defaults() -> int:
    """Put the shipped rules in force where a place never had one; a rule that staff ended stays ended. Returns how
    many were put."""
    known = set(RetentionRule.objects.values_list("source", flat=True))
    missing = [default for source, default in sorted(_defaults.items()) if source not in known]
    for default in missing:
        place = disposables.get(default.source)
        define(
            default.source,
            period_days=default.period_days,
            action=place.action,
            ground=default.ground,
            purpose=place.purpose,
            actor=SYSTEM,
        )
    return len(missing)


def check(place: Disposable, *, period_days: int, action: Action, ground: str, purpose: str) -> None:
    """Whether a rule makes sense for a place. Pure. Raises NotDisposable, PeriodTooShort, ReasonMissing."""
    if action is not place.action:
        raise NotDisposable(
            f"This place can {place.action} rows.", errors=[{"pointer": "/action", "detail": f"Only {place.action}."}]
        )
    if purpose and place.purpose and purpose != place.purpose:
        detail = f"The rows are there for {place.purpose}."
        raise NotDisposable(detail, errors=[{"pointer": "/purpose", "detail": detail}])
    if period_days < place.minimum_days:
        detail = f"At least {place.minimum_days} days: {place.minimum_ground}"
        raise PeriodTooShort(detail, errors=[{"pointer": "/period_days", "detail": detail}])
    if not ground.strip():
        raise ReasonMissing("Say why this period.", errors=[{"pointer": "/ground", "detail": "Missing."}])


def _rule(row: RetentionRule) -> Rule:
    return Rule(row.id, row.source, row.purpose, row.period_days, Action(row.action), row.ground)
