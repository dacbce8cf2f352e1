"""Copies of checkpoints in a directory that this service only adds to: an older database then no longer passes for the whole log.

Set ``ZGODA_LOG_ANCHOR_DIR`` to a directory on other media (a mount that keeps versions, a share that the auditor owns). ``verify_log``
compares the log with the copies; without the setting there are none, and the report says so.
"""

from __future__ import annotations

import os
from pathlib import Path

from django.conf import settings
from django.db import connection

from audit.checkpoints import Checkpoint
from governance.kernel import logs

_logger = logs.get_logger(__name__)
_NEWEST = 1000


def directory() -> Path | None:
    """Where copies go; None when nobody asked for any."""
    configured = getattr(settings, "ZGODA_LOG_ANCHOR_DIR", None)
    return Path(configured) if configured else None


def keep(checkpoint: Checkpoint) -> None:
    """Add a copy of a committed checkpoint. A full or absent medium is reported and does not stop the log."""
    _remember(checkpoint)
    where = directory()
    if where is None:
        return
    try:
        where.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(where / f"{checkpoint.size:020d}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(checkpoint.note)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        _logger.warning("checkpoint_copy_failed", size=checkpoint.size, error_class=type(error).__name__)


def kept() -> list[str]:
    """The newest thousand notes that were kept, oldest first."""
    where = directory()
    if where is None or not where.is_dir():
        return []
    names = sorted(name for name in os.listdir(where) if name.isdigit())[-_NEWEST:]
    return [(where / name).read_text(encoding="utf-8") for name in names]


def head() -> list[str]:
    """The newest checkpoint that this machine signed, as a list of one note or none: an older database shows beside it."""
    try:
        return [_head_file().read_text(encoding="utf-8")]
    except FileNotFoundError:
        return []


def forget_head() -> None:
    """Begin anew: for tests that empty the database, and after a restore that was accepted."""
    _head_file().unlink(missing_ok=True)


def _remember(checkpoint: Checkpoint) -> None:
    path = _head_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = path.with_name(f"{path.name}.{os.getpid()}")
        temporary.write_text(checkpoint.note, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        _logger.warning("checkpoint_copy_failed", size=checkpoint.size, error_class=type(error).__name__)


def _head_file() -> Path:
    where = connection.settings_dict
    name = f"{where['NAME']}-{where['HOST']}-{where['PORT']}".replace("/", "_")
    return Path(settings.ZGODA_VAR) / "log-head" / name
