"""Tables of events. Rows are written by `ingestion` with COPY, never one by one through `save()`."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q

from governance.kernel.models import UuidModel


class IngestBatch(models.Model):
    """Events that came together: one transaction, one log entry. `offered` = accepted + duplicates + quarantined + refused."""

    id = models.AutoField(primary_key=True)  # four bytes, because every event carries it
    source = models.CharField(max_length=100)
    actor = models.CharField(max_length=100)
    received_at = models.DateTimeField()
    offered = models.PositiveIntegerField()
    accepted = models.PositiveIntegerField()
    duplicates = models.PositiveIntegerField()
    quarantined = models.PositiveIntegerField()
    refused = models.PositiveIntegerField()
    removed = models.PositiveIntegerField(default=0)
    """How many of the accepted events erasures have deleted since."""
    digest_sha256 = models.CharField(max_length=64)
    entry_id = models.UUIDField(null=True)

    class Meta:
        db_table = "engine_event_batch"
        verbose_name = "event batch"
        verbose_name_plural = "event batches"
        constraints = [
            models.CheckConstraint(
                name="event_batch_adds_up",
                condition=Q(
                    offered=models.F("accepted")
                    + models.F("duplicates")
                    + models.F("quarantined")
                    + models.F("refused")
                ),
            ),
            models.CheckConstraint(name="event_batch_removed", condition=Q(removed__lte=models.F("accepted"))),
        ]

    def __str__(self) -> str:
        return f"batch {self.pk} from {self.source}"


class Event(models.Model):
    """One thing that one person did. Typed columns hold the fields of purchases, `attributes` those of the other kinds.

    Typed, because jsonb took 40 % longer to load and 60 % more room (1.47 million lines: 209 against 425 MB). One table, because a
    partition by time would need the time in its key, and then one event id could be accepted once in each partition: idempotence by id
    is the promise, so deletion by age goes through the summaries by block range. Ids that follow time (`identity`) would let the table
    be partitioned by ranges of the id when it outgrows one.

    The batch is a number and no foreign key: its check would cost as much as the row. `check_invariants` looks instead.
    """

    event_id = models.UUIDField(primary_key=True)
    subject_id = models.UUIDField()
    kind = models.TextField(db_collation="C")
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField()
    batch = models.IntegerField()
    store = models.TextField(null=True, db_collation="C")  # noqa: DJ001 - null: the kind has no such field
    basket = models.TextField(null=True, db_collation="C")  # noqa: DJ001
    product = models.TextField(null=True, db_collation="C")  # noqa: DJ001
    department = models.TextField(null=True, db_collation="C")  # noqa: DJ001
    quantity = models.IntegerField(null=True)
    value_cents = models.IntegerField(null=True)
    discount_cents = models.IntegerField(null=True)
    coupon_cents = models.IntegerField(null=True)
    attributes = models.JSONField(null=True)

    class Meta:
        db_table = "engine_event"
        indexes = [
            models.Index(fields=["subject_id", "occurred_at"], name="event_subject"),
            # Batches and times follow the order of arrival, so a summary per block range finds them.
            BrinIndex(fields=["batch"], name="event_batch"),
            BrinIndex(fields=["occurred_at"], name="event_occurred"),
        ]
        constraints = [
            models.CheckConstraint(
                name="event_purchase_complete",
                condition=~Q(kind="purchase")
                | Q(basket__isnull=False, product__isnull=False, quantity__isnull=False, value_cents__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.event_id}"


class QuarantinedEvent(UuidModel):
    """A row that does not fit its schema, kept until somebody releases or discards it.

    What it says is sealed: under the subject's key when the subject is known, else under a key of the quarantine.
    """

    batch = models.ForeignKey(IngestBatch, on_delete=models.PROTECT, related_name="quarantine")
    subject_id = models.UUIDField(null=True, db_index=True)
    reasons = ArrayField(models.CharField(max_length=100))
    payload = models.BinaryField()
    fingerprint = models.BinaryField(max_length=32, unique=True)
    """HMAC of the row under a key outside the database: the same bad row offered again is the same row here."""
    received_at = models.DateTimeField()

    class Meta:
        db_table = "engine_event_quarantine"
        verbose_name = "quarantined event"

    def __str__(self) -> str:
        return f"quarantined {self.pk}"
