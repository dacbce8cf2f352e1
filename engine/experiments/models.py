"""Tables: experiments, and who was exposed to which arm."""

from django.db import models
from django.db.models import Q

from governance.kernel.models import UuidModel


class Experiment(UuidModel):
    """What is compared. Arms and shares never change: an assignment follows from them."""

    key = models.SlugField(max_length=64, unique=True)
    arms = models.JSONField("arms and weights")
    holdout = models.FloatField(default=0.0)
    defined_at = models.DateTimeField()
    defined_by = models.CharField(max_length=120)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(holdout__gte=0, holdout__lt=1), name="experiments_holdout_share")
        ]

    def __str__(self) -> str:
        return self.key


class Exposure(models.Model):
    """Somebody for whom the arm made a difference, from the first time on."""

    id = models.BigAutoField(primary_key=True)
    experiment = models.ForeignKey(Experiment, on_delete=models.PROTECT, db_index=False)
    subject_id = models.UUIDField(db_index=True)
    arm = models.CharField(max_length=64)
    exposed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["experiment", "subject_id"], name="experiments_exposed_once"),
        ]

    def __str__(self) -> str:
        return f"exposure:{self.pk}"
