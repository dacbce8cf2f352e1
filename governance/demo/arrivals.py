"""Who shops, and what they bought: the households into the vault, their baskets into the event store under opaque ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
import polars as pl
import pyarrow as pa

from engine.events import ingestion
from governance.demo import complete_journey
from governance.demo.identities import identities
from governance.kernel.actors import Actor, ActorKind
from governance.kernel.ids import SubjectId
from governance.kernel.progress import Progress, no_progress
from pseudonymize import vault
from pseudonymize.vault import IdentifierKind, Identity

IMPORT = Actor(ActorKind.IMPORT, "shop")
_SOURCE = "complete-journey"
# RFC 9562 §5.8 (version 8): ids of our own making, the same for the same line, so that a line offered twice is one event.
_ID_PREFIXES = {"purchase": b"zgodaP", "coupon_redeemed": b"zgodaR", "campaign_received": b"zgodaC"}
_DEPARTMENTS = {
    "GROCERY": "grocery", "FROZEN GROCERY": "grocery", "DRUG GM": "drugstore", "PRODUCE": "produce", "MEAT": "meat",
    "MEAT-PCKGD": "meat", "DELI": "deli", "CHEF SHOPPE": "deli", "RESTAURANT": "deli", "PASTRY": "bakery", "NUTRITION": "nutrition",
    "FUEL": "fuel", "SEAFOOD": "seafood", "SEAFOOD-PCKGD": "seafood", "SALAD BAR": "salad_bar", "COSMETICS": "cosmetics",
    "FLORAL": "flowers", "HOUSEWARES": "household", "GARDEN CENTER": "household",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Household:
    """A household as the story carries it: its number in the data set, its opaque id, the language it is written to in."""

    number: int
    subject: SubjectId
    language: str


@dataclass(frozen=True, slots=True)
class Enrolled:
    """Everybody who is in the vault now, and the identities that were handed in (the story compares with them later)."""

    households: list[Household]
    identities: dict[int, Identity]
    created: int
    matched: int


def enrol(limit: int | None, *, progress: Progress = no_progress) -> Enrolled:
    """Hand the households' identities to the vault; from here on they are opaque ids."""
    numbers = complete_journey.households()[:limit]
    ages = dict(complete_journey.demographics().select("household_id", "age").iter_rows())
    people = identities(numbers, ages)
    enrolment = vault.enrol(people, actor=IMPORT, source=_SOURCE, progress=progress)
    households = [
        Household(number, subject, person.values[IdentifierKind.LANGUAGE])
        for number, subject, person in zip(numbers, enrolment.subjects, people, strict=True)
        if subject is not None
    ]
    return Enrolled(households, dict(zip(numbers, people, strict=True)), enrolment.created, enrolment.matched)


def ingest(households: Sequence[Household], *, progress: Progress = no_progress) -> ingestion.Ingested:
    """Every basket line, every campaign received and every coupon redeemed, as events under opaque ids."""
    subjects = {household.number: household.subject for household in households}
    tables = [_purchases(subjects), _campaigns(subjects), _redemptions(subjects)]
    total = sum(table.num_rows for table in tables)
    done, sums = 0, ingestion.Ingested()
    for table in tables:
        before = done

        def report(rows: int, of: int, before: int = before) -> None:
            progress(before + rows, total)

        one = ingestion.ingest(table, source=_SOURCE, actor=IMPORT, progress=report)
        done += table.num_rows
        sums = ingestion.Ingested(
            sums.accepted + one.accepted,
            sums.duplicates + one.duplicates,
            sums.quarantined + one.quarantined,
            sums.refused + one.refused,
            sums.batches + one.batches,
        )
    return sums


def _purchases(subjects: Mapping[int, UUID]) -> pa.Table:
    departments = complete_journey.products().select(
        "product_id",
        department=pl.col("department").replace_strict(_DEPARTMENTS, default="other", return_dtype=pl.String),
    )
    lines = (
        complete_journey.transactions()
        .with_row_index("line")
        .filter(pl.col("household_id").is_in(list(subjects)))
        .join(departments, on="product_id", how="left", maintain_order="left")
    )
    return _events(
        "purchase",
        lines,
        subjects,
        "transaction_timestamp",
        basket=pl.col("basket_id").cast(pl.String),
        product=pl.col("product_id").cast(pl.String),
        store=pl.col("store_id").cast(pl.String),
        department=pl.col("department").fill_null("other"),
        quantity=pl.col("quantity"),
        value_cents=_cents("sales_value"),
        discount_cents=_cents("retail_disc"),
        coupon_cents=_cents("coupon_disc"),
    )


def _campaigns(subjects: Mapping[int, UUID]) -> pa.Table:
    rows = (
        complete_journey.campaign_recipients()
        .with_row_index("line")
        .filter(pl.col("household_id").is_in(list(subjects)))
    )
    return _events("campaign_received", rows, subjects, "start_date", campaign=pl.col("campaign_id").cast(pl.String))


def _redemptions(subjects: Mapping[int, UUID]) -> pa.Table:
    rows = complete_journey.redemptions().with_row_index("line").filter(pl.col("household_id").is_in(list(subjects)))
    named = {"campaign": pl.col("campaign_id").cast(pl.String), "coupon": pl.col("coupon_upc").cast(pl.String)}
    return _events("coupon_redeemed", rows, subjects, "redemption_date", **named)


def _cents(column: str) -> pl.Expr:
    """Money as whole cents."""
    return (pl.col(column) * 100).round().cast(pl.Int64)


def _events(kind: str, rows: pl.DataFrame, subjects: Mapping[int, UUID], instant: str, **fields: pl.Expr) -> pa.Table:
    """The columns that every kind has, then those of this kind."""
    chosen = rows.select(occurred_at=pl.col(instant).dt.replace_time_zone("UTC"), **fields).to_arrow()
    core = {
        "event_id": _ids(kind, rows.get_column("line").to_numpy()),
        "subject": _subject_column(rows.get_column("household_id").to_numpy(), subjects),
        "kind": pl.select(pl.repeat(kind, rows.height)).to_series().to_arrow(),
    }
    for position, (name, column) in enumerate(core.items()):
        chosen = chosen.add_column(position, name, column)
    return chosen


def _ids(kind: str, lines: np.ndarray) -> pa.Array:
    """A UUID per line: prefix, version 8, variant, and the line's number in the data set."""
    ids = np.zeros((len(lines), 16), dtype=np.uint8)
    ids[:, :6] = np.frombuffer(_ID_PREFIXES[kind], dtype=np.uint8)
    ids[:, 6], ids[:, 8] = 0x80, 0x80
    ids[:, 12:] = lines.astype(">u4").view(np.uint8).reshape(-1, 4)
    return _fixed(ids)


def _subject_column(households: np.ndarray, subjects: Mapping[int, UUID]) -> pa.Array:
    table = np.zeros((max(subjects) + 1, 16), dtype=np.uint8)
    for number, subject in subjects.items():
        table[number] = np.frombuffer(subject.bytes, dtype=np.uint8)
    return _fixed(table[households])


def _fixed(rows: np.ndarray) -> pa.Array:
    return pa.Array.from_buffers(pa.binary(16), len(rows), [None, pa.py_buffer(np.ascontiguousarray(rows))])
