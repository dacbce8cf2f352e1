"""The search for leaks finds what a plain search does not."""

import base64
from pathlib import Path

import pytest

from tests.leaks import found_in
from tests.people import CAROL

VALUE = CAROL.name


@pytest.mark.parametrize(
    "hidden",
    [
        VALUE.encode(),
        VALUE.encode().hex().encode(),
        VALUE.encode("unicode_escape"),
        *[base64.b64encode(b"x" * offset + VALUE.encode() + b"yz") for offset in range(3)],
        *[base64.urlsafe_b64encode(b"x" * offset + VALUE.encode() + b"y") for offset in range(3)],
    ],
)
def test_a_value_is_found_in_every_disguise(tmp_path: Path, hidden: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"before\0" + hidden + b"after\n")
    assert found_in([path], [VALUE])


def test_what_is_not_there_is_not_found(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)) * 100)
    assert not found_in([path], [VALUE, "carol@example.pl"])
