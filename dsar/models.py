"""Tables of requests. What is personal in them is ciphertext under the request's own key, destroyed when it is purged."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from django.db import models
from django.db.models import Q

from dsar.clocks import Clock, read
from dsar.controller import local_day, today
from dsar.states import (
    ANSWERED,
    ClockKind,
    IntakeChannel,
    RequestType,
    Status,
    StepAction,
    StepStatus,
    VerificationMethod,
    VerificationResult,
)
from governance.kernel.models import UuidModel


def _one_of(field: str, values: type[StrEnum]) -> Q:
    return Q(**{f"{field}__in": sorted(value.value for value in values)})


def _choices(values: type[StrEnum]) -> list[tuple[str, str]]:
    return [(value.value, value.value.replace("_", " ")) for value in values]


class SubjectRequest(UuidModel):
    """One request of a data subject: its shell. It outlives the personal data, so that the answer can be proved."""

    type = models.CharField(max_length=32, choices=_choices(RequestType))
    status = models.CharField(max_length=24, choices=_choices(Status), default=Status.RECEIVED.value)
    subject_id = models.UUIDField(null=True, db_index=True, help_text="Opaque; empty until found, and after the purge.")
    intake_channel = models.CharField(max_length=16, choices=_choices(IntakeChannel))
    language = models.CharField(max_length=8)
    received_at = models.DateTimeField()
    due_on = models.DateField()
    extended = models.BooleanField(default=False)
    answered_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    purge_on = models.DateField(null=True)
    progress_at = models.DateTimeField(help_text="The last time anything happened; the watchdog looks at it.")
    blocked_reason = models.CharField(max_length=64, blank=True)
    wrapped_key = models.BinaryField(null=True, help_text="The request's key, sealed; null once destroyed.")
    contact_ciphertext = models.BinaryField(
        null=True, help_text="The address that the code went to; letters go there too."
    )

    class Meta:
        db_table = "dsar_request"
        ordering: ClassVar[list[str]] = ["due_on", "id"]
        verbose_name = "request"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=_one_of("type", RequestType), name="dsar_request_type_known"),
            models.CheckConstraint(condition=_one_of("status", Status), name="dsar_request_status_known"),
            models.CheckConstraint(
                condition=_one_of("intake_channel", IntakeChannel), name="dsar_request_channel_known"
            ),
            models.CheckConstraint(
                condition=~Q(status=Status.PURGED.value)
                | Q(wrapped_key__isnull=True, contact_ciphertext__isnull=True, subject_id__isnull=True),
                name="dsar_request_purged_holds_nothing",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["status", "due_on"], name="dsar_request_queue")]

    def __str__(self) -> str:
        return f"{self.type} {self.id}"

    @property
    def clock(self) -> Clock:
        """The legal clock as it stands today."""
        answered = Status(self.status) in ANSWERED
        return read(local_day(self.received_at), self.due_on, today(), extended=self.extended, answered=answered)


class RequestClaim(UuidModel):
    """What the person said about themselves to be found by, sealed under the key of the request."""

    request = models.ForeignKey(SubjectRequest, on_delete=models.CASCADE, related_name="claims")
    kind = models.CharField(max_length=24)
    ciphertext = models.BinaryField()
    blind_index = models.BinaryField(help_text="Keyed digest of the claim: finds other requests of the same claimant.")

    class Meta:
        db_table = "dsar_request_claim"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["request", "kind"], name="dsar_claim_once_per_kind")
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["blind_index"], name="dsar_claim_blind_index")]


class Verification(UuidModel):
    """One identity check. Of a code only a keyed digest is kept; attempts are counted in the database, atomically."""

    request = models.ForeignKey(SubjectRequest, on_delete=models.CASCADE, related_name="verifications")
    method = models.CharField(max_length=16, choices=_choices(VerificationMethod))
    code_mac = models.BinaryField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    expires_at = models.DateTimeField(null=True)
    result = models.CharField(
        max_length=16, choices=_choices(VerificationResult), default=VerificationResult.PENDING.value
    )
    created_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "dsar_verification"
        ordering: ClassVar[list[str]] = ["id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=_one_of("method", VerificationMethod), name="dsar_verification_method_known"
            ),
            models.CheckConstraint(
                condition=_one_of("result", VerificationResult), name="dsar_verification_result_known"
            ),
            models.UniqueConstraint(
                fields=["request"],
                condition=Q(result=VerificationResult.PENDING.value),
                name="dsar_verification_one_pending",
            ),
        ]


class StatusChange(UuidModel):
    """The history of a request, append-only; each row names its entry in the audit log."""

    request = models.ForeignKey(SubjectRequest, on_delete=models.PROTECT, related_name="changes")
    from_status = models.CharField(max_length=24)
    to_status = models.CharField(max_length=24)
    at = models.DateTimeField()
    actor = models.CharField(max_length=128)
    reason_code = models.CharField(max_length=64, blank=True)
    entry_id = models.UUIDField()

    class Meta:
        db_table = "dsar_status_change"
        ordering: ClassVar[list[str]] = ["id"]

    def __str__(self) -> str:
        return f"{self.from_status} → {self.to_status}"


class ClockEvent(UuidModel):
    """What moved the legal clock, append-only."""

    request = models.ForeignKey(SubjectRequest, on_delete=models.PROTECT, related_name="clock_events")
    kind = models.CharField(max_length=8, choices=_choices(ClockKind))
    at = models.DateTimeField()
    due_on = models.DateField(help_text="The last day to answer, as it stands after this event.")

    class Meta:
        db_table = "dsar_clock_event"
        ordering: ClassVar[list[str]] = ["id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=_one_of("kind", ClockKind), name="dsar_clock_event_kind_known"),
        ]


class Extension(UuidModel):
    """The one extension of a request (Art. 12(3)); its reasons are told to the person, so they are sealed like claims."""

    request = models.OneToOneField(SubjectRequest, on_delete=models.CASCADE, related_name="extension")
    reasons_ciphertext = models.BinaryField()
    decided_by = models.CharField(max_length=128)
    decided_at = models.DateTimeField()
    due_before = models.DateField()
    due_after = models.DateField()

    class Meta:
        db_table = "dsar_extension"


class Plan(UuidModel):
    """What an erasure will do, in order: immutable. Another data map makes another version."""

    request = models.ForeignKey(SubjectRequest, on_delete=models.PROTECT, related_name="plans")
    version = models.PositiveSmallIntegerField()
    nodes = models.JSONField(help_text="Ordered: position, source, title, action, tables, expected counts.")
    expected_rows = models.PositiveIntegerField()
    content_sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=128)

    class Meta:
        db_table = "dsar_plan"
        ordering: ClassVar[list[str]] = ["version"]
        permissions = [("approve_plan", "Can approve the plan of an erasure")]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["request", "version"], name="dsar_plan_version_once")
        ]

    def __str__(self) -> str:
        return f"plan version {self.version}"


class PlanApproval(UuidModel):
    """Who let a plan be carried out, bound to the digest they saw; append-only. The reason is sealed with the request."""

    plan = models.OneToOneField(Plan, on_delete=models.PROTECT, related_name="approval")
    content_sha256 = models.CharField(max_length=64)
    approved_by = models.CharField(max_length=128)
    approved_at = models.DateTimeField()
    reason_ciphertext = models.BinaryField()

    class Meta:
        db_table = "dsar_plan_approval"


class Step(UuidModel):
    """One node of a plan as it is carried out: one source of personal data."""

    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="steps")
    position = models.PositiveSmallIntegerField()
    source_key = models.CharField(max_length=64)
    title = models.CharField(max_length=200)
    action = models.CharField(max_length=16, choices=_choices(StepAction))
    expected_counts = models.JSONField(default=dict)
    status = models.CharField(max_length=24, choices=_choices(StepStatus), default=StepStatus.PENDING.value)
    round = models.PositiveSmallIntegerField(
        default=1, help_text="Grows when the re-scan or staff open the step again."
    )
    attempts = models.PositiveSmallIntegerField(default=0, help_text="In this round.")
    deleted = models.PositiveIntegerField(default=0)
    anonymised = models.PositiveIntegerField(default=0)
    shredded = models.PositiveIntegerField(default=0)
    retained = models.JSONField(default=list, help_text="[{table, count, ground, until}]")
    error_class = models.CharField(max_length=128, blank=True)
    finished_at = models.DateTimeField(null=True)
    entry_id = models.UUIDField(null=True)

    class Meta:
        db_table = "dsar_step"
        ordering: ClassVar[list[str]] = ["plan_id", "position"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["plan", "position"], name="dsar_step_position_once"),
            models.UniqueConstraint(fields=["plan", "source_key"], name="dsar_step_source_once"),
            models.CheckConstraint(condition=_one_of("status", StepStatus), name="dsar_step_status_known"),
            models.CheckConstraint(condition=_one_of("action", StepAction), name="dsar_step_action_known"),
        ]


class StepAttempt(UuidModel):
    """One try at a step, append-only: a failed one too."""

    step = models.ForeignKey(Step, on_delete=models.PROTECT, related_name="tries")
    round = models.PositiveSmallIntegerField()
    number = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    outcome = models.CharField(max_length=24)
    counts = models.JSONField(default=dict)
    error_class = models.CharField(max_length=128, blank=True)

    class Meta:
        db_table = "dsar_step_attempt"
        ordering: ClassVar[list[str]] = ["id"]


class StaffReason(UuidModel):
    """Why staff did something with a request, in their words: sealed, because words about a person are personal data."""

    request = models.ForeignKey(SubjectRequest, on_delete=models.CASCADE, related_name="staff_reasons")
    act = models.CharField(max_length=16)
    ciphertext = models.BinaryField()
    actor = models.CharField(max_length=128)
    at = models.DateTimeField()

    class Meta:
        db_table = "dsar_staff_reason"
        ordering: ClassVar[list[str]] = ["id"]


class RescanResult(UuidModel):
    """What an independent search still found after all steps, append-only. Only zero lets a request complete."""

    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="rescans")
    at = models.DateTimeField()
    residual = models.PositiveIntegerField()
    tables = models.JSONField(help_text="[{table, column, found, retained, residual}]")
    sources = models.JSONField(help_text="[{source, residual, query_sha256}]")
    identifiers_found = models.PositiveSmallIntegerField(help_text="Claims under which the vault still finds somebody.")
    query_sha256 = models.CharField(max_length=64)

    class Meta:
        db_table = "dsar_rescan"
        ordering: ClassVar[list[str]] = ["id"]


class Certificate(UuidModel):
    """The signed answer to an erasure, append-only: no personal data, verifiable with the public key alone."""

    request = models.OneToOneField(SubjectRequest, on_delete=models.PROTECT, related_name="certificate")
    jws = models.TextField()
    body = models.JSONField()
    issued_at = models.DateTimeField()
    key_id = models.CharField(max_length=16)

    class Meta:
        db_table = "dsar_certificate"


class Artifact(UuidModel):
    """A package for the person (Art. 15, 20), sealed under the request's key until it expires."""

    request = models.OneToOneField(SubjectRequest, on_delete=models.CASCADE, related_name="artifact")
    ciphertext = models.BinaryField()
    plaintext_sha256 = models.CharField(max_length=64)
    size = models.PositiveIntegerField()
    records = models.PositiveIntegerField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    downloads = models.PositiveSmallIntegerField(default=0)

    class Meta:
        db_table = "dsar_artifact"


class Message(UuidModel):
    """A letter to the person: which one and when it left. Its text and address are made when it is sent, never stored."""

    request = models.ForeignKey(SubjectRequest, on_delete=models.PROTECT, related_name="messages")
    kind = models.CharField(max_length=24)
    queued_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "dsar_message"
        ordering: ClassVar[list[str]] = ["id"]
