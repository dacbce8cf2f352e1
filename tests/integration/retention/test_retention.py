"""Rules execute, holds beat them, runs tell what happened."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO

import pytest
from auditlog.models import LogEntry as ConfigurationEntry
from django.contrib.admin.models import LogEntry as ConsoleEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client

from audit.models import Entry
from governance.accounts import roles
from governance.accounts.models import User
from governance.jobs import worker
from governance.jobs.models import Job
from governance.kernel.actors import SYSTEM, Actor, ActorKind
from governance.kernel.clock import now
from governance.kernel.ids import SubjectId, uuid7
from governance.retention import disposables, holds, rules, runs
from governance.retention.disposables import Action, DisposableDefaults
from governance.retention.errors import HoldUnknown, NotDisposable, ReasonMissing, RuleExists, RuleUnknown
from governance.retention.models import DisposalRun, LegalHold, RetentionRule, RunStatus
from governance.retention.sources import LegalHolds
from tests.people import ADA, DANA

pytestmark = pytest.mark.django_db
ACTOR = Actor(ActorKind.CLIENT, str(uuid7()))
ALICE, BOB = SubjectId(uuid7()), SubjectId(uuid7())


class Visits(DisposableDefaults):
    """A place with people: sessions whose key is a person's id stand in for visits."""

    key = "test.visits"
    title = "Visits"
    tables = frozenset({"django_session"})
    action = Action.DELETE
    per_subject = True

    def __init__(self):
        self.fail_after = None

    def _rows(self, before, held):
        rows = Session.objects.filter(expire_date__lt=before)
        for person in held:
            rows = rows.exclude(session_key__startswith=person.hex)
        return rows

    def candidates(self, before, held):
        return self._rows(before, held).count()

    def dispose(self, before, limit, held):
        if self.fail_after is not None:
            self.fail_after -= 1
            if self.fail_after < 0:
                raise ZeroDivisionError
        keys = list(self._rows(before, held).values_list("pk", flat=True)[:limit])
        return Session.objects.filter(pk__in=keys).delete()[0]


@pytest.fixture
def visits():
    place = Visits()
    disposables.register(place)
    yield place
    disposables.unregister(place.key)


@pytest.fixture
def rule(visits, db):
    return rules.define(visits.key, period_days=30, action=Action.DELETE, ground="A month.", actor=ACTOR)


def visit(person, days_ago, count=1):
    at = now() - timedelta(days=days_ago)
    Session.objects.bulk_create(
        Session(session_key=f"{person.hex}{number:04d}", session_data="", expire_date=at)
        for number in range(Session.objects.count(), Session.objects.count() + count)
    )


def test_what_is_too_old_goes_and_the_rest_stays(rule):
    visit(ALICE, 31, 3)
    visit(BOB, 29, 2)
    report = runs.run(rule, actor=ACTOR)
    assert (report.candidates, report.disposed, report.status) == (3, 3, RunStatus.DONE)
    assert Session.objects.count() == 2
    row = DisposalRun.objects.get()
    assert (row.disposed, row.status, row.dry_run) == (3, "done", False)
    assert runs.last_runs()[rule] == row.finished_at


def test_a_dry_run_counts_and_takes_nothing(rule):
    visit(ALICE, 31, 3)
    report = runs.run(rule, actor=ACTOR, dry_run=True)
    assert (report.candidates, report.disposed) == (3, 0)
    assert Session.objects.count() == 3
    assert DisposalRun.objects.get().dry_run
    assert runs.last_runs() == {}


def test_a_run_works_in_batches_and_beats_between_them(rule, monkeypatch):
    monkeypatch.setattr(runs, "BATCH", 10)
    visit(ALICE, 40, 25)
    beats = []
    assert runs.run(rule, actor=ACTOR, beat=lambda: beats.append(1)).disposed == 25
    assert len(beats) == 2
    assert Entry.objects.filter(action="retention.disposed").count() == 3


def test_a_run_that_fails_keeps_what_it_did_and_says_so(rule, visits, monkeypatch):
    monkeypatch.setattr(runs, "BATCH", 10)
    visit(ALICE, 40, 25)
    visits.fail_after = 1
    with pytest.raises(ZeroDivisionError):
        runs.run(rule, actor=ACTOR)
    row = DisposalRun.objects.get()
    assert (row.status, row.disposed, row.error_class) == ("failed", 10, "ZeroDivisionError")
    assert Session.objects.count() == 15


