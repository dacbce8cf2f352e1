"""Who looks at whom too often, at night, or copies out, is noticed once, and handed on."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import transaction

from audit import log, models, watching
from governance.incidents.models import PersonalDataBreach
from governance.kernel.actors import SYSTEM, Actor, ActorKind
from governance.kernel.ids import SubjectId, uuid7
from tests.integration.audit.arrange import CLIENT, DANA

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 18, 12, 10, tzinfo=UTC)  # a Wednesday, 13:10 in Warsaw
NIGHT = datetime(2026, 11, 18, 23, 10, tzinfo=UTC)
ELI = Actor(ActorKind.STAFF, str(uuid7()))


def look(
    actor: Actor, count: int, at: datetime, action: str = "identity.revealed", of: SubjectId | None = None
) -> None:
    with time_machine.travel(at, tick=False), transaction.atomic():
        log.emit_many([log.Draft(action, actor, subject=of or SubjectId(uuid7())) for _ in range(count)])


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[watching.Found]:
    found: list[watching.Found] = []
    monkeypatch.setattr(watching, "_handlers", [found.append])
    return found


def rules(found: list[watching.Found]) -> list[tuple[str, str]]:
    return [(one.rule, one.actor) for one in found]


def test_a_usual_day_raises_nothing(told: list):
    for day in range(1, 8):
        look(DANA, 6, NOON - timedelta(days=day))
        look(CLIENT, 400, NOON - timedelta(days=day), "decision.batch_recorded")
    look(DANA, 8, NOON)
    look(CLIENT, 500, NOON, "decision.batch_recorded")
    look(SYSTEM, 900, NOON, "identity.read")
    assert watching.watch(NOON + timedelta(minutes=5)) == told == []


def test_a_burst_is_raised_once_with_who_and_how_much(told: list):
    for day in range(1, 8):
        look(DANA, 4, NOON - timedelta(days=day))
    look(DANA, 45, NOON)
    assert rules(watching.watch(NOON + timedelta(minutes=5))) == [("burst", str(DANA))]
    assert (told[0].observed, told[0].expected) == (45, 4.0)
    look(DANA, 5, NOON + timedelta(minutes=6))
    assert watching.watch(NOON + timedelta(minutes=10)) == []
    entry = models.Entry.objects.get(action="audit.anomaly_found")
    assert json.loads(entry.header)["facts"] == {"rule": "burst", "observed": 45, "expected": 4}
    look(DANA, 45, NOON + timedelta(hours=2))
    assert len(watching.watch(NOON + timedelta(hours=2, minutes=5))) == 1


def test_looks_at_night_and_at_one_person_again_and_again_are_raised(told: list):
    erin = SubjectId(uuid7())
    look(DANA, 5, NIGHT)
    look(ELI, 4, NIGHT)
    watching.watch(NIGHT + timedelta(minutes=5))
    assert rules(told) == [("out_of_hours", str(DANA))]
    look(ELI, 10, NOON + timedelta(days=1), "identity.read", erin)
    watching.watch(NOON + timedelta(days=1, minutes=5))
    assert rules(told)[1:] == [("same_person", str(ELI))]
    assert str(erin) not in " ".join(
        models.Entry.objects.filter(action="audit.anomaly_found").values_list("header", flat=True)
    )


def test_a_client_that_asks_as_if_to_copy_a_model_is_raised(told: list):
    for day in range(1, 8):
        look(CLIENT, 10, NOON - timedelta(days=day), "decision.batch_recorded")
    look(CLIENT, 300, NOON, "decision.batch_recorded")
    assert rules(watching.watch(NOON + timedelta(minutes=5))) == [("extraction", str(CLIENT))]


def test_the_register_of_incidents_opens_a_case():
    look(DANA, 5, NIGHT)
    watching.watch(NIGHT + timedelta(minutes=5))
    case = PersonalDataBreach.objects.get()
    assert case.title == "Accesses to personal data outside working hours"
    assert DANA.id not in case.facts
    watching.watch(NIGHT + timedelta(minutes=6))
    assert PersonalDataBreach.objects.count() == 1


def test_when_a_handler_fails_the_anomaly_is_raised_again(monkeypatch: pytest.MonkeyPatch):
    def broken(found: watching.Found) -> None:
        raise RuntimeError

    look(DANA, 5, NIGHT)
    monkeypatch.setattr(watching, "_handlers", [broken])
    with pytest.raises(RuntimeError):
        watching.watch(NIGHT + timedelta(minutes=5))
    assert not models.Anomaly.objects.exists()
    monkeypatch.setattr(watching, "_handlers", [])
    assert len(watching.watch(NIGHT + timedelta(minutes=5))) == 1
