"""Where the heads of the log are kept, or vouched for, outside the database: an older database then no longer passes for the whole log.

* the newest head in a file beside the service, always;
* a copy of each in a directory on other media (``ZGODA_LOG_ANCHOR_DIR``) or in a bucket (``ZGODA_LOG_ANCHOR_BUCKET``), written once;
* cosignatures of witnesses (``ZGODA_LOG_WITNESSES``) and time stamps (``ZGODA_LOG_TSA_URL``).

The first two are made as a checkpoint is committed, the others by ``heads.anchoring`` in the background. What is configured, up to which
size it reaches and how old it is stands in every report.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection

from audit import models, notes
from audit.errors import AnchorsStale, NoteInvalid
from audit.heads import checkpoints
from audit.heads.checkpoints import Checkpoint
from audit.models import Anchor
from governance.kernel import clock, logs

_logger = logs.get_logger(__name__)
_NEWEST = 1000
MAX_AGE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class AnchorState:
    """One configured anchor: up to which size it vouches for the log, since when, and whether that is recent enough."""

    kind: str
    name: str
    size: int
    anchored_at: datetime | None
    age_seconds: int | None
    fresh: bool


@dataclass(frozen=True, slots=True)
class WitnessAddress:
    """Where a witness listens, and its key."""

    url: str
    verifier: notes.Verifier


def directory() -> Path | None:
    """Where copies go; None when nobody asked for any."""
    configured = getattr(settings, "ZGODA_LOG_ANCHOR_DIR", None)
    return Path(configured) if configured else None


def witnesses() -> list[WitnessAddress]:
    """The configured witnesses. Raises ``NoteInvalid`` for a key that is none."""
    found = []
    for pair in str(getattr(settings, "ZGODA_LOG_WITNESSES", "")).split(","):
        url, _, key = pair.strip().partition(" ")
        if url:
            found.append(WitnessAddress(url.rstrip("/"), notes.Verifier.parse(key)))
    return found


def states() -> list[AnchorState]:
    """Every configured anchor and how far it reaches; empty when nothing outside vouches for the log."""
    size = checkpoints.latest().size
    found = []
    for kind, name in _configured():
        reached, at = _directory_state() if kind is Anchor.Kind.DIRECTORY else _row_state(kind, name)
        age = None if at is None else clock.now() - at
        fresh = age is not None and (age < MAX_AGE or reached == size)
        found.append(
            AnchorState(str(kind), name, reached, at, None if age is None else int(age.total_seconds()), fresh)
        )
    return found


def require_fresh() -> None:
    """For what must not happen unseen: when anchors are configured, one of them must be recent. Raises ``AnchorsStale``.

    A log that nobody outside vouches for at all is the operator's choice; one whose anchors fell silent is an alarm.
    """
    found = states()
    if found and not any(state.fresh for state in found) and checkpoints.latest().size:
        raise AnchorsStale("No checkpoint of the log was anchored outside for 24 hours.")


def keep(checkpoint: Checkpoint) -> None:
    """Note the head, and add a copy of a committed checkpoint. A full or absent medium is reported and does not stop the log."""
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
    """The newest thousand notes that were kept in the directory, oldest first."""
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


def cosignatures(size: int) -> str:
    """The signature lines that witnesses put under the checkpoint of a size."""
    rows = (
        Anchor.objects.filter(kind=Anchor.Kind.WITNESS, size=size).order_by("name").values_list("evidence", flat=True)
    )
    return "".join(bytes(line).decode(errors="replace") for line in rows)


def flaws() -> Iterator[tuple[int, str]]:
    """Cosignatures that are not over the checkpoint as it is stored, as (size, what is wrong)."""
    rows = Anchor.objects.filter(kind=Anchor.Kind.WITNESS).order_by("-id")[:_NEWEST]
    texts = dict(models.Checkpoint.objects.filter(size__in={row.size for row in rows}).values_list("size", "note"))
    known = {address.verifier.name: address.verifier for address in witnesses()}
    for row in rows:
        verifier = known.get(row.name)
        if verifier is None:
            continue  # no longer configured: nobody here has its key
        try:
            line = bytes(row.evidence).decode(errors="replace")
            notes.cosigned_at(f"{notes.text_of(texts.get(row.size) or '')}\n{line}", verifier)
        except NoteInvalid:
            yield row.size, f"the witness {row.name} cosigned another checkpoint"


def _configured() -> Iterator[tuple[Anchor.Kind, str]]:
    if (where := directory()) is not None:
        yield Anchor.Kind.DIRECTORY, str(where)
    if bucket := getattr(settings, "ZGODA_LOG_ANCHOR_BUCKET", ""):
        yield Anchor.Kind.BUCKET, bucket
    for address in witnesses():
        yield Anchor.Kind.WITNESS, address.verifier.name
    if url := getattr(settings, "ZGODA_LOG_TSA_URL", ""):
        yield Anchor.Kind.TIMESTAMP, url


def _row_state(kind: Anchor.Kind, name: str) -> tuple[int, datetime | None]:
    row = Anchor.objects.filter(kind=kind, name=name).order_by("-size").first()
    return (0, None) if row is None else (row.size, row.anchored_at)


def _directory_state() -> tuple[int, datetime | None]:
    where = directory()
    names = sorted(name for name in os.listdir(where) if name.isdigit()) if where and where.is_dir() else []
    if where is None or not names:
        return 0, None
    return int(names[-1]), datetime.fromtimestamp((where / names[-1]).stat().st_mtime, UTC)


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
