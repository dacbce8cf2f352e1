"""Tables: versions of datasets, budgets, the ledger of spends, releases. Nothing here holds an exact figure or a
person."""

from django.db import models
from django.db.models import F, Q

from governance.kernel.models import UuidModel


class DatasetVersion(UuidModel):
    """A period in which the same question has the same answer. The secret that ranks rows is derived from the id.

    It begins and ends with the clock, or because somebody says so, never because of what the rows are: that a version
    changed must tell nothing about anybody.
    """

    dataset = models.CharField(max_length=100)
    number = models.PositiveIntegerField()
    opened_at = models.DateTimeField()
    until = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["dataset", "number"], name="aggregates_version_number_once"),
            models.CheckConstraint(name="aggregates_version_lasts", condition=Q(until__gt=F("opened_at"))),
        ]

    def __str__(self) -> str:
        return f"{self.dataset} {self.number}"


class Budget(UuidModel):
    """What may be learnt about the people of a dataset for one purpose, in all. The totals never change, the used
    parts grow.

    Epsilon in millionths, delta in millionths of millionths: whole numbers, so that a hundred hundredths are one.
    """

    dataset = models.CharField(max_length=100, help_text="Key of a registered dataset.")
    purpose = models.CharField(max_length=100, help_text="The purpose that the dataset may be asked for.")
    epsilon_total_micro = models.BigIntegerField("epsilon in all, in millionths")
    epsilon_used_micro = models.BigIntegerField("epsilon used, in millionths", default=0, editable=False)
    delta_total_pico = models.BigIntegerField("delta in all, in 10^-12", default=0)
    delta_used_pico = models.BigIntegerField("delta used, in 10^-12", default=0, editable=False)
    reservations = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(editable=False)

    class Meta:
        ordering = ["dataset", "purpose"]
        constraints = [
            models.UniqueConstraint(fields=["dataset", "purpose"], name="aggregates_budget_once"),
            models.CheckConstraint(
                name="aggregates_budget_epsilon_held",
                condition=Q(epsilon_total_micro__gt=0, epsilon_used_micro__gte=0)
                & Q(epsilon_used_micro__lte=F("epsilon_total_micro")),
            ),
            models.CheckConstraint(
                name="aggregates_budget_delta_held",
                condition=Q(delta_total_pico__gte=0, delta_used_pico__gte=0)
                & Q(delta_used_pico__lte=F("delta_total_pico")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dataset}/{self.purpose}"


class SpendState(models.TextChoices):
    """A reservation is written before noise is drawn. What has neither commit nor void counts as spent."""

    RESERVE = "reserve", "Reserved"
    COMMIT = "commit", "Released"
    VOID = "void", "Given back, nothing was drawn"
    RECOVER = "recover", "Written off after a restore"


class Spend(UuidModel):
    """One line of the ledger, append-only. Lines of one reservation share `reservation`, the id of its first line."""

    budget = models.ForeignKey(Budget, on_delete=models.PROTECT, related_name="spends")
    reservation = models.UUIDField()
    state = models.CharField(max_length=10, choices=SpendState)
    number = models.PositiveIntegerField(null=True, help_text="Of the reservation within its budget: 1, 2, 3, ...")
    epsilon_micro = models.BigIntegerField()
    delta_pico = models.BigIntegerField(default=0)
    query_sha256 = models.CharField(max_length=64, blank=True)
    actor = models.CharField(max_length=100)
    at = models.DateTimeField()
    entry_id = models.UUIDField(help_text="Of the audit log.")

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["budget", "at"], name="aggregates_spend_by_budget")]
        constraints = [
            models.CheckConstraint(name="aggregates_spend_state_known", condition=Q(state__in=SpendState.values)),
            models.CheckConstraint(
                name="aggregates_spend_not_negative", condition=Q(epsilon_micro__gte=0, delta_pico__gte=0)
            ),
            models.CheckConstraint(
                name="aggregates_spend_first_line_numbered",
                condition=Q(state__in=["reserve", "recover"], number__isnull=False, reservation=F("id"))
                | Q(state__in=["commit", "void"], number__isnull=True) & ~Q(reservation=F("id")),
            ),
            models.UniqueConstraint(fields=["budget", "number"], name="aggregates_spend_number_once"),
            models.UniqueConstraint(
                fields=["reservation"], condition=Q(state__in=["commit", "void"]), name="aggregates_spend_settled_once"
            ),
        ]


class Release(UuidModel):
    """An answer that left the process, kept so that the same question costs once. Append-only."""

    budget = models.ForeignKey(Budget, on_delete=models.PROTECT, related_name="releases")
    version = models.ForeignKey(DatasetVersion, on_delete=models.PROTECT, related_name="releases")
    reservation = models.UUIDField(unique=True)
    query = models.JSONField()
    query_sha256 = models.CharField(max_length=64)
    mechanism = models.CharField(max_length=20)
    epsilon_micro = models.BigIntegerField()
    delta_pico = models.BigIntegerField(default=0)
    answer = models.JSONField()
    requested_by = models.CharField(max_length=100)
    released_at = models.DateTimeField()
    entry_id = models.UUIDField(help_text="Of the audit log.")

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["budget", "version", "query_sha256", "mechanism"], name="aggregates_release_same"),
        ]
