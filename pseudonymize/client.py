"""For pipelines in Python: one object that pseudonymises tables, frames and batches, in the house or over REST.

    from pseudonymize.client import Pseudonymizer

    pseudonymizer = Pseudonymizer.from_policy("policy.yaml")                                      # in the house
    pseudonymizer = Pseudonymizer.from_policy("https://zgoda.example.com/policies/ml-churn-2026") # over REST, with a client's key
    training = pseudonymizer.transform(frame)

What comes back is of the kind that went in: an Arrow table for a table, a Polars or pandas frame for a frame, batches for batches. Over
REST the client's key is in the environment (ZGODA_CLIENT_KEY), the published policy is named by the address's last part, and nothing of
Django is imported here.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit
from uuid import UUID

import pyarrow as pa

from pseudonymize.errors import TableUnreadable
from pseudonymize.key_sources import KEY_VARIABLE, Service
from pseudonymize.policies.parsing import load
from pseudonymize.policies.policy import Policy

ARROW_STREAM = "application/vnd.apache.arrow.stream"


@dataclass(frozen=True)
class Outcome:
    """What a run says of itself: the id of its signed manifest, and how many rows could not be transformed."""

    manifest: str
    quarantined: int


class _Way(Protocol):
    def run(self, table: pa.Table) -> tuple[pa.Table, Outcome]: ...


@dataclass
class Pseudonymizer:
    """A policy, ready to be applied. ``last`` is what the latest run said."""

    _way: _Way
    last: Outcome | None = field(default=None)

    @classmethod
    def from_policy(
        cls,
        policy: str | Path | Mapping[str, Any] | Policy,
        *,
        activity: str = "pipeline",
        verdict_id: UUID | None = None,
        key_variable: str = KEY_VARIABLE,
    ) -> Pseudonymizer:
        """From a policy's file, text, mapping or value: in the house, which needs its settings. From an address: over REST.

        ``activity``: the processing activity that wants the data; ``verdict_id``: the gate's verdict that permits it. Raises PolicyInvalid.
        """
        if isinstance(policy, str) and policy.startswith(("https://", "http://")):
            return cls(_Remote.at(policy, activity, verdict_id, key_variable))
        return cls(_InHouse(_loaded(policy), activity, verdict_id))

    def transform(self, data: Any) -> Any:
        """The data as the policy wants it, of the same kind: Arrow table, record batch or reader, Polars or pandas frame, or an iterable
        of record batches, which comes back as an iterator.

        Raises what a run raises; over REST ServiceRefused with the service's code.
        """
        table, back = _taken(data)
        made, self.last = self._way.run(table)
        return back(made)


def _loaded(policy: str | Path | Mapping[str, Any] | Policy) -> Policy:
    if isinstance(policy, Policy):
        return policy
    if isinstance(policy, Mapping):
        return load(json.dumps(policy, ensure_ascii=False, indent=1))  # JSON is YAML
    return load(policy)


def _taken(data: Any) -> tuple[pa.Table, Any]:
    """The data as a table, and the way back to its own kind."""
    if isinstance(data, pa.Table):
        return data, lambda table: table
    if isinstance(data, pa.RecordBatch):
        return pa.Table.from_batches(
            [data]
        ), lambda table: table.combine_chunks().to_batches()[0] if len(table) else _empty(table)
    if isinstance(data, pa.RecordBatchReader):
        return data.read_all(), lambda table: table.to_reader()
    module = type(data).__module__.partition(".")[0]
    if module == "polars":
        import polars as pl

        whole = data.collect() if isinstance(data, pl.LazyFrame) else data
        return whole.to_arrow(), pl.from_arrow
    if module == "pandas":
        return pa.Table.from_pandas(data, preserve_index=False), lambda table: table.to_pandas()
    if hasattr(data, "__arrow_c_stream__"):
        return pa.table(data), lambda table: table
    if isinstance(data, Iterable) and not isinstance(data, (str, bytes, Mapping)):
        return _gathered(data), _batches
    raise TableUnreadable("This is not a table of Arrow columns.")


def _gathered(data: Iterable[Any]) -> pa.Table:
    batches = list(data)
    if not batches or not all(isinstance(batch, pa.RecordBatch) for batch in batches):
        raise TableUnreadable("Batches are Arrow record batches, one at least.")
    return pa.Table.from_batches(batches)


def _batches(table: pa.Table) -> Iterator[pa.RecordBatch]:
    yield from table.to_batches()


def _empty(table: pa.Table) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([], schema=table.schema)


@dataclass(frozen=True)
class _InHouse:
    policy: Policy
    activity: str
    verdict_id: UUID | None

    def run(self, table: pa.Table) -> tuple[pa.Table, Outcome]:
        import django
        from django.apps import apps

        if not apps.ready:
            django.setup()
        from governance.kernel.actors import SYSTEM
        from governance.kernel.ids import opaque
        from pseudonymize.runs import batch

        done = batch.apply(table, self.policy, actor=SYSTEM, activity=self.activity, verdict_id=self.verdict_id)
        return done.table, Outcome(opaque("man", done.manifest.id), len(done.quarantined))


@dataclass(frozen=True)
class _Remote:
    service: Service
    policy: str
    query: Mapping[str, str]

    @classmethod
    def at(cls, address: str, activity: str, verdict_id: UUID | None, key_variable: str) -> _Remote:
        asked = urlsplit(address)
        place, _, name = asked.path.rstrip("/").rpartition("/policies/")
        if not name:
            raise ValueError("An address names its policy at the end: https://zgoda.example.com/policies/ml-churn-2026")
        query = {"policy": name, "activity": activity} | ({"verdict_id": str(verdict_id)} if verdict_id else {})
        base = place.removesuffix("/api/v1/pseudonymize").removesuffix("/")
        return cls(Service(f"{asked.scheme}://{asked.netloc}{base}", key_variable), name, query)

    def run(self, table: pa.Table) -> tuple[pa.Table, Outcome]:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)
        answer = self.service.ask("pseudonymize", sink.getvalue().to_pybytes(), ARROW_STREAM, **self.query)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        with pa.ipc.open_stream(answer.body) as made:
            table = made.read_all()
        statement = _stated((table.schema.metadata or {}).get(b"zgoda.manifest", b""))
        outcome = Outcome(headers.get("zgoda-manifest", ""), statement["rows"]["quarantined"])
        return table.replace_schema_metadata(None), outcome


def _stated(jws: bytes) -> dict[str, Any]:
    """What a manifest states. Who has to know that the service signed it verifies it (`manifests.verify`, or the API)."""
    payload = jws.split(b".")[1]
    stated: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)))
    return stated