def test_a_hold_on_the_place_beats_the_rule(rule, visits):
    visit(ALICE, 31, 3)
    hold = holds.place("Case 12", source=visits.key, actor=ACTOR)
    report = runs.run(rule, actor=ACTOR)
    assert (report.held, report.disposed, report.status) == (True, 0, RunStatus.HELD)
    assert Session.objects.count() == 3
    holds.release(hold, reason="The case is closed.", actor=ACTOR)
    assert runs.run(rule, actor=ACTOR).disposed == 3


@pytest.mark.parametrize("source", ["", "test.visits"])
def test_a_hold_on_a_person_keeps_their_rows_only(rule, source):
    visit(ALICE, 31, 3)
    visit(BOB, 31, 2)
    holds.place("Case 13", subject=ALICE, source=source, actor=ACTOR)
    report = runs.run(rule, actor=ACTOR)
    assert (report.disposed, report.held_people, report.held) == (2, 1, False)
    assert set(Session.objects.values_list("session_key", flat=True).distinct()) == {
        f"{ALICE.hex}{n:04d}" for n in range(3)
    }


def test_a_hold_on_a_person_in_a_place_without_people_keeps_all_of_it(db):
    rules.install_defaults()
    visit(ALICE, 1)
    sessions = next(rule for rule in rules.in_force() if rule.source == "house.sessions")
    holds.place(
        "Case 14", subject=ALICE, actor=ACTOR
    )  # everywhere: sessions have no subject, so it does not touch them
    assert not runs.run(sessions.id, actor=ACTOR, dry_run=True).held
    holds.place("Case 14", subject=ALICE, source="house.sessions", actor=ACTOR)
    assert runs.run(sessions.id, actor=ACTOR).held
    assert Session.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_hold_placed_during_a_run_waits_for_the_batch_and_stops_the_next(rule, visits, monkeypatch):
    monkeypatch.setattr(runs, "BATCH", 10)
    visit(ALICE, 40, 30)
    in_batch, plain = threading.Event(), visits.dispose

    def slow(before, limit, held):
        took = plain(before, limit, held)
        if not in_batch.is_set():
            in_batch.set()
            threading.Event().wait(0.3)
        return took

    visits.dispose = slow

    def disposing():
        try:
            return runs.run(rule, actor=ACTOR)
        finally:
            connection.close()

    def holding():
        try:
            in_batch.wait(5)
            holds.place("Case 15", source=visits.key, actor=ACTOR)
            return Session.objects.count()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        run, hold = pool.submit(disposing), pool.submit(holding)
        left_when_placed, report = hold.result(), run.result()
    # From the moment when `place` returned nothing more went.
    assert left_when_placed == Session.objects.count() == 30 - report.disposed
    assert report.disposed in (10, 20)
    assert report.status is RunStatus.HELD


def test_a_rule_names_a_place_and_an_action_that_exist(visits):
    with pytest.raises(NotDisposable):
        rules.define("test.nothing", period_days=1, action=Action.DELETE, ground="x", actor=ACTOR)
    with pytest.raises(NotDisposable):
        rules.define(visits.key, period_days=1, action=Action.ANONYMISE, ground="x", actor=ACTOR)
    assert not RetentionRule.objects.exists()


def test_one_rule_is_in_force_and_the_next_follows_its_end(rule, visits):
    with pytest.raises(RuleExists):
        rules.define(visits.key, period_days=60, action=Action.DELETE, ground="Longer.", actor=ACTOR)
    with pytest.raises(ReasonMissing):
        rules.end(rule, reason=" ", actor=ACTOR)
    rules.end(rule, reason="Too short.", actor=ACTOR)
    with pytest.raises(RuleUnknown):
        rules.end(rule, reason="Again.", actor=ACTOR)
    with pytest.raises(RuleUnknown):
        runs.run(rule, actor=ACTOR)
    later = rules.define(visits.key, period_days=60, action=Action.DELETE, ground="Longer.", actor=ACTOR)
    assert [found.id for found in rules.in_force()] == [later]


