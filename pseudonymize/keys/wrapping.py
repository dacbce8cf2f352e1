"""Wrapped keys: what each is bound to, and unwrapping columns of them across versions of the key-encryption key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from governance.kernel.crypto import length_prefixed
from pseudonymize.keys import epoch_keys, usage
from pseudonymize.keys.cache import keys as key_cache


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A key as its table has it: the version it is wrapped under, the record, and what the record is bound to."""

    version: int
    record: bytes
    parts: tuple[bytes, ...]

    @property
    def name(self) -> bytes:
        """What the cache knows it by: version, record and binding, so that a record moved to another row is not answered for."""
        return length_prefixed([self.version.to_bytes(4, "big"), self.record, *self.parts])


def of_subject(subject: UUID, version: int, record: bytes) -> Wrapped:
    """A subject's key: it opens for that subject only."""
    return Wrapped(version, record, (b"subject-key", subject.bytes))


def of_master(name: str, epoch: int, version: int, record: bytes) -> Wrapped:
    """A master: it opens under its own name and epoch only."""
    return Wrapped(version, record, (b"master-key", name.encode(), epoch.to_bytes(4, "big")))


def of_file_job(job: UUID, version: int, record: bytes) -> Wrapped:
    """The key of a file that was handed in: it opens for that job only."""
    return Wrapped(version, record, (b"file-job-key", job.bytes))


def unwrap(wrapped: Sequence[Wrapped]) -> list[bytes]:
    """The keys, aligned; from the cache where it has them, else under their versions' keys.

    Raises SealBroken for a record that was changed or moved, KeyDestroyed when its key-encryption key was destroyed on purpose,
    KeyNotHeld when it is missing.
    """
    names = [item.name for item in wrapped]
    known = key_cache.get_many(names)
    missing = {name: item for name, item in zip(names, wrapped, strict=True) if name not in known}
    for version in {item.version for item in missing.values()}:
        chosen = {name: item for name, item in missing.items() if item.version == version}
        opened = dict(zip(chosen, _opened(version, [*chosen.values()]), strict=True))
        known.update(opened)
        key_cache.put_many(opened.items())
    return [known[name] for name in names]


def _opened(version: int, wrapped: Sequence[Wrapped]) -> list[bytes]:
    return epoch_keys.unwrap(version, [item.record for item in wrapped], [item.parts for item in wrapped])


def wrap(version: int, keys: Sequence[bytes], parts: Sequence[Sequence[bytes]]) -> list[bytes]:
    """Wrap keys under a version, and count them against its limit."""
    records = epoch_keys.wrap(version, keys, parts)
    usage.wrapped(version, len(records))
    return records


def rewrap(wrapped: Sequence[Wrapped], version: int) -> list[bytes]:
    """The same keys, wrapped under `version`."""
    return wrap(version, unwrap(wrapped), [item.parts for item in wrapped]) if wrapped else []


def drop(wrapped: Wrapped) -> None:
    """Out of memory with it: its row is being destroyed."""
    key_cache.drop(wrapped.name)
