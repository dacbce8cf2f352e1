"""Bodies that are no JSON: Arrow streams in and out, and files. And rows of JSON as a table."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request

from governance.kernel.api import refuse_unread
from governance.kernel.errors import BodyTooLarge
from pseudonymize.api.shapes import MAX_COLUMNS
from pseudonymize.errors import BodyUnreadable, TableUnreadable, TooMuchWork
from pseudonymize.runs import file_jobs
from pseudonymize.tables import bounded

ARROW_BYTES = 64 * 1024 * 1024


class ArrowParser(BaseParser):
    """An Arrow IPC stream, as a table."""

    media_type = bounded.ARROW

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        refuse_unread((parser_context or {})["request"].META, ARROW_BYTES)
        body = stream.read(ARROW_BYTES + 1)
        if len(body) > ARROW_BYTES:
            raise BodyTooLarge(f"A body has at most {ARROW_BYTES} bytes.", limit=ARROW_BYTES)
        return bounded.arrow_table(body)


class _FileParser(BaseParser):
    """A file, not read yet."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        refuse_unread((parser_context or {})["request"].META, file_jobs.MOST_BYTES)
        return stream


class ParquetParser(_FileParser):
    media_type = "application/vnd.apache.parquet"


class CsvParser(_FileParser):
    media_type = "text/csv"


class ArrowRenderer(BaseRenderer):
    """Bytes as they are; a problem is JSON for whoever asked for Arrow, too."""

    media_type = bounded.ARROW
    format = "arrow"
    charset = None
    render_style = "binary"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return data if isinstance(data, bytes) else bytes(JSONRenderer().render(data))


class FileRenderer(ArrowRenderer):
    """Any file."""

    media_type = "*/*"
    format = "file"


def stream_of(table: pa.Table) -> bytes:
    """A table as one Arrow IPC stream."""
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def table_of(rows: list[dict[str, Any]]) -> pa.Table:
    """Rows as columns. A key that some rows lack is null there. Raises TableUnreadable, TooMuchWork."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    if len(names) > MAX_COLUMNS:
        raise TooMuchWork(f"A table has at most {MAX_COLUMNS} columns.", limit=MAX_COLUMNS)
    columns = {}
    for name in names:
        if "\x00" in name or len(name) > 200:
            raise TableUnreadable("A column's name is too long, or has a NUL in it.")
        values = [row.get(name) for row in rows]
        if any(isinstance(value, str) and "\x00" in value for value in values):
            raise TableUnreadable(f"A value of {name!r} has a NUL in it.", column=name)
        try:
            columns[name] = pa.array(values)
        except (pa.ArrowException, OverflowError, TypeError, ValueError):
            # Arrow's message quotes the value that does not fit.
            raise TableUnreadable(f"The values of {name!r} are not of one type.", column=name) from None
    return pa.table(columns)


def query_of(request: Request, *known: str) -> dict[str, str]:
    """The query's parameters, each once. Raises BodyUnreadable for one that is not known or that is there twice."""
    found = request.query_params
    for name in found:
        if name not in known or len(found.getlist(name)) != 1:
            raise BodyUnreadable("The address has a parameter that is not known, or one twice.")
    return {name: str(found[name]) for name in found}
