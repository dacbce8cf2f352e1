"""The only module that imports the admin theme: packages build their pages from these names."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import register
from django.http import HttpRequest
from unfold.admin import ModelAdmin, StackedInline, TabularInline
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget as Checkboxes
from unfold.widgets import UnfoldAdminSelectWidget as Choices
from unfold.widgets import UnfoldAdminTextareaWidget as Lines
from unfold.widgets import UnfoldAdminTextInputWidget as Line
from unfold.widgets import UnfoldBooleanSwitchWidget as Switch

__all__ = [
    "Checkboxes",
    "Choices",
    "Line",
    "Lines",
    "ModelAdmin",
    "ReadOnlyAdmin",
    "ReadOnlyTabularInline",
    "StackedInline",
    "Switch",
    "TabularInline",
    "action",
    "display",
    "register",
]


class _ReadOnly:
    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyAdmin(_ReadOnly, ModelAdmin):  # type: ignore[misc]
    """Pages to look at: what is here changes only through its verbs."""


class ReadOnlyTabularInline(_ReadOnly, TabularInline):  # type: ignore[misc]
    extra = 0
    can_delete = False
