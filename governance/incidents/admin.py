"""Breaches in the console: enter one, take its next step, read its history. Nothing is edited or deleted."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin import display
from django.http import HttpRequest

from governance.accounts.api import actor_of
from governance.incidents import register as breaches
from governance.incidents.affected import Affected
from governance.incidents.models import KINDS, RISKS, BreachStep, PersonalDataBreach
from governance.incidents.phases import Phase, Risk, Step, allowed, check_notice, check_text
from governance.kernel.actors import Actor
from governance.kernel.admin import ModelAdmin, ReadOnlyTabularInline, register
from governance.kernel.clock import now
from governance.kernel.errors import GovernanceError

_SHOWN = (
    "title", "phase", "risk", "kinds", "detected_at", "aware_at", "due_at", "facts", "effects", "remedies", "affected_people",
    "affected_records", "affected_query", "affected_at", "closed_at",
)  # fmt: skip
_ASKED = (
    "step",
    "said_risk",
    "said_effects",
    "said_remedies",
    "people",
    "records",
    "query",
    "reference",
    "delay_reasons",
    "ground",
    "words",
)


class OpenForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """What happened, and whether we are sure enough for the clock to start."""

    kinds = forms.MultipleChoiceField(choices=KINDS, help_text="Art. 4(12).")
    known = forms.BooleanField(
        required=False, label="We know that it is a breach", help_text="Starts the clock of Art. 33(1) now."
    )

    class Meta:
        model = PersonalDataBreach
        fields = ("title", "kinds", "facts")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        for name in ("title", "facts"):
            _checked(self, name, lambda name=name: check_text(f"/{name}", cleaned.get(name, "")))
        return cleaned


class StepForm(forms.ModelForm):  # type: ignore[type-arg]
    """The next step, with what it has to state. Only steps that the phase allows are offered."""

    step = forms.ChoiceField(label="Next step", choices=())
    said_risk = forms.ChoiceField(label="Risk", choices=RISKS, required=False)
    said_effects = forms.CharField(
        label="Likely consequences", widget=forms.Textarea, required=False, help_text="Art. 33(3)(c)."
    )
    said_remedies = forms.CharField(label="Measures", widget=forms.Textarea, required=False, help_text="Art. 33(3)(d).")
    people = forms.IntegerField(label="People", min_value=0, required=False, help_text="Affected, or told.")
    records = forms.IntegerField(min_value=0, required=False)
    query = forms.CharField(label="Query that produced the numbers", widget=forms.Textarea, required=False)
    reference = forms.CharField(label="Reference of the notice", max_length=100, required=False)
    delay_reasons = forms.CharField(
        label="Reasons for the delay", required=False, help_text="After the deadline: Art. 33(1)."
    )
    ground = forms.ChoiceField(choices=[("", "-"), *breaches.EXEMPTIONS.items()], required=False)
    words = forms.CharField(label="Reason, or how people were told", required=False)

    class Meta:
        model = PersonalDataBreach
        fields = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        steps = allowed(Phase(self.instance.phase), Risk(self.instance.risk))
        self.fields["step"].choices = [(step.value, step.value.replace("_", " ")) for step in steps]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """What the verb would refuse is said beside the field. The verb decides again, under its lock."""
        cleaned: dict[str, Any] = super().clean() or {}
        breach = self.instance
        match cleaned.get("step"):
            case Step.ASSESS:
                self._want(cleaned, "said_risk", "said_effects", "said_remedies")
                if cleaned.get("people") is not None:
                    self._want(cleaned, "records", "query")
            case Step.NOTIFY:
                self._want(cleaned, "reference")
                first = not breach.steps.filter(step=Step.NOTIFY).exists()
                due_at = breach.due_at if first else None
                reasons = cleaned.get("delay_reasons", "")
                _checked(
                    self,
                    "delay_reasons",
                    lambda: check_notice(now(), breach.aware_at, now(), due_at=due_at, reasons=reasons),
                )
            case Step.INFORM:
                self._want(cleaned, "people", "words")
            case Step.EXEMPT:
                self._want(cleaned, "ground", "words")
            case Step.CLOSE:
                self._want(cleaned, "words")
        for name in ("said_effects", "said_remedies", "reference", "delay_reasons", "words"):
            _checked(self, name, lambda name=name: check_text(f"/{name}", cleaned.get(name, "")))
        return cleaned

    def _want(self, cleaned: dict[str, Any], *names: str) -> None:
        for name in names:
            if cleaned.get(name) in (None, ""):
                self.add_error(name, "This step needs it.")


class StepInline(ReadOnlyTabularInline):
    model = BreachStep
    fields = ("number", "step", "before", "after", "at", "actor", "notes")
    readonly_fields = fields


@register(PersonalDataBreach)
class BreachAdmin(ModelAdmin):  # type: ignore[misc]  # the theme ships no types
    """The register of Art. 33(5)."""

    list_display = ("title", "phase", "risk", "clock", "affected_people", "detected_at")
    list_filter = ("phase", "risk")
    inlines = (StepInline,)

    def get_form(
        self, request: HttpRequest, obj: PersonalDataBreach | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if obj is not None and not self.has_change_permission(request, obj):
            return super().get_form(request, obj, change, **kwargs)
        return OpenForm if obj is None else StepForm

    def get_fields(self, request: HttpRequest, obj: PersonalDataBreach | None = None) -> tuple[str, ...]:
        if obj is None:
            return ("title", "kinds", "facts", "known")
        return (*_SHOWN, *_ASKED) if self.has_change_permission(request, obj) else _SHOWN

    def get_readonly_fields(self, request: HttpRequest, obj: PersonalDataBreach | None = None) -> tuple[str, ...]:
        return _SHOWN if obj is not None else ()

    def get_inlines(self, request: HttpRequest, obj: PersonalDataBreach | None = None) -> tuple[type[StepInline], ...]:
        return self.inlines if obj is not None else ()

    def has_change_permission(self, request: HttpRequest, obj: PersonalDataBreach | None = None) -> bool:
        closed = obj is not None and obj.phase == Phase.CLOSED
        return bool(super().has_change_permission(request, obj)) and not closed

    def has_delete_permission(self, request: HttpRequest, obj: PersonalDataBreach | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: PersonalDataBreach, form: Any, change: bool) -> None:
        """Both forms go through the verbs; the page then shows the row as they left it."""
        said = form.cleaned_data
        if change:
            _take(obj, said, actor_of(request))
            identifier = obj.pk
        else:
            aware_at = now() if said["known"] else None
            identifier = breaches.open_breach(
                said["title"], said["facts"], said["kinds"], aware_at=aware_at, actor=actor_of(request)
            )
        row = PersonalDataBreach.objects.get(pk=identifier)
        for field in PersonalDataBreach._meta.concrete_fields:
            setattr(obj, field.attname, getattr(row, field.attname))
        obj._state.adding = False

    @display(description="clock")
    def clock(self, breach: PersonalDataBreach) -> str:
        if breach.due_at is None or breach.phase not in (Phase.AWARE, Phase.ASSESSED) or breach.risk == Risk.NONE:
            return "–"
        hours = (breach.due_at - now()).total_seconds() / 3600
        return f"{hours:.0f} h left" if hours >= 0 else f"overdue by {-hours:.0f} h"


def _take(breach: PersonalDataBreach, said: dict[str, Any], actor: Actor) -> None:
    match Step(said["step"]):
        case Step.BECOME_AWARE:
            breaches.become_aware(breach.pk, actor=actor)
        case Step.ASSESS:
            affected = (
                Affected(said["people"], said["records"], said["query"], now()) if said["people"] is not None else None
            )
            breaches.assess(
                breach.pk,
                Risk(said["said_risk"]),
                effects=said["said_effects"],
                remedies=said["said_remedies"],
                affected=affected,
                actor=actor,
            )
        case Step.NOTIFY:
            breaches.notify(breach.pk, reference=said["reference"], delay_reasons=said["delay_reasons"], actor=actor)
        case Step.INFORM:
            breaches.inform_subjects(breach.pk, people=said["people"], how=said["words"], actor=actor)
        case Step.EXEMPT:
            breaches.exempt(breach.pk, said["ground"], reason=said["words"], actor=actor)
        case Step.CLOSE:
            breaches.close(breach.pk, reason=said["words"], actor=actor)


def _checked(form: Any, field: str, check: Any) -> None:
    try:
        check()
    except GovernanceError as refusal:
        form.add_error(field, refusal.detail)
