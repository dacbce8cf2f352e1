"""Decisions about real rows: permitted people only, every one recorded with reasons, replayed from what was frozen."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import polars as pl
import pytest
from django.db import connection, transaction

from audit import decisions, sealing
from audit.explanations import reasons
from audit.models import Decision, Entry
from consent import ledger
from consent.permission import citations
from consent.terms import EventType
from engine.decisioning import replay, runs
from engine.decisioning.errors import (
    ModelNotInEffect,
    ModelUnfit,
    NobodyToDecideAbout,
    ReplayDiffers,
    RunUnknown,
    WordsMissing,
)
from engine.decisioning.models import DecisionRun, Offered
from engine.decisioning.offers import CATALOGUE, NONE, Policy
from engine.decisioning.sources import Offers
from engine.events.ingestion import ingest
from engine.features.definitions import SHOPPING, FeatureSet
from engine.features.training_sets import TrainingSet
from engine.learning import evaluation, registry
from engine.learning.errors import ModelStopped
from engine.learning.registry import LoadedModel
from engine.learning.tables import ScoringTables, Term
from engine.learning.training import Trained
from governance.airegister import systems
from governance.airegister.stages import RiskClass, Role
from governance.airegister.systems import Registration
from governance.kernel.ids import SubjectId, uuid7
from governance.kernel.invariants import registered
from pseudonymize import vault
from tests.integration.consent import arrange
from tests.integration.consent.arrange import STAFF
from tests.integration.engine.shopping import IMPORTER, OPENED, customers, shopping

PURPOSE = "offers"
AS_OF = OPENED + timedelta(days=200)
CERTAIN = Policy(holdout=0.0, explore=0.0)


def tables() -> ScoringTables:
    """A model made by hand: who has been away for long, against their rhythm, is likely to stay away."""
    number = SHOPPING.names.index
    away = Term(
        (number("recency_to_gap"),), (np.array([0.5, 1.0, 2.0, 4.0]),), np.array([0.0, -1.2, -0.4, 0.3, 1.1, 2.2])
    )
    often = Term((number("visits_28"),), (np.array([1.0, 3.0, 8.0]),), np.array([0.0, 0.9, 0.1, -0.4, -0.8]))
    both = Term(
        (number("recency_days"), number("visits_84")),
        (np.array([7.0, 21.0]), np.array([5.0])),
        np.array([[0.0, 0.0, 0.0], [0.0, -0.1, -0.2], [0.0, 0.1, 0.0], [0.0, 0.7, 0.4]]),
    )
    main = Term((number("recency_days"),), (np.array([7.0, 21.0]),), np.array([0.0, -0.2, 0.0, 0.3]))
    return ScoringTables(SHOPPING.names, -0.7, (main, away, often, both))


def a_model(system: str = "lapse", features: FeatureSet = SHOPPING, made: ScoringTables | None = None) -> LoadedModel:
    """The model, kept and let decide."""
    figures = evaluation.Quality(0.8, 0.3, 0.02, 0.3)
    labels = np.array([0, 1], np.int8)
    trained = Trained(
        made or tables(), figures, figures, evaluation.Difference(0.0, -0.1, 0.1), labels, np.array([0.1, 0.9]), 10
    )
    learnt_from = TrainingSet(uuid7(), features, pl.DataFrame(), uuid7(), "0" * 64)
    if not Entry.objects.filter(action="airegister.registered").exists():
        purpose, why = "Choose whom to offer a voucher.", "Not in Annex III: it decides about vouchers."
        systems.register_system(
            Registration(system, "Lapse", Role.DEPLOYER, purpose, RiskClass.MINIMAL, why), actor=STAFF
        )
    model = registry.keep(system, trained, learnt_from, manifest_id=uuid7(), actor=STAFF)
    registry.promote(model, reason="good enough", actor=STAFF)
    return model


def shoppers(count: int, *, consenting: bool = True, days: int = 200) -> list[SubjectId]:
    """People with a history, who consented to offers made from it."""
    people = customers(count)
    ingest(shopping(people, days=days), source="till", actor=IMPORTER)
    arrange.purpose(PURPOSE, channels=["email", "profiling"])
    shown = arrange.notice(PURPOSE)
    if consenting:
        ledger.record([consent(one, EventType.GIVEN, notice_version_id=shown) for one in people], actor=STAFF)
    return people


def consent(subject: SubjectId, event: EventType, **changes: Any) -> Any:
    return arrange.draft(subject, event, purpose=PURPOSE, channel="profiling", **changes)


def decide(people: list[SubjectId], model: LoadedModel, **changes: Any) -> runs.DecisionRun:
    options: dict[str, Any] = {
        "campaign": "spring", "model": model.id, "subjects": people, "purpose": PURPOSE, "channel": "profiling",
        "actor": STAFF, "as_of": AS_OF, "seed": 11,
    }  # fmt: skip
    return runs.decide(**(options | changes))


def invariants_hold() -> bool:
    checks = [check for name, check in registered().items() if name.startswith("engine.decisioning.")]
    return len(checks) >= 2 and all(not check().violations for check in checks)


@pytest.mark.django_db
def test_every_permitted_shopper_gets_a_decision_that_cites_its_verdict() -> None:
    people, model = shoppers(30), a_model()
    ledger.record([consent(people[3], EventType.WITHDRAWN)], actor=STAFF)

    run = decide(people, model)

    assert (run.considered, run.permitted, run.refused) == (30, 29, {"consent_withdrawn": 1})
    assert people[3] not in run.subjects
    assert len(run.decision_ids) == len(run.subjects) == 29 - run.without_history
    assert set(run.chosen) > {NONE}, "somebody gets nothing and somebody gets something"
    assert sum(run.chosen.values()) == len(run.subjects)
    cited = citations.covers(run.verdict_set_id, [one for one in people if one != people[3]])
    assert cited.purpose == PURPOSE
    for subject, action, identifier in zip(run.subjects, run.actions, run.decision_ids, strict=True):
        decision = decisions.get(identifier)
        assert (decision.subject, decision.chosen) == (subject, action)
        assert (decision.verdict_id, decision.purpose) == (run.verdict_set_id, PURPOSE)
        assert decision.consent_event_id is not None
        assert len(decision.alternatives) == len(CATALOGUE) - (action != NONE)
        assert decision.score == pytest.approx(
            decision.intercept + sum(term.contribution for term in decision.terms), abs=1e-6
        )
    assert sorted(runs.offered(run.id)) == sorted(run.offered)
    assert Entry.objects.filter(action="decisioning.run_decided").count() == 1
    assert invariants_hold()


@pytest.mark.django_db
def test_decisions_replay_bit_for_bit_and_a_changed_record_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    people, model = shoppers(20), a_model()
    run = decide(people, model)

    assert replay.replay(run.decision_ids) == len(run.decision_ids)

    recorded = decisions.get(run.decision_ids[0])
    nudged = np.nextafter(np.float32(recorded.score), np.float32(9.0)).item()
    monkeypatch.setattr(replay.decisions, "many", lambda _: [replace(recorded, score=nudged)])
    with pytest.raises(ReplayDiffers):
        replay.replay(run.decision_ids[:1])


@pytest.mark.django_db
def test_the_same_seed_decides_the_same_in_whatever_order_people_are_named() -> None:
    people, model = shoppers(25), a_model()
    policy = Policy(holdout=0.3, explore=0.3)

    first, again = decide(people, model, policy=policy), decide(people[::-1], model, policy=policy)
    other = decide(people, model, policy=policy, seed=12)

    assert (first.subjects, first.actions) == (again.subjects, again.actions)
    assert first.actions != other.actions
    drawn = [decisions.get(identifier).random_draw for identifier in first.decision_ids]
    assert None in drawn
    assert all(draw is None or draw < 0.6 for draw in drawn)


@pytest.mark.django_db
def test_a_decision_explains_itself_to_the_person_in_both_languages() -> None:
    people, model = shoppers(30), a_model()
    run = decide(people, model, policy=CERTAIN)
    by_action = dict(zip(run.actions, run.decision_ids, strict=True))
    offer = next(one for one in CATALOGUE if one.key in by_action)

    english = reasons.explain(by_action[offer.key], "en")
    polish = reasons.explain(by_action[offer.key], "pl")
    refused = reasons.explain(by_action[NONE], "en")

    assert offer.titles["en"] in english.sentence
    assert offer.titles["pl"] in polish.sentence
    assert "What counted most:" in english.sentence
    assert all("_" not in reason.text for explanation in (english, polish, refused) for reason in explanation.reasons)
    assert english.model_version == model.version
    assert english.chance is None
    assert refused.sentence.startswith("A computer chose nothing")
    told = [reasons.explain(identifier, "en").counterfactual for identifier in run.decision_ids]
    assert any(text is not None and text.startswith("This would have changed the result") for text in told)


@pytest.mark.django_db
def test_decisions_say_which_change_would_have_changed_them() -> None:
    people, model = shoppers(30), a_model()
    run = decide(people, model, policy=CERTAIN)
    recorded = [decisions.get(identifier) for identifier in run.decision_ids]
    changes = [(decision, change) for decision in recorded for change in decision.counterfactual or ()]

    assert len(changes) > 5
    for decision, change in changes:
        assert change.feature in {"recency_days", "recency_to_gap", "visits_28"}
        assert change.bin != next(term.bin for term in decision.terms if term.feature == change.feature)


@pytest.mark.django_db
def test_people_who_have_not_come_for_long_are_told_the_rule() -> None:
    people, model = shoppers(12, days=60), a_model()

    run = decide(people, model)

    assert set(run.chosen) == {NONE}
    explained = reasons.explain(run.decision_ids[0], "en")
    assert "people who visited in the last twelve weeks" in explained.sentence


@pytest.mark.django_db
def test_who_never_bought_anything_is_not_decided_about() -> None:
    people, model = shoppers(5), a_model()
    run = decide(people, model, as_of=OPENED + timedelta(hours=30))

    assert run.without_history == run.permitted - len(run.subjects) > 0
    with pytest.raises(NobodyToDecideAbout):
        decide(people, model, as_of=OPENED - timedelta(days=1))


@pytest.mark.django_db
def test_a_stopped_system_and_a_model_out_of_effect_decide_nothing() -> None:
    people, model = shoppers(5), a_model()
    newer = a_model()

    with pytest.raises(ModelNotInEffect):
        decide(people, model)  # retired when the newer one went live
    systems.stop("lapse", "complaints", actor=STAFF)
    with pytest.raises(ModelStopped):
        decide(people, newer)
    assert not DecisionRun.objects.exists()
    assert not Decision.objects.exists()


@pytest.mark.django_db
def test_a_model_over_other_features_or_without_words_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    people = shoppers(3)
    with pytest.raises(ModelUnfit):
        decide(people, a_model(features=replace(SHOPPING, version=99)))
    monkeypatch.setattr(reasons, "_families", {})
    monkeypatch.setattr("engine.decisioning.wording.register", lambda offers: None)
    with pytest.raises(WordsMissing):
        decide(people, a_model())
    assert not Decision.objects.exists()


@pytest.mark.django_db
def test_an_erased_person_leaves_the_offers_and_the_books_balance() -> None:
    people, model = shoppers(20), a_model()
    run = decide(people, model, policy=CERTAIN)
    erin = run.offered[0][0]
    source = Offers()
    assert source.export(erin)[0].data["campaign"] == "spring"
    assert source.residual(erin).count == source.locate(erin).total == 1

    assert (source.erase(erin).deleted, source.erase(erin).deleted) == (1, 0)

    assert source.residual(erin).count == 0
    assert erin not in {subject for subject, _, _ in runs.offered(run.id)}
    assert invariants_hold()
    with pytest.raises(RunUnknown):
        runs.offered(uuid7())


@pytest.mark.django_db(transaction=True)
def test_a_stop_that_comes_while_deciding_waits_and_one_before_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    people, model = shoppers(6), a_model()
    deciding, stopped = threading.Event(), threading.Event()
    plain = runs.people_of

    def slowly(permitted: list[SubjectId], as_of: datetime) -> Any:
        deciding.set()
        assert not stopped.wait(0.5), "the stop did not wait for the decisions that were under way"
        return plain(permitted, as_of)

    def stop() -> None:
        try:
            assert deciding.wait(10)
            systems.stop("lapse", "complaints", actor=STAFF)
            stopped.set()
        finally:
            connection.close()

    monkeypatch.setattr(runs, "people_of", slowly)
    with ThreadPoolExecutor(1) as pool:
        stopper = pool.submit(stop)
        run = decide(people, model)
        stopper.result(10)

    assert DecisionRun.objects.get().id == run.id
    with pytest.raises(ModelStopped):
        decide(people, model)


@pytest.mark.django_db(transaction=True)
def test_a_run_that_fails_at_the_end_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    people, model = shoppers(4), a_model()

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("engine.decisioning.recording.copy_rows", killed)
    with pytest.raises(KeyboardInterrupt):
        decide(people, model)

    assert not any(rows.exists() for rows in (DecisionRun.objects, Offered.objects, Decision.objects))
    assert not Entry.objects.filter(action="decision.batch_recorded").exists()


@pytest.mark.django_db
def test_the_frozen_input_is_sealed_under_the_persons_key() -> None:
    people, model = shoppers(3), a_model()
    run = decide(people, model)
    record = decisions.get(run.decision_ids[0]).sealed_input

    assert b"recency" not in record
    with transaction.atomic():
        opened = vault.open_for(run.subjects[0], sealing.INPUT, record)
    assert UUID(str(model.id)).hex in opened.decode().replace("-", "")
    assert b'"recency_days"' in opened
