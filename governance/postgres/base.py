"""The database backend named in settings (`ENGINE = "governance.postgres"`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.backends.postgresql import base

OLDEST_SERVER = 150000
# With any of these off, commits that were acknowledged are lost on power failure (security.md: measured).
_MUST_BE_ON = ("fsync", "synchronous_commit", "full_page_writes")
_checked: set[str] = set()


class UnsafeServer(ImproperlyConfigured):
    """The server may lose what it acknowledged, or is too old; the service does not start on it."""


class DatabaseWrapper(base.DatabaseWrapper):
    def get_connection_params(self) -> dict[str, Any]:
        parameters: dict[str, Any] = super().get_connection_params()
        if directory := parameters.pop("embedded", None):
            from governance import embedded

            parameters["host"] = embedded.ensure_running(Path(directory))
        return parameters

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        identity = f"{conn_params.get('host')}:{conn_params.get('port')}"
        if identity not in _checked:
            refuse_unsafe(connection)
            _checked.add(identity)
        return connection


def refuse_unsafe(connection: Any) -> None:
    """Raise UnsafeServer for a server that is older than 15 or does not flush what it acknowledges."""
    if connection.info.server_version < OLDEST_SERVER:
        raise UnsafeServer("PostgreSQL 15 or later is needed.")
    names = ", ".join(f"current_setting('{name}')" for name in _MUST_BE_ON)
    with connection.cursor() as cursor:
        values = cursor.execute(f"SELECT {names}").fetchone()
    connection.rollback()  # leave the connection as it was: outside a transaction
    off = [name for name, value in zip(_MUST_BE_ON, values, strict=True) if value in {"off", "local"}]
    if off:
        raise UnsafeServer(
            f"The server runs with {', '.join(off)} off: it may lose what it acknowledged. Switch it on."
        )
