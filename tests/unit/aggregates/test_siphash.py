"""The rank hash is SipHash-2-4, to the published vectors."""

import numpy as np
import pytest

from governance.aggregates.siphash import siphash

KEY = bytes(range(16))
# Aumasson and Bernstein's vectors for the messages 00 01 02 ... whose length is a whole number of words, as numbers.
VECTORS = {
    8: 0x93F5F5799A932462,
    16: 0x3F2ACC7F57C29BDB,
    24: 0xB8AD50C6F649AF94,
    32: 0x7127512F72F27CCE,
    40: 0x0E3EA96B5304A7D0,
    48: 0xE612A3CB9ECBA951,
    56: 0xB78DBFAF3A8D83BD,
}


@pytest.mark.parametrize(("size", "tag"), VECTORS.items())
def test_published_vectors(size, tag):
    message = bytes(range(size))
    words = [np.array([int.from_bytes(message[at : at + 8], "little")], dtype=np.uint64) for at in range(0, size, 8)]
    assert siphash(KEY, words).tolist() == [tag]


def test_a_row_hashes_the_same_wherever_it_stands_in_the_column():
    words = np.arange(40_000, dtype=np.uint64)
    together = siphash(KEY, [words, words[::-1].copy()])
    for place in (0, 1, 16_383, 16_384, 39_999):
        alone = siphash(KEY, [words[place : place + 1], words[::-1][place : place + 1].copy()])
        assert alone[0] == together[place]


def test_another_key_gives_another_tag_and_arguments_are_left_alone():
    words = np.arange(10, dtype=np.uint64)
    assert (siphash(KEY, [words]) != siphash(bytes(16), [words])).all()
    assert words.tolist() == list(range(10))


def test_no_rows_no_tags():
    assert siphash(KEY, [np.empty(0, dtype=np.uint64)]).shape == (0,)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="16 bytes"):
        siphash(b"short", [np.zeros(1, dtype=np.uint64)])
    with pytest.raises(ValueError, match="one length"):
        siphash(KEY, [np.zeros(1, dtype=np.uint64), np.zeros(2, dtype=np.uint64)])
    with pytest.raises(ValueError, match="one length"):
        siphash(KEY, [])
