"""Tables: AI systems, model versions, and the append-only history of what people decided about them. No personal data
of subjects."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from governance.accounts.models import User
from governance.airegister.stages import LOG_RETENTION_DAYS, RiskClass, Role, Stage
from governance.kernel.models import UuidModel


class AISystem(UuidModel):
    """An AI system (AI Act Art. 3(1)) that we provide or deploy, with what a person who oversees it needs to know."""

    key = models.CharField(max_length=100, unique=True, help_text="As code names it, for example lapse-prediction.")
    name = models.CharField(max_length=160)
    role = models.CharField(max_length=10, choices=[(role.value, role.value) for role in Role])
    intended_purpose = models.TextField(help_text="Art. 3(12).")
    risk_class = models.CharField(max_length=12, choices=[(risk.value, risk.value) for risk in RiskClass])
    risk_reasoning = models.TextField(
        help_text="Why this class; for high risk the point of Annex III, else why none applies."
    )
    oversight_owner = models.ForeignKey(
        User,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who oversees it (Art. 14, 26(2)).",
    )
    instructions = models.TextField(blank=True, help_text="Instructions for use (Art. 13, 26(1)).")
    transparency_en = models.TextField(blank=True, help_text="What people are told (Art. 50), in English.")
    transparency_pl = models.TextField(blank=True, help_text="The same in Polish.")
    log_retention_days = models.PositiveIntegerField(default=365, help_text="Art. 19(1), 26(6): six months at least.")
    stopped_at = models.DateTimeField(null=True, blank=True, editable=False)
    stop_reason = models.TextField(blank=True, editable=False)
    registered_at = models.DateTimeField(editable=False)

    objects: ClassVar[models.Manager["AISystem"]] = models.Manager()

    class Meta:
        verbose_name = "AI system"
        ordering = ["key"]
        constraints = [
            models.CheckConstraint(
                name="airegister_logs_six_months", condition=Q(log_retention_days__gte=LOG_RETENTION_DAYS)
            ),
            models.CheckConstraint(
                name="airegister_stop_has_reason", condition=Q(stopped_at__isnull=True) | ~Q(stop_reason="")
            ),
            models.CheckConstraint(
                name="airegister_risk_reasoned", condition=~Q(risk_reasoning="") & ~Q(intended_purpose="")
            ),
        ]

    def __str__(self) -> str:
        return self.key


class ModelVersion(UuidModel):
    """A trained model: the digest of its artefact and what it was trained on never change, its stage does."""

    system = models.ForeignKey(AISystem, on_delete=models.PROTECT, related_name="+")
    version = models.CharField(max_length=100)
    artifact_sha256 = models.CharField(max_length=64)
    training_manifest_id = models.UUIDField(null=True, help_text="Of the pseudonymised training set (pseudonymize).")
    metrics = models.JSONField(default=dict)
    stage = models.CharField(
        max_length=10, choices=[(stage.value, stage.value) for stage in Stage], default=Stage.REGISTERED
    )
    stage_at = models.DateTimeField()
    registered_at = models.DateTimeField()

    objects: ClassVar[models.Manager["ModelVersion"]] = models.Manager()

    class Meta:
        ordering = ["system", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["system", "version"], name="airegister_version_once"),
            models.UniqueConstraint(fields=["system"], condition=Q(stage="live"), name="airegister_one_live"),
            models.CheckConstraint(
                name="airegister_stage_known", condition=Q(stage__in=[stage.value for stage in Stage])
            ),
            models.CheckConstraint(name="airegister_digest_form", condition=Q(artifact_sha256__regex="^[0-9a-f]{64}$")),
        ]

    def __str__(self) -> str:
        return f"{self.system} {self.version}"


class Act(models.TextChoices):
    """What people decided."""

    REGISTERED = "registered", "Registered"
    PROMOTED = "promoted", "Moved to another stage"
    STOPPED = "stopped", "Stopped"
    RESUMED = "resumed", "Resumed"


class OversightAct(UuidModel):
    """One decision of a person about a system or a version of it, append-only (AI Act Art. 14, 26)."""

    system = models.ForeignKey(AISystem, on_delete=models.PROTECT, related_name="acts")
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, null=True, related_name="acts")
    act = models.CharField(max_length=10, choices=Act)
    before = models.CharField(max_length=10, blank=True)
    after = models.CharField(max_length=10, blank=True)
    reason = models.TextField(blank=True)
    actor = models.CharField(max_length=100)
    at = models.DateTimeField()
    entry_id = models.UUIDField(help_text="Of the audit log.")

    class Meta:
        ordering = ["-id"]
        constraints = [models.CheckConstraint(name="airegister_act_known", condition=Q(act__in=Act.values))]