def test_rules_holds_and_runs_are_in_the_log_without_their_words(rule, visits):
    hold = holds.place("Case 16 of Mr Frank", subject=ALICE, actor=ACTOR)
    holds.release(hold, reason="Closed.", actor=ACTOR)
    runs.run(rule, actor=ACTOR, dry_run=True)
    actions = set(Entry.objects.values_list("action", flat=True))
    assert {
        "retention.rule_defined", "configuration.created", "retention.hold_placed", "retention.hold_released", "retention.run_finished",
    } <= actions  # fmt: skip
    headers = " ".join(Entry.objects.values_list("header", flat=True))
    assert "Case 16" not in headers
    assert str(ALICE) not in headers


def test_a_hold_has_a_scope_and_a_reason_and_is_released_once(visits):
    for how in ({"reason": ""}, {"reason": " ", "source": visits.key}, {"reason": "x"}):
        with pytest.raises(ReasonMissing):
            holds.place(how.pop("reason"), actor=ACTOR, **how)
    hold = holds.place("Case 17", subject=ALICE, actor=ACTOR)
    assert [found.id for found in holds.on_subject(ALICE)] == [hold]
    assert holds.on_subject(BOB) == []
    with pytest.raises(ReasonMissing):
        holds.release(hold, reason="", actor=ACTOR)
    holds.release(hold, reason="Over.", actor=ACTOR)
    with pytest.raises(HoldUnknown):
        holds.release(hold, reason="Over.", actor=ACTOR)
    assert holds.on_subject(ALICE) == []


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM retention_legalhold",
        "UPDATE retention_legalhold SET reason = 'none'",
        "UPDATE retention_legalhold SET released_at = now()",
        "DELETE FROM retention_disposalrun",
        "UPDATE retention_disposalrun SET candidates = 7",
        "UPDATE retention_disposalrun SET disposed = 5",
    ],
)
def test_the_database_refuses_to_rewrite_holds_and_runs(rule, visits, statement):
    visit(ALICE, 31)
    holds.place("Case 18", subject=ALICE, actor=ACTOR)
    runs.run(rule, actor=ACTOR, dry_run=True)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_the_holds_on_a_person_are_theirs_to_see_and_stay_after_an_erasure():
    holds.place("Case 19", subject=ALICE, actor=ACTOR)
    source = LegalHolds()
    assert source.locate(ALICE).counts == {"retention_legalhold": 1}
    assert source.locate(BOB).total == 0
    (record,) = source.export(ALICE)
    assert "Case" not in repr(record.data)
    erased = source.erase(ALICE)
    assert (erased.deleted, erased.retained[0].count) == (0, 1)
    assert "Art. 17(3)(e)" in erased.retained[0].ground
    assert source.erase(ALICE) == erased
    assert source.erase(BOB).retained == ()
    assert source.residual(ALICE).count == 0
    assert LegalHold.objects.count() == 1


def test_our_own_tables_are_cleared_by_the_shipped_rules(db):
    """Sessions that ran out, jobs done a month ago, console actions of a year ago; the links of configuration changes
    to accounts."""
    dana = User.objects.create_user(DANA.email, "a long enough password")
    visit(ALICE, 1)
    visit(BOB, -1)
    at = now()
    for state, days in (("done", 31), ("done", 29), ("dead", 31)):
        Job.objects.create(kind="test", state=state, run_after=at, created_at=at, finished_at=at - timedelta(days=days))
    for days in (366, 364):
        action = ConsoleEntry.objects.create(
            user=dana, action_flag=1, object_repr="x", content_type=ContentType.objects.first()
        )
        ConsoleEntry.objects.filter(pk=action.pk).update(action_time=at - timedelta(days=days))
    for days in (1_096, 1_094):
        ConfigurationEntry.objects.create(
            content_type=ContentType.objects.first(),
            object_pk="1",
            action=1,
            changes={},
            actor=dana,
            timestamp=at - timedelta(days=days),
        )
    shipped = rules.install_defaults()
    assert shipped >= 4
    assert rules.install_defaults() == 0
    house = [rule for rule in rules.in_force() if rule.source.startswith("house.")]
    disposed = {rule.source: runs.run(rule.id, actor=SYSTEM).disposed for rule in house}
    assert disposed == {
        "house.sessions": 1,
        "house.jobs": 1,
        "house.console_actions": 1,
        "house.configuration_actors": 1,
    }
    assert Session.objects.count() == 1
    assert sorted(Job.objects.values_list("state", flat=True)) == ["dead", "done"]
    assert ConsoleEntry.objects.count() == 1
    assert ConfigurationEntry.objects.filter(actor=dana).count() == 1
    # Two of before, and the rules' own definitions; none is gone.
    assert ConfigurationEntry.objects.count() == 2 + shipped


