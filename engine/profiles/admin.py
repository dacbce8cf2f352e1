"""Pages of the console. Profiles of single people are not browsed; segments are."""

from __future__ import annotations

from django import forms
from django.contrib import admin

from engine.profiles import segments
from engine.profiles.errors import RuleMalformed
from engine.profiles.models import Segment
from engine.profiles.rules import compile_rule
from governance.kernel import clock
from governance.kernel.admin import ModelAdmin, register


class SegmentForm(forms.ModelForm):  # type: ignore[type-arg]  # Django's class takes no parameter at run time
    class Meta:
        model = Segment
        fields = ("key", "title", "rule")

    def clean_rule(self) -> object:
        rule: object = self.cleaned_data["rule"]
        try:
            compile_rule(rule, now=clock.now())
        except RuleMalformed as malformed:
            raise forms.ValidationError(str(malformed.fields["errors"])) from malformed
        return rule


@register(Segment)
class SegmentAdmin(ModelAdmin):  # type: ignore[misc]
    form = SegmentForm
    list_display = ("key", "title", "members_now")

    @admin.display(description="members now")
    def members_now(self, segment: Segment) -> int:
        return segments.size(segment.key)
