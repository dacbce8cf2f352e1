"""The database itself refuses what the verbs would never do."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from engine.channels import claiming
from engine.channels.models import Dispatch
from engine.channels.states import TRANSITIONS, DispatchState
from governance.kernel.actors import SYSTEM
from governance.kernel.clock import now
from governance.kernel.ids import uuid7
from tests import triggers
from tests.integration.consent import arrange
from tests.integration.engine import campaigning
from tests.integration.engine.campaigning import (
    consenting,
    launched,
    mail_server,
    violations,
    work,
)

own_keys = campaigning.own_keys
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_keys")]


def test_the_trigger_and_the_table_of_transitions_say_the_same() -> None:
    """Every pair of states is tried on a row; which ones pass is what the table says."""
    winter = launched(consenting(1))
    assert claiming.claim_batch(winter, 1, actor=SYSTEM) is not None
    columns = {"verdict_id": uuid7(), "claim_id": uuid7(), "claimed_at": now(), "lease_until": now()}
    passed = set()
    for before in DispatchState:
        for after in set(DispatchState) - {before}:
            with triggers.lifted():
                Dispatch.objects.update(state=before, **columns)
            try:
                with transaction.atomic():
                    Dispatch.objects.update(state=after)
                passed.add((before, after))
            except IntegrityError:
                pass
    assert passed == {(before, after) for before, ways in TRANSITIONS.items() for after in ways}


@pytest.mark.parametrize("state", ["claimed", "handing_over", "sent", "failed", "unknown"])
def test_a_row_without_a_verdict_cannot_be_claimed_or_sent_by_anybody(state: str) -> None:
    launched(consenting(1))
    with pytest.raises(IntegrityError), transaction.atomic(), triggers.lifted():
        Dispatch.objects.update(state=state, lease_until=now())


def test_the_invariants_see_what_they_are_for(settings: Any) -> None:
    people = consenting(2)
    launched(people)
    with mail_server(settings):
        work()
    assert violations() == {}
    first, second = Dispatch.objects.order_by("pk")
    Dispatch.objects.filter(pk=first.pk).update(verdict_id=second.verdict_id)
    assert set(violations()) == {"channels.no_send_without_verdict"}
    Dispatch.objects.filter(pk=first.pk).update(verdict_id=first.verdict_id)
    arrange.withdraw(people[1])
    Dispatch.objects.filter(pk=second.pk).update(claimed_at=now() + timedelta(seconds=30))
    assert set(violations()) == {"channels.no_claim_after_withdrawal"}
