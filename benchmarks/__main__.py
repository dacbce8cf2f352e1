"""`python -m benchmarks [MODULE ...]`: the benchmarks in one run, as one table; all of them are also written to the reference."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks._contest import Figure, Result

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "reference" / "benchmarks.md"
HEAD = """# Benchmarks

`make bench` measures each promise beside its peer in one run, on the same data, and writes this page. Every party has one core and one
thread (contests of workers say otherwise), all are measured in turns, and the best of three counts, in processor time. What counts is the
ratio; the peers' versions are pinned in `benchmarks/requirements.txt`.

"""
# Before NumPy, Arrow and Polars are imported: every party is one thread.
THREADS = ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ARROW_NUM_THREADS")
_PEERS = ("numpy", "pyarrow", "polars", "cryptography", "polars-hash", "tink", "fastfpe", "ff3", "presidio-analyzer")
_MORE_PEERS = ("presidio-structured", "pycanon", "opendp")


def modules(asked: list[str]) -> list[str]:
    """The benchmark modules by name; those asked for, or all."""
    known = sorted(path.stem for path in HERE.glob("*.py") if not path.stem.startswith("_"))
    unknown = sorted(set(asked) - set(known))
    if unknown:
        raise SystemExit(f"No such benchmark: {', '.join(unknown)}. There are: {', '.join(known)}.")
    return asked or known


def measure(module: str) -> tuple[list[Result | Figure], bool]:
    """What a module measured, in a process of its own, and whether it came to its end."""
    with tempfile.TemporaryDirectory() as directory:
        target = Path(directory) / "results.jsonl"
        environment = os.environ | dict.fromkeys(THREADS, "1")
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks._one", module, str(target)],
            cwd=HERE.parent,
            env=environment,
            stderr=subprocess.PIPE,  # the service's own log lines; shown only when they explain a failure
            text=True,
            check=False,
        )
        if done.returncode:
            print(*done.stderr.splitlines()[-40:], sep="\n", file=sys.stderr)
        lines = target.read_text().splitlines() if target.exists() else []
    return [_result(json.loads(line)) for line in lines], done.returncode == 0


def _result(line: dict[str, Any]) -> Result | Figure:
    return Figure(**line) if line.pop("kind") == "Figure" else Result(**line)


def table(results: list[Result | Figure]) -> str:
    """Contests and figures as one Markdown table."""
    lines = ["| work | party | a second | ours is | target |", "|---|---|---:|---:|---|"]
    notes = []
    for result in results:
        if isinstance(result, Figure):
            lines.append(f"| {result.name} | | {result.value} | | {_judged(result.met, result.target)} |")
        else:
            ratio = (
                ""
                if result.ours_is is None
                else f"{result.ours_is:.2g}x"
                if result.ours_is < 1
                else f"{result.ours_is:.1f}x"
            )
            target = "" if result.target is None else _judged(result.met, f">= {result.target:g}x")
            rate = f"{result.per_second:,.0f} {result.unit}"
            lines.append(f"| {result.contest} | {result.party} | {rate} | {ratio} | {target} |")
        if result.note:
            notes.append(f"* {result.name if isinstance(result, Figure) else result.contest}: {result.note}")
    return "\n".join(lines + (["", *notes] if notes else []))


def _judged(met: bool | None, target: str) -> str:
    return target if met is None else f"{'met' if met else '**missed**'} ({target})"


def versions() -> str:
    """What was measured with."""
    found = []
    for package in (*_PEERS, *_MORE_PEERS):
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} not installed")
    return f"Python {platform.python_version()} on {platform.machine()}; {', '.join(found)}."


def main(asked: list[str]) -> int:
    """Measure, print, and when everything was measured write the page."""
    results: list[Result | Figure] = []
    failed = []
    for module in modules(asked):
        found, complete = measure(module)
        results += found
        print(f"\n## {module}\n\n{table(found)}", flush=True)
        if not complete:
            failed.append(module)
    missed = [result for result in results if result.met is False]
    print(f"\n{len(results)} measured, {len(missed)} below their target.")
    if failed:
        print(f"Stopped by an error: {', '.join(failed)}.", file=sys.stderr)
        return 1
    if not asked:
        PAGE.write_text(f"{HEAD}{versions()}\n\n{table(results)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
