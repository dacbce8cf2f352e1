"""Privacy budgets in the console: how they burn down, what was released. A budget is opened here and never changed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin import display
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from governance.accounts.api import actor_of
from governance.aggregates import budgets, burndown, datasets, releases
from governance.aggregates.models import Budget, Release, Spend
from governance.aggregates.noise import MICRO
from governance.kernel.admin import ModelAdmin, ReadOnlyAdmin, register
from governance.kernel.errors import GovernanceError


class OpenBudgetForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """A dataset, its purpose, and the epsilon that may ever be spent on it."""

    # Not called dataset: the theme takes a POST with a field of that name for one of its own tables.
    about = forms.ChoiceField(
        label="Dataset", choices=lambda: [(dataset.key, dataset.title) for dataset in datasets.registered()]
    )
    epsilon_total = forms.DecimalField(
        min_value=0.000001,
        max_value=100,
        decimal_places=6,
        help_text="For good: a budget does not renew and cannot be raised.",
    )
    delta_total = forms.DecimalField(min_value=0, max_value=0.01, decimal_places=12, initial=0, required=False)

    class Meta:
        model = Budget
        fields = ()

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        key = cleaned.get("about")
        if key and budgets.find(key, datasets.get(key).purpose):
            self.add_error("about", "This dataset has a budget for its purpose.")
        return cleaned


@register(Budget)
class BudgetAdmin(ModelAdmin):  # type: ignore[misc]  # the theme ships no types
    """What may be learnt about the people of a dataset, and what is left of it."""

    list_display = ("dataset", "purpose", "epsilon_total", "epsilon_used", "epsilon_left", "reservations")
    readonly_fields = (
        "dataset",
        "purpose",
        "epsilon_total",
        "epsilon_used",
        "epsilon_left",
        "created_at",
        "burn_down",
        "steps",
    )

    def get_fields(self, request: HttpRequest, obj: Budget | None = None) -> tuple[str, ...]:
        return ("about", "epsilon_total", "delta_total") if obj is None else self.readonly_fields

    def get_readonly_fields(self, request: HttpRequest, obj: Budget | None = None) -> tuple[str, ...]:
        return () if obj is None else self.readonly_fields

    def get_form(self, request: HttpRequest, obj: Budget | None = None, change: bool = False, **kwargs: Any) -> Any:
        return OpenBudgetForm if obj is None else super().get_form(request, obj, change, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: Budget | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Budget | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Budget, form: OpenBudgetForm, change: bool) -> None:
        """Opening goes through the verb; the row it made is the one that the page then shows."""
        chosen = form.cleaned_data
        made = budgets.create(
            chosen["about"],
            datasets.get(chosen["about"]).purpose,
            float(chosen["epsilon_total"]),
            float(chosen.get("delta_total") or 0),
            actor=actor_of(request),
        )
        row = Budget.objects.get(pk=made.id)
        for field in Budget._meta.concrete_fields:
            setattr(obj, field.attname, getattr(row, field.attname))
        obj._state.adding = False

    @display(description="epsilon in all")
    def epsilon_total(self, budget: Budget) -> str:
        return f"{budget.epsilon_total_micro / MICRO:g}"

    @display(description="used")
    def epsilon_used(self, budget: Budget) -> str:
        return f"{budget.epsilon_used_micro / MICRO:g}"

    @display(description="left")
    def epsilon_left(self, budget: Budget) -> str:
        return f"{(budget.epsilon_total_micro - budget.epsilon_used_micro) / MICRO:g}"

    @display(description="burn-down")
    def burn_down(self, budget: Budget) -> SafeString:
        return burndown.drawing(budgets.get(str(budget.pk)), budgets.burn_down(budget.pk))

    @display(description="the last fifty steps")
    def steps(self, budget: Budget) -> SafeString:
        return burndown.table(budgets.burn_down(budget.pk))


@register(Release)
class ReleaseAdmin(ReadOnlyAdmin):
    """Answers that left the service, with their error bars."""

    list_display = ("released_at", "question", "epsilon", "mechanism", "requested_by")
    list_filter = ("mechanism", "budget")
    fields = (
        "budget",
        "version",
        "question",
        "figures",
        "mechanism",
        "epsilon",
        "requested_by",
        "released_at",
        "entry_id",
        "query_sha256",
    )
    readonly_fields = fields

    @display(description="question")
    def question(self, release: Release) -> str:
        query = release.query
        of = f" of {query['column']}" if query["column"] else ""
        by = f" by {query['group_by']}" if query["group_by"] else ""
        return f"{query['measure']}{of}{by} in {query['dataset']}"

    @display(description="epsilon")
    def epsilon(self, release: Release) -> str:
        return f"{release.epsilon_micro / MICRO:g}"

    @display(description="figures, with 95 % intervals for the noise")
    def figures(self, release: Release) -> SafeString:
        try:
            answer = releases.get(release.pk)
        except GovernanceError as error:
            return format_html("{}", error.detail)
        rows = ((row.key, f"{row.value:,.6g}", f"{row.low95:,.6g} to {row.high95:,.6g}") for row in answer.rows)
        body = format_html_join("", "<tr><td>{}</td><td>{}</td><td>{}</td></tr>", rows)
        return format_html(
            "<table><thead><tr><th>Group</th><th>{}</th><th>95 %</th></tr></thead><tbody>{}</tbody></table>",
            answer.unit,
            body,
        )


@register(Spend)
class SpendAdmin(ReadOnlyAdmin):
    """The ledger, line by line."""

    list_display = ("at", "budget", "state", "number", "epsilon", "actor")
    list_filter = ("state", "budget")

    @display(description="epsilon")
    def epsilon(self, spend: Spend) -> str:
        return f"{spend.epsilon_micro / MICRO:g}"
