import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from governance.kernel import secret_files


def test_a_secret_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "one"
    first = secret_files.secret_file(path, lambda: os.urandom(32))
    secret_files.forget_cache()
    assert secret_files.secret_file(path, lambda: os.urandom(32)) == first
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["one"]


def test_creators_that_race_agree_on_one_secret(tmp_path: Path) -> None:
    for round_number in range(20):
        path = tmp_path / f"race-{round_number}"
        with ThreadPoolExecutor(8) as pool:
            # The cache would hide the race: go below it.
            made = list(
                pool.map(lambda _: secret_files.secret_file.__wrapped__(path, lambda: os.urandom(16)), range(8))
            )  # noqa: B023
        assert len(set(made)) == 1


def test_a_secret_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "open"
    path.write_bytes(b"x")
    path.chmod(0o644)
    with pytest.raises(secret_files.SecretFileUnsafe):
        secret_files.secret_file(path, lambda: b"y")
