"""Rotation that keeps joins: a value's tokens in every living epoch, and outputs moved from an old epoch to the current one.

After `domains.next_epoch` new runs make new tokens. Until an older output is moved, whoever looks a value up in it asks for the tokens
of all living epochs. Moving needs no plaintext outside this process: tokens with a way back are opened and made anew in memory; keyed
MACs are made for everybody in the vault, old and new, side by side. What nobody knows any more stays as it is and is counted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from django.db import transaction
from django.db.models import F

from audit import log
from governance.jobs.handlers import Args, handles
from governance.jobs.queue import schedule
from governance.kernel.actors import SYSTEM, Actor
from governance.kernel.clock import now
from governance.kernel.errors import GovernanceError
from pseudonymize.crossings import reversal
from pseudonymize.crossings.token_matching import TOKENS, identified_by, people, tokens_of
from pseudonymize.errors import KeyDestroyed, ManifestInvalid, ManifestUnknown, NotReversible, TableUnreadable
from pseudonymize.keys import masters, usage
from pseudonymize.kits import key_use
from pseudonymize.models import Domain, KeyStatus, Manifest, MasterKey, Remap, WorkState
from pseudonymize.policies.parsing import parse
from pseudonymize.policies.policy import Policy, Rule, TokenMac
from pseudonymize.runs.manifests import file_sha256

if TYPE_CHECKING:
    from governance.jobs.leases import Lease

REMAP = "pseudonymize.remap"
_BATCH_ROWS = 65_536


@dataclass(frozen=True, repr=False, slots=True)
class Remapped:
    """A column in its new epoch, and how many distinct tokens were mapped and not."""

    values: pa.Array
    mapped: int
    unmapped: int


def living_epochs(domain: Domain) -> list[int]:
    """The epochs whose keys are there, the current one first."""
    rows = MasterKey.objects.filter(name=masters.space_of(domain), wrapped__isnull=False, epoch__lte=domain.epoch)
    return list(rows.exclude(status=KeyStatus.NEXT).order_by("-epoch").values_list("epoch", flat=True))


def tokens_by_epoch(rule: Rule, value: str, domain: Domain) -> dict[int, str]:
    """The token of one value in every living epoch: look for any of them where outputs of several epochs lie together."""
    made = {epoch: tokens_of(rule, pa.array([value]), domain, epoch)[0].as_py() for epoch in living_epochs(domain)}
    return {epoch: token for epoch, token in made.items() if token is not None}


def remap(rule: Rule, values: pa.Array, domain: Domain, *, source: int, target: int) -> Remapped:
    """Tokens of epoch `source` as those of epoch `target`; each distinct one once. Nulls stay null, and so does what is not known stay.

    Raises KeyDestroyed when the old epoch's keys are gone, NotReversible for a one-way rule that does not say what it identifies.
    """
    encoded = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    encoded = encoded.dictionary_decode() if pa.types.is_dictionary(encoded.type) else encoded
    encoded = encoded.cast(pa.string()).dictionary_encode()
    before = encoded.dictionary
    after = (
        _through_the_vault(rule, before, domain, source, target)
        if isinstance(rule, TokenMac)
        else _directly(rule, before, domain, source, target)
    )
    unmapped = after.null_count
    renewed = pc.if_else(after.is_null(), before, after)
    return Remapped(renewed.take(encoded.indices), len(before) - unmapped, unmapped)


def _directly(rule: Rule, before: pa.Array, domain: Domain, source: int, target: int) -> pa.Array:
    return tokens_of(rule, reversal.values(rule, before, domain, source), domain, target)


def _through_the_vault(rule: TokenMac, before: pa.Array, domain: Domain, source: int, target: int) -> pa.Array:
    kind = identified_by(rule)
    if kind is None:
        raise NotReversible("The policy does not say what these tokens identify.", transform=rule.word)
    found = {token: value for token, _, value in people(rule, kind, before.to_pylist(), domain, source)}
    return tokens_of(rule, pa.array([found.get(token) for token in before.to_pylist()], pa.string()), domain, target)


def start(manifest: UUID, source: Path, output: Path, *, actor: Actor) -> UUID:
    """Have a job move an output of an earlier epoch (Parquet) to the domain's current one. Returns the re-mapping's id.

    Raises ManifestUnknown, ManifestInvalid when the file is not that run's output, KeyDestroyed when its epoch is gone, TableUnreadable.
    """
    row = Manifest.objects.select_related("policy__domain").filter(id=manifest).first()
    if row is None:
        raise ManifestUnknown
    if source.suffix != ".parquet" or output.suffix != ".parquet" or not source.is_file() or source == output:
        raise TableUnreadable("A re-mapping reads one .parquet file and writes another.")
    if row.statement.get("output_sha256") != file_sha256(source):
        raise ManifestInvalid("The manifest is about another output.")
    epoch = int(row.statement["domain"]["epoch"])
    if epoch not in living_epochs(row.policy.domain) or epoch == row.policy.domain.epoch:
        raise KeyDestroyed("That output is of the current epoch, or of one whose keys are gone.", epoch=epoch)
    with transaction.atomic():
        made = Remap.objects.create(
            manifest=row,
            from_epoch=epoch,
            to_epoch=row.policy.domain.epoch,
            source=str(source),
            output=str(output),
            actor=str(actor),
            rows_total=row.rows_out,
            created_at=now(),
        )
        log.emit("remap.started", actor=actor, object=f"remap:{made.id}", facts={"from": epoch, "to": made.to_epoch})
        schedule(REMAP, {"remap": str(made.id)})
    return made.id


@handles(REMAP, max_attempts=5, lease_seconds=300)
def work(args: Args, lease: Lease) -> None:
    """Move one output, batch by batch; from the beginning again after a crash. Its file is in its place only when it is whole."""
    row = Remap.objects.select_related("manifest__policy__domain").get(id=UUID(str(args["remap"])))
    if row.state == WorkState.DONE:
        return
    fresh: dict[str, object] = {"state": WorkState.RUNNING, "rows_done": 0, "mapped": 0, "unmapped": 0}
    Remap.objects.filter(id=row.id).update(**fresh)
    try:
        _rewrite(row, heartbeat=lease.heartbeat)
    except GovernanceError as problem:
        Remap.objects.filter(id=row.id).update(
            state=WorkState.FAILED, problem={"code": problem.code, "title": str(problem.title)}, finished_at=now()
        )
        return
    with transaction.atomic():
        lease.check()
        done = Remap.objects.select_for_update().get(id=row.id)
        done.state, done.finished_at, done.output_sha256 = WorkState.DONE, now(), file_sha256(Path(row.output))
        done.save(update_fields=["state", "finished_at", "output_sha256"])
        facts = {"rows": done.rows_done, "mapped": done.mapped, "unmapped": done.unmapped}
        log.emit(
            "remap.done", actor=SYSTEM, object=f"remap:{row.id}", facts=facts | {"output_sha256": done.output_sha256}
        )


def _rewrite(row: Remap, *, heartbeat: Callable[[], None]) -> None:
    policy, domain, output = parse(row.manifest.policy.text), row.manifest.policy.domain, Path(row.output)
    beside = output.with_name(f".{output.name}.{row.id}.half")
    try:
        with (
            pq.ParquetFile(row.source, pre_buffer=False) as file,
            pq.ParquetWriter(beside, file.schema_arrow) as writer,
        ):
            for batch in file.iter_batches(batch_size=_BATCH_ROWS):
                table, mapped, unmapped = _remapped(pa.Table.from_batches([batch]), policy, domain, row)
                writer.write_table(table.cast(file.schema_arrow))
                Remap.objects.filter(id=row.id).update(
                    rows_done=F("rows_done") + len(table),
                    mapped=F("mapped") + mapped,
                    unmapped=F("unmapped") + unmapped,
                )
                heartbeat()
        beside.replace(output)
    except (pa.ArrowException, OSError):
        raise TableUnreadable("The output cannot be read or written as Parquet.") from None
    finally:
        beside.unlink(missing_ok=True)


def _remapped(table: pa.Table, policy: Policy, domain: Domain, row: Remap) -> tuple[pa.Table, int, int]:
    counts = np.zeros(2, dtype=np.int64)
    for place, name in enumerate(table.column_names):
        rule = policy.columns.get(name)
        if isinstance(rule, TOKENS):
            for kind, blocks in key_use.of_table(table.select([name]), {name: rule}).items():
                usage.encrypted(masters.space_of(domain), row.to_epoch, kind, blocks)
            done = remap(rule, table[name], domain, source=row.from_epoch, target=row.to_epoch)
            table = table.set_column(place, name, done.values)
            counts += (done.mapped, done.unmapped)
    return table, int(counts[0]), int(counts[1])
