"""What every test has: PostgreSQL (the embedded one unless DATABASE_URL names another), keys of its own, no network in unit tests."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# A machine that is busy is no finding.
settings.register_profile("zgoda", deadline=None)
settings.load_profile("zgoda")

# Tests never touch the developer's own service: they have a directory, so a database and keys, of their own.
_var = os.environ.setdefault("ZGODA_VAR", str(Path(tempfile.gettempdir()) / f"zgoda-tests-{os.getuid()}"))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
Path(_var).mkdir(parents=True, exist_ok=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Unit tests have no database and no network; pytest-socket and pytest-django see to it."""
    for item in items:
        if "unit" in Path(item.fspath).relative_to(Path(__file__).parent).parts[:1]:
            item.add_marker(pytest.mark.disable_socket)


# What migrations and their hooks write once; tests read it and leave it as it is.
_SEEDED = frozenset(
    {"auth_group", "auth_group_permissions", "auth_permission", "django_content_type", "django_migrations"}
    | {"catalogue_dataset", "catalogue_field", "catalogue_system"}
)


@pytest.fixture(scope="session", autouse=True)
def _transactional_tests_empty_what_they_filled() -> Iterator[None]:
    """After a transactional test: only the tables that have rows are emptied, and nothing is seeded anew; a new file for each of a
    hundred tables and the permissions of all models would cost more than the tests. Append-only tables refuse to be emptied, so their
    owner lifts the triggers for just that. What the log remembers outside the database begins anew with it."""
    from django.core.management.commands import flush
    from django.db.backends.postgresql.operations import DatabaseOperations

    from audit import writers
    from audit.heads import anchors

    def sql_flush(self: Any, style: Any, tables: list[str], **options: Any) -> list[str]:
        candidates = sorted(set(tables) - _SEEDED)
        with self.connection.cursor() as cursor:
            asked = " UNION ALL ".join(
                f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM \"{name}\")" for name in candidates
            )
            cursor.execute(asked)
            filled = [f'"{name}"' for (name,) in cursor.fetchall()]
            cursor.execute(
                r"SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE 'append\_only\_%'"
            )
            guarded = [name for (name,) in cursor.fetchall()]
        if not filled:
            return []
        writers.forget()
        anchors.forget_head()
        lift = [f"ALTER TABLE {name} DISABLE TRIGGER USER" for name in guarded]
        restore = [f"ALTER TABLE {name} ENABLE TRIGGER USER" for name in guarded]
        return [*lift, f"TRUNCATE {', '.join(filled)} CASCADE", *restore]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "sql_flush", sql_flush)
        patch.setattr(flush, "emit_post_migrate_signal", lambda *args, **options: None)
        yield
