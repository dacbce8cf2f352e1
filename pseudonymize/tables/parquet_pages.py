"""What the pages of a Parquet file say that they become, added up before any is unpacked: the footer's sizes are a promise that a page need
not keep.

Source: the Parquet format's `parquet.thrift`, PageHeader; field numbers below are its.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import pyarrow.parquet as pq

from pseudonymize.errors import TableUnreadable, TooMuchWork
from pseudonymize.tables.thrift import Reader, value_of

MOST_PAGES = 1_000_000
_UNCOMPRESSED, _COMPRESSED = 2, 3
_HEADER, _LONGEST_HEADER = 512, 1024 * 1024  # a header holds the least and the greatest value of its page
_UNREADABLE = "The input is not a Parquet file that can be read."


def sizes(file: BinaryIO, metadata: pq.FileMetaData) -> Iterator[tuple[int, int]]:
    """(row group, bytes once unpacked) of every column chunk. Raises TableUnreadable for pages that lead out of their chunk or have no
    header, TooMuchWork for more than a million pages."""
    end_of_file, pages = file.seek(0, 2), 0
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        for place in range(group.num_columns):
            column = group.column(place)
            starts = [at for at in (column.dictionary_page_offset, column.data_page_offset) if at]
            start = min(starts, default=0)
            end = start + column.total_compressed_size
            if not 0 <= start <= end <= end_of_file:
                raise TableUnreadable(_UNREADABLE)
            total = 0
            while start < end:
                pages += 1
                if pages > MOST_PAGES:
                    raise TooMuchWork(f"A file has at most {MOST_PAGES} pages.", limit=MOST_PAGES)
                header, becomes, length = _page(file, start, end)
                total, start = total + becomes, start + header + length
            if start != end:
                raise TableUnreadable(_UNREADABLE)
            yield number, total


def _page(file: BinaryIO, start: int, end: int) -> tuple[int, int, int]:
    """A page's bytes of header, bytes once unpacked, and bytes that follow the header."""
    wanted = _HEADER
    while True:
        file.seek(start)
        data = file.read(min(wanted, end - start))
        reader = Reader(data)
        try:
            fields = reader.struct()
            becomes, length = value_of(fields, _UNCOMPRESSED), value_of(fields, _COMPRESSED)
        except (StopIteration, RecursionError):
            raise TableUnreadable(_UNREADABLE) from None
        except IndexError:
            if len(data) < wanted or wanted >= _LONGEST_HEADER:
                raise TableUnreadable(_UNREADABLE) from None
            wanted *= 8
            continue
        if not (isinstance(becomes, int) and isinstance(length, int) and becomes >= 0 and length >= 0):
            raise TableUnreadable(_UNREADABLE)
        return reader.at, becomes, length
