"""A breach from detection to its file: clocks, steps, numbers, entries."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client

from audit.models import Entry
from governance.accounts import roles
from governance.accounts.models import User
from governance.incidents import affected, clocks, invariants, register
from governance.incidents.affected import Affected
from governance.incidents.errors import (
    BreachIncomplete,
    BreachUnknown,
    DelayNeedsReasons,
    StepNotAllowed,
    TableUnknown,
    TextNamesSomebody,
)
from governance.incidents.models import BreachStep, PersonalDataBreach
from governance.incidents.phases import Phase, Risk
from governance.kernel import personal_data
from governance.kernel.actors import SYSTEM, Actor, ActorKind
from governance.kernel.ids import uuid7
from tests.people import ADA, DANA

pytestmark = pytest.mark.django_db
ACTOR = Actor(ActorKind.STAFF, str(uuid7()))
FRIDAY = datetime(2026, 3, 6, 17, 0, tzinfo=UTC)
MANY = Affected(1200, 4000, "SELECT count(DISTINCT subject_id), count(*) FROM engine_event", FRIDAY)


def opened(**how):
    return register.open_breach(
        "Export sent to the wrong processor", "A file went out.", ["confidentiality"], actor=ACTOR, **how
    )


def assessed(breach, risk=Risk.HIGH, **how):
    register.assess(breach, risk, effects="Unwanted mail.", remedies="The file was deleted.", actor=ACTOR, **how)


def test_a_high_risk_breach_from_detection_to_its_file():
    with time_machine.travel(FRIDAY, tick=False) as clock:
        breach = opened()
        due_at = register.become_aware(breach, actor=ACTOR)
        assert due_at == FRIDAY + timedelta(hours=72)
        clock.shift(timedelta(hours=20))
        assessed(breach, affected=MANY, subject_categories=["customers"], data_categories=["contact"])
        assert register.notify(breach, reference="UODO-1", actor=ACTOR) == 1
        clock.shift(timedelta(hours=100))
        assert register.notify(breach, reference="UODO-2", actor=ACTOR) == 2  # in phases, no deadline of its own
        register.inform_subjects(breach, people=1200, how="by e-mail", actor=ACTOR)
        register.close(breach, reason="Duties met.", actor=ACTOR)
    row = PersonalDataBreach.objects.get()
    assert (row.phase, row.risk, row.affected_people, row.closed_at) == (
        "closed",
        "high",
        1200,
        FRIDAY + timedelta(hours=120),
    )
    steps = list(row.steps.values_list("step", "before", "after"))
    assert [step for step, _, _ in steps] == ["open", "become_aware", "assess", "notify", "notify", "inform", "close"]
    assert Entry.objects.filter(action__startswith="incidents.breach_").count() == 7
    assert invariants.history_is_whole().violations == ()


def test_the_clock_runs_through_the_weekend_and_shows_what_is_left():
    with time_machine.travel(FRIDAY, tick=False) as clock:
        first, second = opened(aware_at=FRIDAY), opened()
        clock.shift(timedelta(hours=48))
        register.become_aware(second, at=FRIDAY + timedelta(hours=10), actor=ACTOR)
        urgent, later = clocks.running()
        assert (urgent.id, urgent.left, urgent.overdue) == (first, timedelta(hours=24), False)
        assert later.left == timedelta(hours=34)
        clock.shift(timedelta(hours=25))
        assert clocks.running()[0].overdue
        assessed(first, Risk.NONE)
        assert [running.id for running in clocks.running()] == [second]
        register.notify(second, reference="UODO-3", actor=ACTOR)
        assert clocks.running() == []


def test_a_late_notice_without_reasons_is_refused_and_with_reasons_kept():
    with time_machine.travel(FRIDAY, tick=False) as clock:
        breach = opened(aware_at=FRIDAY)
        clock.shift(timedelta(hours=72, seconds=1))
        with pytest.raises(DelayNeedsReasons):
            register.notify(breach, reference="UODO-4", actor=ACTOR)
        with pytest.raises(DelayNeedsReasons):
            register.notify(breach, reference="UODO-4", delay_reasons="  ", actor=ACTOR)
        assert BreachStep.objects.filter(step="notify").count() == 0
        register.notify(breach, reference="UODO-4", delay_reasons="The extent was unknown.", actor=ACTOR)
    notes = BreachStep.objects.get(step="notify").notes
    assert notes == {"phase": 1, "reference": "UODO-4", "late": True, "delay_reasons": "The extent was unknown."}


def test_a_notice_given_in_time_may_be_recorded_later():
    with time_machine.travel(FRIDAY, tick=False) as clock:
        breach = opened(aware_at=FRIDAY)
        clock.shift(timedelta(hours=90))
        register.notify(breach, reference="UODO-5", at=FRIDAY + timedelta(hours=71), actor=ACTOR)
    assert BreachStep.objects.get(step="notify").notes["late"] is False


def test_the_length_of_the_clock_is_a_setting_that_moves_no_running_deadline(settings):
    with time_machine.travel(FRIDAY, tick=False):
        first = opened(aware_at=FRIDAY)
        settings.ZGODA_BREACH_CLOCK_HOURS = 96
        second = opened(aware_at=FRIDAY)
    due = dict(PersonalDataBreach.objects.values_list("id", "due_at"))
    assert (due[first], due[second]) == (FRIDAY + timedelta(hours=72), FRIDAY + timedelta(hours=96))


def test_a_breach_without_risk_is_documented_and_closed_without_notice():
    breach = opened(aware_at=None)
    register.become_aware(breach, actor=ACTOR)
    assessed(breach, Risk.NONE)
    register.close(breach, reason="The key was never out.", actor=ACTOR)
    assert PersonalDataBreach.objects.get().phase == Phase.CLOSED


def test_an_exemption_names_its_letter_and_reason():
    breach = opened(
        aware_at=datetime.now(UTC) - timedelta(seconds=1), detected_at=datetime.now(UTC) - timedelta(hours=1)
    )
    assessed(breach)
    register.notify(breach, reference="UODO-6", actor=ACTOR)
    with pytest.raises(BreachIncomplete):
        register.exempt(breach, "d", reason="So.", actor=ACTOR)
    register.exempt(breach, "a", reason="All fields were encrypted and the key is safe.", actor=ACTOR)
    register.close(breach, reason="Exempt.", actor=ACTOR)


def test_steps_out_of_order_change_nothing():
    breach = opened()
    for attempt in (
        lambda: assessed(breach),
        lambda: register.notify(breach, reference="x", actor=ACTOR),
        lambda: register.inform_subjects(breach, people=1, how="by post", actor=ACTOR),
        lambda: register.exempt(breach, "a", reason="x", actor=ACTOR),
        lambda: register.close(breach, reason="x", actor=ACTOR),
    ):
        with pytest.raises(StepNotAllowed):
            attempt()
    assert PersonalDataBreach.objects.get().phase == Phase.DETECTED
    assert BreachStep.objects.count() == 1
    with pytest.raises(BreachUnknown):
        register.close(uuid7(), reason="x", actor=ACTOR)


def test_what_the_regulation_wants_documented_cannot_be_left_out():
    for title, facts, kinds in (
        ("", "x", ["integrity"]),
        ("x", " ", ["integrity"]),
        ("x", "x", []),
        ("x", "x", ["oops"]),
    ):
        with pytest.raises(BreachIncomplete):
            register.open_breach(title, facts, kinds, actor=ACTOR)
    breach = opened(aware_at=datetime.now(UTC))
    with pytest.raises(BreachIncomplete):
        register.assess(breach, Risk.UNKNOWN, effects="x", remedies="x", actor=ACTOR)
    with pytest.raises(BreachIncomplete):
        register.assess(breach, Risk.RISK, effects="", remedies="x", actor=ACTOR)
    with pytest.raises(TextNamesSomebody):
        register.assess(breach, Risk.RISK, effects="alice@example.com got mail", remedies="x", actor=ACTOR)
    with pytest.raises(BreachIncomplete):
        opened(detected_at=datetime.now(UTC) + timedelta(hours=1))


def test_numbers_come_with_the_query_that_produced_them():
    """Any table of a registered source can be counted; the query that is kept gives the same numbers again."""
    table = next(name for name in sorted(personal_data.covered_tables()) if _has_subject(name))
    found = affected.count(table)
    assert (found.people, found.records) == (0, 0)
    with connection.cursor() as cursor:
        cursor.execute(found.query)
        assert cursor.fetchone() == (0, 0)
    for bad in ("auth_group", "nothing", 'x"; DROP TABLE audit_entry; --'):
        with pytest.raises(TableUnknown):
            affected.count(bad)
    with pytest.raises(TableUnknown):
        affected.count(table, time_column="no_such_column", since=FRIDAY)


def test_the_database_wants_a_query_beside_every_number():
    opened()
    with pytest.raises(IntegrityError), transaction.atomic():
        PersonalDataBreach.objects.update(affected_people=5)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM incidents_personaldatabreach",
        "UPDATE incidents_personaldatabreach SET facts = 'nothing'",
        "UPDATE incidents_personaldatabreach SET detected_at = now()",
        "UPDATE incidents_personaldatabreach SET phase = 'gone'",
        "UPDATE incidents_personaldatabreach SET phase = 'aware'",
        "UPDATE incidents_personaldatabreach SET phase = 'closed'",
        "DELETE FROM incidents_breachstep",
        "UPDATE incidents_breachstep SET actor = 'nobody'",
    ],
)
def test_the_database_refuses_to_rewrite_the_register(statement):
    opened()
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_a_phase_that_was_changed_behind_the_steps_is_found():
    breach = opened(aware_at=datetime.now(UTC))
    assessed(breach, Risk.NONE)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE incidents_personaldatabreach SET phase = 'notified'")
    assert invariants.history_is_whole().violations == (str(breach),)


def member(person) -> Client:
    user = User.objects.create_user(person.email, "a long enough password")
    roles.grant(user, roles.Role(person.role), actor=SYSTEM)
    client = Client()
    client.force_login(user)
    return client


def test_the_officer_takes_a_breach_through_the_console():
    dana, page = member(DANA), "/console/incidents/personaldatabreach/"
    inline = {"steps-TOTAL_FORMS": "0", "steps-INITIAL_FORMS": "0"}
    made = dana.post(
        f"{page}add/", {"title": "Lost laptop", "facts": "A laptop was lost.", "kinds": ["availability"], "known": "on"}
    )
    assert made.status_code == 302, made.content.decode()[-3000:]
    breach = PersonalDataBreach.objects.get()
    assert breach.phase == Phase.AWARE
    change = f"{page}{breach.pk}/change/"
    assert b"Next step" in dana.get(change).content
    refused = dana.post(
        change,
        {"step": "assess", "said_risk": "risk", "said_effects": "alice@example.com", "said_remedies": "x", **inline},
    )
    assert b"without addresses" in refused.content
    assert dana.post(change, {"step": "close", "words": "x", **inline}).status_code == 200  # not offered, so not taken
    done = dana.post(
        change,
        {
            "step": "assess",
            "said_risk": "risk",
            "said_effects": "Little.",
            "said_remedies": "Wiped.",
            "people": "3",
            "records": "3",
            "query": "counted by hand",
            **inline,
        },
    )
    assert done.status_code == 302
    assert dana.post(change, {"step": "notify", "reference": "UODO-9", **inline}).status_code == 302
    assert dana.post(change, {"step": "close", "words": "Done.", **inline}).status_code == 302
    breach.refresh_from_db()
    assert (breach.phase, breach.affected_people) == (Phase.CLOSED, 3)
    assert dana.get(page).status_code == 200
    assert dana.get(change).status_code == 200
    assert dana.post(f"{page}{breach.pk}/delete/", {"post": "yes"}).status_code == 403


def test_an_auditor_reads_the_register_and_changes_nothing():
    breach = opened()
    ada, page = member(ADA), "/console/incidents/personaldatabreach/"
    assert ada.get(f"{page}{breach}/change/").status_code == 200
    assert ada.post(f"{page}{breach}/change/", {"step": "become_aware"}).status_code == 403
    assert ada.post(f"{page}add/", {"title": "x", "facts": "x", "kinds": ["integrity"]}).status_code == 403


def _has_subject(table: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM information_schema.columns WHERE table_name = %s AND column_name IN ('subject_id', 'subject') "
            "AND table_schema = current_schema()",
            [table],
        )
        return cursor.fetchone() is not None
