"""What our ledger says of the grounds that another system names for its decisions: whose they are, for what, and whether they permit it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from audit.decision_records.grounds import Cited, Contradiction
from consent.models import ConsentEvent, ConsentVerdict, ConsentVerdictSet
from consent.terms import GRANTS

_ANY = "*"


def contradictions(cited: Cited) -> list[Contradiction]:
    """The decisions that rest on somebody else's consent or verdict, on one for another purpose, or on one that permits nothing.

    Three statements for a batch. A withdrawal after the decision contradicts nothing: the event was its ground then.
    """
    return [*_events(cited), *_verdicts(cited)]


def _events(cited: Cited) -> Iterator[Contradiction]:
    rows = ConsentEvent.objects.filter(id__in=_named(cited.consent_events))
    known = {row[0]: row[1:] for row in rows.values_list("id", "subject_id", "purpose_key", "event_type")}
    for place, (event, subject) in enumerate(zip(cited.consent_events, cited.subjects, strict=True)):
        if event not in known:
            continue
        whose, purpose, kind = known[event]
        if whose != subject:
            yield Contradiction(place, "consent_event", "The event is not this subject's.")
        elif purpose not in {cited.purpose, _ANY}:
            yield Contradiction(place, "consent_event", "The event is about another purpose.")
        elif kind not in GRANTS:
            yield Contradiction(place, "consent_event", "The event gives no consent.")


def _verdicts(cited: Cited) -> Iterator[Contradiction]:
    named = _named(cited.verdicts)
    rows = ConsentVerdict.objects.filter(id__in=named)
    single = {row[0]: row[1:] for row in rows.values_list("id", "subject_id", "purpose_key", "allowed")}
    sets = dict(ConsentVerdictSet.objects.filter(id__in=named).values_list("id", "purpose_key"))
    whose: UUID
    for place, verdict in enumerate(cited.verdicts):
        if verdict in sets:
            whose, purpose, allowed = cited.subjects[place], sets[verdict], True
        elif verdict in single:
            whose, purpose, allowed = single[verdict]
        else:
            continue
        if whose != cited.subjects[place]:
            yield Contradiction(place, "verdict", "The verdict is not about this subject.")
        elif purpose != cited.purpose:
            yield Contradiction(place, "verdict", "The verdict is about another purpose.")
        elif cited.acted[place] and not allowed:
            yield Contradiction(place, "verdict", "The verdict forbids it.")


def _named(ids: Sequence[UUID | None]) -> set[UUID]:
    return {one for one in ids if one is not None}
