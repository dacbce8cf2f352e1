"""allauth's pages about second factors, with the entry in the log written in the transaction of the change."""

from typing import Any

from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from django.db import transaction
from django.http import HttpResponse

from governance.accounts.login import actor, record


class TurnAppOn(ActivateTOTPView):  # type: ignore[misc]  # allauth ships no types
    """An authenticator app becomes a second factor."""

    template_name = "accounts/app_on.html"

    def form_valid(self, form: Any) -> HttpResponse:
        with transaction.atomic():
            response: HttpResponse = super().form_valid(form)
            record("accounts.factor_added", actor(self.request.user), f"staff:{self.request.user.pk}", factor="totp")
        return response


class TurnAppOff(DeactivateTOTPView):  # type: ignore[misc]  # allauth ships no types
    """The second factor goes, and the recovery codes with it."""

    template_name = "accounts/app_off.html"

    def form_valid(self, form: Any) -> HttpResponse:
        with transaction.atomic():
            response: HttpResponse = super().form_valid(form)
            record("accounts.factor_removed", actor(self.request.user), f"staff:{self.request.user.pk}", factor="totp")
        return response


class NewRecoveryCodes(GenerateRecoveryCodesView):  # type: ignore[misc]  # allauth ships no types
    """New recovery codes; the old ones stop working."""

    template_name = "accounts/recovery_new.html"

    def form_valid(self, form: Any) -> HttpResponse:
        with transaction.atomic():
            response: HttpResponse = super().form_valid(form)
            record(
                "accounts.factor_renewed",
                actor(self.request.user),
                f"staff:{self.request.user.pk}",
                factor="recovery_codes",
            )
        return response
