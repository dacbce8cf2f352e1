"""What strangers send: bombs, lies about size, twice the same name, half characters. Each is a typed 4xx, soon, and in little memory."""

from __future__ import annotations

import gzip
import io
import json
import resource
import struct
import time
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.http import HttpResponse

from pseudonymize.api.examples import POLICY, ROWS
from pseudonymize.models import FileJob
from pseudonymize.runs import file_jobs
from pseudonymize.tables import bounded
from pseudonymize.tables.thrift import Reader, Writer
from tests.growth import TIMES, grows_linearly
from tests.integration.pseudonymize.calling import EVERY_SCOPE, Caller

ARROW, PARQUET = bounded.ARROW, "application/vnd.apache.parquet"
QUERY = "?policy=newsletter&activity=test"
SOON = 10.0
"""Seconds of processor time: a guard against work as large as what a body says that it is; what is usual is a tenth of a second."""
MEMORY = 300 * 1024  # KiB beyond what was used before


@pytest.fixture
def caller(db: None) -> Caller:
    made = Caller(*EVERY_SCOPE)
    assert made("POST", "policies", {"text": POLICY})[0] == 201
    assert made("POST", "detect", {"texts": ["x"]})[0] == 200  # what is heavy is loaded
    return made


def refused(answer: Callable[[], HttpResponse]) -> dict[str, Any]:
    """The problem, which came soon and cost little."""
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    response = answer()
    took, after = time.process_time() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert 400 <= response.status_code < 500, response.content[:300]
    assert response["Content-Type"].startswith("application/problem+json")
    assert took < SOON
    assert after - before < MEMORY
    problem: dict[str, Any] = json.loads(response.content)
    assert problem["code"]
    return problem


def arrow(table: pa.Table, compression: str | None = None) -> bytes:
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=compression, unify_dictionaries=True)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return sink.getvalue()


def rows(**columns: Any) -> pa.Table:
    return pa.table({"email": ["a@example.com"], "born": ["1984-03-02"], "spend": [1.0]} | columns)


def long_value(count: int, size: int) -> pa.Array:
    """A dictionary with one long value that many rows use."""
    return pa.DictionaryArray.from_arrays(pa.array([0] * count, pa.int32()), pa.array(["x" * size]))


def viewed(count: int, size: int) -> pa.Array:
    """One long value that many rows look at."""
    one = pa.array(["x" * size], pa.string_view())
    _, views, *data = one.buffers()
    return pa.Array.from_buffers(pa.string_view(), count, [None, pa.py_buffer(views.to_pybytes()[:16] * count), *data])


def _text(offsets: bytes, data: bytes) -> pa.Array:
    return pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(offsets), pa.py_buffer(data)])


JSON_BODIES = {
    "nothing": b"",
    "half": b'{"rows": [',
    "deep": b"[" * 200_000,
    "deep in a field": b'{"policy":"newsletter","activity":"x","rows":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "NaN": b'{"policy":"newsletter","activity":"x","rows":[{"email":"a@b.pl","born":null,"spend":NaN}]}',
    "infinity": b'{"policy":"newsletter","activity":"x","rows":[{"email":"a@b.pl","born":null,"spend":-Infinity}]}',
    "a huge number": b'{"policy":"newsletter","activity":"x","rows":[{"email":"a@b.pl","born":null,"spend":'
    + b"9" * 100_000
    + b"}]}",
    "a large number": b'{"policy":"newsletter","activity":"x","rows":[{"email":"a@b.pl","born":null,"spend":'
    + b"9" * 400
    + b"}]}",
    "half a surrogate pair": b'{"policy":"newsletter","activity":"x","rows":[{"email":"\\ud800@b.pl","born":null,"spend":1}]}',
    "half a pair in a name": b'{"policy":"newsletter","activity":"x","rows":[{"\\udfff":1}]}',
    "a NUL": b'{"policy":"newsletter","activity":"x","rows":[{"email":"a\\u0000@b.pl","born":null,"spend":1}]}',
    "a NUL in a name": b'{"policy":"newsletter","activity":"x","rows":[{"em\\u0000ail":1}]}',
    "a NUL in the activity": b'{"policy":"newsletter","activity":"x\\u0000","rows":[{"email":"a@b.pl"}]}',
    "a raw NUL": b'{"policy":"newsletter\x00"}',
    "a column twice": b'{"policy":"newsletter","activity":"x","rows":[{"email":"a@b.pl","email":"c@d.pl","spend":1}]}',
    "a field twice": b'{"policy":"newsletter","policy":"other","activity":"x","rows":[]}',
    "not UTF-8": b'{"policy":"\xff\xfe"}',
    "UTF-16": '{"policy":"newsletter"}'.encode("utf-16"),
    "a list": b"[]",
    "many columns": json.dumps(
        {"policy": "newsletter", "activity": "x", "rows": [{f"c{n}": 1 for n in range(600)}]}
    ).encode(),
    "a table inside": b'{"policy":"newsletter","activity":"x","rows":[{"email":{"a":1},"born":null,"spend":[1]}]}',
}


