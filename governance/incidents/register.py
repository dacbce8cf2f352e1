"""What can be done about a breach: open, become aware, assess, notify, inform or be exempt, close. Each leaves a step
and an entry."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from audit import log
from governance.incidents import clocks
from governance.incidents.affected import Affected
from governance.incidents.errors import BreachIncomplete, BreachUnknown
from governance.incidents.models import KINDS, BreachStep, PersonalDataBreach
from governance.incidents.phases import Phase, Risk, Step, check_notice, check_text, next_phase
from governance.kernel.actors import Actor
from governance.kernel.canonical import digest, sha256_hex
from governance.kernel.clock import now
from governance.kernel.errors import JSON
from governance.kernel.ids import uuid7

EXEMPTIONS = {
    "a": "The data were unintelligible to whoever got them (Art. 34(3)(a)).",
    "b": "Later measures make the high risk unlikely (Art. 34(3)(b)).",
    "c": "Informing each would be disproportionate; there was a public communication (Art. 34(3)(c)).",
}


def open_breach(
    title: str,
    facts: str,
    kinds: Sequence[str],
    *,
    actor: Actor,
    detected_at: datetime | None = None,
    aware_at: datetime | None = None,
) -> UUID:
    """Enter a breach, suspected or known. With `aware_at` the clock starts at once. Returns its id.

    Raises BreachIncomplete, TextNamesSomebody.
    """
    title = check_text("/title", title, wanted="A breach has a title.")
    facts = check_text("/facts", facts, wanted="Say what happened (Art. 33(3)(a)).")
    if not kinds or not set(kinds) <= {kind for kind, _ in KINDS}:
        raise BreachIncomplete(
            "A breach is of confidentiality, integrity or availability.",
            errors=[{"pointer": "/kinds", "detail": "One of the three."}],
        )
    at = now()
    detected_at = detected_at or min(at, aware_at or at)
    if detected_at > at:
        raise BreachIncomplete(
            "A breach is not detected in the future.", errors=[{"pointer": "/detected_at", "detail": "In the future."}]
        )
    with transaction.atomic():
        breach = PersonalDataBreach.objects.create(
            id=uuid7(),
            title=title,
            facts=facts,
            kinds=sorted(set(kinds)),
            detected_at=detected_at,
            opened_by=str(actor),
            opened_at=at,
        )
        _record(breach, "open", "", detected_at, {}, actor=actor)
        if aware_at is not None:
            _become_aware(breach, aware_at, actor)
    return breach.pk


def become_aware(breach_id: UUID, *, actor: Actor, at: datetime | None = None) -> datetime:
    """We have a reasonable degree of certainty: the clock starts. Returns the deadline. Raises BreachUnknown,
    StepNotAllowed."""
    with transaction.atomic():
        return _become_aware(_locked(breach_id), at or now(), actor)


def assess(
    breach_id: UUID,
    risk: Risk,
    *,
    effects: str,
    remedies: str,
    actor: Actor,
    affected: Affected | None = None,
    subject_categories: Sequence[str] = (),
    data_categories: Sequence[str] = (),
) -> None:
    """State the risk, the likely consequences and the measures (Art. 33(3)(c), (d)); again whenever more is known.

    Raises BreachUnknown, StepNotAllowed, BreachIncomplete, TextNamesSomebody.
    """
    if risk is Risk.UNKNOWN:
        raise BreachIncomplete(
            "An assessment says none, risk or high.", errors=[{"pointer": "/risk", "detail": "Missing."}]
        )
    effects = check_text("/effects", effects, wanted="State the likely consequences (Art. 33(3)(c)).")
    remedies = check_text("/remedies", remedies, wanted="State the measures taken or proposed (Art. 33(3)(d)).")
    with transaction.atomic():
        breach = _locked(breach_id)
        before = Phase(breach.phase)
        after = next_phase(Step.ASSESS, before, Risk(breach.risk))
        breach.phase, breach.risk, breach.effects, breach.remedies = after, risk, effects, remedies
        breach.subject_categories = list(subject_categories) or breach.subject_categories
        breach.data_categories = list(data_categories) or breach.data_categories
        notes: dict[str, JSON] = {
            "risk": str(risk),
            "effects_sha256": sha256_hex(effects.encode()),
            "remedies_sha256": sha256_hex(remedies.encode()),
        }
        if affected is not None:
            breach.affected_people, breach.affected_records = affected.people, affected.records
            breach.affected_query, breach.affected_at = affected.query, affected.measured_at
            notes |= {
                "people": affected.people,
                "records": affected.records,
                "query_sha256": sha256_hex(affected.query.encode()),
            }
        breach.save()
        _record(breach, Step.ASSESS, before, now(), notes, actor=actor)


def notify(
    breach_id: UUID, *, reference: str, actor: Actor, at: datetime | None = None, delay_reasons: str = ""
) -> int:
    """Record a notice to the supervisory authority, at the time when it was given. Returns the number of its phase
    (Art. 33(4)).

    `reference` is the authority's or ours. Raises DelayNeedsReasons for the first notice after the deadline without
    reasons, BreachUnknown, StepNotAllowed, BreachIncomplete, TextNamesSomebody.
    """
    reference = check_text("/reference", reference, wanted="A notice has a reference.")
    delay_reasons = check_text("/delay_reasons", delay_reasons)
    moment = at or now()
    with transaction.atomic():
        breach = _locked(breach_id)
        before = Phase(breach.phase)
        after = next_phase(Step.NOTIFY, before, Risk(breach.risk))
        if breach.aware_at is None:
            raise BreachIncomplete("The clock has not started.")
        phase = breach.steps.filter(step=Step.NOTIFY).count() + 1
        # Only the first notice has a deadline; what follows comes without further undue delay (Art. 33(4)).
        due_at = breach.due_at if phase == 1 else None
        check_notice(moment, breach.aware_at, now(), due_at=due_at, reasons=delay_reasons)
        breach.phase = after
        breach.save()
        notes: dict[str, JSON] = {
            "phase": phase,
            "reference": reference,
            "late": due_at is not None and moment > due_at,
        }
        if delay_reasons:
            notes["delay_reasons"] = delay_reasons
        _record(breach, Step.NOTIFY, before, moment, notes, actor=actor)
    return phase


def inform_subjects(breach_id: UUID, *, people: int, how: str, actor: Actor) -> None:
    """Record that the people concerned were told (Art. 34(1)): how many, and by which means. Raises as the other
    steps."""
    how = check_text("/how", how, wanted="Say how the people were told.")
    if people < 1:
        raise BreachIncomplete(
            "At least one person was told.", errors=[{"pointer": "/people", "detail": "Less than one."}]
        )
    with transaction.atomic():
        _step(_locked(breach_id), Step.INFORM, actor, {"people": people, "how": how})


def exempt(breach_id: UUID, ground: str, *, reason: str, actor: Actor) -> None:
    """Record why the people need not be told, by the letter of Art. 34(3): `a`, `b` or `c`. Raises as the other
    steps."""
    reason = check_text("/reason", reason, wanted="Say why the exemption applies.")
    if ground not in EXEMPTIONS:
        raise BreachIncomplete(
            "An exemption is a, b or c of Art. 34(3).", errors=[{"pointer": "/ground", "detail": "Unknown."}]
        )
    with transaction.atomic():
        _step(_locked(breach_id), Step.EXEMPT, actor, {"ground": ground, "reason": reason})


def close(breach_id: UUID, *, reason: str, actor: Actor) -> None:
    """Close a breach whose duties are met. It stays in the register for good (Art. 33(5)). Raises as the other steps."""
    reason = check_text("/reason", reason, wanted="Say why the breach is closed.")
    with transaction.atomic():
        breach = _locked(breach_id)
        breach.closed_at = now()
        _step(breach, Step.CLOSE, actor, {"reason": reason})


def _become_aware(breach: PersonalDataBreach, at: datetime, actor: Actor) -> datetime:
    before = Phase(breach.phase)
    breach.phase = next_phase(Step.BECOME_AWARE, before, Risk(breach.risk))
    if not breach.detected_at <= at <= now():
        raise BreachIncomplete("We become aware after the breach was detected, and not in the future.")
    breach.aware_at, breach.due_at = at, clocks.due(at)
    breach.save()
    _record(breach, Step.BECOME_AWARE, before, at, {"due_at": breach.due_at.isoformat()}, actor=actor)
    return breach.due_at


def _step(breach: PersonalDataBreach, step: Step, actor: Actor, notes: dict[str, JSON]) -> None:
    before = Phase(breach.phase)
    breach.phase = next_phase(step, before, Risk(breach.risk))
    breach.save()
    _record(breach, step, before, now(), notes, actor=actor)


def _locked(breach_id: UUID) -> PersonalDataBreach:
    breach = PersonalDataBreach.objects.select_for_update().filter(pk=breach_id).first()
    if breach is None:
        raise BreachUnknown("There is no such breach.")
    return breach


def _record(
    breach: PersonalDataBreach, step: str, before: str, at: datetime, notes: dict[str, JSON], *, actor: Actor
) -> None:
    """One row of history and one entry of the log. The entry has the digest of the notes, whose words stay in the
    register."""
    entry = log.emit(
        f"incidents.breach_{step}",
        actor=actor,
        object=f"breach:{breach.pk}",
        facts={"before": str(before), "after": str(breach.phase), "at": at.isoformat(), "notes_sha256": digest(notes)},
    )
    last = breach.steps.aggregate(last=Max("number"))["last"] or 0
    BreachStep.objects.create(
        breach=breach,
        number=last + 1,
        step=step,
        before=before,
        after=breach.phase,
        at=at,
        recorded_at=now(),
        actor=str(actor),
        notes=notes,
        entry_id=entry,
    )
