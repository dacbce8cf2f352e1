"""A contest: ours and its peers do the same work in turns, on one core; what counts is values per second of processor time."""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Before NumPy, Arrow and Polars are imported: every party is one thread.
for _name in ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ARROW_NUM_THREADS"):
    os.environ[_name] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


@dataclass(frozen=True)
class Party:
    """Somebody in a contest. ``work`` does it once and returns a few answers; ``rows`` is how many values that was."""

    name: str
    rows: int
    work: Callable[[], Any]


@dataclass(frozen=True)
class Result:
    """Values a second, and how many times the peer's that is."""

    contest: str
    party: str
    rows: int
    seconds: float
    per_second: float
    ours_is: float | None
    target: float | None


@dataclass(frozen=True)
class Contest:
    """Ours, which comes first, against the others. ``targets``: how many times faster ours should be, by party."""

    name: str
    parties: list[Party]
    targets: dict[str, float]


def installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def on_one_core() -> None:
    """Keep this process on one processor, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def run(contest: Contest, rounds: int) -> list[Result]:
    """The best of each party's times over the rounds."""
    best = {party.name: float("inf") for party in contest.parties}
    for _ in range(rounds):
        for party in contest.parties:
            started = time.process_time()
            party.work()
            best[party.name] = min(best[party.name], time.process_time() - started)
    ours = contest.parties[0]
    our_rate = ours.rows / best[ours.name]
    return [
        Result(
            contest=contest.name,
            party=party.name,
            rows=party.rows,
            seconds=round(best[party.name], 4),
            per_second=round(party.rows / best[party.name]),
            ours_is=None if party is ours else round(our_rate / (party.rows / best[party.name]), 2),
            target=contest.targets.get(party.name),
        )
        for party in contest.parties
    ]


def markdown(results: list[Result]) -> str:
    """The results as a table; the last columns say how many times faster ours is, and should be."""
    lines = ["| work, one core | party | values a second | ours is | target |", "|---|---|---:|---:|---:|"]
    for result in results:
        ratio = "" if result.ours_is is None else f"{result.ours_is:.1f}x"
        target = (
            ""
            if result.target is None
            else f"{'met' if (result.ours_is or 0) >= result.target else 'missed'} (>= {result.target:g}x)"
        )
        lines.append(f"| {result.contest} | {result.party} | {result.per_second:,} | {ratio} | {target} |")
    return "\n".join(lines)
