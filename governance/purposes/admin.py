"""Purposes and processing activities in the console. A new version of a purpose is added; an old one is only looked at."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin import display
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from governance.kernel.actors import Actor, ActorKind
from governance.kernel.admin import ModelAdmin, register
from governance.purposes import records
from governance.purposes.errors import PurposeOutOfOrder
from governance.purposes.models import ProcessingActivity, Purpose
from governance.purposes.register import contradictions, define
from governance.purposes.terms import Channel

_FIELDS = (
    "key", "title_en", "title_pl", "description_en", "description_pl", "legal_basis", "channels", "double_opt_in", "validity_days",
    "direct_marketing", "special_category", "reconsent", "dpv_iri", "effective_from",
)  # fmt: skip


class PurposeForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """A new version; its contradictions are shown beside the fields they are in."""

    channels = forms.MultipleChoiceField(choices=[(channel.value, channel.value) for channel in Channel])

    class Meta:
        model = Purpose
        fields = _FIELDS

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors:
            content = {
                name: value for name, value in cleaned.items() if name not in ("key", "effective_from", "reconsent")
            }
            for field, detail in contradictions(cleaned["key"], content):
                self.add_error(field, detail)
        newest = Purpose.objects.filter(key=cleaned.get("key", "")).order_by("-version").first()
        starts = cleaned.get("effective_from")
        if newest is not None and starts is not None and starts <= newest.effective_from:
            self.add_error("effective_from", str(PurposeOutOfOrder.title))
        return cleaned


@register(Purpose)
class PurposeAdmin(ModelAdmin):  # type: ignore[misc]
    """Every version of every purpose."""

    form = PurposeForm
    list_display = ["key", "version", "title_en", "legal_basis", "channel_list", "double_opt_in", "effective_from"]
    list_filter = ["legal_basis", "double_opt_in", "direct_marketing"]
    search_fields = ["key", "title_en", "title_pl"]

    @display(description=_("channels"))
    def channel_list(self, purpose: Purpose) -> str:
        return ", ".join(purpose.channels)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Purpose, form: PurposeForm, change: bool) -> None:
        """Adding goes through the verb; the row it made is the one that the page then shows."""
        made = define(
            **{name: form.cleaned_data[name] for name in _FIELDS}, actor=Actor(ActorKind.STAFF, str(request.user.pk))
        )
        row = Purpose.objects.get(pk=made.id)
        for field in Purpose._meta.concrete_fields:
            setattr(obj, field.attname, getattr(row, field.attname))
        obj._state.adding = False


@register(ProcessingActivity)
class ProcessingActivityAdmin(ModelAdmin):  # type: ignore[misc]
    """The record of processing, with what each entry still lacks."""

    list_display = ["name", "purpose_key", "active", "completeness", "updated_at"]
    list_filter = ["active", "purpose_key"]
    search_fields = ["name", "description"]

    @display(description=_("missing (Art. 30(1))"))
    def completeness(self, activity: ProcessingActivity) -> str:
        return "; ".join(records.missing(activity)) or "–"

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
