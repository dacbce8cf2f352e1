"""Changes of configuration tables that go past the models: raw SQL, another program, a data migration. Triggers notice them.

The models' own changes write their entry in the same transaction (``audit.capture``), and the staging function notes the object. At the
end of the transaction a trigger looks: a changed row without a note goes into ``audit_direct_change``, and from there into the log as
``configuration.changed_directly``. Nothing is refused: what somebody did to the table is a fact, and the log says it.

Whoever switches the trigger off on purpose is stopped by rights of the database role alone.
"""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction
from django.db.models import Model

from audit import log, models
from governance.kernel.actors import SYSTEM
from governance.kernel.canonical import sha256_hex
from governance.kernel.errors import JSON

_ACTION = "configuration.changed_directly"
_BATCH = 5000
_ONE_BY_ONE = 20
_FUNCTION = """
CREATE OR REPLACE FUNCTION zgoda_notice_direct_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was jsonb := CASE WHEN TG_OP = 'INSERT' THEN '{}' ELSE to_jsonb(OLD) END;
    becomes jsonb := CASE WHEN TG_OP = 'DELETE' THEN '{}' ELSE to_jsonb(NEW) END;
    object_key text := coalesce(becomes, was) ->> TG_ARGV[1];
    changed text;
BEGIN
    IF TG_OP = 'DELETE' THEN
        object_key := was ->> TG_ARGV[1];
    END IF;
    IF position(TG_ARGV[0] || ':' || object_key || E'\\n' IN coalesce(current_setting('zgoda.captured', true), '')) > 0 THEN
        RETURN NULL;
    END IF;
    SELECT string_agg(key, ',' ORDER BY key) INTO changed FROM (
        SELECT key FROM jsonb_object_keys(was || becomes) AS key WHERE was -> key IS DISTINCT FROM becomes -> key
    ) AS differing;
    IF changed IS NOT NULL THEN
        INSERT INTO audit_direct_change (label, object_key, operation, columns, role, at)
        VALUES (TG_ARGV[0], object_key, lower(TG_OP), changed, session_user, clock_timestamp());
    END IF;
    RETURN NULL;
END $$;
"""


def watch(model: type[Model]) -> None:
    """Put the trigger on a configuration table; again and again changes nothing."""
    options = model._meta
    name = f"zgoda_direct_{options.db_table}"
    with connection.cursor() as cursor:
        cursor.execute(_FUNCTION)
        cursor.execute(
            "SELECT 1 FROM pg_trigger WHERE tgname = %s AND tgrelid = to_regclass(%s)", [name, options.db_table]
        )
        if cursor.fetchone() is None:
            # At the end of the transaction: django-auditlog writes its entry after a created row, and before a changed one.
            cursor.execute(
                f'CREATE CONSTRAINT TRIGGER "{name}" AFTER INSERT OR UPDATE OR DELETE ON "{options.db_table}" '
                "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION "
                f"zgoda_notice_direct_change('{options.label_lower}', '{options.pk.column}')"
            )


def watch_all(**_: Any) -> None:
    """Put the trigger on every captured table that exists: after migrations."""
    from audit.capture import captured_models

    tables = set(connection.introspection.table_names())
    if models.DirectChange._meta.db_table not in tables:
        return
    for model in sorted(captured_models(), key=lambda one: one._meta.label):
        if model._meta.db_table in tables:
            watch(model)


def record() -> int:
    """Make entries of what the triggers noticed. Returns how many."""
    recorded = 0
    while True:
        with transaction.atomic():
            noticed = list(models.DirectChange.objects.select_for_update(skip_locked=True).order_by("id")[:_BATCH])
            if not noticed:
                return recorded
            log.emit_many([draft for group in _alike(noticed) for draft in _drafts(group)])
            models.DirectChange.objects.filter(id__in=[change.id for change in noticed]).delete()
        recorded += len(noticed)


def _alike(noticed: list[models.DirectChange]) -> list[list[models.DirectChange]]:
    """The changes grouped by what was done to which table by whom."""
    groups: dict[tuple[str, str, str, str], list[models.DirectChange]] = {}
    for change in noticed:
        groups.setdefault((change.label, change.operation, change.columns, change.role), []).append(change)
    return list(groups.values())


def _drafts(group: list[models.DirectChange]) -> list[log.Draft]:
    """An entry for each change; one for all when they are many, as after an import, with the digest of their keys."""
    first = group[0]
    facts: dict[str, JSON] = {
        "operation": first.operation,
        "fields": list(first.columns.split(",")),
        "role": first.role.replace("@", "_"),
        "at": first.at.isoformat(),
    }
    if len(group) > _ONE_BY_ONE:
        keys = sorted(change.object_key for change in group)
        facts |= {"count": len(group), "keys_sha256": sha256_hex("\n".join(keys).encode())}
        return [log.Draft(_ACTION, SYSTEM, f"{first.label}:*", facts=facts)]
    return [log.Draft(_ACTION, SYSTEM, f"{change.label}:{_plain(change.object_key)}", facts=facts) for change in group]


def _plain(key: str) -> str:
    return "".join(character if character.isalnum() or character in "-_." else "_" for character in key)[:100]
