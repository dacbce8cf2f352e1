"""Masters: random keys that working keys are derived from, wrapped in the database, one per name and epoch.

`index` is the master of the blind indexes, `suppression` that of the suppression list (another key, so that the list cannot be
joined with the identifiers), `domain:…` and `group:…` those of pseudonymisation domains.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from governance.kernel import crypto
from governance.kernel.clock import now
from pseudonymize import locks
from pseudonymize.errors import KeyDestroyed
from pseudonymize.identity import IdentifierKind
from pseudonymize.keys import kek, wrapping
from pseudonymize.models import Domain, KeyStatus, MasterKey

INDEX = "index"
SUPPRESSION = "suppression"


def find(name: str, epoch: int = 1) -> bytes | None:
    """The master, or None when it was never made. Raises KeyDestroyed when it was destroyed. One query."""
    row = MasterKey.objects.filter(name=name, epoch=epoch).first()
    if row is None:
        return None
    if row.wrapped is None:
        raise KeyDestroyed(f"Epoch {epoch} of this master was destroyed.", epoch=epoch)
    return wrapping.unwrap([wrapping.of_master(name, epoch, row.kek_version, bytes(row.wrapped))])[0]


def ensure(name: str, epoch: int = 1) -> bytes:
    """The master, made on first use; whoever comes second gets the first one's."""
    master = find(name, epoch)
    if master is None:
        with transaction.atomic():
            locks.share_vault()
            _make(name, epoch)
        master = find(name, epoch)
        assert master is not None  # noqa: S101  just made, by us or by another
    return master


def _make(name: str, epoch: int) -> None:
    version = kek.current_version()
    parts = wrapping.of_master(name, epoch, version, b"").parts
    (record,) = wrapping.wrap(version, [crypto.random_key()], [parts])
    row = MasterKey(
        name=name, epoch=epoch, wrapped=record, kek_version=version, status=KeyStatus.ACTIVE, created_at=now()
    )
    MasterKey.objects.bulk_create([row], ignore_conflicts=True)


def destroy(row: MasterKey, at: datetime) -> None:
    """Delete a wrapped master and forget it here. Call with the vault owned."""
    if row.wrapped is not None:
        wrapping.drop(wrapping.of_master(row.name, row.epoch, row.kek_version, bytes(row.wrapped)))
    row.wrapped, row.status, row.destroyed_at = None, KeyStatus.DESTROYED, at
    row.save(update_fields=["wrapped", "status", "destroyed_at"])


def index_keys(kinds: Sequence[IdentifierKind]) -> dict[IdentifierKind, bytes] | None:
    """The blind-index key of each kind; None when nobody was ever enrolled. Separate, so that columns cannot be joined."""
    master = find(INDEX)
    return None if master is None else {kind: _index_key(master, kind) for kind in kinds}


def ensure_index_keys(kinds: Sequence[IdentifierKind]) -> dict[IdentifierKind, bytes]:
    """The blind-index key of each kind, made on first use."""
    master = ensure(INDEX)
    return {kind: _index_key(master, kind) for kind in kinds}


def _index_key(master: bytes, kind: IdentifierKind) -> bytes:
    return crypto.derive(master, "zgoda/blind-index/v1", kind.value)


def suppression_keys(kinds: Sequence[IdentifierKind]) -> dict[IdentifierKind, bytes]:
    """The suppression list's key of each kind, made on first use."""
    master = ensure(SUPPRESSION)
    return {kind: crypto.derive(master, "zgoda/suppression/v1", kind.value) for kind in kinds}


def space_of(domain: Domain) -> str:
    """The name of the master that a domain's keys come from: its own, or its join group's."""
    return f"group:{domain.join_group}" if domain.join_group else f"domain:{domain.key}"
