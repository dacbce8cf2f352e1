"""REST: rows or an Arrow stream in, pseudonymised ones out; files through jobs; texts searched."""

from __future__ import annotations

from typing import Any

from django.http import FileResponse, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.accounts.api import actor_of, requires
from governance.kernel.api import JSONParser
from governance.kernel.ids import from_opaque, opaque
from pseudonymize import publishing
from pseudonymize.api.bodies import (
    ArrowParser,
    ArrowRenderer,
    CsvParser,
    FileRenderer,
    ParquetParser,
    query_of,
    stream_of,
    table_of,
)
from pseudonymize.api.examples import ROWS, example
from pseudonymize.api.shapes import DetectIn, PseudonymizeRowsIn, RunIn
from pseudonymize.columns.texts import find
from pseudonymize.detection import Kind
from pseudonymize.errors import BodyUnreadable, TextNotExamined
from pseudonymize.models import FileJob
from pseudonymize.runs import batch, file_jobs
from pseudonymize.tables import bounded

_SECONDS = 0.5
"""Of processor time, for one text of a call that somebody waits for."""
_PRIVATE = {"Cache-Control": "no-store"}
_RUN = ("policy", "activity", "verdict_id")
_QUERY = [
    OpenApiParameter("policy", str, description="For bodies that are no JSON: the published policy."),
    OpenApiParameter("activity", str, description="For bodies that are no JSON: the processing activity."),
    OpenApiParameter("verdict_id", OpenApiTypes.UUID, description="For bodies that are no JSON: the gate's verdict."),
]


def _asked(request: Request) -> dict[str, Any]:
    """What a body without names says in the address instead."""
    asked = RunIn(data=query_of(request, *_RUN))
    asked.is_valid(raise_exception=True)
    return dict(asked.validated_data)


class Pseudonymize(APIView):
    """Pseudonymise rows by a published policy. The run is stated in a signed manifest and logged before anything is returned."""

    permission_classes = (requires("pseudonymize:run"),)
    parser_classes = (JSONParser, ArrowParser)
    renderer_classes = (JSONRenderer, ArrowRenderer)

    @extend_schema(
        operation_id="pseudonymize",
        parameters=_QUERY,
        request={"application/json": PseudonymizeRowsIn, bounded.ARROW: OpenApiTypes.BINARY},
        responses={200: dict, (200, bounded.ARROW): OpenApiTypes.BINARY},
        examples=example({"policy": "newsletter", "activity": "monthly report", "rows": ROWS}),
    )
    def post(self, request: Request) -> Response:
        if request.content_type.partition(";")[0].strip().lower() == bounded.ARROW:
            return self._stream(request)
        asked = PseudonymizeRowsIn(data=request.data)
        asked.is_valid(raise_exception=True)
        given = dict(asked.validated_data)
        done = self._run(request, table_of(given.pop("rows")), given)
        body = {
            "rows": done.table.to_pylist(),
            "quarantined": list(done.quarantined),
            "manifest": {"id": opaque("man", done.manifest.id), "jws": done.manifest.jws},
        }
        return Response(body, headers=_PRIVATE)

    def _stream(self, request: Request) -> Response:
        """Arrow in and out; the manifest is in the output's metadata, and its number in a header."""
        done = self._run(request, request.data, _asked(request))
        table = done.table.replace_schema_metadata({b"zgoda.manifest": done.manifest.jws.encode()})
        headers = _PRIVATE | {
            "Zgoda-Manifest": opaque("man", done.manifest.id),
            "Zgoda-Quarantined": str(len(done.quarantined)),
        }
        answer = Response(stream_of(table), headers=headers)
        answer.accepted_renderer, answer.accepted_media_type = ArrowRenderer(), bounded.ARROW
        request.accepted_renderer, request.accepted_media_type = ArrowRenderer(), bounded.ARROW
        return answer

    @staticmethod
    def _run(request: Request, table: Any, given: dict[str, Any]) -> batch.Pseudonymized:
        policy = publishing.current(given["policy"])
        return batch.apply(
            table, policy, actor=actor_of(request), activity=given["activity"], verdict_id=given["verdict_id"]
        )


