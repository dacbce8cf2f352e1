"""Exporting the log for outsiders: a directory in the layout of C2SP tlog-tiles, with every checkpoint and the verifier beside it.

The layout is that of the public endpoints, so what reads one reads the other. Nothing in it is personal.
"""

from __future__ import annotations

import base64
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit import keys, models, tree
from audit.heads import checkpoints
from audit.publication import public
from audit.tiles import HEIGHT, WIDTH, tile_path
from governance.kernel import clock
from governance.kernel.progress import Progress, no_progress

_README = """A transparency log, exported from {origin} at {at}.

{size} entries; root (SHA-256, hexadecimal) {root}

Verify it, with Python 3.10 or later and the package "cryptography", and with the log's public key that you got from somewhere else:

    python verify.py . --public-key log.vkey

    tile/entries/   the entries, in bundles of 256
    tile/0/, 1/     the hashes of the Merkle tree (C2SP tlog-tiles, RFC 9162)
    checkpoint      the signed head of the tree; checkpoints.jsonl has all that were ever signed
    anchors.jsonl   who vouches for which checkpoint: cosignatures of witnesses (verify.py --witness), time stamps (--tsa-root)
    log.vkey        the public key as this service says it; compare it with the one that you have
"""


@dataclass(frozen=True, slots=True)
class Bundle:
    """What was exported, and where."""

    directory: Path
    size: int
    root_sha256: str
    files: int


def export(directory: Path, *, progress: Progress = no_progress) -> Bundle:
    """Write the log up to its last checkpoint into an empty or new directory. Raises ``FileExistsError``."""
    head = checkpoints.latest()
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise FileExistsError(f"{directory} is not empty")
    files = 0
    bundles = (head.size + WIDTH - 1) // WIDTH
    for index in range(bundles):
        width = min(WIDTH, head.size - index * WIDTH)
        files += _write(directory / tile_path("entries", index, width), public.entry_bundle(index, width))
        files += _write(directory / tile_path(0, index, width), tree.tile(0, index, head.size))
        progress(index + 1, bundles)
    level = 1
    while hashes := head.size >> (HEIGHT * level):
        for index in range((hashes + WIDTH - 1) // WIDTH):
            width = min(WIDTH, hashes - index * WIDTH)
            files += _write(directory / tile_path(level, index, width), tree.tile(level, index, head.size))
        level += 1
    _write_checkpoints(directory, head)
    _write_anchors(directory, head)
    shutil.copyfile(Path(__file__).parents[1] / "verify.py", directory / "verify.py")
    (directory / "log.vkey").write_text(f"{keys.verifier()}\n", encoding="utf-8")
    about = _README.format(
        origin=head.origin, at=clock.now().isoformat(timespec="seconds"), size=head.size, root=head.root.hex()
    )
    (directory / "README.txt").write_text(about, encoding="utf-8")
    return Bundle(directory, head.size, head.root.hex(), files + 6)


def _write(path: Path, data: bytes) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    return int(path.write_bytes(data) >= 0)


def _write_checkpoints(directory: Path, head: checkpoints.Checkpoint) -> None:
    (directory / "checkpoint").write_text(head.note, encoding="utf-8")
    notes = models.Checkpoint.objects.filter(size__lte=head.size).order_by("size").values_list("size", "note")
    with (directory / "checkpoints.jsonl").open("w", encoding="utf-8") as file:
        for size, note in notes.iterator():
            line: dict[str, Any] = {"size": size, "note": note}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def _write_anchors(directory: Path, head: checkpoints.Checkpoint) -> None:
    kinds = (models.Anchor.Kind.WITNESS, models.Anchor.Kind.TIMESTAMP)
    rows = models.Anchor.objects.filter(kind__in=kinds, size__lte=head.size).order_by("size", "id")
    with (directory / "anchors.jsonl").open("w", encoding="utf-8") as file:
        for row in rows.iterator():
            evidence = base64.b64encode(bytes(row.evidence)).decode()
            line = {"kind": row.kind, "name": row.name, "size": row.size, "evidence": evidence}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
