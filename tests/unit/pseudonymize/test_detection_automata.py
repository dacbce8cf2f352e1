"""Automata kept in files: read where only we can have written them, compiled anew everywhere else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pseudonymize.detection import automata

SOURCES, IDS = [b"pesel", rb"\d{11}"], [3, 5]
hyperscan = pytest.importorskip("hyperscan")


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Path]:
    before = automata._directory
    automata.keep_in(tmp_path / "detection")
    yield tmp_path / "detection"
    automata.keep_in(before)


def found() -> list[int]:
    """What an automaton of the expressions sees in a text."""
    seen: list[int] = []
    database = automata.compiled(SOURCES, IDS, hyperscan.HS_FLAG_SINGLEMATCH)
    database.scan(b"pesel 44051401359", match_event_handler=lambda id_, *_: seen.append(id_))
    return sorted(seen)


def counted(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The databases read from files from now on."""
    read: list[bytes] = []
    load = hyperscan.loadb
    monkeypatch.setattr(hyperscan, "loadb", lambda body, **how: (read.append(body), load(body, **how))[1])
    return read


def test_the_second_process_reads_what_the_first_has_compiled(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = counted(monkeypatch)
    assert found() == IDS
    assert read == []
    assert found() == IDS
    assert len(read) == 1
    assert [path.stat().st_mode & 0o077 for path in (kept, *kept.iterdir())] == [0, 0]


def test_a_file_that_somebody_else_could_have_written_is_not_read(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found()
    read = counted(monkeypatch)
    (file,) = kept.iterdir()
    file.chmod(0o602)
    assert found() == IDS
    file.chmod(0o600)
    kept.chmod(0o770)
    assert found() == IDS
    kept.chmod(0o700)
    target = file.rename(kept / "elsewhere")
    file.symlink_to(target)
    assert found() == IDS
    assert read == []


@pytest.mark.parametrize("damage", [b"", b"short", b"\0" * 5_000])
def test_a_damaged_file_is_compiled_anew(kept: Path, damage: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    found()
    (file,) = kept.iterdir()
    file.write_bytes(damage)
    read = counted(monkeypatch)
    assert found() == IDS
    assert read == []
    assert found() == IDS
    assert len(read) == 1


def test_a_file_of_another_version_is_compiled_anew(kept: Path) -> None:
    found()
    (file,) = kept.iterdir()
    body = b"not a database of this library at all"
    file.write_bytes(automata.hashlib.sha256(body).digest() + body)
    assert found() == IDS


def test_where_nothing_can_be_kept_nothing_is(tmp_path: Path, kept: Path) -> None:
    (tmp_path / "file").write_text("")
    automata.keep_in(tmp_path / "file" / "detection")
    assert found() == IDS
    automata.keep_in(None)
    assert found() == IDS
    assert not kept.exists()
