"""Everything about one decision in sections, for the officer and for an authority or court: the page and the paper show the same.

What lies in packages above (the model's card, the consent behind a verdict) comes from them as sections of its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from audit import decisions, log, reviews, sealing
from audit.errors import NotYetSequenced
from audit.explanations import proxies, reasons
from audit.explanations.reasons import Explanation, Tier
from governance.kernel.actors import Actor
from governance.kernel.ids import opaque

PURPOSE = "automated_decision_explanation"


@dataclass(frozen=True, slots=True)
class Bar:
    """One reason as a signed bar; ``share`` of the strongest, from -1 to 1."""

    text: str
    signed: str
    share: float

    @property
    def start(self) -> str:
        """Where the bar begins on a line from -1 to 1, as text without a locale's comma."""
        return f"{min(0.0, self.share):.4f}"

    @property
    def length(self) -> str:
        return f"{abs(self.share):.4f}"


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, and sentences, facts by name, or bars under it. ``verbatim`` is text to be copied as it is."""

    title: str
    lines: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    bars: tuple[Bar, ...] = ()
    verbatim: str = ""


@dataclass(frozen=True, slots=True)
class Dossier:
    """A decision as somebody may see it."""

    decision: decisions.Decision
    explanation: Explanation
    sections: tuple[Section, ...]

    @property
    def title(self) -> str:
        return f"Decision {opaque('dec', self.decision.id)}"


Describe = Callable[[decisions.Decision], Sequence[Section]]
_describers: list[Describe] = []


def describe_with(describer: Describe) -> None:
    """Add sections from a package above, with what it knows about a decision; from ``AppConfig.ready()``."""
    if describer not in _describers:
        _describers.append(describer)


def of(decision_id: UUID, tier: Tier, *, actor: Actor) -> Dossier:
    """The dossier of a decision. That it was looked at is an entry of the log, and for an authority its frozen input is opened.

    Raises ``UnknownDecision``, and what the sealer raises.
    """
    decision = decisions.get(decision_id)
    explanation = reasons.explain_decision(decision, "en", tier=tier)
    sections = [
        _what(decision, explanation),
        _why(decision, explanation),
        _inputs(decision, explanation),
        *(section for describer in _describers for section in describer(decision)),
        _others(decision),
        _chance(decision, explanation),
        Section(
            "Counterfactual", lines=(explanation.counterfactual or "Nobody searched for one.", explanation.correction)
        ),
        _reviews(decision_id),
        _proof(decision, whole=tier is Tier.AUTHORITY),
    ]
    with transaction.atomic():
        log.emit(
            "decision.read",
            actor=actor,
            object=f"decision:{decision_id}",
            purpose=PURPOSE,
            subject=decision.subject,
            facts={"tier": tier.value},
        )
        if tier is Tier.AUTHORITY:
            sections.insert(3, _frozen_input(decision))
    return Dossier(decision, explanation, tuple(sections))


def bars_of(given: Sequence[reasons.Reason]) -> tuple[Bar, ...]:
    """Reasons as bars, each in proportion to the strongest."""
    largest = max((abs(reason.contribution) for reason in given), default=1.0) or 1.0
    return tuple(Bar(one.text, f"{one.contribution:+.3f}", one.contribution / largest) for one in given)


def _what(decision: decisions.Decision, explanation: Explanation) -> Section:
    return Section(
        "What was decided",
        lines=(explanation.sentence,),
        facts=(
            ("Action", decision.chosen),
            ("Kind", decision.kind),
            ("Decided", f"{decision.decided_at:%Y-%m-%d %H:%M:%S} UTC"),
            ("About", decision.object),
            ("Purpose", decision.purpose),
            ("Effect", decision.effect.replace("_", " ")),
            ("Made by", "a computer alone" if decision.solely_automated else "a computer and a person"),
            ("Verdict of the gate", str(decision.verdict_id or "–")),
            ("Consent event", str(decision.consent_event_id or "–")),
            ("Notice", decision.notice_version or "–"),
            ("Policy", decision.policy_version),
        ),
    )


def _why(decision: decisions.Decision, explanation: Explanation) -> Section:
    return Section(
        "Reasons",
        lines=(explanation.attribution, *_withheld(explanation), *_unlawful(decision)),
        facts=(
            ("Start of the sum", f"{explanation.intercept:+.6f}"),
            ("Score", f"{explanation.score:+.6f}"),
        ),
        bars=bars_of(explanation.reasons),
    )


def _withheld(explanation: Explanation) -> tuple[str, ...]:
    return (f"{explanation.withheld} of the features are named to an authority alone.",) if explanation.withheld else ()


def _unlawful(decision: decisions.Decision) -> tuple[str, ...]:
    """What another system used although its name points to Art. 9: the person is never told it as a reason, the officer must know."""
    special = [term.feature for term in decision.terms if proxies.special(term.feature)]
    standing = [(term.feature, proxy.stands_for) for term in decision.terms if (proxy := proxies.known(term.feature))]
    lines = [f"The feature {name} points to a special category of data (Art. 9)." for name in special]
    return (*lines, *(f"The feature {name} is known to stand for {what} (Art. 9)." for name, what in standing))


def _inputs(decision: decisions.Decision, explanation: Explanation) -> Section:
    shown = {reason.feature for reason in explanation.reasons}
    used = tuple((term.feature, f"range {term.bin}") for term in decision.terms if term.feature in shown)
    return Section("Data used and not used", lines=("Not used: " + "; ".join(explanation.not_used) + ".",), facts=used)


def _frozen_input(decision: decisions.Decision) -> Section:
    opened = sealing.open_one(decision.subject, sealing.INPUT, decision.sealed_input)
    return Section(
        "Frozen input", verbatim=json.dumps(json.loads(opened), indent=2, ensure_ascii=False, sort_keys=True)
    )


def _others(decision: decisions.Decision) -> Section:
    lost = tuple(
        (one.action, f"{one.score:+.4g}, {one.lost_because.replace('_', ' ')}") for one in decision.alternatives
    )
    return Section("What else was considered", lines=() if lost else ("Nothing else.",), facts=lost)


def _chance(decision: decisions.Decision, explanation: Explanation) -> Section:
    facts = [("Seed of the run", decision.seed)] if decision.seed else []
    if decision.random_draw is not None:
        facts.append(("Draw", repr(decision.random_draw)))
    return Section("Chance", lines=(explanation.chance or "Chance decided nothing here.",), facts=tuple(facts))


def _reviews(decision_id: UUID) -> Section:
    facts = []
    for review in reviews.of_decision(decision_id):
        said = f"{review.outcome or review.state}, due {review.due_on}"
        if review.decided_at is not None:
            became = f", became {review.new_action}" if review.new_action else ""
            said = f"{review.outcome} on {review.decided_at:%Y-%m-%d}, {review.ground.replace('_', ' ')}{became}"
        facts.append((f"Contested {review.opened_at:%Y-%m-%d}", said))
    return Section("Reviews", lines=() if facts else ("Nobody has contested it.",), facts=tuple(facts))


def _proof(decision: decisions.Decision, *, whole: bool) -> Section:
    facts = (
        ("Log entry of the batch", opaque("ent", decision.entry_id)),
        ("Place in the batch", str(decision.position)),
    )
    try:
        receipt = decisions.prove(decision.id)
    except NotYetSequenced:
        return Section("Proof", lines=("The entry is not in the tree yet; ask again in a moment.",), facts=facts)
    check = "Check the receipt with audit/verify.py --decision and our public key; no access to us is needed."
    return Section("Proof", lines=(check,), facts=facts, verbatim=receipt if whole else "")
