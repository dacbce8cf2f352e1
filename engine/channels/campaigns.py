"""Campaigns: prepare, launch, add people, stop; what became of their messages.

campaign = campaigns.prepare("Winter", purpose="marketing.email", template="winter", slot_values={...}, actor=actor)
launched = campaigns.launch(campaign, subjects, actor=actor)
jobs drain; campaigns.status(campaign)
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Count

from audit import log
from engine.channels.errors import CampaignInvalid, CampaignUnknown
from engine.channels.models import Campaign, Dispatch, ErasedTally
from engine.channels.states import OPEN_STATES, CampaignState, DispatchState, decide_campaign
from engine.content import guard, templates
from engine.content.slots import OF_THE_CHANNEL
from governance import purposes
from governance.jobs.queue import schedule
from governance.kernel.actors import Actor
from governance.kernel.clock import now
from governance.kernel.ids import SubjectId, uuid7_many
from governance.kernel.progress import Progress, no_progress

EVERY_ACTION: Final = "*"
# Parallel senders of one campaign: each has its own connection to the mail server, and SKIP LOCKED keeps them apart.
LANES: Final = 2
_CHUNK: Final = 10_000
_URL: Final = re.compile(r"https?://[^\s\"'<>]{1,2000}\Z")
_SENDABLE: Final = frozenset({"email"})

SlotValues: TypeAlias = Mapping[str, Mapping[str, str | Mapping[str, str]]]
"""Values of a template's own slots: by action, by slot, and where it matters by language."""

_ADD = """
INSERT INTO engine_channels_dispatch
    (id, campaign_id, subject_id, occasion, action, decision_id, state, reason, due_at, attempts)
SELECT id, %(campaign)s, subject, %(occasion)s, action, decision, 'pending', '', %(due)s, 0
FROM unnest(%(ids)s::uuid[], %(subjects)s::uuid[], %(actions)s::text[], %(decisions)s::uuid[]) AS new (id, subject, action, decision)
ON CONFLICT (campaign_id, subject_id, occasion) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Addressee:
    """A person whom a campaign is to reach, and the decision that says so. `action` picks the campaign's slot values."""

    subject: SubjectId
    action: str = ""
    decision_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Launched:
    """How many messages were queued, and how many people had one of this campaign already."""

    campaign_id: UUID
    queued: int
    already: int


@dataclass(frozen=True, slots=True)
class Status:
    """A campaign and its messages by state; those of people who were erased since are counted in."""

    campaign_id: UUID
    name: str
    state: CampaignState
    counts: dict[DispatchState, int]
    withheld_because: dict[str, int]
    launched_at: datetime | None
    finished_at: datetime | None

    @property
    def open(self) -> int:
        """Messages whose story is not over."""
        return sum(self.counts.get(state, 0) for state in OPEN_STATES)


def prepare(
    name: str,
    *,
    purpose: str,
    template: str,
    actor: Actor,
    channel: str = "email",
    version: int | None = None,
    slot_values: SlotValues | None = None,
    reviewed: Iterable[str] = (),
) -> UUID:
    """A campaign that can be launched; returns its id.

    `slot_values` gives the template's own slots by action: `{"*": {"headline": …}, "coupon_a": {"offer": …}}`; "*" holds for every
    action. A value is a text for every language, or `{"en": …, "pl": …}`. `reviewed` are phrases in them that look like people and
    are not. Raises CampaignInvalid, TemplateUnknown, UnknownPurpose, PersonalDataInTemplate.
    """
    number = version if version is not None else templates.newest(template)
    values = {action: dict(slots) for action, slots in (slot_values or {}).items()}
    declared = templates.get(template, number, "en").slots - OF_THE_CHANNEL
    decide_prepare(channel, purposes.current(purpose).channels, declared, values)
    for language in templates.LANGUAGES:
        guard.refuse_personal_data(_texts_in(language, values), language, reviewed=reviewed)
    with transaction.atomic():
        campaign = Campaign.objects.create(
            name=name,
            purpose_key=purpose,
            channel=channel,
            template_key=template,
            template_version=number,
            slot_values=values,
            prepared_at=now(),
            prepared_by=str(actor),
        )
        log.emit(
            "channels.campaign_prepared",
            actor=actor,
            object=f"campaign:{campaign.pk}",
            purpose=purpose,
            facts={"channel": channel, "template": template, "template_version": number},
        )
    return campaign.pk


