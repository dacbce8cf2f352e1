"""Tables: breaches, and the append-only history of their steps. No personal data: see `phases.check_text`."""

from functools import reduce
from operator import or_

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from governance.incidents.phases import PAIRS, Phase, Risk
from governance.kernel.models import UuidModel

PHASES = [(phase.value, phase.value.replace("_", " ")) for phase in Phase]
RISKS = [(Risk.UNKNOWN.value, "not assessed"), ("none", "no risk"), ("risk", "risk"), ("high", "high risk")]
KINDS = [("confidentiality", "disclosed or accessed"), ("integrity", "altered"), ("availability", "lost or destroyed")]


class PersonalDataBreach(UuidModel):
    """A breach of security that led to destruction, loss, alteration, disclosure of or access to personal data (Art.
    4(12))."""

    title = models.CharField(max_length=160)
    kinds = ArrayField(models.CharField(max_length=20, choices=KINDS))
    phase = models.CharField(max_length=10, choices=PHASES, default=Phase.DETECTED, editable=False)
    risk = models.CharField(max_length=4, choices=RISKS, blank=True, default="", editable=False)
    detected_at = models.DateTimeField()
    aware_at = models.DateTimeField(null=True, editable=False)
    due_at = models.DateTimeField("notify the authority until", null=True, editable=False)
    facts = models.TextField(help_text="What happened. Art. 33(3)(a). Nothing that identifies a person.")
    effects = models.TextField("likely consequences", blank=True, help_text="Art. 33(3)(c).")
    remedies = models.TextField("measures taken or proposed", blank=True, help_text="Art. 33(3)(d).")
    subject_categories = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    data_categories = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    affected_people = models.PositiveIntegerField(null=True, blank=True)
    affected_records = models.PositiveIntegerField(null=True, blank=True)
    affected_query = models.TextField("query that produced the numbers", blank=True)
    affected_at = models.DateTimeField("numbers as of", null=True, editable=False)
    opened_by = models.CharField(max_length=100, editable=False)
    opened_at = models.DateTimeField(editable=False)
    closed_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = "personal-data breach"
        verbose_name_plural = "personal-data breaches"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["due_at"], name="incidents_running", condition=Q(phase__in=["aware", "assessed"]))
        ]
        constraints = [
            models.CheckConstraint(
                name="incidents_phase_known", condition=Q(phase__in=[phase.value for phase in Phase])
            ),
            models.CheckConstraint(name="incidents_risk_known", condition=Q(risk__in=[risk.value for risk in Risk])),
            models.CheckConstraint(
                name="incidents_clock_runs_once_aware",
                condition=Q(phase=Phase.DETECTED, aware_at__isnull=True, due_at__isnull=True)
                | ~Q(phase=Phase.DETECTED) & Q(aware_at__isnull=False, due_at__gt=F("aware_at")),
            ),
            models.CheckConstraint(
                name="incidents_number_has_query",
                condition=Q(affected_people__isnull=True, affected_records__isnull=True) | ~Q(affected_query=""),
            ),
            models.CheckConstraint(
                name="incidents_closed_has_time", condition=Q(phase=Phase.CLOSED) ^ Q(closed_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"breach {str(self.pk)[-6:]}"


class BreachStep(UuidModel):
    """One step of a breach, append-only: who, when, from where to where, and what the step states (reasons,
    reference, numbers)."""

    breach = models.ForeignKey(PersonalDataBreach, on_delete=models.PROTECT, related_name="steps")
    number = models.PositiveIntegerField()
    step = models.CharField(max_length=20)
    before = models.CharField(max_length=10)
    after = models.CharField(max_length=10)
    at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    actor = models.CharField(max_length=100)
    notes = models.JSONField(default=dict)
    entry_id = models.UUIDField(help_text="Of the audit log.")

    class Meta:
        ordering = ["breach", "number"]
        constraints = [
            models.UniqueConstraint(fields=["breach", "number"], name="incidents_step_once"),
            models.CheckConstraint(
                name="incidents_step_possible",
                condition=reduce(or_, [Q(before=str(b), after=str(a)) for b, a in sorted(PAIRS)])
                | Q(before="", after=Phase.DETECTED.value),
            ),
        ]
