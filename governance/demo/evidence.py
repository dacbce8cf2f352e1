"""The log is verified as a whole; then a copy of it is changed by one byte, and an outsider's verifier says where."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from audit import sequencer, verification
from audit.publication import bundles
from governance.kernel.progress import Progress, no_progress


@dataclass(frozen=True, slots=True)
class Tampering:
    """What the outsider's verifier said of the copy, before and after one byte of one entry was changed."""

    honest_verified: bool
    detected: bool
    changed_entry: int
    named_entry: int | None
    words: str


def verify(*, progress: Progress = no_progress) -> verification.Report:
    """Number what waits, sign a checkpoint, and hold the whole log against it."""
    while sequencer.sequence():
        pass
    return verification.verify_log(progress=progress)


def tamper_with_a_copy(entries: int) -> Tampering:
    """Export the log, let the one-file verifier check it in a process without this service, change one byte, and ask again."""
    with tempfile.TemporaryDirectory() as directory:
        bundle = Path(directory) / "bundle"
        bundles.export(bundle)
        key = Path(directory) / "log.vkey"
        shutil.move(next(bundle.glob("*.vkey")), key)
        honest = _verify_outside(bundle, key)
        target = entries // 2
        _change_one_byte(bundle, target)
        changed = _verify_outside(bundle, key)
    first = changed.get("first_bad") or {}
    return Tampering(
        bool(honest["verified"]),
        not changed["verified"],
        target,
        first.get("seq"),
        str(first.get("detail") or first.get("kind") or ""),
    )


def _verify_outside(bundle: Path, key: Path) -> dict[str, Any]:
    script = Path(settings.BASE_DIR) / "audit" / "verify.py"
    command = [sys.executable, "-I", str(script), str(bundle), "--public-key", str(key), "--json"]
    finished = subprocess.run(command, capture_output=True, text=True, check=False, cwd=bundle)  # noqa: S603 - our own script
    report: dict[str, Any] = json.loads(finished.stdout)
    return report


def _change_one_byte(bundle: Path, seq: int) -> None:
    """In the entry's own bytes: entries lie in bundles of 256, each behind its length in two bytes (C2SP tlog-tiles)."""
    tile, place = divmod(seq, 256)
    path = next(
        path
        for path in sorted((bundle / "tile" / "entries").rglob("*"))
        if path.is_file() and _number(bundle, path) == tile
    )
    data = bytearray(path.read_bytes())
    offset = 0
    for _ in range(place):
        offset += 2 + int.from_bytes(data[offset : offset + 2], "big")
    data[offset + 2 + 10] ^= 1
    path.write_bytes(data)


def _number(bundle: Path, path: Path) -> int:
    """The number of an entry bundle from its path: `x001/x234/067` is 1234067; a partial one ends in `.p/<width>`."""
    relative = path.relative_to(bundle / "tile" / "entries")
    parts = [part.removesuffix(".p") for part in relative.parts]
    if relative.parent.name.endswith(".p"):
        parts = parts[:-1]
    return int("".join(part.removeprefix("x") for part in parts))