@pytest.mark.parametrize("name", JSON_BODIES)
def test_json_that_is_none_or_means_harm_is_refused(caller: Caller, name: str) -> None:
    refused(lambda: caller.send("POST", "pseudonymize", JSON_BODIES[name]))


@pytest.mark.parametrize("path", ["pseudonymize", "detect", "risk", "policies/dry-run", "policies"])
def test_a_packed_body_is_not_unpacked(caller: Caller, path: str) -> None:
    bomb = gzip.compress(b'{"texts":["' + b"a" * 50_000_000 + b'"]}')
    assert len(bomb) < 100_000
    problem = refused(lambda: caller.send("POST", path, bomb, **{"Content-Encoding": "gzip"}))
    assert problem["code"] == "content_encoding_refused"


@pytest.mark.parametrize("kind", ["application/json", ARROW])
def test_two_gigabytes_that_are_declared_are_not_waited_for(caller: Caller, kind: str) -> None:
    path = f"/api/v1/pseudonymize{QUERY if kind == ARROW else ''}"
    answer = lambda: caller._client.post(  # noqa: E731
        path, b"{}", content_type=kind, headers=caller._headers, CONTENT_LENGTH=str(2**31)
    )
    assert refused(answer)["code"] == "body_too_large"
    files = lambda: caller._client.post(  # noqa: E731
        f"/api/v1/pseudonymize/files{QUERY}",
        b"x",
        content_type="text/csv",
        headers=caller._headers,
        CONTENT_LENGTH="2147483648",
    )
    assert refused(files)["code"] == "body_too_large"


def test_a_large_body_is_refused_at_its_limit(caller: Caller, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
    body = json.dumps({"texts": ["a" * 99_000] * 11}).encode()
    assert refused(lambda: caller.send("POST", "detect", body))["code"] == "body_too_large"


ARROW_BODIES: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "no Arrow": lambda: b"PAR1" * 100,
    "half a stream": lambda: arrow(rows())[:-100],
    "a message of 2 GB": lambda: b"\xff\xff\xff\xff" + struct.pack("<i", 2**31 - 1) + b"\x00" * 64,
    "a negative message": lambda: b"\xff\xff\xff\xff" + struct.pack("<i", -8) + b"\x00" * 64,
    "a bomb, zstd": lambda: arrow(rows(email=["a" * 700_000_000]), "zstd"),
    "a bomb, lz4": lambda: arrow(rows(email=["a" * 600_000_000]), "lz4"),
    "a dictionary of one long value": lambda: arrow(
        pa.table({"email": long_value(200_000, 1_000_000), "born": ["x"] * 200_000, "spend": [1.0] * 200_000})
    ),
    "one long value, looked at often": lambda: arrow(pa.table({"email": viewed(100_000, 1_000_000)})),
    "runs": lambda: arrow(
        pa.table({"email": pa.RunEndEncodedArray.from_arrays(pa.array([2**30], pa.int32()), pa.array(["x"]))})
    ),
    "a billion nulls": lambda: arrow(pa.table({"email": pa.nulls(1_000_000_000)})),
    "a column twice": lambda: arrow(pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["email", "email"])),
    "a list inside": lambda: arrow(rows(email=pa.array([["a"]]))),
    "a NUL in a name": lambda: arrow(rows(**{"em\x00ail": ["x"]})),
    "many columns": lambda: arrow(pa.table({f"c{n}": [1] for n in range(600)})),
    "not UTF-8": lambda: arrow(rows(email=_text(struct.pack("<ii", 0, 2), b"\xff\xfe"))),
    "offsets that lead out": lambda: arrow(rows(email=pa.array(["abcd"]))).replace(
        struct.pack("<ii", 0, 4), struct.pack("<ii", 0, 2**30)
    ),
}


@pytest.mark.slow  # bombs are made first: a second or two each
@pytest.mark.parametrize("name", ARROW_BODIES)
def test_an_arrow_stream_that_is_none_or_would_explode_is_refused(caller: Caller, name: str) -> None:
    body = ARROW_BODIES[name]()
    assert len(body) < 70_000_000
    refused(lambda: caller.send("POST", f"pseudonymize{QUERY}", body, ARROW))


