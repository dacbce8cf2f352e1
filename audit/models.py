"""Tables of the log and of decision records. Rows are written by the verbs of this package, in columns, not through ``save()``.

Append-only: ``Entry, Leaf, Tile, Checkpoint, Anchor, ErasedSubject, ErasedLink, DecisionBatch``. Erasable: ``SubjectLink, Decision,
Review`` (what is about a person). Queues: ``Staged`` and ``StagedLink``, emptied by the sequencer, and ``DirectChange``.
"""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models

from governance.kernel.models import UuidModel


class EntryColumns(UuidModel):
    """One fact that was recorded. ``header`` holds the exact bytes that were hashed (UTF-8); the other columns repeat it."""

    header = models.TextField()
    leaf_hash = models.BinaryField(max_length=32)
    action = models.TextField()
    actor = models.TextField()
    object = models.TextField()
    purpose = models.TextField(default="")
    subject_tag = models.TextField(default="")
    occurred_at = models.DateTimeField()
    transaction_id = models.UUIDField()

    class Meta:
        abstract = True


class Entry(EntryColumns):
    """What was recorded, with a number or waiting for one: the table of what waits inherits from this one."""

    class Meta:
        db_table = "audit_entry"
        verbose_name = "log entry"
        verbose_name_plural = "log entries"
        # Narrow indexes that each end in the id, which is ordered by time.
        indexes = [
            models.Index(fields=["action", "id"], name="audit_entry_action"),
            models.Index(fields=["object", "id"], name="audit_entry_object"),
            models.Index(fields=["actor", "id"], name="audit_entry_actor"),
            models.Index(fields=["transaction_id"], name="audit_entry_transaction"),
            BrinIndex(
                fields=["occurred_at"], name="audit_entry_occurred_at"
            ),  # rows arrive in this order: a few pages do
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.id}"


class Staged(EntryColumns):
    """An entry that has no number yet, and what the sequencer goes by, which moves the row over in the transaction that numbers it.

    It reads this table alone, so its work grows with what waits and not with what was ever logged. It needs no cursor: whatever is
    committed and not numbered is here, in whatever order it became visible.
    """

    writer = models.UUIDField()
    number = models.BigIntegerField()
    mac = models.BinaryField(max_length=32)
    refused = models.BooleanField(default=False, db_default=False)

    class Meta:
        db_table = "audit_staged"


class WriterCount(models.Model):
    """How many entries of a writer have numbers in the log (audit/writers.py). ``mac`` binds the count under a key outside the database."""

    writer = models.UUIDField(primary_key=True)
    number = models.BigIntegerField()
    mac = models.BinaryField(max_length=32)
    seen_at = models.DateTimeField()

    class Meta:
        db_table = "audit_writer"


class Leaf(models.Model):
    """The index: which entry has which number. ``mac`` binds the number to the entry under a key outside the database."""

    seq = models.BigIntegerField(primary_key=True)
    entry_id = models.UUIDField(unique=True)
    leaf_hash = models.BinaryField(max_length=32)
    mac = models.BinaryField(max_length=32)

    class Meta:
        db_table = "audit_leaf"
        constraints = [models.CheckConstraint(condition=models.Q(seq__gte=0), name="audit_leaf_seq")]


class Tile(models.Model):
    """A full tile of 256 hashes (C2SP tlog-tiles) and the root over it; partial tiles are read from the level below."""

    pk = models.CompositePrimaryKey("level", "index")
    level = models.SmallIntegerField()
    index = models.BigIntegerField()
    hashes = models.BinaryField(max_length=8192)
    root = models.BinaryField(max_length=32)

    class Meta:
        db_table = "audit_tile"


class Checkpoint(models.Model):
    """The tree's head at a size, and the signed note that says so."""

    size = models.BigIntegerField(primary_key=True)
    root = models.BinaryField(max_length=32)
    note = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        db_table = "audit_checkpoint"

    def __str__(self) -> str:
        return f"checkpoint at {self.size}"


class SubjectLink(models.Model):
    """Whom an entry's tag stands for, until an erasure deletes the row (Art. 17)."""

    pk = models.CompositePrimaryKey("entry_id", "role")
    entry_id = models.UUIDField()
    role = models.TextField()
    subject_id = models.UUIDField()
    salt = models.BinaryField(max_length=32)

    class Meta:
        db_table = "audit_subject_link"
        indexes = [models.Index(fields=["subject_id"], name="audit_link_subject")]


class StagedLink(models.Model):
    """The link of an entry that has no number yet. The table inherits from that of ``SubjectLink``, which is where to read and to erase."""

    pk = models.CompositePrimaryKey("entry_id", "role")
    entry_id = models.UUIDField()
    role = models.TextField()
    subject_id = models.UUIDField()
    salt = models.BinaryField(max_length=32)

    class Meta:
        db_table = "audit_staged_link"


class ErasedSubject(models.Model):
    """A subject for whom no link is made any more: HMAC of the id under a key outside the database, so that nobody reads it back."""

    tag = models.BinaryField(primary_key=True, max_length=32)

    class Meta:
        db_table = "audit_erased_subject"


class ErasedLink(models.Model):
    """A link that an erasure deleted, or did not make: HMAC of entry and role under a key outside the database.

    It tells an erased link from one that somebody deleted, and not whose it was.
    """

    tag = models.BinaryField(primary_key=True, max_length=32)

    class Meta:
        db_table = "audit_erased_link"


