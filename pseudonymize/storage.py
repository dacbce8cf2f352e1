"""Where the files of a run lie: on the disk as they are, or sealed, so that nothing of them is ever readable there.

Sealed file: magic 2 | format 1 | file number 16 | records. Each record is a chunk of 256 KiB (the last one what is left, of an empty file
nothing) as `crypto.seal` makes it, under a key that the owner alone has. A record is bound to the owner, the file's name and number, its
place, and whether it is the last: one that was moved, left out, repeated, cut off or taken from another version does not open. Chunks are
of one size, so that a reader may begin anywhere, as Parquet's do.
"""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, cast

import pyarrow as pa

from governance.kernel import crypto
from governance.kernel.crypto import SealBroken

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

CHUNK = 256 * 1024
RECORD = CHUNK + crypto.OVERHEAD_BYTES
_MAGIC = bytes([0x5A, 0x46, 1])  # "ZF", format 1
_NUMBER_BYTES = 16
HEADER = len(_MAGIC) + _NUMBER_BYTES


class Storage(Protocol):
    """How files are read and written. A file that is written beside its place is told which name it will have there."""

    def opened(self, path: Path) -> BinaryIO:
        """The file for reading, at any place. Raises OSError; reading raises SealBroken for what was changed."""

    def created(self, path: Path, *, name: str) -> BinaryIO:
        """A new file, or the old one emptied, that will lie under `name`; readable by its owner alone."""

    def for_arrow(self, path: Path) -> Any:
        """What Arrow's readers take for the file."""


@dataclass(frozen=True)
class Plain:
    """Files as they are; Arrow maps them into memory."""

    def opened(self, path: Path) -> BinaryIO:
        return path.open("rb")

    def created(self, path: Path, *, name: str) -> BinaryIO:
        os.close(_descriptor(path))
        return cast(
            "BinaryIO", pa.OSFile(str(path), "wb")
        )  # Arrow writes to its own files without the interpreter's lock

    def for_arrow(self, path: Path) -> Any:
        return str(path)


@dataclass(frozen=True, repr=False)
class Sealed:
    """Files sealed under `key`, which belong to `owner`. Its repr shows neither."""

    key: bytes
    owner: bytes

    def opened(self, path: Path) -> BinaryIO:
        return io.BufferedReader(_Opened(self, path), buffer_size=64 * 1024)

    def created(self, path: Path, *, name: str) -> BinaryIO:
        return cast("BinaryIO", _Created(self, path, name))

    def for_arrow(self, path: Path) -> Any:
        return self.opened(path)

    def bound(self, name: str, number: bytes, place: int, *, last: bool) -> list[bytes]:
        """What the record at a place belongs to."""
        return [b"zgoda/sealed-file", self.owner, name.encode(), number, place.to_bytes(8, "big"), bytes([last])]


PLAIN: Storage = Plain()


def _descriptor(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)


class _Created(io.RawIOBase):
    """A sealed file being written. Left by an exception it has no last record, and so it never opens."""

    def __init__(self, storage: Sealed, path: Path, name: str) -> None:
        self._storage, self._name, self._number = storage, name, os.urandom(_NUMBER_BYTES)
        self._waiting, self._place, self._size = bytearray(), 0, 0
        self._file = os.fdopen(_descriptor(path), "wb")
        self._file.write(_MAGIC + self._number)

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._size

    def write(self, data: ReadableBuffer, /) -> int:
        view = memoryview(data).cast("B")
        self._waiting += view
        self._size += len(view)
        # One byte more than a chunk has to be there before it is known that this chunk is not the last.
        whole = (len(self._waiting) - 1) // CHUNK
        for place in range(whole):
            self._put(self._waiting[place * CHUNK : (place + 1) * CHUNK], last=False)
        if whole > 0:
            del self._waiting[: whole * CHUNK]
        return len(view)

    def _put(self, chunk: bytearray, *, last: bool) -> None:
        bound = self._storage.bound(self._name, self._number, self._place, last=last)
        self._file.write(crypto.seal(self._storage.key, bytes(chunk), bound))
        self._place += 1

    def close(self) -> None:
        if not self._file.closed:
            self._put(self._waiting, last=True)
            self._file.close()
        super().close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._file.close()
        super().__exit__(kind, error, trace)


class _Opened(io.RawIOBase):
    """A sealed file being read; one chunk is in the clear at a time, in memory."""

    def __init__(self, storage: Sealed, path: Path) -> None:
        self._storage, self._name = storage, path.name
        self._file = path.open("rb", buffering=0)
        head = self._file.read(HEADER)
        body = os.fstat(self._file.fileno()).st_size - HEADER
        self._records = max(-(-body // RECORD), 1)
        self._size = body - self._records * crypto.OVERHEAD_BYTES
        self._at, self._held, self._chunk = 0, -1, b""
        if head[: len(_MAGIC)] != _MAGIC or len(head) != HEADER or self._size < (self._records - 1) * CHUNK:
            self._file.close()
            raise SealBroken("The file is not sealed, or its end is missing.")
        self._number = head[len(_MAGIC) :]

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise OSError("A place before the beginning of the file.")
        self._at = start + offset
        return self._at

    def readinto(self, into: WriteableBuffer, /) -> int:
        view = memoryview(into).cast("B")
        place, within = divmod(self._at, CHUNK)
        if self._at >= self._size:
            self._hold(self._records - 1)  # the end is one only when the last record says that it is the last
            return 0
        self._hold(place)
        piece = self._chunk[within : within + len(view)]
        view[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def _hold(self, place: int) -> None:
        if place == self._held:
            return
        self._file.seek(HEADER + place * RECORD)
        last = place == self._records - 1
        wanted = RECORD if not last else self._size - place * CHUNK + crypto.OVERHEAD_BYTES
        record = self._file.read(wanted)
        bound = self._storage.bound(self._name, self._number, place, last=last)
        self._held, self._chunk = place, crypto.unseal(self._storage.key, record, bound)

    def close(self) -> None:
        self._file.close()
        self._chunk = b""
        super().close()
