"""Every change of a configuration object leaves an entry in the log, in its own transaction, also where django-auditlog is blind."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest
from auditlog.context import disable_auditlog
from auditlog.models import LogEntry
from django.contrib.auth.models import AnonymousUser
from django.contrib.contenttypes.models import ContentType
from django.db import DatabaseError, IntegrityError, connection, models, transaction
from django.http import HttpResponse
from django.test import RequestFactory
from django.test.utils import isolate_apps

from audit import acting, capture, sequencer
from audit.errors import ChangeNotCaptured, ChangeOutsideTransaction, PersonalModel
from audit.models import Entry
from audit.verification import verify_log
from governance.accounts.models import User
from governance.kernel.actors import SYSTEM
from tests.integration.audit.arrange import DANA, unguarded

with isolate_apps("audit"):

    class Tag(models.Model):
        name = models.TextField()

        class Meta:
            app_label = "audit"
            db_table = "test_audit_tag"

    class Rule(models.Model):
        name = models.TextField(unique=True)
        limit = models.IntegerField(default=1)
        secret = models.TextField(default="")
        parent = models.ForeignKey("self", models.CASCADE, null=True, related_name="children")
        tags = models.ManyToManyField(Tag, related_name="rules")

        class Meta:
            app_label = "audit"
            db_table = "test_audit_rule"

    class Preference(models.Model):
        subject_id = models.UUIDField()

        class Meta:
            app_label = "audit"


capture.configuration(Rule, exclude=("secret",))
capture.configuration(Rule)  # a second call changes nothing
PLAIN = pytest.mark.django_db


def make_tables() -> None:
    with connection.schema_editor(atomic=False) as editor:
        editor.create_model(Tag)
        editor.create_model(Rule)


@pytest.fixture
def tables(db) -> Iterator[None]:
    make_tables()
    yield
    ContentType.objects.clear_cache()


@pytest.fixture
def committed_tables(transactional_db) -> Iterator[None]:
    ContentType.objects.clear_cache()
    make_tables()
    yield
    ContentType.objects.clear_cache()
    with connection.schema_editor() as editor:
        editor.delete_model(Rule)
        editor.delete_model(Tag)


def logged() -> list[tuple[str, dict]]:
    rows = Entry.objects.filter(action__startswith="configuration.").order_by("id")
    return [(row.action.removeprefix("configuration."), json.loads(row.header)["facts"]) for row in rows]


@PLAIN
def test_create_change_and_delete_each_leave_an_entry_that_commits_to_auditlogs(tables: None):
    with acting.acting(DANA):
        rule = Rule.objects.create(name="caps", secret="hidden")
        rule.limit = 5
        rule.save()
        rule.save()  # nothing changed, nothing logged
        key = rule.pk
        rule.delete()
    assert [action for action, _ in logged()] == ["created", "changed", "deleted"]
    assert logged()[1][1]["fields"] == ["limit"]
    assert Entry.objects.filter(object=f"audit.rule:{key}", actor=str(DANA)).count() == 3
    assert LogEntry.objects.count() == 3
    assert not any("secret" in entry.changes for entry in LogEntry.objects.all())
    sequencer.sequence()
    assert verify_log().verified


@PLAIN
def test_bulk_operations_that_auditlog_does_not_see_are_captured(tables: None):
    Rule.objects.bulk_create([Rule(name=f"rule-{number}") for number in range(5)])
    assert len(logged()) == 5
    assert Rule.objects.filter(name__in=["rule-1", "rule-2"]).update(limit=9) == 2
    assert [action for action, _ in logged()][5:] == ["changed", "changed"]
    assert Rule.objects.filter(limit=9).update(limit=9) == 2
    assert len(logged()) == 7  # no value changed
    rules = list(Rule.objects.order_by("name"))
    for rule in rules:
        rule.limit += 100
    Rule.objects.bulk_update(rules, ["limit"])
    assert len(logged()) == 12
    Rule.objects.filter(limit=109).delete()
    assert [action for action, _ in logged()][12:] == ["deleted", "deleted"]
    Rule.objects.update_or_create(name="rule-0", defaults={"limit": 7})
    assert logged()[-1][0] == "changed"
    sequencer.sequence()
    assert verify_log().verified


@PLAIN
def test_related_and_cascading_changes_are_captured(tables: None):
    parent = Rule.objects.create(name="parent")
    Rule.objects.bulk_create([Rule(name="child-1", parent=parent), Rule(name="child-2", parent=parent)])
    parent.children.update(limit=3)
    assert [action for action, _ in logged()] == ["created"] * 3 + ["changed"] * 2
    parent.delete()
    assert [action for action, _ in logged()][5:] == ["deleted"] * 3


@PLAIN
def test_many_to_many_changes_are_captured_from_both_ends_with_what_was_really_removed(tables: None):
    rule = Rule.objects.create(name="tagged")
    one, two, three = (Tag.objects.create(name=name) for name in "abc")
    rule.tags.add(one, two)
    rule.tags.remove(one)
    rule.tags.clear()
    three.rules.add(rule)
    changes = [entry.changes for entry in LogEntry.objects.order_by("pk")][1:]
    assert changes[0]["tags"]["objects"] == sorted([str(one.pk), str(two.pk)])
    assert changes[1]["tags"] == {"type": "m2m", "operation": "remove", "objects": [str(one.pk)]}
    assert changes[2]["tags"] == {"type": "m2m", "operation": "clear", "objects": [str(two.pk)]}
    assert changes[3]["rules"]["objects"] == [str(rule.pk)]
    rule.tags.clear()
    rule.tags.clear()  # nothing there, nothing logged
    assert len(logged()) == 6


@PLAIN
def test_what_cannot_be_recorded_is_refused(tables: None):
    rule = Rule.objects.create(name="one")
    for attempt in (
        lambda: Rule.objects.bulk_create([Rule(name="one")], ignore_conflicts=True),
        lambda: Rule.objects.bulk_create(
            [Rule(name="one")], update_conflicts=True, unique_fields=["name"], update_fields=["limit"]
        ),
        lambda: Rule.objects.update(id=7),
        lambda: Rule.objects.update(pk=7),
    ):
        with pytest.raises(ChangeNotCaptured):
            attempt()
    with disable_auditlog(), pytest.raises(ChangeNotCaptured):
        rule.save()
    assert len(logged()) == 1


def test_a_change_outside_a_transaction_is_refused_before_it_is_written(committed_tables: None):
    with transaction.atomic():
        rule = Rule.objects.create(name="first")
        Rule.objects.create(name="second")
    before = LogEntry.objects.count()
    rule.limit = 2
    for attempt in (
        rule.save,
        lambda: Rule(name="third").save(),
        lambda: Rule.objects.update(limit=3),
        lambda: Rule.objects.bulk_create([Rule(name="third")]),
        lambda: rule.tags.add(1),
    ):
        with pytest.raises((ChangeOutsideTransaction, IntegrityError)):
            attempt()
    assert set(Rule.objects.values_list("name", "limit")) == {("first", 1), ("second", 1)}
    # auditlog logs an update before it is written: a save that fails must take the false entry with it
    rule.name = "second"
    with pytest.raises(IntegrityError), transaction.atomic():
        rule.save()
    assert LogEntry.objects.count() == before == len(logged())
    rule.refresh_from_db()
    rule.delete()  # Django deletes in a transaction of its own
    assert logged()[-1][0] == "deleted"


def test_a_model_about_people_is_refused():
    with pytest.raises(PersonalModel):
        capture.configuration(Preference)
    assert Preference not in capture.captured_models()
    assert Rule in capture.captured_models()


@PLAIN
def test_auditlogs_entries_are_append_only_and_verified(tables: None):
    Rule.objects.create(name="kept")
    for statement in ("UPDATE auditlog_logentry SET changes = '{}'", "DELETE FROM auditlog_logentry"):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    sequencer.sequence()
    with transaction.atomic():
        point = transaction.savepoint()
        unguarded("UPDATE auditlog_logentry SET changes = jsonb_set(changes, '{name}', '[\"None\", \"forged\"]')")
        report = verify_log()
        assert (report.first_bad.seq, report.first_bad.kind) == (0, "changed")
        transaction.savepoint_rollback(point)
        unguarded("DELETE FROM auditlog_logentry")
        assert verify_log().first_bad.kind == "removed"


@PLAIN
def test_the_member_of_staff_is_named_by_key_and_never_by_address(tables: None, django_user_model: type[User]):
    member = django_user_model.objects.create(email="dana@example.com")
    factory = RequestFactory()

    def view(request) -> HttpResponse:
        Rule.objects.create(name=f"by-{request.user.pk}")
        return HttpResponse()

    request = factory.get("/console/")
    request.user = member
    acting.ActingStaff(view)(request)
    row = LogEntry.objects.get()
    assert row.actor_id == member.pk
    assert row.actor_email is None
    assert row.remote_addr is None
    assert Entry.objects.latest("id").actor == f"staff:{member.pk}"
    request.user = AnonymousUser()
    acting.ActingStaff(view)(request)
    assert Entry.objects.latest("id").actor == str(SYSTEM)
    assert acting.current() == SYSTEM


def test_who_acts_does_not_leak_between_threads_or_out_of_nested_blocks():
    seen = []
    with acting.acting(DANA):
        thread = threading.Thread(target=lambda: seen.append(acting.current()))
        thread.start()
        thread.join()
        with acting.acting(SYSTEM):
            assert acting.current() == SYSTEM
        assert acting.current() == DANA
    assert seen == [SYSTEM]
    assert acting.current() == SYSTEM
