"""Staff and service clients in the console: to look at, except for issuing and revoking keys."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from governance.accounts import clients, roles
from governance.accounts.api import actor_of
from governance.accounts.models import ServiceClient, User
from governance.accounts.scopes import PACKAGES, VERBS
from governance.kernel.admin import ModelAdmin, ReadOnlyAdmin, action, display, register
from governance.kernel.clock import now
from governance.kernel.errors import GovernanceError


@register(User)
class StaffAdmin(ReadOnlyAdmin):
    """Who works here. Accounts are made at the command line (`manage.py enlist_staff`)."""

    list_display = ("display_name", "email", "roles", "is_active", "last_login")
    list_filter = ("is_active", "groups")
    search_fields = ("display_name", "email")
    fields = ("display_name", "email", "is_active", "is_superuser", "roles", "joined_at", "last_login")
    readonly_fields = fields

    @display(description="Roles")  # type: ignore[untyped-decorator]
    def roles(self, member: User) -> str:
        return ", ".join(sorted(roles.roles_of(member))) or "none"


class IssueForm(forms.Form):
    """What a key is for, what it may do, how long it lives."""

    name = forms.CharField(max_length=120, help_text="The pipeline or system that will hold the key.")
    scopes = forms.MultipleChoiceField(
        choices=[(f"{p}:{v}", f"{p}:{v}") for p in sorted(PACKAGES) for v in sorted(VERBS)]
    )
    days = forms.IntegerField(min_value=1, max_value=366, initial=90, label="Valid for (days)")


@register(ServiceClient)
class ServiceClientAdmin(ModelAdmin):  # type: ignore[misc]  # the theme ships no types
    """Keys: issue (shown once), revoke. Nothing is edited or deleted."""

    list_display = ("name", "prefix", "state", "expires_at", "last_used_at")
    search_fields = ("name", "prefix")
    fields = ("name", "prefix", "scopes", "created_at", "expires_at", "revoked_at", "last_used_at", "last_refused_at")
    readonly_fields = fields
    actions = ("revoke_keys",)

    def has_delete_permission(self, request: HttpRequest, obj: ServiceClient | None = None) -> bool:
        return False

    @display(description="State")  # type: ignore[untyped-decorator]
    def state(self, client: ServiceClient) -> str:
        if client.revoked_at:
            return "revoked"
        return "expired" if client.expires_at <= now() else "valid"

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A form, then the key on a page that is never cached; it does not pass through messages, which a cookie can hold."""
        if not self.has_add_permission(request):
            return super().add_view(request, form_url, extra_context)  # type: ignore[no-any-return]
        form, issued = IssueForm(request.POST or None), None
        if request.method == "POST" and form.is_valid():
            try:
                issued = clients.issue(
                    form.cleaned_data["name"],
                    form.cleaned_data["scopes"],
                    now() + timedelta(days=form.cleaned_data["days"]),
                    actor_of(request),
                )
            except GovernanceError as refusal:
                form.add_error(None, refusal.detail)
        context = {
            **self.admin_site.each_context(request),
            "title": "Issue a key",
            "form": form,
            "issued": issued,
            "opts": self.opts,
        }
        return TemplateResponse(request, "accounts/console_issue.html", context, headers={"Cache-Control": "no-store"})

    @action(description="Revoke the selected keys", permissions=["change"])  # type: ignore[untyped-decorator]
    def revoke_keys(self, request: HttpRequest, chosen: QuerySet[ServiceClient]) -> None:
        for client in chosen:
            clients.revoke(client.pk, actor=actor_of(request), reason="console")
        messages.success(request, f"{len(chosen)} keys revoked.")
