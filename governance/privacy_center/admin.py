"""Website forms in the console: which websites may ask for which consents."""

from __future__ import annotations

from typing import Any

from django import forms

from governance.kernel.admin import ModelAdmin, register
from governance.privacy_center import website_forms
from governance.privacy_center.models import WebsiteForm


class WebsiteFormFields(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """Refuses what `website_forms.put` would refuse."""

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        for field, detail in website_forms.faults(
            given.get("key", ""), given.get("purposes") or [], given.get("origins") or []
        ):
            self.add_error(field, detail)
        return given


@register(WebsiteForm)
class WebsiteFormAdmin(ModelAdmin):  # type: ignore[misc]  # the theme ships no types
    """Which websites may ask for which consents."""

    form = WebsiteFormFields
    list_display = ("key", "purposes", "origins", "asks_age", "active")
    list_filter = ("active",)
    fields = ("key", "purposes", "origins", "asks_age", "active")
