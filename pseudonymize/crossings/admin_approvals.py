"""Approving in the console: a page that shows what is approved, asks for the reason, and sends the digest of what was shown back."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from governance.accounts import roles
from governance.accounts.api import actor_of
from governance.accounts.models import User
from governance.kernel.admin import ReadOnlyAdmin
from governance.kernel.errors import GovernanceError

_SCOPE = "pseudonymize:reveal"


class ApprovalForm(forms.Form):
    """Why, and what was shown."""

    reason = forms.CharField(max_length=200, label="Why do you approve?")
    terms_sha256 = forms.CharField(widget=forms.HiddenInput)


class ApprovingAdmin(ReadOnlyAdmin):
    """Pages of requests that two people approve. A superuser without the role sees no button, and the verb refuses them too."""

    # Verbs as static methods: (id, actor, reason, terms) -> approvals; row -> digest; row -> pairs of what is shown.
    approve: ClassVar[Any]
    digest: ClassVar[Any]
    terms: ClassVar[Any]

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.approval_page)
        urls: list[URLPattern] = super().get_urls()
        return [path("<uuid:number>/approve/", page, name=self._address("approve")), *urls]

    def _address(self, page: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{page}"

    def approval(self, row: Any) -> str:
        """A link to the page, for whoever looks at the request."""
        return format_html('<a href="{}">Approve …</a>', reverse(f"admin:{self._address('approve')}", args=[row.pk]))

    def approval_page(self, request: HttpRequest, number: UUID) -> HttpResponse:
        """Show the terms; take the reason. The verb decides who may, and says why not."""
        user = request.user
        row = self.get_queryset(request).filter(pk=number).first()
        if not self.has_view_permission(request) or not isinstance(user, User) or _SCOPE not in roles.scopes_of(user):
            raise PermissionDenied
        back = reverse(f"admin:{self._address('changelist')}")
        if row is None:
            return HttpResponseRedirect(back)
        shown = type(self).digest(row)
        form = ApprovalForm(request.POST or None, initial={"terms_sha256": shown})
        if request.method == "POST" and form.is_valid():
            try:
                count = type(self).approve(
                    row.pk,
                    actor=actor_of(request),
                    reason=form.cleaned_data["reason"],
                    terms=form.cleaned_data["terms_sha256"],
                )
            except GovernanceError as refusal:
                form.add_error(None, refusal.detail)
            else:
                messages.success(request, f"{row}: {count} of 2 approvals.")
                return HttpResponseRedirect(back)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Approve {row}",
            "terms": type(self).terms(row),
            "form": form,
            "back": back,
            "opts": self.opts,
        }
        return TemplateResponse(request, "pseudonymize/console_approve.html", context)
