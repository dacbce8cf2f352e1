"""What the log costs: beside a saved row, beside django-auditlog, beside a chain of hashes under a lock, beside bare COPY and bare SHA-256.

Writers are measured in time passed, for they wait for the disk; everything else in processor time, that of the database included.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmarks._contest import ROWS, Contest, Figure, Party
from benchmarks._house import house

CORES = 2
NEEDS = ("auditlog",)
_SAVES = 400
_WRITERS = 8
_EACH = 100
_LEAVES = 200_000
_BATCH = 20_000


def contests() -> Iterable[Contest | Figure]:
    yield _building()
    yield _proofs()
    with house():
        yield from _saves()
        yield from _writers()
        yield _batch()
        yield from _verification()


def _building() -> Contest:
    from audit.merkle import Tree

    leaves = [hashlib.sha256(str(number).encode()).digest() for number in range(_LEAVES)]
    nodes = [b"\x01" + left + right for left, right in zip(leaves[::2], leaves[1::2], strict=True)] * 2

    def raw() -> int:
        return sum(1 for node in nodes if hashlib.sha256(node).digest())

    return Contest(
        "log: build the tree",
        [Party("Zgoda", _LEAVES, lambda: Tree(leaves).root()), Party("SHA-256 of as many nodes", len(nodes), raw)],
        {"SHA-256 of as many nodes": 0.5},
        unit="leaves",
    )


def _proofs() -> Figure:
    from audit.merkle import Tree

    tree = Tree(hashlib.sha256(str(number).encode()).digest() for number in range(_LEAVES))
    count = 50_000
    best = 0.0
    for _ in range(5):
        started = time.process_time()
        for index in range(count):
            tree.inclusion_proof(index * 3)
        best = max(best, count / (time.process_time() - started))
    return Figure("log: inclusion proofs a second, one core, from memory", f"{best:,.0f}", ">= 50,000", best >= 50_000)


def _spent() -> float:
    """Seconds of processor time of this process and of the server's process that it talks to."""
    from django.db import connection

    connection.ensure_connection()
    scheduled = Path(f"/proc/{connection.connection.info.backend_pid}/schedstat").read_text().split()[0]
    return time.process_time() + int(scheduled) / 1e9


def _per(work: Callable[[], object], times: int) -> float:
    """Microseconds of one, in time passed less what others took: the best of several rounds."""
    best = float("inf")
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(times):
            work()
        best = min(best, (time.perf_counter() - started) / times)
    return best * 1e6