def decide_prepare(channel: str, channels: Sequence[str], declared: frozenset[str], values: SlotValues) -> None:
    """Raise CampaignInvalid unless the purpose covers the channel and every action has a value for every slot. Pure."""
    if channel not in _SENDABLE:
        raise CampaignInvalid("Only e-mail can be sent yet.", channel=channel)
    if channel not in channels:
        raise CampaignInvalid("The purpose does not cover this channel.", channel=channel)
    common = set(values.get(EVERY_ACTION, {}))
    for action in sorted(set(values) - {EVERY_ACTION}) or [EVERY_ACTION]:
        given = common | set(values.get(action, {}))
        if given != declared:
            raise CampaignInvalid(
                "Every action needs a value for each slot of the template, and no others.",
                action=action,
                missing=sorted(declared - given),
                unknown=sorted(given - declared),
            )
    for slots in values.values():
        for slot, value in slots.items():
            _check_value(slot, {"en": value} if isinstance(value, str) else value)


def launch(
    campaign_id: UUID,
    addressees: Sequence[Addressee] | Sequence[SubjectId],
    *,
    actor: Actor,
    occasion: str = "",
    due_at: datetime | None = None,
    progress: Progress = no_progress,
) -> Launched:
    """Queue one message per person and start sending (at `due_at`, or now). Repeating it queues nobody twice.

    All in one transaction: the messages, the entry in the log, the jobs. Consent is not looked at here but at each claim.
    Raises CampaignUnknown, InvalidTransition, CampaignInvalid for an action that the campaign has no values for.
    """
    people = [one if isinstance(one, Addressee) else Addressee(one) for one in addressees]
    due = due_at or now()
    with transaction.atomic():
        campaign = _locked(campaign_id)
        _check_actions(campaign, people)
        if campaign.state != CampaignState.RUNNING:
            decide_campaign(CampaignState(campaign.state), CampaignState.RUNNING)
            campaign.state = CampaignState.RUNNING
            campaign.launched_at = campaign.launched_at or now()
            campaign.finished_at = None
            campaign.save(update_fields=["state", "launched_at", "finished_at"])
        queued = _add(campaign_id, people, occasion, due, progress)
        log.emit(
            "channels.campaign_launched",
            actor=actor,
            object=f"campaign:{campaign_id}",
            purpose=campaign.purpose_key,
            facts={"queued": queued, "already": len(people) - queued, "occasion": occasion},
        )
        if queued:
            wake(campaign_id, due)
    return Launched(campaign_id, queued, len(people) - queued)


def stop(campaign_id: UUID, *, actor: Actor, reason: str) -> int:
    """Stop a campaign for good: what was not claimed yet is withheld. Returns how many messages that were. `reason` is a code.

    Raises CampaignUnknown, InvalidTransition when it is stopped already.
    """
    with transaction.atomic():
        campaign = _locked(campaign_id)
        decide_campaign(CampaignState(campaign.state), CampaignState.STOPPED)
        at = now()
        withheld = Dispatch.objects.filter(campaign=campaign, state=DispatchState.PENDING).update(
            state=DispatchState.WITHHELD, reason="campaign_stopped", finished_at=at
        )
        campaign.state, campaign.stop_reason, campaign.finished_at = CampaignState.STOPPED, reason, at
        campaign.save(update_fields=["state", "stop_reason", "finished_at"])
        log.emit(
            "channels.campaign_stopped",
            actor=actor,
            object=f"campaign:{campaign_id}",
            purpose=campaign.purpose_key,
            facts={"withheld": withheld, "reason": reason},
        )
    return withheld


