"""Tiles, paths and bundles as C2SP tlog-tiles has them."""

from __future__ import annotations

import pytest

from audit import merkle, tiles


def test_the_path_of_the_specification():
    assert tiles.tile_path(0, 1234067) == "tile/0/x001/x234/067"
    assert tiles.tile_path(1, 3, 17) == "tile/1/003.p/17"
    assert tiles.tile_path("entries", 1000) == "tile/entries/x001/000"
    for index in (0, 1, 999, 1000, 1234067, 10**12 + 5):
        assert tiles.parse_index_path(tiles.index_path(index)) == index


@pytest.mark.parametrize(
    "path", ["", "1", "0001", "x000/001", "x1/001", "001/002", "../001", "x001/", "x001/x002", "x001/002 "]
)
def test_other_spellings_of_a_path_are_refused(path: str):
    with pytest.raises(tiles.MalformedTile):
        tiles.parse_index_path(path)


def test_the_widths_of_the_specifications_example():
    # "a tree of size 70,000 will be represented by 273 full level 0 tiles, one partial of width 112, one full level 1 tile, one
    # partial level 1 tile of width 17, and one partial level 2 tile of width 1"
    assert tiles.edge_widths(70_000) == [112, 17, 1]
    assert tiles.edge_widths(256) == [0, 1]
    assert tiles.edge_widths(0) == [0]


@pytest.mark.parametrize("batches", [[1] * 600, [255, 1, 1], [70_000], [256, 65_280, 300], [100, 0, 500, 65_000]])
def test_an_edge_that_grows_in_batches_keeps_the_root_of_the_tree(batches: list[int]):
    leaves = merkle.leaf_hashes(str(number).encode() for number in range(sum(batches)))
    tree, edge = merkle.Tree(), tiles.Edge()
    full: dict[tuple[int, int], tiles.Tile] = {}
    at = 0
    for batch in batches:
        added = leaves[at : at + batch]
        at += batch
        tree.extend(added)
        for tile in edge.append(added):
            assert (tile.level, tile.index) not in full
            full[tile.level, tile.index] = tile
        assert edge.size == tree.size
        assert edge.root() == tree.root()
        edge = tiles.Edge(edge.size, [bytes(row) for row in edge.hashes])  # as read back from the database
    for (level, index), tile in full.items():
        assert tile.root == tree.node(8 * (level + 1), index)
        assert tile.hashes == b"".join(tree.node(8 * level, 256 * index + offset) for offset in range(256))


def test_proofs_from_tiles_are_those_of_the_tree():
    size = 66_000
    tree = merkle.Tree(merkle.leaf_hashes(str(number).encode() for number in range(size)))
    widths = tiles.edge_widths(size)

    def read(level: int, index: int) -> bytes:
        full = index < (size >> (8 * (level + 1)))
        width = 256 if full else widths[level]
        return b"".join(tree.node(8 * level, 256 * index + offset) for offset in range(width))

    for index in (0, 1, 255, 256, 4095, 65_535, 65_536, 65_999):
        spans = merkle.inclusion_spans(index, size)
        assert tiles.spans_from_tiles(spans, read) == tree.inclusion_proof(index)
    for old in (1, 2, 255, 256, 257, 65_536, 65_999):
        assert tiles.spans_from_tiles(merkle.consistency_spans(old, size), read) == tree.consistency_proof(old)


def test_a_tile_that_is_too_narrow_is_refused():
    with pytest.raises(tiles.MalformedTile):
        tiles.spans_from_tiles([(2, 3)], lambda level, index: bytes(64))
    with pytest.raises(ValueError, match="does not fit"):
        tiles.Edge(3, [bytes(64)])


def test_entry_bundles_round_trip_and_a_cut_one_is_refused():
    entries = [b"", b"a", b"x" * 65_535]
    bundle = tiles.pack_entries(entries)
    assert bundle[:5] == b"\x00\x00\x00\x01a"
    assert tiles.unpack_entries(bundle) == entries
    for cut in (1, 2, len(bundle) - 1):
        with pytest.raises(tiles.MalformedTile):
            tiles.unpack_entries(bundle[:-cut] if cut != 2 else bundle + b"\x00")
    with pytest.raises(tiles.MalformedTile):
        tiles.pack_entries([b"x" * 65_536])
