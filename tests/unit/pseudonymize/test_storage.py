"""Sealed files: read at any place, and nothing that was changed about them is ever read."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from governance.kernel.crypto import SealBroken, random_key
from pseudonymize.storage import CHUNK, HEADER, PLAIN, RECORD, Sealed

SIZES = [0, 1, 100, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 17]


def written(path: Path, storage: Sealed, data: bytes, step: int = 100_000) -> Path:
    with storage.created(path, name=path.name) as file:
        for start in range(0, len(data), step):
            file.write(data[start : start + step])
    return path


@pytest.mark.parametrize("size", SIZES)
def test_what_was_written_is_read_from_anywhere(tmp_path: Path, size: int) -> None:
    storage, data = Sealed(random_key(), b"job"), random.Random(size).randbytes(size)
    path = written(tmp_path / "input.csv", storage, data)
    chance = random.Random(7)
    with storage.opened(path) as file:
        assert file.read() == data
        assert file.seek(0, io.SEEK_END) == size
        for _ in range(20):
            start, length = chance.randrange(size + 1), chance.randrange(CHUNK * 2)
            file.seek(start)
            assert file.read(length) == data[start : start + length]


def test_arrow_reads_and_writes_sealed_files(tmp_path: Path) -> None:
    storage, table = (
        Sealed(random_key(), b"job"),
        pa.table({"n": range(200_000), "t": [f"value {n}" for n in range(200_000)]}),
    )
    with storage.created(tmp_path / "t.parquet", name="t.parquet") as file:
        pq.write_table(table, file, compression="none", use_dictionary=False)
    assert b"value 77777" not in (tmp_path / "t.parquet").read_bytes()
    with pq.ParquetFile(storage.for_arrow(tmp_path / "t.parquet")) as back:
        assert back.read().equals(table)
    assert (tmp_path / "t.parquet").stat().st_mode & 0o077 == 0


def moved_chunk(data: bytes) -> bytes:
    first, second = data[HEADER : HEADER + RECORD], data[HEADER + RECORD : HEADER + 2 * RECORD]
    return data[:HEADER] + second + first + data[HEADER + 2 * RECORD :]


TAMPERED: dict[str, Callable[[bytes], bytes]] = {
    "a bit of the first chunk": lambda data: data[:500] + bytes([data[500] ^ 1]) + data[501:],
    "a bit of the last byte": lambda data: data[:-1] + bytes([data[-1] ^ 1]),
    "another number": lambda data: data[:5] + bytes([data[5] ^ 1]) + data[6:],
    "another format": lambda data: b"ZG" + data[2:],
    "cut off after a chunk": lambda data: data[: HEADER + 2 * RECORD],
    "cut off in a chunk": lambda data: data[: HEADER + RECORD + 1_000],
    "cut off in a tag": lambda data: data[: HEADER + RECORD + 10],
    "cut off in the head": lambda data: data[:10],
    "the first chunk left out": lambda data: data[:HEADER] + data[HEADER + RECORD :],
    "two chunks changed places": moved_chunk,
    "a chunk twice": lambda data: data[: HEADER + RECORD] + data[HEADER:],
    "more behind the end": lambda data: data + data[-1_000:],
    "nothing": lambda data: b"",
}


@pytest.mark.parametrize("name", TAMPERED)
def test_a_file_that_was_tampered_with_does_not_open(tmp_path: Path, name: str) -> None:
    storage = Sealed(random_key(), b"job")
    path = written(tmp_path / "input.csv", storage, bytes(2 * CHUNK + 5_000))
    path.write_bytes(TAMPERED[name](path.read_bytes()))
    with pytest.raises(SealBroken), storage.opened(path) as file:
        file.read()


def test_a_file_of_another_job_name_or_version_does_not_open(tmp_path: Path) -> None:
    key = random_key()
    mine = Sealed(key, b"job")
    path = written(tmp_path / "input.csv", mine, bytes(3 * CHUNK))
    for other in (Sealed(key, b"another job"), Sealed(random_key(), b"job")):
        with pytest.raises(SealBroken), other.opened(path) as file:
            file.read()
    before = path.read_bytes()
    after = written(path, mine, bytes(3 * CHUNK)).read_bytes()
    path.write_bytes(after[: HEADER + RECORD] + before[HEADER + RECORD :])
    with pytest.raises(SealBroken), mine.opened(path) as file:
        file.read()
    with pytest.raises(SealBroken), mine.opened(path.rename(tmp_path / "output.csv")) as file:
        file.read()


def test_a_file_whose_writer_failed_has_no_end(tmp_path: Path) -> None:
    storage = Sealed(random_key(), b"job")
    path = tmp_path / "input.csv"
    with pytest.raises(ZeroDivisionError), storage.created(path, name=path.name) as file:
        file.write(bytes(CHUNK + 1))
        raise ZeroDivisionError
    with pytest.raises(SealBroken), storage.opened(path) as opened:
        opened.read()


def test_neither_key_nor_owner_is_in_a_repr() -> None:
    assert "job" not in repr(Sealed(b"k" * 32, b"job"))
    assert "k" * 4 not in repr(Sealed(b"k" * 32, b"job"))


def test_plain_files_are_for_their_owner_too(tmp_path: Path) -> None:
    with PLAIN.created(tmp_path / "part", name="part") as file:
        file.write(b"rows")
    assert (tmp_path / "part").stat().st_mode & 0o077 == 0
    with PLAIN.opened(tmp_path / "part") as file:
        assert file.read() == b"rows"
