"""The tree cut into tiles of 256 hashes, as in C2SP tlog-tiles: coordinates, entry bundles, and the growing right edge.

No Django. A *tile* of level L holds up to 256 hashes of tree level 8 * L; each hash above level 0 is the root of a full tile one
level below. Full tiles never change, so they are stored once; the hashes after the last full tile of each level, fewer than 256,
are the *edge*. Appending costs the new hashes and never touches what is stored.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from audit.merkle import HASH_SIZE, Node, Span, fold, parents, span_nodes

WIDTH = 256
HEIGHT = 8
MAX_ENTRY = 0xFFFF

_PATH = re.compile(r"(?:x[0-9]{3}/)*[0-9]{3}")


class MalformedTile(ValueError):
    """A path or a bundle that C2SP tlog-tiles does not allow."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A full tile: its place, its 256 hashes in a row, and the root over them."""

    level: int
    index: int
    hashes: bytes
    root: bytes


def pyramid(hashes: bytes) -> list[bytes]:
    """The levels of the subtree over a tile's hashes, each as hashes in a row; at most nine."""
    levels = [hashes]
    while len(levels[-1]) >= 2 * HASH_SIZE:
        levels.append(parents(levels[-1]))
    return levels


class Edge:
    """The right edge of a tree: for each tile level the hashes after its last full tile."""

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        """``hashes[level]`` are the edge's hashes in a row. Raises ``ValueError`` when their number does not fit the size."""
        self.size = size
        self.hashes = [bytearray(level) for level in hashes] or [bytearray()]
        if [len(level) // HASH_SIZE for level in self.hashes] != edge_widths(size):
            raise ValueError("the edge does not fit the size of the tree")

    def append(self, leaves: Iterable[bytes]) -> list[Tile]:
        """Append leaf hashes; return the tiles that became full, lower levels first."""
        added = b"".join(leaves)
        self.hashes[0] += added
        self.size += len(added) // HASH_SIZE
        full: list[Tile] = []
        level = 0
        while level < len(self.hashes):
            row = self.hashes[level]
            index = self._first(level)
            while len(row) >= WIDTH * HASH_SIZE:
                tile = bytes(row[: WIDTH * HASH_SIZE])
                del row[: WIDTH * HASH_SIZE]
                root = pyramid(tile)[-1]
                full.append(Tile(level, index, tile, root))
                if level + 1 == len(self.hashes):
                    self.hashes.append(bytearray())
                self.hashes[level + 1] += root
                index += 1
            level += 1
        return full

    def _first(self, level: int) -> int:
        """The index of the tile that the edge's hashes of this level belong to."""
        return ((self.size >> (HEIGHT * level)) - len(self.hashes[level]) // HASH_SIZE) // WIDTH

    def root(self) -> bytes:
        """The tree head."""
        peaks: list[bytes] = []
        for row in reversed(self.hashes):
            levels = pyramid(bytes(row))
            for level, index in span_nodes(0, len(row) // HASH_SIZE):
                peaks.append(levels[level][index * HASH_SIZE : (index + 1) * HASH_SIZE])
        return fold(peaks)


def edge_widths(size: int) -> list[int]:
    """How many hashes the edge of a tree has at each tile level."""
    widths = [size % WIDTH]
    while size := size >> HEIGHT:
        widths.append(size % WIDTH)
    return widths


def tile_of(node: Node) -> tuple[int, int]:
    """The tile (level, index) from whose hashes a node of the tree is computed."""
    level, index = node
    tile_level, inner = divmod(level, HEIGHT)
    return tile_level, (index << inner) // WIDTH


def spans_from_tiles(spans: Sequence[Span], read: Callable[[int, int], bytes]) -> list[bytes]:
    """The roots over spans of a proof, from tiles: ``read(level, index)`` gives a tile's hashes in a row, partial ones too."""
    cache: dict[tuple[int, int], list[bytes]] = {}

    def hash_of(node: Node) -> bytes:
        place = tile_of(node)
        if place not in cache:
            cache[place] = pyramid(read(*place))
        level, index = node
        inner = level % HEIGHT
        at = (index % (WIDTH >> inner)) * HASH_SIZE
        found = cache[place][inner][at : at + HASH_SIZE] if inner < len(cache[place]) else b""
        if len(found) != HASH_SIZE:
            raise MalformedTile("a tile is narrower than the tree needs")
        return found

    return [fold([hash_of(node) for node in span_nodes(low, high)]) for low, high in spans]


def index_path(index: int) -> str:
    """A tile's index as path elements: 1234067 is ``x001/x234/067``."""
    digits = [f"{index % 1000:03d}"]
    while index := index // 1000:
        digits.append(f"x{index % 1000:03d}")
    return "/".join(reversed(digits))


def parse_index_path(path: str) -> int:
    """The index in path elements; raises ``MalformedTile`` when it is not in its one allowed form."""
    if len(path) > 40 or not _PATH.fullmatch(path):
        raise MalformedTile("not a tile index")
    index = int(path.replace("x", "").replace("/", ""))
    if index_path(index) != path:
        raise MalformedTile("not a tile index")
    return index


def tile_path(level: int | str, index: int, width: int = WIDTH) -> str:
    """The path of a tile (or, with level ``"entries"``, of an entry bundle) under the log's prefix."""
    partial = "" if width == WIDTH else f".p/{width}"
    return f"tile/{level}/{index_path(index)}{partial}"


def pack_entries(entries: Iterable[bytes]) -> bytes:
    """An entry bundle: each entry after its length in two bytes, big-endian."""
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > MAX_ENTRY:
            raise MalformedTile("an entry is longer than 65,535 bytes")
        parts += (len(entry).to_bytes(2, "big"), entry)
    return b"".join(parts)


def unpack_entries(bundle: bytes) -> list[bytes]:
    """The entries of a bundle; raises ``MalformedTile`` when it is cut short."""
    entries = []
    at = 0
    while at < len(bundle):
        end = at + 2 + int.from_bytes(bundle[at : at + 2], "big")
        if at + 2 > len(bundle) or end > len(bundle):
            raise MalformedTile("an entry bundle is cut short")
        entries.append(bundle[at + 2 : end])
        at = end
    return entries
