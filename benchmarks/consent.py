"""How fast consent is, beside PostgreSQL itself: the gate for one person and for a million, recording, the check over REST.

Peers are the database alone: one raw indexed SELECT, a raw scan of the state table, a bare COPY of the same rows, and an empty view of
the same framework. Processor time of both sides counts, but over REST, where clients wait. `ZGODA_BENCH_ROWS` is how many people there
are; run it once with ten million to see what a large table changes.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import os
import random
import socket
import statistics
import subprocess
import time
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks import _house
from benchmarks._clients import Load, get, load
from benchmarks._contest import ROUNDS, ROWS, Contest, Figure, Party, processor_time

CORES = 2  # the database has one of its own
CHECKS = 2_000
RECORDED = 20_000
CLIENTS = 32
SLICE = 600
"""Answers in one turn of a party over REST: turns are short, so that what else the machine does falls on both alike."""
_SELECT = (
    "SELECT status, event_id, notice_version_id, purpose_version, valid_until FROM consent_state "
    "WHERE subject_id = %s AND purpose_key = %s AND channel = %s"
)
_FILL = """
INSERT INTO consent_state (subject_id, purpose_key, channel, status, event_id, purpose_version, occurred_at)
SELECT gen_random_uuid(), 'newsletter', 'email', CASE WHEN n %% 5 = 0 THEN 'withdrawn' ELSE 'given' END, gen_random_uuid(), 1, now()
FROM generate_series(1, %s) AS n
"""


def contests() -> Iterable[Contest | Figure]:
    with _house.house():
        from django.db import connection

        from governance import purposes

        for key in ("newsletter", "recorded"):
            purposes.define(
                key, title_en="Offers", title_pl="Oferty", description_en="Offers.", description_pl="Oferty.",
                legal_basis="consent", channels=["email"],
            )  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute(_FILL, [ROWS])
            cursor.execute("VACUUM ANALYZE consent_state")
            cursor.execute("SELECT subject_id FROM consent_state")
            everybody = [subject for (subject,) in cursor.fetchall()]
        yield from _gate(everybody)
        yield from _rest(random.Random(5).sample(everybody, CHECKS))
        del everybody  # a million objects make every collection of garbage slow, and nobody who records has them
        gc.collect()
        yield _recording()


def _both_sides() -> float:
    """Processor time of this process and of the database's for it, in seconds: what else the machine does falls on nobody."""
    from django.db import connection

    theirs = Path(f"/proc/{connection.connection.info.backend_pid}/schedstat").read_text().split()[0]
    return processor_time() + int(theirs) / 1e9


def _gate(everybody: list[Any]) -> Iterator[Contest]:
    from django.db import connection

    from consent import gate

    some = random.Random(4).sample(everybody, CHECKS)
    raw = connection.connection

    def select() -> None:
        with raw.cursor() as cursor:
            for subject in some:
                cursor.execute(_SELECT, [subject, "newsletter", "email"], prepare=True).fetchone()

    def check() -> None:
        for subject in some:
            gate.check(subject, "newsletter", "email")

    def scan() -> int:
        with raw.cursor() as cursor:
            cursor.execute(
                "SELECT subject_id, status, valid_until FROM consent_state WHERE purpose_key = 'newsletter' AND channel = 'email'"
            )
            return sum(1 for _ in cursor.fetchall())

    def whole() -> int:
        return len(gate.filter(everybody, "newsletter", "email").allowed)

    answers = gate.filter(some, "newsletter", "email")
    assert answers.allowed == [subject for subject in some if gate.check(subject, "newsletter", "email").allowed]
    yield Contest(
        f"gate.check, warm, {len(everybody):,} states",
        [Party("Zgoda", CHECKS, check), Party("one raw indexed SELECT", CHECKS, select)],
        {"one raw indexed SELECT": 0.5},
        clock=_both_sides,
        unit="people",
    )
    yield Contest(
        f"gate.filter of {len(everybody):,} people",
        [
            Party("Zgoda", len(everybody), whole),
            Party("a raw scan of the state table", len(everybody), scan),
            Party("gate.check one by one", CHECKS, check),
        ],
        {"a raw scan of the state table": 1 / 3, "gate.check one by one": 50},
        clock=_both_sides,
        unit="people",
    )


