"""Whoever owns the database changes any column of any row of the log, in any way: it is noticed, and verification never fails itself."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models, transaction
from django.test.utils import isolate_apps

from audit import capture, decisions, log, sequencer, sources
from audit.verification import verify_log
from governance.kernel.actors import SYSTEM, Actor, ActorKind
from governance.kernel.ids import SubjectId, uuid7
from tests.integration.audit.arrange import sql, undone, unguarded, write, write_log
from tests.integration.audit.deciding import batch

with isolate_apps("audit"):

    class Limit(models.Model):
        value = models.IntegerField()

        class Meta:
            app_label = "audit"
            db_table = "test_audit_limit"


capture.configuration(Limit)
pytestmark = pytest.mark.django_db

TABLES = {  # and the columns by which nothing is said: they tell how far a queue was worked off, or who asked
    "audit_entry": set(),
    "audit_leaf": set(),
    "audit_tile": set(),
    "audit_checkpoint": set(),
    "audit_subject_link": set(),
    "audit_erased_link": set(),
    "audit_staged": set(),
    "audit_staged_link": set(),
    "audit_writer": {"seen_at"},
    "audit_decision_batch": {"request_key", "request_mac"},
    "audit_decision": set(),
    "auditlog_logentry": {
        "actor_id", "actor_email", "remote_addr", "remote_port", "cid", "object_repr", "object_id", "serialized_data",
        "additional_data", "changes_text", "id",
    },
}  # fmt: skip
FAMILIES = [("audit_entry", "audit_staged"), ("audit_subject_link", "audit_staged_link")]
OTHER = {
    "bytea": "set_bit(? || '\\x00', 0, 1 - get_bit(? || '\\x00', 0))",
    "text": "? || 'x'",
    "character varying": "? || 'x'",
    "uuid": "gen_random_uuid()",
    "timestamp with time zone": "? + interval '90 seconds'",
    "boolean": "NOT ?",
    "jsonb": "? || '{\"x\": 1}'",
}


@pytest.fixture(scope="module")
def whole_log(django_db_setup, django_db_blocker) -> Iterator[None]:
    """A log with everything in it, in a transaction that is rolled back at the end."""
    with django_db_blocker.unblock(), undone():
        with connection.schema_editor(atomic=False) as editor:
            editor.create_model(Limit)
        alice, erin = SubjectId(uuid7()), SubjectId(uuid7())
        write_log(300)
        with transaction.atomic():
            log.emit("consent.given", actor=Actor(ActorKind.GUARDIAN, str(uuid7())), subject=alice)
            decisions.record(batch(5))
            decisions.record(batch(3, subjects=[alice, erin, SubjectId(uuid7())]))
            Limit.objects.create(value=1)
            Limit.objects.update(value=2)
        write(2, about=erin)
        sources.EntryLinks().erase(erin)
        sources.DecisionRecords().erase(erin)
        sequencer.sequence()
        write(3, about=alice)
        yield
    ContentType.objects.clear_cache()


def columns(table: str) -> list[tuple]:
    return sql("SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s", table)


def tampers() -> list[tuple[str, str, str, str]]:
    """Each table, column, way to change it, and the SQL for that."""
    found = []
    for table, silent in TABLES.items():
        for column, kind in columns(table):
            if column in silent:
                continue
            mine = f'"{column}"'
            another = (
                f"SELECT o.{mine} FROM {table} o WHERE o.{mine} IS DISTINCT FROM t.{mine} ORDER BY random() LIMIT 1"
            )
            changed = OTHER.get(kind, "? + 1").replace("?", mine)
            ways = {"emptied": "NULL", "another row's": f"({another})", "changed": changed}
            if (table, column) == ("audit_decision_batch", "created_at"):
                del ways["another row's"]  # it is held against its entry's instant, to the minute
            found += [(table, column, way, value) for way, value in ways.items()]
    return found


def unconstrained(table: str) -> None:
    """Take keys and checks off a table and those that inherit from one another with it, as their owner can."""
    sql("SET CONSTRAINTS ALL IMMEDIATE")  # a table with waiting checks cannot be altered
    family = next((family for family in FAMILIES if table in family), (table,))
    for member in family:
        kinds = "contype IN ('p', 'u', 'c')"
        for (name,) in sql(f"SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND {kinds}", member):
            sql(f'ALTER TABLE {member} DROP CONSTRAINT IF EXISTS "{name}" CASCADE')
    inherited = {name for name, _ in columns(family[0])}
    for column in {name for name, _ in columns(table)} - TABLES[table]:
        for member in family if column in inherited else [table]:
            sql(f'ALTER TABLE {member} ALTER COLUMN "{column}" DROP NOT NULL')


def tamper(table: str, column: str, value: str) -> bool:
    """Change one row at random; False when there is none that this changes."""
    before = sql(f'SELECT ctid, "{column}" FROM ONLY {table} t ORDER BY random() LIMIT 1')
    if not before:
        return False
    ctid, was = before[0]
    unconstrained(table)
    rows = unguarded(f'UPDATE ONLY {table} t SET "{column}" = {value} WHERE ctid = %s RETURNING "{column}"', ctid)
    return bool(rows) and rows[0][0] != was


def test_the_log_with_everything_in_it_is_honest(whole_log: None, db: None):
    report = verify_log()
    assert report.verified, report.problems
    for table in TABLES:
        assert sql(f"SELECT 1 FROM {table} LIMIT 1"), table


# Slow: the whole log is verified after each of them. ZGODA_TAMPERS=0 tries every column in every way.
@pytest.mark.slow
def test_no_changed_column_goes_unnoticed(whole_log: None, db: None):
    everything = tampers()
    wanted = int(os.environ.get("ZGODA_TAMPERS", "60"))
    unnoticed, tried = [], 0
    random.Random(os.environ.get("ZGODA_SEED", "20261121")).shuffle(everything)
    for table, column, way, value in everything[: wanted or None]:
        with undone():
            if tamper(table, column, value):
                tried += 1
                if verify_log().verified:
                    unnoticed.append((table, column, way))
    assert not unnoticed
    assert tried > wanted // 2


def test_a_row_beside_the_numbers_is_noticed(whole_log: None, db: None):
    for seq in ("-5", "NULL", "7", "1000000"):
        with undone():
            unconstrained("audit_leaf")
            unguarded(f"INSERT INTO audit_leaf SELECT {seq}, entry_id, leaf_hash, mac FROM audit_leaf WHERE seq = 3")
            assert not verify_log().verified, seq


@pytest.mark.parametrize(
    "which",
    [
        "k.role = 'actor'",
        "EXISTS (SELECT 1 FROM audit_leaf l WHERE l.entry_id = k.entry_id)",
        "NOT EXISTS (SELECT 1 FROM audit_leaf l WHERE l.entry_id = k.entry_id)",
    ],
)
def test_a_link_whose_role_was_emptied_is_a_finding_and_no_exception(whole_log: None, db: None, which: str):
    ((entry_id,),) = sql(f"SELECT k.entry_id FROM audit_subject_link k WHERE {which} LIMIT 1")
    with undone():
        unconstrained("audit_subject_link")
        unguarded("UPDATE audit_subject_link SET role = NULL WHERE entry_id = %s", entry_id)
        assert not verify_log().verified


def test_nothing_is_verified_by_way_of_quotation_marks(whole_log: None, db: None):
    """Columns that are put together to the same frame, and say something else."""
    with undone():
        unguarded(
            """
            UPDATE audit_entry SET purpose = '', object = object || '","purpose":"' || purpose
            WHERE id = (SELECT entry_id FROM audit_leaf WHERE seq = 7)
            """
        )
        report = verify_log()
        assert not report.verified
        assert report.first_bad is not None
        assert report.first_bad.seq == 7


def test_honest_quotation_marks_raise_no_alarm(whole_log: None, db: None):
    with undone(), transaction.atomic():
        log.emit("consent.given", actor=SYSTEM, object='a"b\\c', purpose='"', facts={"x": '"'})
        sequencer.sequence()
        assert verify_log().verified


# Slow: each table is tried beside a log that went on.
@pytest.mark.slow
@pytest.mark.parametrize("table", list(TABLES))
def test_a_table_that_was_replaced_by_an_older_copy_is_noticed(whole_log: None, db: None, table: str):
    if table in ("audit_staged", "audit_staged_link", "audit_writer"):
        pytest.skip(
            "an older queue, or count, shows when its writer goes on: tests/integration/audit/test_missing_entries.py"
        )
    with undone():
        sql(f"CREATE TEMP TABLE older AS SELECT * FROM {table}")
        with transaction.atomic():
            alice, erin = SubjectId(uuid7()), SubjectId(uuid7())
            decisions.record(batch(2, subjects=[alice, erin]))
            write(300, about=alice)
            write(2, about=erin)
            Limit.objects.update(value=3)
        sources.EntryLinks().erase(erin)
        sequencer.sequence()
        assert verify_log().verified
        names = ", ".join(f'"{column}"' for column, _ in columns(table))
        unguarded(f"DELETE FROM {table}")
        unguarded(f"INSERT INTO {table} ({names}) SELECT {names} FROM older")
        assert not verify_log().verified
    assert connection.in_atomic_block
