"""The person's copy of their data (Art. 15 and 20): one archive with HTML, JSON and CSV, signed, sealed until it expires.

Every source exports what it holds, marked as given, observed, inferred or received. Portability (Art. 20) leaves out
what was inferred. The archive is stored as ciphertext under the key of the request and handed out against the
tracking code.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.template.loader import render_to_string
from django.utils import translation

from audit import log
from dsar import claims, controller, keyring, letters
from dsar.errors import PackageUnavailable
from dsar.models import Artifact, SubjectRequest
from dsar.references import reference
from dsar.states import RequestType, Status
from dsar.transitions import lock, move, object_name
from governance.kernel import clock, crypto, personal_data
from governance.kernel.actors import SYSTEM, Actor
from governance.kernel.ids import SubjectId
from governance.kernel.personal_data import ExportRecord
from governance.purposes import all_current

TYP = "zgoda-package+jwt"
_INFERRED = "inferred"
# Fixed, so that the same data make the same bytes.
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Package:
    """An archive as it is handed out."""

    filename: str
    content: bytes


def build(request_id: UUID) -> None:
    """Collect, archive, seal, answer. Runs as a job; does nothing when the request is not being assessed."""
    with transaction.atomic():
        request = lock(request_id)
        if Status(request.status) is not Status.ASSESSING or request.subject_id is None:
            return
        exported = _collect(SubjectId(request.subject_id), RequestType(request.type))
        archive = _archive(request, exported)
        now = clock.now()
        records = sum(len(rows) for _, _, rows in exported)
        Artifact.objects.create(
            request=request,
            ciphertext=claims.seal(request, "package", archive),
            plaintext_sha256=hashlib.sha256(archive).hexdigest(),
            size=len(archive),
            records=records,
            created_at=now,
            expires_at=now + timedelta(days=controller.package_days()),
        )
        log.emit(
            "dsar.package_built",
            actor=SYSTEM,
            object=object_name(request_id),
            subject=SubjectId(request.subject_id),
            facts={"records": records, "size": len(archive), "sources": len(exported)},
        )
        move(request, Status.COMPLETED, actor=SYSTEM, facts={"records": records})
        letters.queue(request, letters.Letter.PACKAGE_READY)


def fetch(request_id: UUID, *, actor: Actor) -> Package:
    """The archive in clear, for the person who showed the tracking code; each download is an entry of the log that names who took it.

    Raises :class:`~dsar.errors.PackageUnavailable` when there is none, or it expired or was purged.
    """
    with transaction.atomic():
        request = lock(request_id)
        artifact = Artifact.objects.filter(request=request, expires_at__gt=clock.now()).first()
        if artifact is None or request.wrapped_key is None:
            raise PackageUnavailable
        content = claims.unseal(request, "package", artifact.ciphertext)
        Artifact.objects.filter(pk=artifact.pk).update(downloads=F("downloads") + 1)
        log.emit("dsar.package_downloaded", actor=actor, object=object_name(request_id))
    return Package(f"{reference(request_id)}.zip", content)


def _collect(subject: SubjectId, kind: RequestType) -> list[tuple[str, str, list[ExportRecord]]]:
    collected = []
    for source in personal_data.sources():
        records = [
            record
            for record in source.export(subject)
            if not (kind is RequestType.PORTABILITY and record.provenance == _INFERRED)
        ]
        collected.append((source.key, source.title, records))
    return collected


def _archive(request: SubjectRequest, exported: Sequence[tuple[str, str, list[ExportRecord]]]) -> bytes:
    data = [{"source": key, "title": title, "records": [asdict(row) for row in rows]} for key, title, rows in exported]
    files = {"data.json": _as_json(data)}
    for key, _, rows in exported:
        for table, group in groupby(sorted(rows, key=lambda row: row.table), key=lambda row: row.table):
            files[f"csv/{key}.{table}.csv"] = _as_csv(list(group))
    with translation.override(request.language):
        context = {
            "controller": settings.ZGODA_CONTROLLER,
            "contact": settings.ZGODA_DPO_CONTACT,
            "reference": reference(request.pk),
            "language": request.language,
            "made_on": controller.today(),
            "sources": [(title, [_shown(row) for row in rows]) for _, title, rows in exported if rows],
            "purposes": [
                {
                    "title": purpose.title_pl if request.language == "pl" else purpose.title_en,
                    "description": purpose.description_pl if request.language == "pl" else purpose.description_en,
                    "basis": str(purpose.legal_basis),
                }
                for purpose in all_current()
            ],
        }
        files["index.html"] = render_to_string("dsar/package/index.html", context).encode()
    files["manifest.json"] = _manifest(request, files)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, date_time=_ZIP_DATE), files[name], zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _manifest(request: SubjectRequest, files: dict[str, bytes]) -> bytes:
    body = {
        "reference": reference(request.pk),
        "controller": str(settings.ZGODA_CONTROLLER),
        "made_at": clock.now().isoformat(),
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())},
    }
    return _as_json({**body, "signature": crypto.jws_sign(keyring.signing_key(), body, TYP)})


def _shown(record: ExportRecord) -> dict[str, Any]:
    return {
        "table": record.table,
        "provenance": record.provenance,
        "purpose": record.purpose or "",
        "fields": [(name, _text(value)) for name, value in record.data.items()],
    }


def _as_json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2, default=_text).encode()


def _as_csv(rows: Sequence[ExportRecord]) -> bytes:
    columns = list(dict.fromkeys(name for row in rows for name in row.data))
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["provenance", "purpose", *columns])
    for row in rows:
        writer.writerow(
            [row.provenance, row.purpose or "", *(_harmless(_text(row.data.get(name, ""))) for name in columns)]
        )
    return buffer.getvalue().encode()


def _harmless(text: str) -> str:
    """A cell that a spreadsheet does not take for a formula."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t"} else text


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case datetime() | date():
            return value.isoformat()
        case Decimal() | UUID():
            return str(value)
        case bytes() | memoryview():
            return bytes(value).hex()
        case dict() | list() | tuple():
            return json.dumps(value, ensure_ascii=False, default=_text)
        case _:
            return str(value)
