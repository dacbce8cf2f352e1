"""Tables of long work: files that were handed in, and outputs that move to a new epoch."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from governance.kernel.ids import opaque
from governance.kernel.models import UuidModel
from pseudonymize.models.domains import Manifest, PolicyVersion


class WorkState(models.TextChoices):
    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


class FileJob(UuidModel):
    """A file that a client handed in to be pseudonymised. The files lie in a directory of the job's own until they are collected, sealed
    under a key of the job's own; without it, which is here and wrapped, nobody reads them or a copy of them."""

    policy = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="file_jobs")
    activity = models.CharField(max_length=160)
    verdict_id = models.UUIDField(null=True, blank=True)
    format = models.CharField(max_length=8)
    actor = models.CharField(max_length=100)
    state = models.CharField(max_length=8, choices=WorkState.choices, default=WorkState.WAITING)
    rows_done = models.PositiveBigIntegerField(default=0)
    rows_total = models.PositiveBigIntegerField(null=True, blank=True)
    bytes_in = models.PositiveBigIntegerField()
    wrapped = models.BinaryField(null=True, help_text="The key of its files, wrapped; gone with them.")
    kek_version = models.PositiveIntegerField(null=True)
    manifest = models.ForeignKey(Manifest, on_delete=models.PROTECT, null=True, blank=True, related_name="file_jobs")
    problem = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(help_text="When its files are deleted.")

    class Meta:
        verbose_name = "file to pseudonymise"
        verbose_name_plural = "files to pseudonymise"
        db_table = "pseudonymize_file_job"

    def __str__(self) -> str:
        return opaque("fil", self.id)


class Remap(UuidModel):
    """Moving one output's tokens from an epoch of its domain's keys to the current one, with what came of it."""

    manifest = models.ForeignKey(Manifest, on_delete=models.PROTECT, related_name="remaps")
    from_epoch = models.PositiveIntegerField()
    to_epoch = models.PositiveIntegerField()
    source = models.CharField(max_length=500, help_text="The output's file.")
    output = models.CharField(max_length=500)
    actor = models.CharField(max_length=100)
    state = models.CharField(max_length=8, choices=WorkState.choices, default=WorkState.WAITING)
    rows_done = models.PositiveBigIntegerField(default=0)
    rows_total = models.PositiveBigIntegerField(null=True, blank=True)
    mapped = models.PositiveBigIntegerField(default=0)
    unmapped = models.PositiveBigIntegerField(default=0, help_text="Tokens whose value nobody knows any more.")
    output_sha256 = models.CharField(max_length=64, blank=True)
    problem = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "re-mapping"
        db_table = "pseudonymize_remap"
        constraints = [
            models.CheckConstraint(condition=~Q(from_epoch=models.F("to_epoch")), name="remap_between_two_epochs")
        ]

    def __str__(self) -> str:
        return opaque("rem", self.id)
