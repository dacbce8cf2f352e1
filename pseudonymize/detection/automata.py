"""Hyperscan's automata, compiled once for a machine: compiling takes seconds, reading a file takes none.

Where nobody said where to keep them, each process compiles its own. A file is read only when it belongs to whom the process runs as
and nobody else may write to it or to its directory, for a database is code to the library; a file that is damaged, or of another
version or machine, is compiled anew.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

_DIGEST = hashlib.sha256().digest_size
_directory: Path | None = None


def keep_in(directory: Path | None) -> None:
    """Keep what is compiled from now on in this directory (made when it is missing); None: keep nothing."""
    global _directory
    _directory = directory


def compiled(sources: list[bytes], ids: list[int], flags: int) -> Any:
    """A database of these expressions, from the directory where it has one."""
    import hyperscan

    path = None if _directory is None else _directory / f"{_name(sources, ids, flags)}.hs"
    kept = None if path is None else _read(path)
    if kept is not None:
        with suppress(hyperscan.error):  # of another version or processor
            database = hyperscan.loadb(kept, mode=hyperscan.HS_MODE_BLOCK)
            database.scratch = hyperscan.Scratch(database)
            return database
    database = hyperscan.Database()
    database.compile(expressions=sources, ids=ids, flags=flags)
    if path is not None:
        _write(path, hyperscan.dumpb(database))
    return database


def _name(sources: list[bytes], ids: list[int], flags: int) -> str:
    import hyperscan

    version = getattr(hyperscan, "__version__", "")
    return hashlib.sha256(repr((version, os.uname().machine, flags, ids, sources)).encode()).hexdigest()[:32]


def _read(path: Path) -> bytes | None:
    try:
        if not (_is_ours(path.parent) and _is_ours(path)):
            return None
        kept = path.read_bytes()
    except OSError:
        return None
    body = kept[_DIGEST:]
    return body if kept[:_DIGEST] == hashlib.sha256(body).digest() else None


def _is_ours(path: Path) -> bool:
    """Whether only we (or root) can have written it."""
    found = path.lstat()
    others = stat.S_IWGRP | stat.S_IWOTH
    return not stat.S_ISLNK(found.st_mode) and found.st_uid in {os.geteuid(), 0} and not found.st_mode & others


def _write(path: Path, database: bytes) -> None:
    """Whole or not at all; a directory that cannot be written to keeps nothing."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(hashlib.sha256(database).digest() + database)
        Path(file.name).replace(path)
    except OSError:
        return
