"""One module's contests in this process: `python -m benchmarks._one transforms results.json`. `python -m benchmarks` calls it."""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks._contest import Figure, installed, on_one_core, run


def main(name: str, target: Path) -> None:
    """Measure, and write the results as JSON lines as they come."""
    module = importlib.import_module(f"benchmarks.{name}")
    missing = [needed for needed in getattr(module, "NEEDS", ()) if not installed(needed)]
    if missing:
        print(f"{name}: left out, not installed: {', '.join(missing)}", flush=True)
        return
    if getattr(module, "CORES", 1) == 1:
        on_one_core()
    with target.open("w") as lines:
        for contest in module.contests():
            found = [contest] if isinstance(contest, Figure) else run(contest)
            for result in found:
                lines.write(json.dumps({"kind": type(result).__name__, **asdict(result)}) + "\n")
            lines.flush()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
