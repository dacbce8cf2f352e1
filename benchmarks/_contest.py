"""A contest: ours and its peers do the same work in turns; what counts is values per second of processor time.

`Contest` compares parties; `Figure` is one measured number beside its target (an F2, a growth of memory). Both are what a benchmark
module's `contests()` yields, see the package's docstring.
"""

from __future__ import annotations

import importlib.util
import os
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

ROUNDS = int(os.environ.get("ZGODA_BENCH_ROUNDS", "3"))
ROWS = int(os.environ.get("ZGODA_BENCH_ROWS", "1000000"))
"""Rows of the large contests; the page that is kept is made with a million."""


def processor_time() -> float:
    """Seconds of processor time of this process, its threads, and the children it has waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


@dataclass(frozen=True)
class Party:
    """Somebody in a contest. ``work`` does it once; ``rows`` is how many values that was; slow parties may be given fewer."""

    name: str
    rows: int
    work: Callable[[], Any]
    rounds: int | None = None
    """How often at most; a party that takes many seconds does it once."""


@dataclass(frozen=True)
class Contest:
    """Ours, which comes first, against the others.

    ``targets``: how many times as fast as a party ours should be, by the party's name (0.25: at most four times as slow).
    ``clock``: processor time unless the promise is about waiting (``time.perf_counter``, for workers beside each other).
    """

    name: str
    parties: Sequence[Party]
    targets: Mapping[str, float] = field(default_factory=dict)
    clock: Callable[[], float] = processor_time
    unit: str = "values"
    note: str = ""


@dataclass(frozen=True)
class Figure:
    """One number beside its target. ``met`` None: measured without a target. ``target`` says the target in words: ``>= 0.85``."""

    name: str
    value: str
    target: str = ""
    met: bool | None = None
    note: str = ""


@dataclass(frozen=True)
class Result:
    """A party's rate, and how many times that ours is."""

    contest: str
    party: str
    rows: int
    seconds: float
    per_second: float
    ours_is: float | None
    target: float | None
    unit: str = "values"
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without one."""
        return None if self.target is None or self.ours_is is None else self.ours_is >= self.target


def installed(module: str) -> bool:
    """Whether a peer is there; who is not is left out of the contest."""
    return importlib.util.find_spec(module) is not None


def on_one_core() -> None:
    """Keep this process on one processor, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def run(contest: Contest, rounds: int = ROUNDS) -> list[Result]:
    """The best of each party's times over the rounds, all parties in each round."""
    best = {party.name: float("inf") for party in contest.parties}
    for turn in range(rounds):
        for party in contest.parties:
            if party.rounds is not None and turn >= party.rounds:
                continue
            started = contest.clock()
            party.work()
            best[party.name] = min(best[party.name], max(contest.clock() - started, 1e-9))
    ours = contest.parties[0]
    our_rate = ours.rows / best[ours.name]
    return [
        Result(
            contest=contest.name,
            party=party.name,
            rows=party.rows,
            seconds=round(best[party.name], 4),
            per_second=round(party.rows / best[party.name], 1),
            ours_is=None if party is ours else our_rate / (party.rows / best[party.name]),
            target=contest.targets.get(party.name),
            unit=contest.unit,
            note=contest.note if party is ours else "",
        )
        for party in contest.parties
    ]


def timed(work: Callable[[], Any], clock: Callable[[], float] = time.perf_counter) -> float:
    """Seconds that one call takes, for figures."""
    started = clock()
    work()
    return clock() - started