class Files(APIView):
    """Hand in a Parquet or CSV file; a job runs the policy over it."""

    permission_classes = (requires("pseudonymize:run"),)
    parser_classes = (ParquetParser, CsvParser)

    @extend_schema(
        operation_id="pseudonymize_file",
        parameters=_QUERY,
        request=dict.fromkeys(file_jobs.FORMATS, OpenApiTypes.BINARY),
        responses={202: dict},
    )
    def post(self, request: Request) -> Response:
        given = _asked(request)
        if not hasattr(request.data, "read"):
            raise BodyUnreadable("The body is empty.")
        form = file_jobs.FORMATS[request.content_type.partition(";")[0].strip().lower()]
        row = file_jobs.submit(
            given["policy"],
            form,
            request.data,
            activity=given["activity"],
            verdict_id=given["verdict_id"],
            actor=actor_of(request),
        )
        place = f"{request.path.rstrip('/')}/{opaque('fil', row.id)}"
        return Response(_job(row), status=status.HTTP_202_ACCEPTED, headers=_PRIVATE | {"Location": place})


class FileStatus(APIView):
    """How far a file is; deleting its output before its day is over."""

    permission_classes = (requires("pseudonymize:run"),)

    @extend_schema(operation_id="pseudonymize_file_status", responses={200: dict})
    def get(self, request: Request, number: str) -> Response:
        return Response(_job(file_jobs.find(from_opaque("fil", number), actor=actor_of(request))), headers=_PRIVATE)

    @extend_schema(operation_id="pseudonymize_file_delete", responses={204: None})
    def delete(self, request: Request, number: str) -> Response:
        file_jobs.delete(from_opaque("fil", number), actor=actor_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class FileResult(APIView):
    """The pseudonymised file."""

    permission_classes = (requires("pseudonymize:run"),)
    renderer_classes = (JSONRenderer, FileRenderer)

    @extend_schema(operation_id="pseudonymize_file_result", responses={(200, "*/*"): OpenApiTypes.BINARY})
    def get(self, request: Request, number: str) -> HttpResponseBase:
        result = file_jobs.result(from_opaque("fil", number), actor=actor_of(request))
        kinds = {form: kind for kind, form in file_jobs.FORMATS.items()}
        return FileResponse(
            result.file, filename=f"output.{result.form}", content_type=kinds[result.form], headers=_PRIVATE
        )


def _job(row: FileJob) -> dict[str, Any]:
    return {
        "id": opaque("fil", row.id),
        "state": row.state,
        "rows": {"done": row.rows_done, "total": row.rows_total},
        "bytes": row.bytes_in,
        "manifest": opaque("man", row.manifest_id) if row.manifest_id else None,
        "problem": row.problem,
        "expires_at": row.expires_at,
    }


class Detect(APIView):
    """Find personal data in texts. Nothing is kept."""

    permission_classes = (requires("pseudonymize:run"),)

    @extend_schema(
        operation_id="detect",
        request=DetectIn,
        responses={200: dict},
        examples=example({"texts": ["Write to alice@example.com or call +1 202 555 0101."], "language": "en"}),
    )
    def post(self, request: Request) -> Response:
        asked = DetectIn(data=request.data)
        asked.is_valid(raise_exception=True)
        found = find(asked.validated_data["texts"], asked.validated_data["language"], seconds=_SECONDS)
        unread = [row for row, findings in enumerate(found) if any(f.kind is Kind.QUARANTINED for f in findings)]
        if unread:
            raise TextNotExamined(rows=unread[:100])
        results = [
            [{"kind": f.kind.value, "start": f.start, "end": f.end, "score": f.score} for f in findings]
            for findings in found
        ]
        return Response({"results": results}, headers=_PRIVATE)
