"""Raw SQL on a configuration table, of which django-auditlog and the models know nothing, ends up in the log."""

from __future__ import annotations

import json

import pytest
from django.db import connection, transaction

from audit import acting, capture, direct_changes, models, sequencer
from audit.verification import verify_log
from engine.channels.models import FrequencyCap
from governance.kernel import clock
from governance.retention.models import RetentionRule
from tests.integration.audit.arrange import DANA, sql

pytestmark = pytest.mark.django_db


def settle() -> None:
    """What happens at the end of a transaction."""
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    sql("SET CONSTRAINTS ALL DEFERRED")


def noticed() -> list[tuple[str, str, list]]:
    direct_changes.record()
    rows = models.Entry.objects.filter(action="configuration.changed_directly", object__contains="cap").order_by("id")
    return [
        (row.object, json.loads(row.header)["facts"]["operation"], json.loads(row.header)["facts"]["fields"])
        for row in rows
    ]


def test_every_captured_table_is_watched():
    watched = {
        table for (table,) in sql("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE 'zgoda_direct_%%'")
    }
    tables = {model._meta.db_table for model in capture.captured_models()} & set(connection.introspection.table_names())
    assert tables <= watched
    assert RetentionRule._meta.db_table in watched
    direct_changes.watch_all()  # again changes nothing


def test_many_changes_of_one_kind_are_one_entry():
    direct_changes.record()
    before = models.Entry.objects.count()
    models.DirectChange.objects.bulk_create(
        models.DirectChange(
            label="x.y", object_key=str(key), operation="insert", columns="id", role="r", at=clock.now()
        )
        for key in range(500)
    )
    assert direct_changes.record() == 500
    assert models.Entry.objects.count() == before + 1
    assert json.loads(models.Entry.objects.latest("id").header)["facts"]["count"] == 500


def test_what_the_models_record_is_not_noticed_twice_and_raw_sql_is():
    fields = {field.name: field for field in FrequencyCap._meta.concrete_fields}
    with acting.acting(DANA), transaction.atomic():
        cap = FrequencyCap.objects.create(**minimal(FrequencyCap))
    settle()
    assert noticed() == []
    assert models.Entry.objects.filter(action="configuration.created").count() == 1
    sql("SELECT set_config('zgoda.captured', '', true)")  # as the next transaction finds it
    number = next(
        name
        for name, field in fields.items()
        if field.get_internal_type().endswith("IntegerField") and not field.primary_key
    )
    column = fields[number].column
    sql(f'UPDATE "{FrequencyCap._meta.db_table}" SET "{column}" = "{column}" + 1')
    settle()
    sql(f'UPDATE "{FrequencyCap._meta.db_table}" SET "{column}" = "{column}"')  # nothing changes
    settle()
    sql(f'DELETE FROM "{FrequencyCap._meta.db_table}"')
    settle()
    of = f"{FrequencyCap._meta.label_lower}:{cap.pk}"
    assert [(where, how) for where, how, _ in noticed()] == [(of, "update"), (of, "delete")]
    assert noticed()[0][2] == [column]
    assert not models.DirectChange.objects.exists()
    sequencer.sequence()
    assert verify_log().verified


def minimal(model) -> dict:
    """A value for each field that needs one."""
    values: dict = {}
    for field in model._meta.concrete_fields:
        if field.primary_key or field.has_default() or field.null or field.auto_created:
            continue
        kind = field.get_internal_type()
        choices = [value for value, _ in field.choices or () if value]
        values[field.name] = (
            choices[0] if choices else {"TextField": "x", "CharField": "x", "BooleanField": True}.get(kind, 1)
        )
    return values
