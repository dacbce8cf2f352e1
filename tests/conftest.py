"""What every test has: PostgreSQL (the embedded one unless DATABASE_URL names another), keys of its own, no network in unit tests."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# Tests never touch the developer's own service: they have a directory, so a database and keys, of their own.
_var = os.environ.setdefault("ZGODA_VAR", str(Path(tempfile.gettempdir()) / f"zgoda-tests-{os.getuid()}"))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
Path(_var).mkdir(parents=True, exist_ok=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Unit tests have no database and no network; pytest-socket and pytest-django see to it."""
    for item in items:
        if "unit" in Path(item.fspath).relative_to(Path(__file__).parent).parts[:1]:
            item.add_marker(pytest.mark.disable_socket)


@pytest.fixture(scope="session", autouse=True)
def _append_only_tables_can_be_flushed() -> Iterator[None]:
    """Transactional tests empty the tables at their end. Ours refuse that, so the owner lifts the triggers for just that statement."""
    from django.db.backends.postgresql.operations import DatabaseOperations

    plain = DatabaseOperations.sql_flush

    def sql_flush(self: Any, style: Any, tables: Any, **options: Any) -> list[str]:
        statements = plain(self, style, tables, **options)
        with self.connection.cursor() as cursor:
            cursor.execute(
                r"SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE 'append\_only\_%'"
            )
            guarded = [name for (name,) in cursor.fetchall()]
        lift = [f"ALTER TABLE {name} DISABLE TRIGGER USER" for name in guarded]
        restore = [f"ALTER TABLE {name} ENABLE TRIGGER USER" for name in guarded]
        return [*lift, *statements, *restore]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "sql_flush", sql_flush)
        yield
