"""Looking for personal data where it must not be, in every form that hides it from a plain search.

A plain grep misses a value that is base64 in a message or hexadecimal in a dump; both are looked for, at every alignment.
"""

from __future__ import annotations

import base64
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

_SHORTEST = 7  # below that, chance finds matches


def forms(value: str) -> Iterator[bytes]:
    """The byte strings under which a value can hide."""
    raw = value.encode()
    yield raw
    yield value.encode("unicode_escape")  # as JSON and logs write what is not ASCII
    yield raw.hex().encode()
    for offset in range(3):
        # The part of the base64 text that does not depend on what stands before and after the value.
        text = base64.b64encode(b"\0" * offset + raw)
        start = -(-offset * 8 // 6) if offset else 0
        end = (offset + len(raw)) * 8 // 6
        core = text[start:end]
        if len(core) >= _SHORTEST:
            yield core
            yield core.replace(b"+", b"-").replace(b"/", b"_")


def found_in(paths: Iterable[Path], values: Iterable[str]) -> dict[str, list[str]]:
    """Which files hold a value in any form: file name -> the first lines, cut short."""
    patterns = {form for value in values if len(value) >= _SHORTEST for form in forms(value)}
    found: dict[str, list[str]] = {}
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"\n".join(sorted(patterns)))
        file.flush()
        for path in paths:
            command = ["grep", "-a", "-o", "-m", "3", "-F", "-f", file.name, str(path)]
            result = subprocess.run(command, capture_output=True, check=False)
            if result.returncode == 0:
                found[str(path)] = result.stdout.decode(errors="replace").splitlines()[:3]
            elif result.returncode > 1:
                raise RuntimeError(result.stderr.decode())
    return found
