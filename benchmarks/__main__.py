"""`python -m benchmarks`: every benchmark in one run, printed and written to docs/reference/benchmarks.md."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "reference" / "benchmarks.md"
HEAD = """# Benchmarks

`make bench` measures each promise of speed against its peer in one run, on one core, on the same data, and writes this page.
What counts is the ratio; peers and their versions are in `benchmarks/requirements.in`.

"""


def main() -> int:
    parts = []
    for script in sorted(path for path in HERE.glob("*.py") if not path.name.startswith("_")):
        with tempfile.NamedTemporaryFile(suffix=".md") as fragment:
            subprocess.run([sys.executable, str(script), "--markdown", fragment.name], check=True)
            parts.append(Path(fragment.name).read_text())
    PAGE.write_text(HEAD + "\n".join(parts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