def test_a_shipped_rule_that_staff_ended_stays_ended(db):
    rules.install_defaults()
    jobs = next(rule for rule in rules.in_force() if rule.source == "house.jobs")
    rules.end(jobs.id, reason="We keep all jobs.", actor=ACTOR)
    assert rules.install_defaults() == 0


@pytest.mark.django_db(transaction=True)
def test_every_rule_runs_once_a_day_as_a_job(rule):
    visit(ALICE, 31, 3)
    count = runs.schedule_due()
    assert count == runs.schedule_due() == len(rules.in_force()) >= 5
    assert Job.objects.filter(kind=runs.KIND).count() == count
    assert worker.drain(kinds=[runs.KIND]).done == count
    assert Session.objects.count() == 0
    assert DisposalRun.objects.filter(status="done").count() == count


def test_the_command_shows_and_executes(rule):
    visit(ALICE, 31, 3)
    out = StringIO()
    call_command("run_retention", "--dry-run", "--json", stdout=out)
    reports = {report["source"]: report for report in json.loads(out.getvalue())["runs"]}
    assert (reports["test.visits"]["candidates"], reports["test.visits"]["disposed"]) == (3, 0)
    assert Session.objects.count() == 3
    out = StringIO()
    call_command("run_retention", "--source", "test.visits", stdout=out)
    assert "test.visits" in out.getvalue()
    assert Session.objects.count() == 0
    with pytest.raises(CommandError):
        call_command("run_retention", "--source", "test.nothing")


def member(person) -> Client:
    user = User.objects.create_user(person.email, "a long enough password")
    roles.grant(user, roles.Role(person.role), actor=SYSTEM)
    client = Client()
    client.force_login(user)
    return client


def test_the_officer_keeps_rules_and_holds_in_the_console(visits):
    dana, page = member(DANA), "/console/retention/"
    form = {"source": "test.visits", "purpose": "", "period_days": "30", "ground": "A month."}
    assert dana.post(f"{page}retentionrule/add/", form).status_code == 302
    assert b"end it first" in dana.post(f"{page}retentionrule/add/", form).content
    made = RetentionRule.objects.get()
    shown = dana.post(
        f"{page}retentionrule/", {"action": "show_what_would_go", "_selected_action": [made.pk]}, follow=True
    )
    assert b"0 rows are too old" in shown.content
    assert dana.get(f"{page}retentionrule/{made.pk}/change/").status_code == 200
    assert dana.post(f"{page}retentionrule/{made.pk}/change/", {"end_reason": "Wrong."}).status_code == 302
    assert rules.in_force() == []
    assert dana.get(f"{page}retentionrule/{made.pk}/change/").status_code == 200
    assert b"A hold has a scope" in dana.post(f"{page}legalhold/add/", {"reason": "Case 20"}).content
    assert dana.post(f"{page}legalhold/add/", {"reason": "Case 20", "source": "test.visits"}).status_code == 302
    hold = LegalHold.objects.get()
    assert dana.post(f"{page}legalhold/{hold.pk}/change/", {"why": "Over."}).status_code == 302
    hold.refresh_from_db()
    assert hold.released_at is not None
    assert dana.get(f"{page}disposalrun/").status_code == 200
    assert dana.post(f"{page}legalhold/{hold.pk}/delete/", {"post": "yes"}).status_code == 403


def test_an_auditor_reads_and_changes_nothing(rule):
    ada, page = member(ADA), "/console/retention/"
    assert ada.get(f"{page}retentionrule/{rule}/change/").status_code == 200
    assert ada.post(f"{page}retentionrule/{rule}/change/", {"end_reason": "x"}).status_code == 403
    assert ada.post(f"{page}legalhold/add/", {"reason": "x", "source": "test.visits"}).status_code == 403
