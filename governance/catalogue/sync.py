"""Bringing the catalogue up to the code: every model is a data set, every column a field; what is gone is marked and kept.

Set by set, in three statements. What people decided about a field (category, purpose, retention) is only ever filled in when empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.apps import apps
from django.db import connection, transaction
from django.db.models import Model

from governance.catalogue.declarations import Declared, declared
from governance.catalogue.models import LACKING, Field
from governance.kernel.clock import now
from governance.kernel.ids import uuid7
from governance.kernel.logs import get_logger
from governance.kernel.personal_data import PersonalDataSource, sources

_logger = get_logger(__name__)
_NOBODYS: Final = Declared("", "", "")

_SYSTEMS: Final = """
INSERT INTO catalogue_system (id, key, title) SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[])
ON CONFLICT (key) DO UPDATE SET title = EXCLUDED.title, gone_at = NULL
"""
_DATASETS: Final = """
INSERT INTO catalogue_dataset (id, system_id, "table", title, personal, source_key, categories)
SELECT new.id, s.id, new.name, new.title, new.personal, new.source, string_to_array(new.categories, '|')
FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::boolean[], %s::text[], %s::text[])
    AS new(id, system, name, title, personal, source, categories)
JOIN catalogue_system s ON s.key = new.system
ON CONFLICT ("table") DO UPDATE SET system_id = EXCLUDED.system_id, title = EXCLUDED.title, personal = EXCLUDED.personal,
    source_key = EXCLUDED.source_key, categories = EXCLUDED.categories, gone_at = NULL
"""
_FIELDS: Final = """
INSERT INTO catalogue_field (id, dataset_id, name, data_type, personal, category, purpose_key, retention)
SELECT new.id, d.id, new.name, new.type, new.personal, new.category, new.purpose, new.retention
FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::boolean[], %s::text[], %s::text[], %s::text[])
    AS new(id, dataset, name, type, personal, category, purpose, retention)
JOIN catalogue_dataset d ON d."table" = new.dataset
ON CONFLICT (dataset_id, name) DO UPDATE SET data_type = EXCLUDED.data_type, personal = EXCLUDED.personal, gone_at = NULL,
    category = coalesce(nullif(catalogue_field.category, ''), EXCLUDED.category),
    purpose_key = coalesce(nullif(catalogue_field.purpose_key, ''), EXCLUDED.purpose_key),
    retention = coalesce(nullif(catalogue_field.retention, ''), EXCLUDED.retention)
"""
_GONE: Final = (
    "UPDATE catalogue_system SET gone_at = %s WHERE gone_at IS NULL AND NOT key = ANY(%s)",
    'UPDATE catalogue_dataset SET gone_at = %s WHERE gone_at IS NULL AND NOT "table" = ANY(%s)',
    """UPDATE catalogue_field f SET gone_at = %s FROM catalogue_dataset d
       WHERE d.id = f.dataset_id AND f.gone_at IS NULL AND NOT d."table" || '.' || f.name = ANY(%s)""",
)


@dataclass(frozen=True, slots=True)
class Synced:
    """What the catalogue holds now, and what of it was not there or was gone before."""

    systems: int
    datasets: int
    fields: int
    appeared: int
    vanished: int


@dataclass(frozen=True, slots=True)
class Gap:
    """A field with personal data that lacks something: `table.column` and what it lacks."""

    field: str
    lacks: tuple[str, ...]


def sync() -> Synced:
    """Make the catalogue what the code says, keeping what people said. Idempotent; takes turns with itself."""
    systems, datasets, fields = _systems(), _datasets(), _fields()
    at = now()
    present = ([row[1] for row in systems], [row[2] for row in datasets], [f"{row[1]}.{row[2]}" for row in fields])
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE catalogue_system IN SHARE ROW EXCLUSIVE MODE")
        before = _names(cursor)
        for statement, rows in ((_SYSTEMS, systems), (_DATASETS, datasets), (_FIELDS, fields)):
            cursor.execute(statement, [list(column) for column in zip(*rows, strict=True)])
        for statement, names in zip(_GONE, present, strict=True):
            cursor.execute(statement, [at, names])
        after = _names(cursor)
    done = Synced(len(systems), len(datasets), len(fields), appeared=len(after - before), vanished=len(before - after))
    if done.appeared or done.vanished:
        _logger.info("catalogue_synced", entries=done.fields, count=done.appeared)
    return done


def gaps() -> list[Gap]:
    """The fields with personal data without a purpose or a retention, in order of table and column."""
    return [
        Gap(
            f"{table}.{name}",
            tuple(what for what, said in (("purpose", purpose), ("retention", retention)) if not said),
        )
        for table, name, purpose, retention in Field.objects.filter(LACKING).values_list(
            "dataset__table", "name", "purpose_key", "retention"
        )
    ]


def _models() -> list[type[Model]]:
    """One model per table, links between models included."""
    found = {model._meta.db_table: model for model in apps.get_models(include_auto_created=True) if model._meta.managed}
    return [found[table] for table in sorted(found)]


def _source_of() -> dict[str, PersonalDataSource]:
    return {table: source for source in sources() for table in source.tables}


def _systems() -> list[Sequence[Any]]:
    labels = sorted({model._meta.app_label for model in _models()})
    return [(uuid7(), label, str(apps.get_app_config(label).verbose_name)[:160]) for label in labels]


def _datasets() -> list[Sequence[Any]]:
    source_of = _source_of()
    rows: list[Sequence[Any]] = []
    for model in _models():
        meta = model._meta
        source = source_of.get(meta.db_table)
        categories = "|".join(source.categories) if source else ""
        title = str(meta.verbose_name_plural)[:160]
        rows.append(
            (
                uuid7(),
                meta.app_label,
                meta.db_table,
                title,
                source is not None,
                source.key if source else "",
                categories,
            )
        )
    return rows


def _fields() -> list[Sequence[Any]]:
    source_of, said = _source_of(), declared()
    rows: list[Sequence[Any]] = []
    for model in _models():
        table = model._meta.db_table
        source = source_of.get(table)
        only = source.categories[0] if source and len(source.categories) == 1 else ""
        for field in model._meta.concrete_fields:
            name = str(field.column)
            ours = said.get((table, name), _NOBODYS)
            personal = source is not None and not field.primary_key
            category = ours.category or (only if personal else "")
            rows.append(
                (uuid7(), table, name, field.get_internal_type(), personal, category, ours.purpose, ours.retention)
            )
    return rows


def _names(cursor: Any) -> set[str]:
    cursor.execute(
        """SELECT d."table" || '.' || f.name FROM catalogue_field f JOIN catalogue_dataset d ON d.id = f.dataset_id
           WHERE f.gone_at IS NULL"""
    )
    return {name for (name,) in cursor.fetchall()}
