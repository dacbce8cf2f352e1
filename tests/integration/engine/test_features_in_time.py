"""From the till to the features: what happened at the cut or after is not in them, however and in whatever order it arrived."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from uuid import UUID

import polars as pl
import pytest
from django.db import connection, transaction

from consent import gate, ledger
from consent.errors import NotCovered
from consent.terms import EventType
from engine.events import ingestion, reading
from engine.events.ingestion import ingest
from engine.features import training_sets
from engine.features.errors import CutNotInstant, NobodyToLearnFrom, RebuiltDiffers, TrainingSetUnknown
from engine.features.models import TrainingSet
from engine.features.point_in_time import LAPSE_DAYS, active, lapses, shopping_features
from governance.kernel.ids import SubjectId, uuid7
from tests.integration.consent import arrange
from tests.integration.consent.arrange import STAFF
from tests.integration.engine.shopping import IMPORTER, OPENED, customers, event_id, other, purchase, shopping, table

pytestmark = pytest.mark.django_db
CUT = OPENED + timedelta(days=100)
INSTANT = timedelta(microseconds=1)


def take(*rows: dict[str, object]) -> None:
    ingest(table(rows), source="till", actor=IMPORTER)


def features_of(subject: SubjectId, cut=CUT) -> dict[str, float]:
    frame = shopping_features(reading.history([subject]), cut)
    return frame.row(0, named=True) if frame.height else {}


def test_what_happens_at_the_instant_of_the_cut_comes_after_it() -> None:
    (alice,) = customers(1)
    take(
        purchase(alice, CUT - INSTANT, "before"),
        purchase(alice, CUT, "at"),
        purchase(alice, CUT + INSTANT, "after"),
        other("coupon_redeemed", alice, CUT, event_id("r1"), campaign="c", coupon="k"),
        other("coupon_redeemed", alice, CUT - INSTANT, event_id("r2"), campaign="c", coupon="k"),
        other("campaign_received", alice, CUT, event_id("m1"), campaign="c"),
    )
    found = features_of(alice)
    assert (found["visits"], found["spend_cents"]) == (1, 250)
    assert (found["coupons_redeemed"], found["campaigns_received"]) == (1, 0)
    assert 0 < found["recency_days"] < 1e-9
    assert features_of(alice, CUT - INSTANT) == {}, "nobody has been there yet"


def test_the_label_begins_at_the_cut_and_ends_before_four_weeks_are_over() -> None:
    people = customers(3)
    day = timedelta(days=1)
    for number, (subject, after) in enumerate(
        zip(people, (0 * day, LAPSE_DAYS * day - INSTANT, LAPSE_DAYS * day), strict=True)
    ):
        take(purchase(subject, CUT - day, f"known{number}"), purchase(subject, CUT + after, f"later{number}"))
    told = lapses(reading.history(people), CUT)
    assert told.sort("subject").get_column("lapsed").to_list() == [0, 0, 1]


def test_windows_hold_what_lies_exactly_on_their_edge() -> None:
    (alice,) = customers(1)
    take(
        purchase(alice, CUT - timedelta(days=7), "edge", value_cents=100),
        purchase(alice, CUT - timedelta(days=7) - INSTANT, "outside", value_cents=10),
    )
    found = features_of(alice)
    assert (found["visits_7"], found["spend_7_cents"], found["visits_28"]) == (1, 100, 2)
    assert active(reading.history([alice]), CUT).to_list() == [0]


def test_equal_instants_are_one_visit_a_basket_and_the_order_of_arrival_does_not_matter() -> None:
    at = CUT - timedelta(days=3)

    def rows(subject: SubjectId, name: str) -> list[dict[str, object]]:
        return [
            *(purchase(subject, at, f"{name}-one", line, value_cents=100 + line) for line in range(3)),
            purchase(subject, at, f"{name}-two", value_cents=50),
            # A line of the first basket that was rung up after the cut belongs to no feature before it.
            purchase(subject, CUT + timedelta(days=1), f"{name}-one", 9, value_cents=9_999),
        ]

    alice, bob = customers(2)
    take(*rows(alice, "a"))
    late = rows(bob, "b")
    random.Random(1).shuffle(late)
    for row in late:  # one by one, in another order
        take(row)
    first, second = features_of(alice), features_of(bob)
    assert {**first, "subject": 0} == {**second, "subject": 0}
    assert (first["visits"], first["spend_cents"], first["lines_per_visit"]) == (2, 353, 2.0)


def test_events_that_arrive_late_change_no_cut_before_they_happened() -> None:
    people = customers(8)
    ingest(shopping(people, days=150), source="till", actor=IMPORTER)
    cuts = [OPENED + timedelta(days=number) for number in (60, 90, 120)]
    before = [shopping_features(reading.history(people), cut) for cut in cuts]
    when = OPENED + timedelta(days=95)
    take(*(purchase(subject, when, f"late{number}") for number, subject in enumerate(people)))
    after = [shopping_features(reading.history(people), cut) for cut in cuts]
    assert before[0].equals(after[0])
    assert before[1].equals(after[1])
    assert not before[2].equals(after[2])


def permitted(people: list[SubjectId]) -> UUID:
    """The gate's answer that these people may be learnt from, all of them."""
    arrange.purpose("models", channels=["training"])
    shown = arrange.notice("models")
    drafts = [
        arrange.draft(one, EventType.GIVEN, purpose="models", channel="training", notice_version_id=shown)
        for one in people
    ]
    ledger.record(drafts, actor=STAFF)
    with transaction.atomic():
        return gate.cite_set(gate.filter(people, "models", "training"), actor=STAFF, cited_for="test")


