"""The rules of the roles, as data: nobody deletes, the auditor only looks, the marketer never comes near identities."""

import pytest

from governance.accounts import roles
from governance.accounts.roles import Role
from governance.accounts.scopes import PACKAGES

EVERY_APP = [app.replace("*", "channels") for app in roles.OUR_APPS]


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("app", EVERY_APP)
def test_no_role_deletes(role: Role, app: str) -> None:
    assert not roles.granted_to(role, f"{app}.delete_thing")


@pytest.mark.parametrize("app", EVERY_APP)
def test_the_auditor_sees_every_package_and_changes_none(app: str) -> None:
    assert roles.granted_to(Role.AUDITOR, f"{app}.view_thing")
    assert not any(
        roles.granted_to(Role.AUDITOR, f"{app}.{verb}_thing") for verb in ("add", "change", "approve", "reveal")
    )


def test_the_auditor_cannot_be_given_more_by_a_package() -> None:
    with pytest.raises(ValueError, match="only reads"):
        roles.allow(Role.AUDITOR, "dsar.approve_plan")


@pytest.mark.parametrize(
    "permission",
    [
        "sessions.view_session",
        "mfa.view_authenticator",
        "account.view_emailaddress",
        "accounts.change_user",
        "auth.change_group",
    ],
)
@pytest.mark.parametrize("role", Role)
def test_no_role_reads_sessions_or_second_factors_or_changes_staff(role: Role, permission: str) -> None:
    assert not roles.granted_to(role, permission)


@pytest.mark.parametrize("app", ["pseudonymize", "dsar", "consent", "incidents", "audit", "accounts"])
def test_the_marketer_sees_no_identities_requests_or_logs(app: str) -> None:
    assert not roles.granted_to(Role.MARKETER, f"{app}.view_thing")


def test_the_auditors_scopes_are_reading_alone() -> None:
    assert roles.SCOPES[Role.AUDITOR] == {f"{package}:read" for package in PACKAGES}


def test_only_the_data_protection_officer_may_ask_for_a_reveal() -> None:
    assert [role for role in Role if "pseudonymize:reveal" in roles.SCOPES[role]] == [Role.DPO]
