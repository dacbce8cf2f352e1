"""Writing a run down: every decision in the audit's records, the run and its offers in our tables, one entry for the whole."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import numpy as np
import polars as pl

from audit import decisions, log, sealing
from audit.decisions import LARGEST_BATCH, Alternative, DecisionBatch
from consent import notices
from consent.gate import Channel, Verdicts
from engine.decisioning import wording
from engine.decisioning.arbitration import LOST, Arbitrated, Choices
from engine.decisioning.computing import Outcome, People
from engine.decisioning.models import DecisionRun
from engine.decisioning.offers import NONE, Offer, Policy, as_json
from engine.learning.registry import LoadedModel
from governance.kernel import clock
from governance.kernel.actors import Actor
from governance.kernel.copy import copy_rows
from pseudonymize import vault

LABEL = sealing.INPUT
"""What frozen inputs are sealed for."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a run was asked to do, completed with what it was not told: instant and seed."""

    run: UUID
    campaign: str
    model: LoadedModel
    channel: Channel
    offers: Sequence[Offer]
    policy: Policy
    policy_sha256: str
    as_of: datetime
    seed: int
    actor: Actor


@dataclass(frozen=True, slots=True)
class Permission:
    """The gate's answers and the id that they are cited by."""

    verdicts: Verdicts
    cited: UUID


@dataclass(frozen=True, slots=True)
class Recorded:
    """The ids of the batches, and of the decisions aligned with people; what each person got."""

    batches: list[UUID]
    decisions: list[UUID]
    actions: list[str]


def record(order: Order, permission: Permission, people: People, outcome: Outcome) -> Recorded:
    """Record every decision, in batches by the notice that people saw."""
    sealed = vault.seal_many(people.subjects, LABEL, _inputs(people.rows, order))
    answers = [permission.verdicts.verdict_of(subject) for subject in people.subjects]
    decided: list[UUID] = [order.run] * len(people.subjects)
    batches = []
    for notice, places in _by_notice([answer.notice_version_id for answer in answers]):
        recorded = decisions.record(
            DecisionBatch(
                kind="offer",
                object=f"decision_run:{order.run}",
                purpose=permission.verdicts.purpose,
                model_version=order.model.version,
                model_family=wording.FAMILY,
                policy_version=f"offers:{order.policy_sha256[:16]}",
                notice_version=notice,
                feature_names=order.model.tables.term_names,
                subjects=[people.subjects[place] for place in places],
                verdict_ids=[permission.cited] * len(places),
                consent_event_ids=[answers[place].event_id for place in places],
                scores=outcome.scored.raw[places].astype(np.float32),
                contributions=outcome.scored.contributions[places].astype(np.float32),
                intercept=order.model.tables.intercept,
                bins=outcome.scored.bins[places],
                chosen=actions_of(outcome.arbitrated.chosen[places], order.offers),
                alternatives=_alternatives(outcome.arbitrated, places, order.offers),
                sealed_inputs=[sealed[place] for place in places],
                random_draw=_draws(outcome.arbitrated, places),
                counterfactual_features=outcome.changes.terms[places],
                counterfactual_bins=outcome.changes.bins[places],
                effect="marketing",
                actor=order.actor,
                seed=str(order.seed),
            )
        )
        batches.append(recorded.id)
        for place, identifier in zip(places, recorded.decision_ids, strict=True):
            decided[place] = identifier
    return Recorded(batches, decided, actions_of(outcome.arbitrated.chosen, order.offers))


def keep(order: Order, permission: Permission, people: People, recorded: Recorded, chosen: dict[str, int]) -> None:
    """The run's own row, its offers, and its entry in the log."""
    verdicts = permission.verdicts
    counts = {
        "considered": len(verdicts),
        "permitted": len(verdicts.allowed),
        "without_history": len(verdicts.allowed) - len(people.subjects),
        "decided": len(people.subjects),
    }
    entry = log.emit(
        "decisioning.run_decided",
        actor=order.actor,
        object=f"decision_run:{order.run}",
        purpose=verdicts.purpose,
        facts={
            **counts,
            "campaign": order.campaign,
            "model": order.model.version,
            "tables_sha256": order.model.tables.sha256,
            "policy_sha256": order.policy_sha256,
            "seed": str(order.seed),
            "verdict_set": str(permission.cited),
            "chosen": dict(chosen),
        },
    )
    rows = [row for row in zip(recorded.decisions, people.subjects, recorded.actions, strict=True) if row[2] != NONE]
    DecisionRun.objects.create(
        id=order.run,
        campaign=order.campaign,
        purpose=verdicts.purpose,
        channel=order.channel.value,
        verdict_set_id=permission.cited,
        model_id=order.model.id,
        model_version=order.model.version,
        policy=as_json(order.offers, order.policy),
        policy_sha256=order.policy_sha256,
        seed=order.seed,
        as_of=order.as_of,
        refused={reason.value: count for reason, count in sorted(verdicts.refused.items())},
        chosen=chosen,
        offered=len(rows),
        batch_ids=recorded.batches,
        actor=str(order.actor),
        decided_at=clock.now(),
        entry_id=entry,
        **counts,
    )
    columns = ("decision_id", "subject_id", "action", "run_id")
    copy_rows("engine_decision_offered", columns, ((*row, order.run) for row in rows))


def _inputs(rows: pl.DataFrame, order: Order) -> list[bytes]:
    """The frozen input of each person: every feature as the model saw it. JSON keeps a float's exact value."""
    head = {"feature_set": order.model.feature_set, "model_id": str(order.model.id), "run": str(order.run)}
    return [json.dumps(head | {"features": features}).encode() for features in rows.iter_rows(named=True)]


def _by_notice(notices: Sequence[UUID | None]) -> list[tuple[str, list[int]]]:
    """Places by notice version, in pieces that a batch holds."""
    places: dict[UUID | None, list[int]] = {}
    for place, notice in enumerate(notices):
        places.setdefault(notice, []).append(place)
    pieces = []
    for notice, where in places.items():
        name = "" if notice is None else _notice_name(notice)
        pieces += [(name, where[start : start + LARGEST_BATCH]) for start in range(0, len(where), LARGEST_BATCH)]
    return pieces


def _notice_name(notice: UUID) -> str:
    shown = notices.version(notice)
    return f"{shown.version} ({shown.key}, {shown.language})"


def actions_of(chosen: Choices, offers: Sequence[Offer]) -> list[str]:
    keys = [*(offer.key for offer in offers), NONE]
    return [keys[place] for place in chosen.tolist()]  # NOTHING is -1: the last


def _alternatives(arbitrated: Arbitrated, places: Sequence[int], offers: Sequence[Offer]) -> list[list[Alternative]]:
    values, lost = arbitrated.values[places].tolist(), arbitrated.lost[places].tolist()
    return [
        [
            Alternative(offer.key, value, LOST[code])
            for offer, value, code in zip(offers, worth, why, strict=True)
            if code >= 0
        ]
        for worth, why in zip(values, lost, strict=True)
    ]


def _draws(arbitrated: Arbitrated, places: Sequence[int]) -> list[float | None]:
    """The draw of those whom chance decided about; the others' come out of the run's seed again but meant nothing."""
    draws, decisive = arbitrated.draws[places].tolist(), arbitrated.by_chance[places].tolist()
    return [draw if decided else None for draw, decided in zip(draws, decisive, strict=True)]