@pytest.mark.parametrize(
    "query", ["", "?policy=newsletter", f"{QUERY}&policy=x", f"{QUERY}&other=1", "?policy=x&activity=y"]
)
def test_an_arrow_stream_without_its_names_is_refused(caller: Caller, query: str) -> None:
    refused(lambda: caller.send("POST", f"pseudonymize{query}", arrow(rows()), ARROW))


def parquet(table: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def lying_page(field: int, size: int) -> bytes:
    """A file whose first page says another size than it has: `field` of the page's header, see parquet.thrift."""
    body = parquet(
        pa.table({"email": [f"{n}@example.com" for n in range(1_000)]}), use_dictionary=False, compression="zstd"
    )
    start = pq.ParquetFile(io.BytesIO(body)).metadata.row_group(0).column(0).data_page_offset
    reader = Reader(body[start : start + 1_000])
    header = [(number, kind, size if number == field else value) for number, kind, value in reader.struct()]
    written = Writer()
    written.struct(header)
    # What is longer now is taken from the page, so that every offset stays right.
    grown = len(written.out) - reader.at
    return body[:start] + bytes(written.out) + body[start + reader.at + grown :]


def endless_page() -> bytes:
    """A file whose first page's header is a struct in a struct in a struct."""
    body = parquet(pa.table({"email": ["a" * 100_000]}), compression="none", use_dictionary=False)
    half = len(body) // 2
    return body[:4] + b"\x1c" * half + body[4 + half :]


PARQUET_BODIES: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "no Parquet": lambda: b"PAR1" + b"x" * 100 + b"PAR1",
    "a footer of 2 GB": lambda: b"PAR1" + b"\x00" * 100 + struct.pack("<I", 2**31 - 1) + b"PAR1",
    "half a file": lambda: parquet(rows())[:200],
    "one long value, a hundred thousand times": lambda: parquet(
        pa.table({"email": long_value(100_000, 1_000_000), "spend": [1.0] * 100_000})
    ),
    "a row group that explodes": lambda: parquet(
        pa.table({"spend": pa.array([0.0] * 80_000_000)}),
        compression="zstd",
        use_dictionary=False,
        row_group_size=80_000_000,
    ),
    "a list inside": lambda: parquet(rows(email=pa.array([["a"]]))),
    "a page that says it becomes 2 GB": lambda: lying_page(2, 2**31 - 1),
    "a page that says it becomes nothing": lambda: lying_page(2, 0),
    "a page that says it becomes less than nothing": lambda: lying_page(2, -5),
    "a page that says it takes 2 GB": lambda: lying_page(3, 2**31 - 1),
    "a page that says it takes less": lambda: lying_page(3, 7),
    "a page whose header has no end": endless_page,
}


@pytest.mark.slow  # bombs are made first: a second or two each
@pytest.mark.parametrize("name", PARQUET_BODIES)
def test_a_parquet_file_that_is_none_or_would_explode_is_refused_and_not_kept(caller: Caller, name: str) -> None:
    body = PARQUET_BODIES[name]()
    refused(lambda: caller.send("POST", f"pseudonymize/files{QUERY}", body, PARQUET))
    assert not FileJob.objects.exists()
    assert not list(file_jobs._places())


@pytest.mark.slow  # each prepares its automaton: seconds
@pytest.mark.parametrize(
    "piece", ["a.", "http://a", "@", "1", "1-", " \t", "+48 ", "1.2.", "12:34:", "1/2/", "a ", "A "], ids=lambda piece: piece.encode().hex()
)  # fmt: skip
def test_a_text_made_to_take_long_costs_no_more_than_its_length(caller: Caller, piece: str) -> None:
    # The first short and the first long text of a process each prepare their automaton.
    caller("POST", "detect", {"texts": ["warm", "warm " * 5_000]})

    def ask(size: int) -> None:
        text = (piece * (size // len(piece) + 1))[:size]
        assert caller.send("POST", "detect", json.dumps({"texts": [text]}).encode()).status_code < 500

    assert grows_linearly(ask, 90_000 // TIMES)


def test_texts_are_bounded_as_a_whole(caller: Caller) -> None:
    body = json.dumps({"texts": ["x" * 90_000] * 3}).encode()
    refused(lambda: caller.send("POST", "detect", body))


def test_the_present_rows_still_work(caller: Caller) -> None:
    status, answer = caller("POST", "pseudonymize", {"policy": "newsletter", "activity": "x", "rows": ROWS})
    assert status == 200, answer