def finish_if_done(campaign_id: UUID, *, actor: Actor) -> bool:
    """Mark a running campaign finished when no message of it is open; the entry holds the totals. True when it did."""
    with transaction.atomic():
        campaign = _locked(campaign_id)
        open_ones = Dispatch.objects.filter(campaign=campaign, state__in=[one.value for one in OPEN_STATES])
        if campaign.state != CampaignState.RUNNING or open_ones.exists():
            return False
        campaign.state, campaign.finished_at = CampaignState.FINISHED, now()
        campaign.save(update_fields=["state", "finished_at"])
        log.emit(
            "channels.campaign_finished",
            actor=actor,
            object=f"campaign:{campaign_id}",
            purpose=campaign.purpose_key,
            facts={state.value: count for state, count in _counts(campaign_id).items()},
        )
    return True


def status(campaign_id: UUID) -> Status:
    """What became of a campaign's messages. Raises CampaignUnknown."""
    campaign = Campaign.objects.filter(pk=campaign_id).first()
    if campaign is None:
        raise CampaignUnknown("No such campaign.")
    because = (
        Dispatch.objects.filter(campaign=campaign, state=DispatchState.WITHHELD)
        .values_list("reason")
        .annotate(Count("id"))
    )
    return Status(
        campaign_id,
        campaign.name,
        CampaignState(campaign.state),
        _counts(campaign_id),
        dict(because),
        campaign.launched_at,
        campaign.finished_at,
    )


def wake(campaign_id: UUID, due: datetime) -> None:
    """Schedule senders for what is due then; in the caller's transaction."""
    for _ in range(LANES):
        schedule("channels.send_batch", {"campaign": str(campaign_id)}, run_after=due)


def _add(campaign_id: UUID, people: Sequence[Addressee], occasion: str, due: datetime, progress: Progress) -> int:
    queued = 0
    with connection.cursor() as cursor:
        for start in range(0, len(people), _CHUNK):
            chunk = people[start : start + _CHUNK]
            cursor.execute(
                _ADD,
                {
                    "campaign": campaign_id,
                    "occasion": occasion,
                    "due": due,
                    "ids": uuid7_many(len(chunk)),
                    "subjects": [one.subject for one in chunk],
                    "actions": [one.action for one in chunk],
                    "decisions": [one.decision_id for one in chunk],
                },
            )
            queued += cursor.rowcount
            progress(start + len(chunk), len(people))
    return queued


def _check_actions(campaign: Campaign, people: Sequence[Addressee]) -> None:
    known = set(campaign.slot_values) | {""}
    if unknown := sorted({one.action for one in people} - known):
        raise CampaignInvalid("The campaign has no values for this action.", actions=unknown[:20])
    if any(one.action == "" for one in people) and set(campaign.slot_values) - {EVERY_ACTION}:
        raise CampaignInvalid("The campaign's text depends on the action: name one for each person.")


def _locked(campaign_id: UUID) -> Campaign:
    campaign = Campaign.objects.select_for_update().filter(pk=campaign_id).first()
    if campaign is None:
        raise CampaignUnknown("No such campaign.")
    return campaign


def _counts(campaign_id: UUID) -> dict[DispatchState, int]:
    rows = Dispatch.objects.filter(campaign_id=campaign_id).values_list("state").annotate(Count("id"))
    counts = {DispatchState(state): count for state, count in rows}
    for state, count in ErasedTally.objects.filter(campaign_id=campaign_id).values_list("state", "count"):
        counts[DispatchState(state)] = counts.get(DispatchState(state), 0) + count
    return counts


def _check_value(slot: str, texts: Mapping[str, str]) -> None:
    if "en" not in texts or set(texts) - set(templates.LANGUAGES):
        raise CampaignInvalid("A value is a text, or texts by language with an English one among them.", slot=slot)
    if slot.endswith("_url") and not all(_URL.match(text) for text in texts.values()):
        raise CampaignInvalid("A slot that ends in _url is the address of a page.", slot=slot)


def _texts_in(language: str, values: SlotValues) -> dict[str, str]:
    """The values in one language, by where they stand; those for every language count as English."""
    found = {}
    for action, slots in values.items():
        for slot, value in slots.items():
            texts = {"en": value} if isinstance(value, str) else value
            if language in texts:
                found[f"slot_values/{action}/{slot}"] = texts[language]
    return found