def _saves() -> Iterator[Figure]:
    from auditlog.registry import auditlog
    from django.db import connection, models, transaction

    from audit import log
    from governance.kernel.actors import SYSTEM
    from governance.kernel.ids import SubjectId, uuid7

    class Plain(models.Model):
        name = models.TextField()
        limit = models.IntegerField()

        class Meta:
            app_label = "audit"
            db_table = "bench_plain"

    class Logged(models.Model):
        name = models.TextField()
        limit = models.IntegerField()

        class Meta:
            app_label = "audit"
            db_table = "bench_logged"

    with connection.schema_editor() as editor:
        editor.create_model(Plain)
        editor.create_model(Logged)
    auditlog.register(Logged)
    person = SubjectId(uuid7())

    def emitted(subject: SubjectId | None) -> None:
        Plain.objects.create(name="a", limit=1)
        log.emit(
            "consent.given", actor=SYSTEM, object="rule:1", subject=subject, purpose="newsletter", facts={"version": 1}
        )

    with transaction.atomic():
        parties: dict[str, Callable[[], object]] = {
            "bare": lambda: Plain.objects.create(name="a", limit=1),
            "auditlog": lambda: Logged.objects.create(name="a", limit=1),
            "emit": lambda: emitted(None),
            "emit about a person": lambda: emitted(person),
        }
        took = {name: float("inf") for name in parties}
        for _ in range(12):  # in turns
            for name, work in parties.items():
                started = _spent()
                for _ in range(_SAVES // 4):
                    work()
                took[name] = min(took[name], (_spent() - started) / (_SAVES // 4) * 1e6)
    adds = {name: cost - took["bare"] for name, cost in took.items()}
    for name in ("emit", "emit about a person"):
        share = adds[name] / adds["auditlog"]
        value = f"{adds[name]:.0f} us, {share:.2f} of the {adds['auditlog']:.0f} us of django-auditlog"
        yield Figure(f"log: {name} adds to a create in a transaction", value, "< 0.5 of django-auditlog", share < 0.5)


def _writers() -> Iterator[Figure]:
    from django.db import connection, transaction

    from audit import log
    from governance.kernel.actors import SYSTEM

    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_row (id bigserial PRIMARY KEY, name text)")
        cursor.execute("CREATE TABLE bench_chain (id bigserial PRIMARY KEY, hash bytea)")
        cursor.execute("CREATE TABLE bench_head (hash bytea)")
        cursor.execute("INSERT INTO bench_head VALUES ('')")

    def insert(cursor: Any) -> None:
        cursor.execute("INSERT INTO bench_row (name) VALUES ('a')")

    def chained(cursor: Any) -> None:
        insert(cursor)
        cursor.execute("SELECT hash FROM bench_head FOR UPDATE")
        digest = hashlib.sha256(bytes(cursor.fetchone()[0]) + b"entry").digest()
        cursor.execute("INSERT INTO bench_chain (hash) VALUES (%s)", [digest])
        cursor.execute("UPDATE bench_head SET hash = %s", [digest])

    def logged(cursor: Any) -> None:
        insert(cursor)
        log.emit("consent.given", actor=SYSTEM, object="row:1")

    def together(write: Callable[[Any], None]) -> float:
        connection.close()  # the processes must not share it
        fork = multiprocessing.get_context("fork")
        ready, done = fork.Barrier(_WRITERS + 1), fork.Barrier(_WRITERS + 1)

        def commit(times: int) -> None:
            for _ in range(times):
                with transaction.atomic(), connection.cursor() as cursor:
                    write(cursor)

        def run() -> None:
            commit(5)
            ready.wait()
            commit(_EACH)
            done.wait()
            connection.close()

        # As a service runs them: threads of one process would queue for the interpreter.
        processes = [fork.Process(target=run) for _ in range(_WRITERS)]
        for process in processes:
            process.start()
        ready.wait()
        started = time.perf_counter()
        done.wait()
        passed = time.perf_counter() - started
        for process in processes:
            process.join()
        return _WRITERS * _EACH / passed

    rates = dict.fromkeys(("bare", "log", "chain"), 0.0)
    for _ in range(3):
        for name, write in (("bare", insert), ("log", logged), ("chain", chained)):
            rates[name] = max(rates[name], together(write))
    title = f"log: {_WRITERS} writers that commit each entry"
    bare, chain = rates["log"] / rates["bare"], rates["log"] / rates["chain"]
    yield Figure(title, f"{rates['log']:,.0f} a second, {bare:.2f}x the same inserts alone", ">= 0.7x", bare >= 0.7)
    yield Figure(f"{title}, beside a chain under a row lock", f"{chain:.1f}x", ">= 5x", chain >= 5)


def _batch() -> Contest:
    from django.db import transaction

    from audit import encoding, log
    from governance.kernel import clock
    from governance.kernel.actors import SYSTEM
    from governance.kernel.copy import copy_rows
    from governance.kernel.ids import uuid7, uuid7_many

    drafts = [log.Draft("consent.given", SYSTEM, f"e:{number}", facts={"version": number}) for number in range(_BATCH)]
    row = (os.urandom(16), "x" * 230, os.urandom(32), "consent.given", "system:zgoda", "e:1", "", "")
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE bench_copy (a bytea, header text, b bytea, action text, actor text, object text, purpose text, tag text)"
        )
        cursor.execute("CREATE TABLE bench_same (LIKE audit_entry INCLUDING ALL)")
        cursor.execute("CREATE TABLE bench_queue (LIKE audit_pending INCLUDING ALL)")
    names = ("a", "header", "b", "action", "actor", "object", "purpose", "tag")

    def ours() -> None:
        with transaction.atomic():
            log.emit_many(drafts)

    def bare() -> None:
        with transaction.atomic():
            copy_rows("bench_copy", names, (row for _ in range(_BATCH)), ("bytea", "text", "bytea", *("text",) * 5))

    def same() -> None:
        group, at, digest = uuid7(), clock.now(), os.urandom(32)
        ids = uuid7_many(_BATCH)
        kept = ((one, "x" * 230, digest, "consent.given", "system:zgoda", "e:1", "", "", at, group) for one in ids)
        waiting = ((one, digest, group, 1, digest) for one in ids)
        types = ("uuid", "text", "bytea", *("text",) * 5, "timestamptz", "uuid")
        with transaction.atomic():
            copy_rows("bench_same", encoding.ENTRY, kept, types)
            copy_rows("bench_queue", encoding.PENDING, waiting, ("uuid", "bytea", "uuid", "int8", "bytea"))

    return Contest(
        "log: a batch of entries, committed",
        [
            Party("Zgoda", _BATCH, ours),
            Party("COPY of as many bytes", _BATCH, bare),
            Party("COPY of as many rows into tables with the same keys", _BATCH, same),
        ],
        {"COPY of as many bytes": 0.5, "COPY of as many rows into tables with the same keys": 0.5},
        clock=_spent,
        unit="entries",
    )


def _verification() -> Iterator[Figure]:
    from django.db import connection, transaction

    from audit import log, models, receipts, sequencer
    from audit.verification import verify_log
    from governance.kernel.actors import SYSTEM
    from governance.kernel.ids import SubjectId, uuid7

    wanted = min(ROWS, int(os.environ.get("ZGODA_BENCH_ENTRIES", "200000")))
    while models.Leaf.objects.count() < wanted:
        drafts = [
            log.Draft("consent.given", SYSTEM, f"e:{n}", SubjectId(uuid7()), "newsletter", {"version": n})
            for n in range(_BATCH)
        ]
        with transaction.atomic():
            log.emit_many(drafts)
        sequencer.sequence()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    started = time.perf_counter()
    report = verify_log()
    passed = time.perf_counter() - started
    million = passed * 1_000_000 / report.entries
    value = f"{passed:.1f} s for {report.entries:,} ({million:.0f} s a million), {CORES} cores"
    yield Figure(
        "log: verify every entry, link, tile and checkpoint",
        value,
        "< 10 s a million",
        report.verified and million < 10,
    )
    ids = list(models.Entry.objects.values_list("id", flat=True)[:200])
    cost = _per(lambda: receipts.receipt(ids[7]), 50)
    yield Figure("log: a receipt from the database", f"{cost / 1000:.1f} ms", "", None)
