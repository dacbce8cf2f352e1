"""Versions of the key-encryption key: which one is current, rotation, rewrapping, destruction (design: rewrap and destroy).

The provider holds a key per version and wraps the version's key with it; everything else is wrapped under the version's key
(`epoch_keys.py`). Everything wrapped is rewrapped under the new version, then the old version is destroyed at the provider. A copy of
the key tables from before that (a backup) opens nothing any more; erased subjects, who are not rewrapped, are gone from every backup
with it.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection, transaction

from audit import log
from governance.kernel.actors import Actor
from governance.kernel.clock import now
from governance.kernel.progress import Progress, no_progress
from pseudonymize import locks
from pseudonymize.errors import KeyInUse
from pseudonymize.keys import epoch_keys, wrapping
from pseudonymize.keys.cache import keys as key_cache
from pseudonymize.keys.provider import KeyProvider, ProviderName, provider, provider_named
from pseudonymize.models import KeyEncryptionKey, KeyStatus, MasterKey, SubjectKey

REWRAP_BATCH = 5_000


@dataclass(frozen=True, slots=True)
class KekState:
    """A version and how many live keys it still wraps."""

    version: int
    status: KeyStatus
    subject_keys: int
    master_keys: int


def current_version() -> int:
    """The version to wrap under; makes the first one. Call inside a transaction, with the vault shared or owned.

    Raises KeyProviderUnavailable when the provider does not answer, or holds another key than this database was written with.
    """
    active = KeyEncryptionKey.objects.filter(status=KeyStatus.ACTIVE).first() or _first()
    epoch_keys.material(active.version)
    return active.version


def _first() -> KeyEncryptionKey:
    # Two processes that start together: the second waits for the first one's row and then reads it.
    KeyEncryptionKey.objects.bulk_create([_active(1, provider())], ignore_conflicts=True)
    return KeyEncryptionKey.objects.get(status=KeyStatus.ACTIVE)


def _active(version: int, at: KeyProvider) -> KeyEncryptionKey:
    made = epoch_keys.make(version, at)
    return KeyEncryptionKey(
        version=version,
        provider=at.name,
        reference=made.reference,
        wrapped=made.wrapped,
        fingerprint=made.fingerprint,
        status=KeyStatus.ACTIVE,
        created_at=now(),
    )


def states() -> list[KekState]:
    """All versions with what they still wrap, oldest first."""
    return [
        KekState(
            version=kek.version,
            status=KeyStatus(kek.status),
            subject_keys=SubjectKey.objects.filter(kek_version=kek.version, wrapped__isnull=False).count(),
            master_keys=MasterKey.objects.filter(kek_version=kek.version, wrapped__isnull=False).count(),
        )
        for kek in KeyEncryptionKey.objects.order_by("version")
    ]


def rotate(*, actor: Actor) -> int:
    """Make the next version current; the old one only unwraps from now on. Returns the new version."""
    with transaction.atomic():
        locks.own_vault()
        old = current_version()
        new = old + 1
        KeyEncryptionKey.objects.filter(version=old).update(status=KeyStatus.DECRYPT_ONLY)
        KeyEncryptionKey.objects.bulk_create([_active(new, provider())])
        log.emit("key.rotated", actor=actor, object=f"key_encryption_key:{new}", facts={"from": old, "to": new})
    return new


def rewrap(*, actor: Actor, batch: int = REWRAP_BATCH, progress: Progress = no_progress) -> int:
    """Wrap every live key of an older version under the current one, a batch per transaction; what they protect is not touched.

    May be stopped and started again at any time. Returns how many keys were rewrapped.
    """
    total = _outdated()
    done = 0
    while True:
        with transaction.atomic():
            locks.share_vault()
            version = current_version()
            moved = _rewrap_subject_keys(version, batch) or _rewrap_master_keys(version, batch)
            if moved == 0:
                if done:
                    log.emit("key.rewrapped", actor=actor, object=f"key_encryption_key:{version}", facts={"keys": done})
                return done
        done += moved
        progress(done, max(total, done))


def _outdated() -> int:
    with transaction.atomic():
        locks.share_vault()
        version = current_version()
    live = {"wrapped__isnull": False, "kek_version__lt": version}
    return SubjectKey.objects.filter(**live).count() + MasterKey.objects.filter(**live).count()


def _rewrap_subject_keys(version: int, batch: int) -> int:
    rows = list(
        SubjectKey.objects.select_for_update()
        .filter(wrapped__isnull=False, kek_version__lt=version)
        .order_by("id")[:batch]
    )
    records = wrapping.rewrap(
        [wrapping.of_subject(row.subject_id, row.kek_version, bytes(row.wrapped or b"")) for row in rows], version
    )
    return _store(SubjectKey._meta.db_table, [row.id for row in rows], records, version)


def _rewrap_master_keys(version: int, batch: int) -> int:
    rows = list(
        MasterKey.objects.select_for_update()
        .filter(wrapped__isnull=False, kek_version__lt=version)
        .order_by("id")[:batch]
    )
    records = wrapping.rewrap(
        [wrapping.of_master(row.name, row.epoch, row.kek_version, bytes(row.wrapped or b"")) for row in rows],
        version,
    )
    return _store(MasterKey._meta.db_table, [row.id for row in rows], records, version)


def _store(table: str, ids: list[object], records: list[bytes], version: int) -> int:
    if not ids:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} AS stored SET wrapped = new.wrapped, kek_version = %s "  # noqa: S608  a name of ours
            "FROM unnest(%s::uuid[], %s::bytea[]) AS new(id, wrapped) WHERE stored.id = new.id",
            [version, ids, records],
        )
        return int(cursor.rowcount)


def destroy_version(version: int, *, actor: Actor) -> None:
    """Destroy an old version at the provider. Raises KeyInUse for the current version or while it still wraps a live key."""
    with transaction.atomic():
        locks.own_vault()
        kek = KeyEncryptionKey.objects.select_for_update().filter(version=version).first()
        if kek is None or kek.status == KeyStatus.DESTROYED:
            return
        live = {"wrapped__isnull": False, "kek_version": version}
        if kek.status == KeyStatus.ACTIVE:
            raise KeyInUse("This is the current version: rotate first.", version=version)
        if SubjectKey.objects.filter(**live).exists() or MasterKey.objects.filter(**live).exists():
            raise KeyInUse("This version still wraps live keys: rewrap first.", version=version)
        kek.status, kek.destroyed_at = KeyStatus.DESTROYED, now()
        kek.save(update_fields=["status", "destroyed_at"])
        log.emit("key.destroyed", actor=actor, object=f"key_encryption_key:{version}", facts={"version": version})
        # Last: when this transaction fails afterwards, the row says "decrypt only" and the next call finishes the work.
        provider_named(kek.provider).destroy(_reference(kek))
    forget_cached()


def _reference(kek: KeyEncryptionKey) -> str:
    return kek.reference or f"pseudonymize-kek-{kek.version:04d}"


def forget_cached() -> None:
    """Drop every key from the memory of this process."""
    key_cache.clear()
    epoch_keys.held.clear()


@dataclass(frozen=True, slots=True)
class Move:
    """A version on its way from one provider to another."""

    version: int
    status: KeyStatus
    source: str
    target: str


def moves(to: ProviderName) -> list[Move]:
    """Which versions `move` would take along, oldest first. Asks the new provider whether it is there; changes nothing."""
    provider_named(to).check()
    return [
        Move(kek.version, KeyStatus(kek.status), kek.provider, to)
        for kek in KeyEncryptionKey.objects.exclude(status=KeyStatus.DESTROYED).exclude(provider=to).order_by("version")
    ]


def move(to: ProviderName, *, actor: Actor) -> list[Move]:
    """Have every living version's key wrapped by another provider, then destroy what the old one held. Returns what moved.

    No key leaves this process in the clear, and nothing that is wrapped under a version changes: one call per version and side.
    May be stopped and run again.
    """
    moved = []
    for planned in moves(to):
        with transaction.atomic():
            locks.own_vault()
            kek = KeyEncryptionKey.objects.select_for_update().get(version=planned.version)
            if kek.status == KeyStatus.DESTROYED or kek.provider == to:
                continue
            old_provider, old_reference = provider_named(kek.provider), _reference(kek)
            made = epoch_keys.wrap_at(provider_named(to), kek.version, epoch_keys.open_row(kek))
            kek.provider, kek.reference, kek.wrapped = to, made.reference, made.wrapped
            kek.save(update_fields=["provider", "reference", "wrapped"])
            log.emit(
                "key.moved",
                actor=actor,
                object=f"key_encryption_key:{kek.version}",
                facts={"from": planned.source, "to": str(to), "version": kek.version},
            )
        # Only now: before the commit the row still needs it.
        old_provider.destroy(old_reference)
        moved.append(planned)
    forget_cached()
    return moved