def _rest(some: list[Any]) -> Iterator[Figure]:
    """The check with a client's key against an empty view, on the programs and settings that `manage.py serve` starts."""
    from governance.accounts import clients
    from governance.kernel.actors import SYSTEM
    from governance.kernel.clock import now
    from governance.kernel.ids import opaque

    key = clients.issue("bench", ["consent:read"], now() + timedelta(days=1), SYSTEM).key_text
    checks = itertools.cycle(
        get(
            f"/api/v1/consent/checks?subject={opaque('sub', subject)}&purpose=newsletter&channel=email",
            Authorization=f"Bearer {key}",
        )
        for subject in some
    )
    empty = itertools.repeat(get("/api/v1/consent/empty"))
    turns: list[tuple[Load, Load]] = []
    with _served() as port:
        for warm in (checks, empty):
            load(port, warm, clients=CLIENTS, answers=CHECKS)
        for _ in range(5 * ROUNDS):
            turns.append(
                (
                    load(port, checks, clients=CLIENTS, answers=SLICE),
                    load(port, empty, clients=CLIENTS, answers=SLICE),
                )
            )
    ratio = statistics.median(check.per_second / bare.per_second for check, bare in turns)
    tail = statistics.median(check.quantile(0.99) / check.quantile(0.5) for check, _ in turns)
    speed = statistics.median(check.per_second for check, _ in turns)
    yield Figure(
        f"check over REST with a client's key, {CLIENTS} clients, against an empty view",
        f"{ratio:.2f}x",
        ">= 0.6x",
        ratio >= 0.6,
        note=f"{speed:,.0f} a second; the median of {len(turns)} turns of {SLICE} answers each, one party after the other",
    )
    yield Figure(f"check over REST, {CLIENTS} clients: p99 against p50", f"{tail:.1f}x", "<= 5x", tail <= 5)


@contextlib.contextmanager
def _served() -> Iterator[int]:
    """The web server of `manage.py serve` with an empty view beside the others; yields its port."""
    from django.conf import settings

    from governance.management.commands import serve

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    program, _, *rest = serve._commands(port, 2, 1)["web"]
    web = subprocess.Popen(
        [program, "benchmarks._served:application", *rest],
        cwd=settings.BASE_DIR,
        env=os.environ | {"PYTHONPATH": str(settings.BASE_DIR)},
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port)).close()
                break
            time.sleep(0.1)
        yield port
    finally:
        web.terminate()
        web.wait()


def _recording() -> Contest:
    from django.db import connection, transaction

    from consent import ledger
    from consent.drafts import ConsentDraft
    from consent.events import packing
    from governance.kernel.actors import SYSTEM
    from governance.kernel.clock import now
    from governance.kernel.copy import copy_rows
    from governance.kernel.ids import SubjectId, uuid7_many

    def record() -> None:
        at = now()
        drafts = [
            ConsentDraft(
                subject=SubjectId(subject), purpose="recorded", channel="email", event_type="withdrawn", occurred_at=at,
                method="web_form", idempotency_key=subject.hex,
            )
            for subject in uuid7_many(RECORDED)
        ]  # fmt: skip
        ledger.record(drafts, actor=SYSTEM)

    record()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bare (LIKE consent_event INCLUDING ALL)")
        cursor.execute(f"SELECT {', '.join(packing.COLUMNS)} FROM consent_event LIMIT {RECORDED}")
        rows = cursor.fetchall()

    def bare() -> None:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("TRUNCATE bare")
            copy_rows("bare", packing.COLUMNS, rows)

    return Contest(
        f"recording {RECORDED:,} events with log commitment",
        [Party("Zgoda", RECORDED, record), Party("a bare COPY of the same rows", RECORDED, bare)],
        {"a bare COPY of the same rows": 0.3},
        clock=_both_sides,
        unit="events",
        note="events of people who are new, with their state, the heads of their ledgers and one log entry for all",
    )
