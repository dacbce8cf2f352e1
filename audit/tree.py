"""The stored tree: its edge, its tiles and the proofs from them. Reads a few rows for each proof, whatever the size of the log."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from audit.errors import LogBroken, UnknownEntry
from audit.merkle import EMPTY_ROOT, HASH_SIZE, Span, consistency_spans, inclusion_spans
from audit.tiles import HEIGHT, WIDTH, Edge, Tile, edge_widths, spans_from_tiles
from governance.kernel.copy import copy_rows


def read_edge(size: int) -> Edge:
    """The right edge of the tree at a size. Raises ``LogBroken`` when rows are missing."""
    try:
        return Edge(size, [_partial(level, size) for level in range(len(edge_widths(size)))])
    except ValueError as error:
        raise LogBroken("Rows of the tree's right edge are missing or doubled.") from error


def write_tiles(tiles: Sequence[Tile]) -> None:
    """Store tiles that became full."""
    rows = ((tile.level, tile.index, tile.hashes, tile.root) for tile in tiles)
    copy_rows("audit_tile", ("level", "index", "hashes", "root"), rows, ("int2", "int8", "bytea", "bytea"))


def tile(level: int, index: int, size: int) -> bytes:
    """The hashes of a tile in a tree of ``size`` leaves, partial at the right edge; empty when there is none."""
    width = min(WIDTH, max(0, (size >> (HEIGHT * level)) - index * WIDTH))
    if width == WIDTH:
        with connection.cursor() as cursor:
            cursor.execute('SELECT hashes FROM audit_tile WHERE level = %s AND "index" = %s', [level, index])
            row = cursor.fetchone()
        return bytes(row[0]) if row else b""
    return _range(level, index * WIDTH, width)


def inclusion_proof(seq: int, size: int) -> list[bytes]:
    """The audit path of an entry in the tree of ``size`` leaves. Raises ``UnknownEntry`` when it has no such leaf."""
    if not 0 <= seq < size:
        raise UnknownEntry
    return _roots(inclusion_spans(seq, size), size)


def consistency_proof(old: int, new: int) -> list[bytes]:
    """The proof that the tree of ``old`` leaves is a prefix of that of ``new``."""
    return _roots(consistency_spans(old, new), new)


def root(size: int) -> bytes:
    """The head that the stored tree has at a size."""
    return read_edge(size).root() if size else EMPTY_ROOT


def _roots(spans: Sequence[Span], size: int) -> list[bytes]:
    return spans_from_tiles(spans, lambda level, index: tile(level, index, size))


def _partial(level: int, size: int) -> bytes:
    """The hashes after the last full tile of a level."""
    first = (size >> (HEIGHT * (level + 1))) * WIDTH
    return _range(level, first, (size >> (HEIGHT * level)) - first)


def _range(level: int, first: int, count: int) -> bytes:
    """Hashes of tree level 8 * level in a row: leaf hashes, or the roots of the full tiles one level below."""
    if count <= 0:
        return b""
    with connection.cursor() as cursor:
        if level == 0:
            cursor.execute(
                "SELECT leaf_hash FROM audit_leaf WHERE seq >= %s AND seq < %s ORDER BY seq", [first, first + count]
            )
        else:
            cursor.execute(
                'SELECT root FROM audit_tile WHERE level = %s AND "index" >= %s AND "index" < %s ORDER BY "index"',
                [level - 1, first, first + count],
            )
        row = b"".join(bytes(found) for (found,) in cursor.fetchall())
    return row[: count * HASH_SIZE]
