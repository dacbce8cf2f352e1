"""AI systems in the console: the register, the kill switch, the versions and what people decided about them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin import display
from django.db import transaction
from django.http import HttpRequest

from governance.accounts.api import actor_of
from governance.airegister import systems
from governance.airegister.models import AISystem, ModelVersion, OversightAct
from governance.airegister.stages import LOG_RETENTION_DAYS, RiskClass, Role, Stage
from governance.kernel.admin import ModelAdmin, ReadOnlyTabularInline, register
from governance.kernel.errors import GovernanceError

_DESCRIBED = (
    "key", "name", "role", "intended_purpose", "risk_class", "risk_reasoning", "oversight_owner", "instructions", "transparency_en",
    "transparency_pl", "log_retention_days",
)  # fmt: skip
_SWITCH = ("switch", "switch_reason")


class SystemForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """The registration, and the kill switch with its reason."""

    switch = forms.ChoiceField(
        label="Kill switch",
        choices=[("", "leave as it is"), ("stop", "stop now"), ("resume", "resume")],
        required=False,
    )
    switch_reason = forms.CharField(
        label="Reason", required=False, help_text="Kept with the decision (AI Act Art. 14(4)(e))."
    )

    class Meta:
        model = AISystem
        fields = _DESCRIBED

    def clean_log_retention_days(self) -> int:
        days: int = self.cleaned_data["log_retention_days"]
        if days < LOG_RETENTION_DAYS:
            raise forms.ValidationError(f"Six months at least: {LOG_RETENTION_DAYS} days (AI Act Art. 19(1), 26(6)).")
        return days

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("switch") and not cleaned.get("switch_reason", "").strip():
            self.add_error("switch_reason", "Say why.")
        if not self.errors:
            try:
                systems.check(_registration(cleaned))
            except GovernanceError as refusal:
                self.add_error(None, refusal.detail)
        return cleaned


class VersionInline(ReadOnlyTabularInline):
    model = ModelVersion
    fields = ("version", "stage", "stage_at", "artifact_sha256", "training_manifest_id", "metrics")
    readonly_fields = fields


class ActInline(ReadOnlyTabularInline):
    model = OversightAct
    fields = ("at", "act", "version", "before", "after", "reason", "actor")
    readonly_fields = fields


@register(AISystem)
class SystemAdmin(ModelAdmin):  # type: ignore[misc]  # the theme ships no types
    """The register. Descriptions are edited here and every change is in the log; versions and decisions come through
    the verbs."""

    form = SystemForm
    list_display = ("key", "name", "risk_class", "role", "state", "live_version", "oversight_owner")
    list_filter = ("risk_class", "role")
    search_fields = ("key", "name")
    inlines = (VersionInline, ActInline)

    def get_fields(self, request: HttpRequest, obj: AISystem | None = None) -> tuple[str, ...]:
        if obj is None:
            return _DESCRIBED
        shown = (*_DESCRIBED, "stopped_at", "stop_reason")
        return (*shown, *_SWITCH) if self.has_change_permission(request, obj) else shown

    def get_readonly_fields(self, request: HttpRequest, obj: AISystem | None = None) -> tuple[str, ...]:
        return ("key", "stopped_at", "stop_reason") if obj is not None else ()

    def get_inlines(self, request: HttpRequest, obj: AISystem | None = None) -> tuple[Any, ...]:
        return self.inlines if obj is not None else ()

    def has_delete_permission(self, request: HttpRequest, obj: AISystem | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: AISystem, form: SystemForm, change: bool) -> None:
        said, actor = form.cleaned_data, actor_of(request)
        if change:
            with transaction.atomic():
                obj.save(update_fields=[name for name in form.changed_data if name in _DESCRIBED] or None)
                if said["switch"] == "stop":
                    systems.stop(obj.key, said["switch_reason"], actor=actor)
                elif said["switch"] == "resume":
                    systems.resume(obj.key, said["switch_reason"], actor=actor)
            identifier = obj.pk
        else:
            identifier = systems.register_system(_registration(said), actor=actor)
        row = AISystem.objects.get(pk=identifier)
        for field in AISystem._meta.concrete_fields:
            setattr(obj, field.attname, getattr(row, field.attname))
        obj._state.adding = False

    @display(description="state")
    def state(self, system: AISystem) -> str:
        return f"stopped {system.stopped_at:%Y-%m-%d %H:%M} UTC" if system.stopped_at else "running"

    @display(description="live")
    def live_version(self, system: AISystem) -> str:
        return (
            ModelVersion.objects.filter(system=system, stage=Stage.LIVE).values_list("version", flat=True).first()
            or "–"
        )

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("oversight_owner")


def _registration(said: dict[str, Any]) -> systems.Registration:
    owner = said.get("oversight_owner")
    return systems.Registration(
        key=said.get("key") or "registered",
        name=said["name"],
        role=Role(said["role"]),
        intended_purpose=said["intended_purpose"],
        risk_class=RiskClass(said["risk_class"]),
        risk_reasoning=said["risk_reasoning"],
        oversight_owner=owner.pk if owner is not None else None,
        instructions=said.get("instructions", ""),
        transparency_en=said.get("transparency_en", ""),
        transparency_pl=said.get("transparency_pl", ""),
        log_retention_days=said["log_retention_days"],
    )
