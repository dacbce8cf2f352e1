"""What everybody may read of the log (C2SP tlog-tiles): checkpoint, tiles, entries. Witnesses and monitors poll these.

Entries say what kind of thing happened and when, never to whom; that is what makes them fit to be public.
"""

from __future__ import annotations

from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from audit import keys, tree
from audit.heads import anchors, checkpoints
from audit.tiles import HEIGHT, WIDTH, MalformedTile, pack_entries, parse_index_path

_FOR_EVER = "public, max-age=31536000, immutable"
_A_MOMENT = "public, max-age=2"
_LEVELS = 64


@require_safe
def checkpoint(request: HttpRequest) -> HttpResponse:
    """``GET /log/checkpoint``: the last signed checkpoint, with the cosignatures of witnesses."""
    head = checkpoints.latest()
    return HttpResponse(
        head.note + anchors.cosignatures(head.size),
        content_type="text/plain; charset=utf-8",
        headers={"Cache-Control": _A_MOMENT},
    )


@require_safe
def key(request: HttpRequest) -> HttpResponse:
    """``GET /log/log.vkey``: the public key, for those who are about to pin it; compare it with what you were told elsewhere."""
    return HttpResponse(f"{keys.verifier()}\n", content_type="text/plain; charset=utf-8")


@require_safe
def tile(request: HttpRequest, level: str, path: str) -> HttpResponse:
    """``GET /log/tile/<L>/<N>[.p/<W>]``: hashes of the tree."""
    if str(int(level)) != level or int(level) >= _LEVELS:
        raise Http404
    index, width, size = _place(path, int(level))
    hashes = tree.tile(int(level), index, size)
    return _octets(hashes[: 32 * width])


@require_safe
def entries(request: HttpRequest, path: str) -> HttpResponse:
    """``GET /log/tile/entries/<N>[.p/<W>]``: entries, each behind its length in two bytes."""
    index, width, _ = _place(path, 0)
    return _octets(entry_bundle(index, width))


def entry_bundle(index: int, width: int) -> bytes:
    """The entries of a bundle of ``width`` entries."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT e.header FROM audit_leaf l JOIN ONLY audit_entry e ON e.id = l.entry_id
            WHERE l.seq >= %s AND l.seq < %s ORDER BY l.seq
            """,
            [index * WIDTH, index * WIDTH + width],
        )
        return pack_entries(header.encode() for (header,) in cursor.fetchall())


def _place(path: str, level: int) -> tuple[int, int, int]:
    """The index and width that a path names, and the size of the log. Raises ``Http404`` for what is not, or not yet, there."""
    number, _, partial = path.partition(".p/")
    if partial and not (
        partial.isascii() and partial.isdigit() and str(int(partial)) == partial and 0 < int(partial) < WIDTH
    ):
        raise Http404
    width = int(partial) if partial else WIDTH
    try:
        index = parse_index_path(number)
    except MalformedTile as error:
        raise Http404 from error
    size = checkpoints.latest().size
    if (size >> (HEIGHT * level)) < index * WIDTH + width or path.endswith(".p/"):
        raise Http404
    return index, width, size


def _octets(body: bytes) -> HttpResponse:
    return HttpResponse(body, content_type="application/octet-stream", headers={"Cache-Control": _FOR_EVER})
