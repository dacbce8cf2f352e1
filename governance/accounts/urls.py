"""The staff's doors, mounted at /staff/. Only these of allauth's pages exist: no sign-up, no reset by mail, no social login.

The names are allauth's own, because its flows reverse them.
"""

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as recovery
from django.urls import path

from governance.accounts import views

_T = "accounts/"

urlpatterns = [
    path("login/", account.LoginView.as_view(template_name=_T + "login.html"), name="account_login"),
    path("logout/", account.LogoutView.as_view(template_name=_T + "logout.html"), name="account_logout"),
    path("inactive/", account.AccountInactiveView.as_view(template_name=_T + "inactive.html"), name="account_inactive"),
    path(
        "reauthenticate/",
        account.ReauthenticateView.as_view(template_name=_T + "reauthenticate.html"),
        name="account_reauthenticate",
    ),
    path(
        "password/",
        account.PasswordChangeView.as_view(template_name=_T + "password.html"),
        name="account_change_password",
    ),
    path("second-factor/", mfa.IndexView.as_view(template_name=_T + "factors.html"), name="mfa_index"),
    path("second-factor/code/", mfa.AuthenticateView.as_view(template_name=_T + "code.html"), name="mfa_authenticate"),
    path(
        "second-factor/code/again/",
        mfa.ReauthenticateView.as_view(template_name=_T + "reauthenticate.html"),
        name="mfa_reauthenticate",
    ),
    path("second-factor/app/", views.TurnAppOn.as_view(), name="mfa_activate_totp"),
    path("second-factor/app/off/", views.TurnAppOff.as_view(), name="mfa_deactivate_totp"),
    path(
        "second-factor/recovery/",
        recovery.ViewRecoveryCodesView.as_view(template_name=_T + "recovery.html"),
        name="mfa_view_recovery_codes",
    ),
    path("second-factor/recovery/new/", views.NewRecoveryCodes.as_view(), name="mfa_generate_recovery_codes"),
]
