"""Profiles equal the events, whichever way they came about."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest
from django.db import connection

from engine.events.ingestion import ingest
from engine.events.sources import EventHistory
from engine.profiles import projection
from engine.profiles.models import Profile, SeenBasket
from engine.profiles.sources import Profiles
from governance.jobs.worker import drain
from governance.kernel.invariants import registered
from tests.integration.engine.shopping import IMPORTER, OPENED, customers, other, purchase, shopping, table

KIND = "engine.profiles.absorb"


def _rows() -> list[dict[str, Any]]:
    return list(Profile.objects.order_by("subject_id").values())


def _in_any_order(offered: pa.Table, seed: int) -> pa.Table:
    places = list(range(offered.num_rows))
    random.Random(seed).shuffle(places)
    return offered.take(pa.array(places))


@pytest.mark.django_db
def test_a_profile_adds_up_what_its_events_say() -> None:
    (subject,) = customers(1)
    later = OPENED + timedelta(days=3)
    rows = [
        purchase(subject, OPENED, "b1", 0, quantity=2, value_cents=300, discount_cents=10),
        purchase(subject, OPENED, "b1", 1, value_cents=200, coupon_cents=50),
        purchase(subject, later, "b2", value_cents=100),
        other("coupon_redeemed", subject, later, b"r" * 16, campaign="c1", coupon="k1"),
        other("campaign_received", subject, OPENED - timedelta(days=1), b"m" * 16, campaign="c1"),
    ]

    ingest(table(rows), source="till", actor=IMPORTER)
    projection.absorb_waiting()

    profile = Profile.objects.get()
    assert (profile.events, profile.lines, profile.baskets, profile.quantity) == (5, 3, 2, 4)
    assert (profile.value_cents, profile.discount_cents, profile.coupon_cents) == (600, 10, 50)
    assert (profile.coupons_redeemed, profile.campaigns_received) == (1, 1)
    assert profile.first_event_at == OPENED - timedelta(days=1)
    assert profile.last_event_at == profile.last_purchase_at == later


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(4))
def test_batch_by_batch_in_any_order_equals_a_rebuild(seed: int) -> None:
    offered = _in_any_order(shopping(customers(5), days=80), seed)
    done = ingest(offered, source="till", actor=IMPORTER, batch_rows=17)
    batches = list(done.batches)
    random.Random(seed).shuffle(batches)
    for batch in batches:
        projection.absorb(batch)

    kept = _rows()
    assert projection.differences() == ()
    assert projection.rebuild() == len(kept) == 5
    assert _rows() == kept
    assert all(projection.absorb(batch) == 0 for batch in batches)
    assert _rows() == kept


@pytest.mark.django_db
def test_each_batch_is_absorbed_by_a_job() -> None:
    offered = shopping(customers(3), days=60)
    ingest(offered, source="till", actor=IMPORTER, batch_rows=40)

    assert not Profile.objects.exists()
    assert drain(kinds=[KIND]).done > 1
    ingest(offered, source="till", actor=IMPORTER)

    assert drain(kinds=[KIND]).total == 0
    assert projection.differences() == ()
    assert registered()["engine.profiles.equal_their_events"]().violations == ()


@pytest.mark.django_db(transaction=True)
def test_batches_absorbed_at_once_count_once_each() -> None:
    done = ingest(_in_any_order(shopping(customers(6), days=60), 7), source="till", actor=IMPORTER, batch_rows=30)

    def absorb(batch: int) -> None:
        try:
            projection.absorb(batch)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(absorb, [*done.batches, *done.batches]))

    assert projection.differences() == ()


@pytest.mark.django_db
def test_a_wrong_profile_is_found() -> None:
    ingest(shopping(customers(3), days=40), source="till", actor=IMPORTER)
    projection.absorb_waiting()
    wrong = Profile.objects.order_by("subject_id")[1]

    Profile.objects.filter(pk=wrong.pk).update(value_cents=wrong.value_cents + 1)

    assert projection.differences() == (str(wrong.pk),)
    assert registered()["engine.profiles.equal_their_events"]().violations == (str(wrong.pk),)
    projection.rebuild()
    assert projection.differences() == ()


@pytest.mark.django_db
def test_an_erased_persons_profile_is_gone_and_stays_gone() -> None:
    erin, frank = customers(2)
    ingest(shopping([erin, frank], days=50), source="till", actor=IMPORTER, batch_rows=10)
    projection.absorb_waiting()
    source = Profiles()
    assert source.residual(erin).count == source.locate(erin).total > 1
    assert source.export(erin)[0].data["events"] > 0

    EventHistory().erase(erin)
    assert source.erase(erin).deleted > 1
    assert source.erase(erin).deleted == 0
    projection.absorb_waiting()
    projection.rebuild()

    assert source.residual(erin).count == 0
    assert set(Profile.objects.values_list("subject_id", flat=True)) == {frank}
    assert set(SeenBasket.objects.values_list("subject_id", flat=True)) == {frank}
