"""A small shop whose customers come by a rhythm, the same at every run: some stop coming, and that is what the model is to see."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pyarrow as pa

from engine.events.kinds import DEPARTMENTS
from governance.kernel.actors import Actor, ActorKind
from governance.kernel.ids import SubjectId
from pseudonymize import vault
from pseudonymize.vault import IdentifierKind, Identity

IMPORTER = Actor(ActorKind.IMPORT, "till")
OPENED = datetime(2025, 1, 1, 8, tzinfo=UTC)
SCHEMA = pa.schema(
    [
        ("event_id", pa.binary(16)),
        ("subject", pa.string()),
        ("kind", pa.string()),
        ("occurred_at", pa.timestamp("us", "UTC")),
        ("basket", pa.string()),
        ("product", pa.string()),
        ("store", pa.string()),
        ("department", pa.string()),
        ("quantity", pa.int64()),
        ("value_cents", pa.int64()),
        ("discount_cents", pa.int64()),
        ("coupon_cents", pa.int64()),
        ("campaign", pa.string()),
        ("coupon", pa.string()),
    ]
)


def customers(count: int) -> list[SubjectId]:
    """Enrolled people with nothing but a customer number and an address."""
    kinds = IdentifierKind
    identities = [
        Identity({kinds.CUSTOMER_ID: f"c-{number}", kinds.EMAIL: f"customer{number}@example.com"})
        for number in range(count)
    ]
    done = vault.enrol(identities, actor=IMPORTER, source="till")
    assert None not in done.subjects
    return [subject for subject in done.subjects if subject is not None]


def event_id(*parts: object) -> bytes:
    """A repeatable id."""
    return random.Random(repr(parts)).randbytes(16)


def purchase(
    subject: SubjectId | UUID, at: datetime, basket: str, line: int = 0, **fields: object
) -> dict[str, object]:
    return {
        "event_id": event_id(basket, line),
        "subject": str(subject),
        "kind": "purchase",
        "occurred_at": at,
        "basket": basket,
        "product": f"p{line}",
        "quantity": 1,
        "value_cents": 250,
        **fields,
    }


def other(kind: str, subject: SubjectId | UUID, at: datetime, identifier: bytes, **fields: object) -> dict[str, object]:
    """An event of another kind than purchases."""
    return {"event_id": identifier, "subject": str(subject), "kind": kind, "occurred_at": at, **fields}


def table(rows: Iterable[dict[str, object]]) -> pa.Table:
    """Rows as the table that `ingest` takes; columns that no row has are left out."""
    rows = list(rows)
    names = [name for name in SCHEMA.names if any(name in row for row in rows)]
    return pa.Table.from_pylist(
        [{name: row.get(name) for name in names} for row in rows],
        schema=pa.schema([SCHEMA.field(name) for name in names]),
    )


def shopping(subjects: Sequence[SubjectId], days: int = 250) -> pa.Table:
    """A history for everybody: visits by a rhythm of one's own, coupons and campaigns now and then; a fifth fades away."""
    rows: list[dict[str, object]] = []
    for number, subject in enumerate(subjects):
        chance = random.Random(f"shopper {number}")
        gap, fades = chance.choice([2.0, 4.0, 7.0, 14.0]), chance.random() < 0.35
        stops = chance.uniform(100, days) if fades else float(days)
        day = chance.uniform(0, gap)
        while day < stops:
            basket = f"b{number}-{day:.4f}"
            at = OPENED + timedelta(days=day)
            rows += [
                purchase(
                    subject, at, basket, line,
                    department=chance.choice(DEPARTMENTS), quantity=chance.randint(1, 3),
                    value_cents=chance.randint(50, 3_000), discount_cents=chance.randint(0, 40), coupon_cents=chance.choice([0, 0, 0, 100]),
                )
                for line in range(chance.randint(1, 3))
            ]  # fmt: skip
            if chance.random() < 0.05:
                rows.append(other("coupon_redeemed", subject, at, event_id("r", basket), campaign="c1", coupon="k1"))
            day += chance.expovariate(1 / gap)
        rows += [
            other(
                "campaign_received",
                subject,
                OPENED + timedelta(days=30 * month),
                event_id("m", number, month),
                campaign=f"c{month}",
            )
            for month in range(8)
            if chance.random() < 0.4
        ]
    return table(rows)
