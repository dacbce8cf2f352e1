"""Retention in the console: rules and what they would take, holds, runs. Everything goes through the verbs; nothing
is deleted."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpRequest

from governance.accounts.api import actor_of
from governance.kernel.admin import ModelAdmin, ReadOnlyAdmin, action, register
from governance.kernel.errors import GovernanceError
from governance.retention import disposables, holds, rules, runs
from governance.retention.disposables import Action
from governance.retention.models import DisposalRun, LegalHold, RetentionRule

_RULE = ("source", "purpose", "period_days", "action", "ground", "defined_at", "ended_at")
_HOLD = ("source", "subject_id", "reason", "placed_by", "placed_at", "released_by", "release_reason", "released_at")


class RuleForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """A new rule for a place that can be disposed of."""

    source = forms.ChoiceField(choices=lambda: [(place.key, place.title) for place in disposables.registered()])

    class Meta:
        model = RetentionRule
        fields = ("source", "purpose", "period_days", "ground")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors:
            place = disposables.get(cleaned["source"])
            try:
                rules.check(
                    place,
                    period_days=cleaned["period_days"],
                    action=place.action,
                    ground=cleaned["ground"],
                    purpose=cleaned.get("purpose", ""),
                )
            except GovernanceError as refusal:
                self.add_error(None, refusal.detail)
            in_force = RetentionRule.objects.filter(
                source=place.key, purpose=cleaned.get("purpose", ""), ended_at__isnull=True
            )
            if in_force.exists():
                self.add_error("source", "There is a rule for this place and purpose; end it first.")
        return cleaned


class EndForm(forms.ModelForm):  # type: ignore[type-arg]
    """A rule is not edited: it is ended, and another takes its place."""

    end_reason = forms.CharField(label="End this rule because", required=True)

    class Meta:
        model = RetentionRule
        fields = ()


class HoldForm(forms.ModelForm):  # type: ignore[type-arg]
    """A new hold, on a place, on a person, or on a person in a place."""

    source = forms.ChoiceField(
        required=False, choices=lambda: [("", "every place"), *((p.key, p.title) for p in disposables.registered())]
    )

    class Meta:
        model = LegalHold
        fields = ("source", "subject_id", "reason")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not cleaned.get("source") and not cleaned.get("subject_id"):
            self.add_error("source", "A hold has a scope: a place, a person, or both.")
        return cleaned


class ReleaseForm(forms.ModelForm):  # type: ignore[type-arg]
    """The end of a hold."""

    why = forms.CharField(label="Release this hold because", required=True)

    class Meta:
        model = LegalHold
        fields = ()


class _ThroughVerbs(ModelAdmin):  # type: ignore[misc]  # the theme ships no types
    """Added by one form, ended by another, never edited or deleted."""

    add_form: Any
    end_form: Any
    shown: tuple[str, ...]
    ended_field: str

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None:
            return self.add_form
        return (
            self.end_form
            if self.has_change_permission(request, obj)
            else super().get_form(request, obj, change, **kwargs)
        )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return tuple(self.add_form.base_fields)
        declared = tuple(self.end_form.base_fields) if self.has_change_permission(request, obj) else ()
        return (*self.shown, *declared)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.shown if obj is not None else ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        ended = obj is not None and getattr(obj, self.ended_field) is not None
        return bool(super().has_change_permission(request, obj)) and not ended

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def _show(self, obj: Any, identifier: Any) -> None:
        row = type(obj)._default_manager.get(pk=identifier)
        for field in type(obj)._meta.concrete_fields:
            setattr(obj, field.attname, getattr(row, field.attname))
        obj._state.adding = False


@register(RetentionRule)
class RuleAdmin(_ThroughVerbs):
    """The rules, with when each last ran."""

    list_display = ("source", "purpose", "period_days", "action", "in_force", "last_run")
    list_filter = ("action",)
    actions = ("show_what_would_go",)
    add_form, end_form, shown, ended_field = RuleForm, EndForm, _RULE, "ended_at"

    def save_model(self, request: HttpRequest, obj: RetentionRule, form: Any, change: bool) -> None:
        said, actor = form.cleaned_data, actor_of(request)
        if change:
            rules.end(obj.pk, reason=said["end_reason"], actor=actor)
            self._show(obj, obj.pk)
            return
        made = rules.define(
            said["source"],
            period_days=said["period_days"],
            action=Action(disposables.get(said["source"]).action),
            ground=said["ground"],
            purpose=said.get("purpose", ""),
            actor=actor,
        )
        self._show(obj, made)

    @display(description="in force", boolean=True)
    def in_force(self, rule: RetentionRule) -> bool:
        return rule.ended_at is None

    @display(description="last run")
    def last_run(self, rule: RetentionRule) -> str:
        at = DisposalRun.objects.filter(rule=rule, dry_run=False).values_list("finished_at", flat=True).first()
        return f"{at:%Y-%m-%d %H:%M} UTC" if at else "never"

    @action(description="Show what would go now", permissions=["view"])  # type: ignore[untyped-decorator]  # the theme's
    def show_what_would_go(self, request: HttpRequest, chosen: QuerySet[RetentionRule]) -> None:
        for rule in chosen.filter(ended_at__isnull=True):
            report = runs.run(rule.pk, actor=actor_of(request), dry_run=True)
            what = "a hold keeps everything" if report.held else f"{report.candidates} rows are too old"
            messages.info(request, f"{rule.source}: {what}.")


@register(LegalHold)
class HoldAdmin(_ThroughVerbs):
    """Holds in force and released."""

    list_display = ("placed_at", "source", "subject_id", "reason", "released_at")
    list_filter = ("source",)
    add_form, end_form, shown, ended_field = HoldForm, ReleaseForm, _HOLD, "released_at"

    def save_model(self, request: HttpRequest, obj: LegalHold, form: Any, change: bool) -> None:
        said, actor = form.cleaned_data, actor_of(request)
        if change:
            holds.release(obj.pk, reason=said["why"], actor=actor)
            self._show(obj, obj.pk)
        else:
            self._show(obj, holds.place(said["reason"], source=said["source"], subject=said["subject_id"], actor=actor))


@register(DisposalRun)
class RunAdmin(ReadOnlyAdmin):
    """What the rules did."""

    list_display = ("started_at", "rule", "dry_run", "status", "candidates", "disposed", "held_people")
    list_filter = ("status", "dry_run")