class Anchor(UuidModel):
    """Evidence from outside that a checkpoint existed: a witness's cosignature, a time stamp, the place of a copy."""

    class Kind(models.TextChoices):
        WITNESS = "witness"
        TIMESTAMP = "timestamp"
        BUCKET = "bucket"
        DIRECTORY = "directory"

    kind = models.TextField(choices=Kind.choices)
    name = models.TextField()
    size = models.BigIntegerField()
    evidence = models.BinaryField()
    anchored_at = models.DateTimeField()

    class Meta:
        db_table = "audit_anchor"
        constraints = [models.UniqueConstraint(fields=["kind", "name", "size"], name="audit_anchor_once")]

    def __str__(self) -> str:
        return f"{self.kind} at {self.size}"


class ExportCursor(models.Model):
    """How far entries were handed over to a SIEM: everything below ``seq`` was."""

    name = models.TextField(primary_key=True)
    seq = models.BigIntegerField()
    moved_at = models.DateTimeField()

    class Meta:
        db_table = "audit_export_cursor"


class Anomaly(UuidModel):
    """Something unusual in who looked at what. ``signature`` is the rule, the actor and the window: each is raised once."""

    rule = models.TextField()
    actor = models.TextField()
    signature = models.TextField(unique=True)
    observed = models.IntegerField()
    expected = models.FloatField()
    window_start_at = models.DateTimeField()
    found_at = models.DateTimeField()

    class Meta:
        db_table = "audit_anomaly"
        verbose_name_plural = "anomalies"

    def __str__(self) -> str:
        return f"{self.rule} {self.id}"


class DirectChange(models.Model):
    """A change of a configuration table that went past the models: noticed by a trigger, soon an entry of the log."""

    id = models.BigAutoField(primary_key=True)
    label = models.TextField()
    object_key = models.TextField()
    operation = models.TextField()
    columns = models.TextField()
    role = models.TextField()
    at = models.DateTimeField()

    class Meta:
        db_table = "audit_direct_change"


class DecisionBatch(UuidModel):
    """Decisions that were made together: what they share, and the inner Merkle tree that one log entry commits to."""

    entry_id = models.UUIDField(unique=True)
    header = models.TextField()
    kind = models.TextField()
    purpose = models.TextField()
    model_version = models.TextField()
    policy_version = models.TextField()
    count = models.IntegerField()
    root = models.BinaryField(max_length=32)
    leaf_hashes = models.BinaryField()
    tile_roots = models.BinaryField()
    created_at = models.DateTimeField()
    request_key = models.BinaryField(
        max_length=32, null=True, unique=True, help_text="Digest of who asked and their key for retries."
    )
    request_mac = models.BinaryField(max_length=32, null=True, help_text="What was asked, under that key.")

    class Meta:
        db_table = "audit_decision_batch"
        verbose_name = "decision batch"
        verbose_name_plural = "decision batches"

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class Decision(UuidModel):
    """One automated decision about one person: the exact record that was hashed, and its frozen input as ciphertext.

    Deleted as a whole by an erasure; the batch keeps the hash, so that older proofs still verify.
    """

    batch = models.ForeignKey(DecisionBatch, on_delete=models.PROTECT, db_index=False, related_name="decisions")
    position = models.IntegerField()
    subject_id = models.UUIDField()
    salt = models.BinaryField(max_length=32)
    verdict_id = models.UUIDField(null=True)
    consent_event_id = models.UUIDField(null=True)
    chosen = models.TextField()
    score = models.FloatField()
    record = models.BinaryField()
    sealed_input = models.BinaryField()

    class Meta:
        db_table = "audit_decision"
        constraints = [models.UniqueConstraint(fields=["batch", "position"], name="audit_decision_position")]
        indexes = [models.Index(fields=["subject_id", "id"], name="audit_decision_subject")]


class Review(UuidModel):
    """A person's look at an automated decision (Art. 22(3)). Statement and reason are ciphertext, sealed by the caller."""

    class State(models.TextChoices):
        OPEN = "open"
        ASSIGNED = "assigned"
        DECIDED = "decided"

    class Outcome(models.TextChoices):
        UPHELD = "upheld"
        REVERSED = "reversed"
        CHANGED = "changed"

    decision_id = models.UUIDField(db_index=True)
    subject_id = models.UUIDField(db_index=True)
    state = models.TextField(choices=State.choices, default=State.OPEN)
    sealed_statement = models.BinaryField()
    assignee = models.TextField(default="")
    outcome = models.TextField(choices=Outcome.choices, default="")
    ground = models.TextField(default="")
    sealed_reason = models.BinaryField(default=b"")
    new_action = models.TextField(default="", help_text="What takes the place of the decision; empty when it stands.")
    language = models.TextField(default="en", help_text="In which the person asked, and is answered.")
    opened_at = models.DateTimeField()
    due_on = models.DateField()
    decided_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True, help_text="When the person was told.")

    class Meta:
        db_table = "audit_review"
        constraints = [
            models.UniqueConstraint(
                fields=["decision_id"], condition=~models.Q(state="decided"), name="audit_review_one_open_per_decision"
            )
        ]