def test_a_training_set_is_built_again_from_what_was_known_then_whatever_arrives_later() -> None:
    people = customers(6)
    ingest(shopping(people, days=150), source="till", actor=IMPORTER)
    cited, cuts = permitted(people), [OPENED + timedelta(days=number) for number in (90, 120)]
    built = training_sets.lapse(people, cuts, verdict_set_id=cited, actor=STAFF)
    take(*(purchase(subject, cuts[0] - timedelta(days=2), f"late{number}") for number, subject in enumerate(people)))
    again = training_sets.rebuild(built.id, people[::-1])
    assert again.frame.equals(built.frame)
    assert again.sha256 == built.sha256
    assert training_sets.lapse(people, cuts, verdict_set_id=cited, actor=STAFF).sha256 != built.sha256, "known by now"
    with pytest.raises(NotCovered):
        training_sets.rebuild(built.id, people[:-1])
    with pytest.raises(TrainingSetUnknown):
        training_sets.rebuild(uuid7(), people)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE engine_event SET value_cents = value_cents + 1 WHERE kind = 'purchase'")
    with pytest.raises(RebuiltDiffers):
        training_sets.rebuild(built.id, people)


def test_what_serving_could_not_have_known_at_a_cut_need_not_be_learnt_from(monkeypatch: pytest.MonkeyPatch) -> None:
    (alice, bob) = people = customers(2)
    cut = CUT

    def arriving(at: datetime, *rows: dict[str, object]) -> None:
        with monkeypatch.context() as then:
            then.setattr(ingestion.clock, "now", lambda: at)
            take(*rows)

    day = timedelta(days=1)
    arriving(cut - 2 * day, purchase(alice, cut - 3 * day, "a1"), purchase(bob, cut - 3 * day, "b1"))
    arriving(cut + 5 * day, purchase(alice, cut - 1 * day, "a2"), purchase(bob, cut + 2 * day, "b2"))
    cited = permitted(people)
    late = training_sets.lapse(people, [cut], verdict_set_id=cited, actor=STAFF)
    served = training_sets.lapse(people, [cut], verdict_set_id=cited, actor=STAFF, arrival=day)
    visits = [dict(one.frame.select("subject", "visits").iter_rows()) for one in (late, served)]
    assert [one[str(alice)] for one in visits] == [2, 1]
    assert [one[str(bob)] for one in visits] == [1, 1]
    lapsed = dict(served.frame.select("subject", "lapsed").iter_rows())
    assert lapsed == {str(alice): 1, str(bob): 0}, "what happened afterwards may be learnt whenever it arrived"
    assert training_sets.rebuild(served.id, people).frame.equals(served.frame)


def test_a_training_set_has_each_row_as_of_its_cut_and_the_same_events_make_the_same_set() -> None:
    people = customers(12)
    ingest(shopping(people, days=200), source="till", actor=IMPORTER)
    cited = permitted(people)
    verdicts = gate.filter(people, "models", "training")
    cuts = [OPENED + timedelta(days=number) for number in (90, 120, 150)]

    built = training_sets.lapse(verdicts.allowed, cuts, verdict_set_id=cited, actor=STAFF)
    again = training_sets.lapse(verdicts.allowed[::-1], cuts[:], verdict_set_id=cited, actor=STAFF)

    assert TrainingSet.objects.count() == 2
    assert sorted(built.frame.rows()) == sorted(again.frame.rows())
    history = reading.history(people)
    names = {str(subject): place for place, subject in enumerate(history.subjects)}
    for cut in cuts:
        rows = built.frame.filter(pl.col("cut") == cut)
        alone = shopping_features(history.before(cut), cut)
        for row in rows.iter_rows(named=True):
            expected = alone.filter(pl.col("subject") == names[row["subject"]]).row(0, named=True)
            assert all(row[name] == value for name, value in expected.items() if name != "subject")

    with pytest.raises(NotCovered):
        training_sets.lapse(people[:5], cuts, verdict_set_id=cited, actor=STAFF)
    for nothing in ([], [cuts[0].replace(tzinfo=None)]):
        with pytest.raises(CutNotInstant):
            training_sets.lapse(verdicts.allowed, nothing, verdict_set_id=cited, actor=STAFF)
    with pytest.raises(NobodyToLearnFrom):
        training_sets.lapse(verdicts.allowed, [OPENED - timedelta(days=400)], verdict_set_id=cited, actor=STAFF)
