"""What the log costs: beside a saved row, beside django-auditlog, beside a chain of hashes under a lock, beside bare COPY and bare SHA-256.

Writers are measured in time passed, for they wait for the disk; everything else in processor time, that of the database included.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from benchmarks._contest import ROWS, Contest, Figure, Party
from benchmarks._house import house

CORES = 2
NEEDS = ("auditlog",)
_SAVES = 40
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
        for _ in range(40):  # in short turns: what disturbs the machine disturbs a few of them
            for name, work in parties.items():
                started = _spent()
                for _ in range(_SAVES):
                    work()
                took[name] = min(took[name], (_spent() - started) / _SAVES * 1e6)
    adds = {name: cost - took["bare"] for name, cost in took.items()}
    for name in ("emit", "emit about a person"):
        share = adds[name] / adds["auditlog"]
        value = f"{adds[name]:.0f} us, {share:.2f} of the {adds['auditlog']:.0f} us of django-auditlog"
        yield Figure(f"log: {name} adds to a create in a transaction", value, "< 0.5 of django-auditlog", share < 0.5)


def _writers() -> Iterator[Figure]:
    """Eight processes, each a business write a transaction, all through Django: a row with three columns of its own and two indexes,
    created with ``objects.create``, and committed to disk.

    * *alone*: that row;
    * *log*: that row and its entry about the person, in one transaction, while a ninth process numbers what was committed;
    * *chain*: that row and an entry in a table of its own, whose hash follows on that of the entry before: the head is read under a row
      lock, which is held until the commit, as hash chains in applications do it.
    """
    ledger = _ledger()

    def alone(person: UUID) -> None:
        ledger.Row.objects.create(subject=person, purpose="newsletter", state="given")

    def logged(person: UUID) -> None:
        from audit import log
        from governance.kernel.actors import SYSTEM
        from governance.kernel.ids import SubjectId

        row = ledger.Row.objects.create(subject=person, purpose="newsletter", state="given")
        facts = {"version": 1, "channel": "e-mail"}
        about = SubjectId(person)
        log.emit(
            "consent.given", actor=SYSTEM, object=f"row:{row.pk}", subject=about, purpose="newsletter", facts=facts
        )

    def chained(person: UUID) -> None:
        row = ledger.Row.objects.create(subject=person, purpose="newsletter", state="given")
        head = ledger.Head.objects.select_for_update().get()
        said = {"action": "consent.given", "actor": "system", "object": f"row:{row.pk}", "subject": str(person)}
        said |= {"purpose": "newsletter", "at": datetime.now(UTC).isoformat(), "version": 1, "channel": "e-mail"}
        text = json.dumps(said, sort_keys=True)
        head.hash = hashlib.sha256((head.hash + text).encode()).hexdigest()
        ledger.Link.objects.create(text=text, hash=head.hash)
        head.save()

    rates = dict.fromkeys(("alone", "log", "chain"), 0.0)
    for _ in range(3):
        for name, write in (("alone", alone), ("log", logged), ("chain", chained)):
            rates[name] = max(rates[name], _together(write, numbering=name == "log"))
    title = f"log: {_WRITERS} writers that commit each entry"
    bare, chain = rates["log"] / rates["alone"], rates["log"] / rates["chain"]
    value = f"{rates['log']:,.0f} a second, {bare:.2f}x the same inserts alone"
    yield Figure(title, value, ">= 0.7x", bare >= 0.7, "while a ninth process numbers them")
    value = f"{chain:.1f}x the {rates['chain']:,.0f} a second of the chain"
    yield Figure(f"{title}, beside a chain under a row lock", value, ">= 5x", chain >= 5)


def _ledger() -> Any:
    from types import SimpleNamespace

    from django.db import connection, models

    class Row(models.Model):
        subject = models.UUIDField(db_index=True)
        purpose = models.TextField()
        state = models.TextField()

        class Meta:
            app_label = "audit"
            db_table = "bench_row"

    class Link(models.Model):
        text = models.TextField()
        hash = models.TextField()

        class Meta:
            app_label = "audit"
            db_table = "bench_chain"

    class Head(models.Model):
        hash = models.TextField()

        class Meta:
            app_label = "audit"
            db_table = "bench_head"

    with connection.schema_editor() as editor:
        for model in (Row, Link, Head):
            editor.create_model(model)
    Head.objects.create(hash="")
    return SimpleNamespace(Row=Row, Link=Link, Head=Head)


def _together(write: Callable[[UUID], None], *, numbering: bool) -> float:
    """How many a second the writers commit together. As a service runs them: threads of one process would queue for the interpreter."""
    from django.db import connection, transaction

    from audit import sequencer

    connection.close()  # the processes must not share it
    fork = multiprocessing.get_context("fork")
    ready, done, over = fork.Barrier(_WRITERS + 1), fork.Barrier(_WRITERS + 1), fork.Event()

    def commit(times: int) -> None:
        for _ in range(times):
            with transaction.atomic():
                write(uuid4())

    def run() -> None:
        commit(10)
        ready.wait()
        commit(_EACH)
        done.wait()
        connection.close()

    def number() -> None:
        while not over.wait(0.2):
            sequencer.sequence()
        connection.close()

    processes = [fork.Process(target=run) for _ in range(_WRITERS)]
    processes += [fork.Process(target=number)] if numbering else []
    for process in processes:
        process.start()
    ready.wait()
    started = time.perf_counter()
    done.wait()
    passed = time.perf_counter() - started
    over.set()
    for process in processes:
        process.join()
    return _WRITERS * _EACH / passed


def _batch() -> Contest:
    """A batch, committed, beside the very rows that it stages, made beforehand and copied through psycopg: into a table of the same columns
    without any key, and into one with the same key."""
    from django.db import connection, transaction

    from audit import log, staging
    from governance.kernel.actors import SYSTEM
    from governance.kernel.copy import copy_rows
    from governance.kernel.ids import uuid7_many

    drafts = [log.Draft("consent.given", SYSTEM, f"e:{number}", facts={"version": number}) for number in range(_BATCH)]
    names = ", ".join(staging.STAGED)
    with connection.cursor() as cursor:
        with transaction.atomic():
            log.emit_many(drafts)
            cursor.execute(f"SELECT {names} FROM audit_staged")
            made = [row[1:] for row in cursor.fetchall()]
        cursor.execute("CREATE TABLE bench_copy (LIKE audit_staged)")
        cursor.execute("CREATE TABLE bench_keyed (LIKE audit_staged INCLUDING ALL)")
        cursor.execute("ALTER TABLE bench_copy ALTER refused SET DEFAULT false")
    types = ("uuid", "text", "bytea", *("text",) * 5, "timestamptz", "uuid", "uuid", "int8", "bytea")

    def ours() -> None:
        with transaction.atomic():
            log.emit_many(drafts)

    def bare(table: str) -> None:
        ids = uuid7_many(_BATCH)
        with transaction.atomic():
            copy_rows(table, staging.STAGED, ((one, *row) for one, row in zip(ids, made, strict=True)), types)

    return Contest(
        "log: a batch of entries, committed",
        [
            Party("Zgoda", _BATCH, ours),
            Party("COPY of the same bytes", _BATCH, lambda: bare("bench_copy")),
            Party("COPY of the same bytes under the same key", _BATCH, lambda: bare("bench_keyed")),
        ],
        {"COPY of the same bytes": 0.5},
        clock=_spent,
        unit="entries",
    )


def _verification() -> Iterator[Figure]:
    from django.db import connection, transaction

    from audit import log, models, sequencer
    from audit.publication import receipts
    from audit.verification import verify_log
    from governance.kernel.actors import SYSTEM
    from governance.kernel.ids import SubjectId, uuid7

    wanted = min(ROWS, int(os.environ.get("ZGODA_BENCH_ENTRIES", "1000000")))
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
