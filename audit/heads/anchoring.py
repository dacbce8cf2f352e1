"""Asking others to vouch for the newest checkpoint: witnesses, a time-stamp authority, a bucket. In the background, each by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction

from audit import log, notes, tree
from audit.errors import AnchorFailed, NoteInvalid
from audit.heads import anchors, buckets, checkpoints, timestamps
from audit.heads.checkpoints import Checkpoint
from audit.heads.witness import SIZE_TYPE, submission
from audit.models import Anchor
from governance.kernel import clock, logs, outbound
from governance.kernel.actors import SYSTEM
from governance.kernel.ids import uuid7

STAMP_EVERY = timedelta(hours=1)
_logger = logs.get_logger(__name__)


def anchor_all() -> list[tuple[str, str]]:
    """Ask every anchor that does not yet vouch for the newest checkpoint. Returns those that did not answer, as (kind, name)."""
    head = checkpoints.latest()
    failed = []
    for kind, name, ask in _due(head) if head.size else ():
        try:
            _keep(kind, name, head, ask())
        except (AnchorFailed, outbound.OutsideUnavailable, NoteInvalid) as error:
            _logger.warning("anchor_failed", kind=str(kind), size=head.size, error_class=type(error).__name__)
            failed.append((str(kind), name))
    return failed


def _due(head: Checkpoint) -> Iterator[tuple[Anchor.Kind, str, Callable[[], bytes]]]:
    last = {(row.kind, row.name): row for row in Anchor.objects.order_by("size")}
    for address in anchors.witnesses():
        row = last.get((Anchor.Kind.WITNESS, address.verifier.name))
        if row is None or row.size < head.size:
            yield Anchor.Kind.WITNESS, address.verifier.name, _witnessing(address, row.size if row else 0, head)
    if bucket := settings.ZGODA_LOG_ANCHOR_BUCKET:
        row = last.get((Anchor.Kind.BUCKET, bucket))
        if row is None or row.size < head.size:
            yield Anchor.Kind.BUCKET, bucket, lambda: buckets.keep(bucket, head)
    if url := settings.ZGODA_LOG_TSA_URL:
        row = last.get((Anchor.Kind.TIMESTAMP, url))
        roots = settings.ZGODA_LOG_TSA_ROOTS
        if row is None or (row.size < head.size and clock.now() - row.anchored_at > STAMP_EVERY):
            yield Anchor.Kind.TIMESTAMP, url, lambda: timestamps.stamp(head.note, url, Path(roots or "/dev/null"))


def _keep(kind: Anchor.Kind, name: str, head: Checkpoint, evidence: bytes) -> None:
    row = Anchor(id=uuid7(), kind=kind, name=name, size=head.size, evidence=evidence, anchored_at=clock.now())
    Anchor.objects.bulk_create([row], ignore_conflicts=True)


def _witnessing(address: anchors.WitnessAddress, old: int, head: Checkpoint) -> Callable[[], bytes]:
    return lambda: cosign(address, old, head)


def cosign(address: anchors.WitnessAddress, old: int, head: Checkpoint) -> bytes:
    """The witness's signature line under the checkpoint, verified. ``old`` is the size that it is believed to have cosigned last.

    Raises ``AnchorFailed``, ``OutsideUnavailable``, ``NoteInvalid``. A witness that knows another history is reported in the log.
    """
    answer = _submit(address, old, head)
    if answer.status == 409 and answer.content_type == SIZE_TYPE:
        seen = _size(answer.body)
        if seen > head.size or (seen == old == head.size):
            _say_refused(address, head, seen)
            raise AnchorFailed("The witness has cosigned another history of this log.")
        answer = _submit(address, seen, head)
    if answer.status == 422:
        _say_refused(address, head, old)
        raise AnchorFailed("The witness says that the log does not extend what it cosigned.")
    if answer.status != 200:
        raise AnchorFailed("The witness refused.")
    text = notes.text_of(head.note)
    for line in answer.body.decode(errors="replace").splitlines(keepends=True):
        if line.startswith(f"\u2014 {address.verifier.name} "):
            notes.cosigned_at(f"{text}\n{line}", address.verifier)
            return line.encode()
    raise AnchorFailed("The witness did not sign.")


def _submit(address: anchors.WitnessAddress, old: int, head: Checkpoint) -> outbound.Answer:
    body = submission(old, tree.consistency_proof(old, head.size), head.note)
    return outbound.post(f"{address.url}/add-checkpoint", body, "text/plain; charset=utf-8")


def _size(body: bytes) -> int:
    text = body.decode(errors="replace").strip()
    if not (text.isascii() and text.isdigit()):
        raise AnchorFailed("The witness's answer is malformed.")
    return int(text)


def _say_refused(address: anchors.WitnessAddress, head: Checkpoint, seen: int) -> None:
    """In the log itself, once for each size: a witness does not believe us."""
    of = f"log_witness:{address.verifier.key_id.hex()}"
    _logger.error("witness_refused", size=head.size)
    with transaction.atomic():
        log.emit("log.witness_refused", actor=SYSTEM, object=of, facts={"size": head.size, "witness_size": seen})
