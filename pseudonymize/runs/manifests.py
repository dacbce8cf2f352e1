"""Manifests: a signed statement of what one run did, so that a training set can show where it comes from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

import pyarrow as pa
from django.db import transaction

from audit import log
from governance.kernel import crypto
from governance.kernel.actors import Actor
from governance.kernel.errors import JSON
from governance.kernel.ids import opaque
from governance.kernel.secret_files import load_or_create
from pseudonymize.errors import ManifestForged, ManifestInvalid
from pseudonymize.keys import masters, usage
from pseudonymize.models import Manifest as Row
from pseudonymize.publishing import Published

TYPE = "pseudonymization-manifest+jwt"
_PIECE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Manifest:
    """A run's manifest: its row's id, what it states, and the statement signed (JWS, EdDSA)."""

    id: UUID
    policy_sha256: str
    rows: int
    columns: tuple[Mapping[str, JSON], ...]
    statement: Mapping[str, JSON]
    entry_id: UUID
    jws: str

    def as_file(self) -> str:
        """The statement to read and the same signed, as JSON text for the file beside an output."""
        return json.dumps({"statement": self.statement, "jws": self.jws}, indent=2, ensure_ascii=False) + "\n"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a run has to say for its manifest, which has the run's own id."""

    id: UUID
    activity: str
    verdict_id: UUID | None
    rows_in: int
    rows_out: int
    started_at: datetime
    finished_at: datetime
    statement: Mapping[str, JSON]
    blocks: Mapping[str, int] = field(default_factory=dict)
    """What each kind of key has worked."""


def record(published: Published, epoch: int, facts: Facts, *, actor: Actor) -> Manifest:
    """Sign the manifest, keep it, put the run into the log and count what its keys have worked, in one transaction.

    A run that was killed between this and its end comes here again and gets what was recorded: one run, one manifest.
    """
    recorded = Row.objects.filter(id=facts.id).first()
    if recorded is not None:
        return _of(recorded)
    identifier = facts.id
    domain = published.domain
    statement: dict[str, JSON] = {
        "manifest": opaque("man", identifier),
        "domain": {
            "id": domain.key,
            "purpose": domain.purpose,
            "epoch": epoch,
            "join_group": domain.join_group,
            "recipients": list(domain.recipients),
            "retention_days": domain.retention_days,
        },
        "policy": {"name": published.name, "number": published.number},
        "activity": facts.activity,
        "verdict_id": str(facts.verdict_id) if facts.verdict_id else None,
        "actor": str(actor),
        "started_at": facts.started_at.isoformat(),
        "finished_at": facts.finished_at.isoformat(),
        **facts.statement,
    }
    with transaction.atomic():
        jws = crypto.jws_sign(signing_key(), statement, TYPE)
        entry = log.emit(
            "pseudonymize.run",
            actor=actor,
            object=f"manifest:{identifier}",
            purpose=domain.purpose,
            facts={
                "policy_sha256": str(statement["policy_sha256"]),
                "domain": domain.key,
                "epoch": epoch,
                "activity": facts.activity,
                "rows_in": facts.rows_in,
                "rows_out": facts.rows_out,
                "output_sha256": str(statement["output_sha256"]),
                "manifest_sha256": hashlib.sha256(jws.encode()).hexdigest(),
            },
        )
        row = Row.objects.create(
            id=identifier,
            policy_id=published.id,
            activity=facts.activity,
            verdict_id=facts.verdict_id,
            actor=str(actor),
            rows_in=facts.rows_in,
            rows_out=facts.rows_out,
            started_at=facts.started_at,
            finished_at=facts.finished_at,
            statement=statement,
            jws=jws,
            entry_id=entry,
        )
        for kind, blocks in sorted(facts.blocks.items()):
            usage.encrypted(masters.space_of(domain), epoch, kind, blocks)
    return _of(row)


def _of(row: Row) -> Manifest:
    columns = row.statement["columns"]
    return Manifest(
        id=row.id,
        policy_sha256=str(row.statement["policy_sha256"]),
        rows=row.rows_out,
        columns=tuple(column for column in columns if isinstance(column, dict)),
        statement=row.statement,
        entry_id=row.entry_id,
        jws=row.jws,
    )


def is_output(sha256: str) -> bool:
    """Whether some run's output had this digest."""
    return Row.objects.filter(statement__output_sha256=sha256).exists()


def signing_key() -> crypto.SigningKey:
    """The key that signs manifests, made on first use."""
    return _signing_key(load_or_create("pseudonymize_manifest_key", _new_signing_key))


def _new_signing_key() -> bytes:
    return crypto.SigningKey.generate().raw


@lru_cache(maxsize=4)
def _signing_key(raw: bytes) -> crypto.SigningKey:
    return crypto.SigningKey.from_bytes(raw)


def verify(jws: str, output: pa.Table | Path | None = None) -> dict[str, Any]:
    """The statement of a manifest that this service signed; with `output`, that it is about this very table or file.

    Raises SignatureInvalid for a forged manifest, ManifestInvalid for another output.
    """
    statement = crypto.jws_verify(signing_key().public_bytes, jws, TYPE)
    if output is not None and statement.get("output_sha256") != _sha256(output):
        raise ManifestInvalid("The manifest is about another output.")
    return statement


def verify_foreign(jws: str) -> dict[str, Any]:
    """`verify` for a manifest that somebody hands in: theirs being wrong is their error (ManifestForged), not ours."""
    try:
        return verify(jws)
    except crypto.SignatureInvalid as error:
        raise ManifestForged from error


def _sha256(output: pa.Table | Path) -> str:
    return file_sha256(output) if isinstance(output, Path) else table_sha256(output)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return stream_sha256(file)


def stream_sha256(file: BinaryIO) -> str:
    """SHA-256 of what is left to read of a file."""
    digest = hashlib.sha256()
    while piece := file.read(_PIECE):
        digest.update(piece)
    return digest.hexdigest()


class _Digest:
    """A file that only remembers the digest of what was written to it."""

    closed = False

    def __init__(self) -> None:
        self.sha256 = hashlib.sha256()

    def write(self, data: Any) -> int:
        self.sha256.update(data)
        return len(data)

    def flush(self) -> None:
        """Nothing waits."""


def table_sha256(table: pa.Table) -> str:
    """SHA-256 of the table as one Arrow IPC stream, its columns in one chunk each."""
    sink = _Digest()
    whole = table.combine_chunks()
    with pa.ipc.new_stream(pa.PythonFile(sink, mode="w"), whole.schema) as stream:
        stream.write_table(whole)
    return sink.sha256.hexdigest()
