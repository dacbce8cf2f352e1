"""An offer for every permitted household: decided with reasons, sent through SMTP; one withdraws between the decision and the sending."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from uuid import UUID

from audit.explanations import reasons
from consent import ledger
from consent.drafts import ConsentDraft
from consent.terms import ANY, Channel, EventType
from engine.channels import campaigns
from engine.channels.loopback_sink import LoopbackSink
from engine.content import templates
from engine.decisioning import runs
from engine.decisioning.offers import CATALOGUE
from governance.demo.arrivals import Household
from governance.demo.lapse_model import SPLIT
from governance.demo.setting import OFFERS
from governance.jobs import worker
from governance.kernel import clock
from governance.kernel.actors import Actor, ActorKind
from governance.kernel.ids import SubjectId
from governance.kernel.progress import Progress, no_progress

_SEED = 2017
_TEMPLATE = "offer"
_DRAFTS = (
    templates.Draft(
        "en",
        "Something for your next shopping",
        "Dear {{ name }},\n\nwe have {{ offer }} for you.\n\nWhy you? We explain it on our privacy pages."
        "\nNo more of these: {{ unsubscribe_url }}\n\n{{ controller }}\n",
    ),
    templates.Draft(
        "pl",
        "Coś na następne zakupy",
        "Dzień dobry, {{ name }},\n\nmamy dla Ciebie: {{ offer }}.\n\nDlaczego Ty? Wyjaśniamy to na naszych stronach o prywatności."
        "\nNie chcę takich wiadomości: {{ unsubscribe_url }}\n\n{{ controller }}\n",
    ),
)


class Mailbox:
    """Everybody's mail: what the SMTP server on loopback has taken."""

    def __init__(self, sink: LoopbackSink) -> None:
        self._sink = sink

    def last_to(self, address: str) -> EmailMessage:
        """The newest message to an address. Raises LookupError."""
        for received in reversed(self._sink.received()):
            if received.recipient.lower() == address.lower():
                return received.parsed()
        raise LookupError("No message has come to that address.")

    def addresses(self) -> list[str]:
        return self._sink.recipients()


def decide(
    households: Sequence[Household], model: UUID, actor: Actor, *, progress: Progress = no_progress
) -> runs.DecisionRun:
    """Decide for everybody whom the gate allows to be profiled; as of the last cut of the data, with draws that repeat."""
    return runs.decide(
        campaign="autumn-offers",
        model=model,
        subjects=[household.subject for household in households],
        purpose=OFFERS,
        channel=Channel.PROFILING,
        actor=actor,
        as_of=SPLIT.test[-1],
        seed=_SEED,
        progress=progress,
    )


def why(run: runs.DecisionRun, households: Sequence[Household], language: str) -> reasons.Explanation:
    """One decision as its subject reads it: of somebody with that language who gets an offer."""
    languages = {household.subject: household.language for household in households}
    decision = next(decision for subject, _, decision in run.offered if languages[subject] == language)
    return reasons.explain(decision, language)


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of the campaign, and of the household that withdrew after the decision and before the sending."""

    campaign_id: UUID
    status: campaigns.Status
    withdrawn_got_nothing: bool
    withheld_because: str


def send(run: runs.DecisionRun, addresses: Mapping[SubjectId, str], mailbox: Mailbox, actor: Actor) -> Sent:
    """Launch the campaign; before any worker gets to it one household withdraws. Then let the workers go."""
    templates.publish(
        _TEMPLATE, _DRAFTS, slots_declared=["name", "offer", "unsubscribe_url", "controller"], actor=actor
    )
    campaign = campaigns.prepare(
        "Autumn offers",
        purpose=OFFERS,
        template=_TEMPLATE,
        actor=actor,
        slot_values={offer.key: {"offer": dict(offer.titles)} for offer in CATALOGUE},
    )
    people = [campaigns.Addressee(subject, action, decision) for subject, action, decision in run.offered]
    campaigns.launch(campaign, people, actor=actor)
    withdrawing = people[len(people) // 2].subject
    ledger.record(_withdrawal(withdrawing), actor=Actor(ActorKind.SUBJECT, str(withdrawing)))
    before = set(mailbox.addresses())
    worker.drain()
    got = {address.lower() for address in mailbox.addresses()} - before
    status = campaigns.status(campaign)
    because = next(iter(status.withheld_because), "")
    return Sent(campaign, status, addresses[withdrawing].lower() not in got, because)


def _withdrawal(subject: SubjectId) -> ConsentDraft:
    return ConsentDraft(
        subject=subject,
        purpose=OFFERS,
        channel=ANY,
        event_type=EventType.WITHDRAWN,
        occurred_at=clock.now(),
        method="link",
        idempotency_key=f"demo:withdrawn:{subject}",
    )
