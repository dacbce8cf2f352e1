"""Deciding for many people in one transaction: gate, features, score, arbitration, record.

Every step is over columns. The order is the law's: whom we may decide about comes first, then rules, then the model, then chance; and
who gets nothing has a recorded decision like the others.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from consent import gate
from consent.gate import Channel
from engine.decisioning import recording, wording
from engine.decisioning.computing import compute, people_of
from engine.decisioning.errors import ModelNotInEffect, ModelUnfit, RunUnknown
from engine.decisioning.models import DecisionRun as RunRow
from engine.decisioning.models import Offered
from engine.decisioning.offers import CATALOGUE, NONE, Offer, Policy, checked
from engine.decisioning.recording import Order, Permission
from engine.events import locks as history_locks
from engine.features.definitions import SHOPPING
from engine.learning import registry
from engine.learning.registry import LoadedModel
from governance.airegister import systems, versions
from governance.airegister.stages import DECIDING
from governance.kernel import clock
from governance.kernel.actors import Actor
from governance.kernel.ids import SubjectId, uuid7
from governance.kernel.progress import Progress, no_progress
from pseudonymize import locks as vault_locks

_STEPS = 5
_POLICY = Policy()


@dataclass(frozen=True, slots=True)
class DecisionRun:
    """What a run decided. `subjects`, `actions` ("none" or the key of an offer) and `decision_ids` are aligned, one of each a decision.

    `refused` counts by the gate's reason whom it refused; `without_history` are permitted people who never bought anything.
    """

    id: UUID
    campaign: str
    model_version: str
    policy_sha256: str
    seed: int
    as_of: datetime
    verdict_set_id: UUID
    considered: int
    permitted: int
    refused: dict[str, int]
    without_history: int
    chosen: dict[str, int]
    subjects: tuple[SubjectId, ...]
    actions: tuple[str, ...]
    decision_ids: tuple[UUID, ...]

    @property
    def offered(self) -> list[tuple[SubjectId, str, UUID]]:
        """Subject, action and decision of everybody who was chosen for an offer."""
        rows = zip(self.subjects, self.actions, self.decision_ids, strict=True)
        return [(subject, action, decision) for subject, action, decision in rows if action != NONE]


def decide(
    *,
    campaign: str,
    model: UUID,
    subjects: Sequence[SubjectId],
    purpose: str,
    channel: Channel | str,
    actor: Actor,
    offers: Sequence[Offer] = CATALOGUE,
    policy: Policy = _POLICY,
    as_of: datetime | None = None,
    seed: int | None = None,
    progress: Progress = no_progress,
) -> DecisionRun:
    """Decide which offer, or none, each permitted person gets, and record every decision with its reasons.

    `as_of` is the instant that the features are of (now); `seed` makes the draws (fresh). Raises CatalogueMalformed, ModelUnknown,
    ModelStopped, SystemStopped, ModelNotInEffect, ModelUnfit, WordsMissing, NobodyToDecideAbout, and what the gate raises.
    """
    order = Order(
        run=uuid7(),
        campaign=campaign,
        model=_in_effect(model),
        channel=Channel(channel),
        offers=offers,
        policy=policy,
        policy_sha256=checked(offers, policy, SHOPPING),
        as_of=as_of or clock.now(),
        seed=secrets.randbits(62) if seed is None else seed,
        actor=actor,
    )
    wording.register(offers)
    wording.require(order.model.tables.term_names)
    with transaction.atomic():
        # Nobody is erased, and no person stops the system, between our look and our commit.
        vault_locks.share_vault()
        history_locks.share_history()
        systems.require_running(order.model.system)
        verdicts = gate.filter(subjects, purpose, channel)
        cited = gate.cite_set(verdicts, actor=actor, cited_for=f"decision_run:{order.run}")
        progress(1, _STEPS)
        people = people_of(verdicts.allowed, order.as_of)
        progress(2, _STEPS)
        outcome = compute(order.model.tables, people, offers, policy, seed=order.seed)
        progress(3, _STEPS)
        permission = Permission(verdicts, cited)
        recorded = recording.record(order, permission, people, outcome)
        progress(4, _STEPS)
        chosen = dict(sorted(Counter(recorded.actions).items()))
        recording.keep(order, permission, people, recorded, chosen)
    progress(_STEPS, _STEPS)
    return DecisionRun(
        id=order.run,
        campaign=campaign,
        model_version=order.model.version,
        policy_sha256=order.policy_sha256,
        seed=order.seed,
        as_of=order.as_of,
        verdict_set_id=cited,
        considered=len(verdicts),
        permitted=len(verdicts.allowed),
        refused={reason.value: count for reason, count in sorted(verdicts.refused.items())},
        without_history=len(verdicts.allowed) - len(people.subjects),
        chosen=chosen,
        subjects=tuple(people.subjects),
        actions=tuple(recorded.actions),
        decision_ids=tuple(recorded.decisions),
    )


def offered(run: UUID) -> list[tuple[SubjectId, str, UUID]]:
    """Subject, action and decision of everybody whom a run chose for an offer, without those who were erased since. Raises RunUnknown."""
    if not RunRow.objects.filter(id=run).exists():
        raise RunUnknown
    rows = Offered.objects.filter(run_id=run).order_by("decision_id").values_list("subject_id", "action", "decision_id")
    return [(SubjectId(subject), action, decision) for subject, action, decision in rows]


def _in_effect(model: UUID) -> LoadedModel:
    loaded = registry.load(model)
    stages = {version.version: version.stage for version in versions.all_versions(loaded.system)}
    if stages.get(loaded.version) not in DECIDING:
        raise ModelNotInEffect("Promote the version before it decides about anybody.", version=loaded.version)
    if loaded.feature_set != SHOPPING.label:
        raise ModelUnfit(
            "The model was trained on another feature set.", wanted=SHOPPING.label, known=loaded.feature_set
        )
    return loaded
