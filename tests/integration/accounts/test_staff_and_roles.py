"""Roles in the database are what the rules say after every migration; the console shows each role its own and no more."""

from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import Client

from governance.accounts import roles, staff
from governance.accounts.errors import AlreadyEnlisted, StaffUnknown
from governance.accounts.models import ServiceClient, User
from governance.accounts.roles import Role
from governance.kernel.actors import SYSTEM
from governance.kernel.errors import InvalidInput
from governance.kernel.ids import uuid7
from tests.integration.accounts.log_reading import actions
from tests.people import STAFF

pytestmark = pytest.mark.django_db


def browser_of(role: Role | None, *, superuser: bool = False) -> Client:
    email = f"{role or 'nobody'}@example.com"
    user_id = staff.find(email) or staff.enlist(
        email, roles_held=[role] if role else [], superuser=superuser, actor=SYSTEM
    )
    browser = Client()
    browser.force_login(User.objects.get(pk=user_id))
    return browser


def test_migrating_seeded_every_role() -> None:
    assert {group.name for group in Group.objects.all()} >= {role.value for role in Role}
    for role in (Role.DPO, Role.ENGINEER, Role.AUDITOR):
        assert Group.objects.get(name=role.value).permissions.exists()


def test_seeding_again_changes_nothing() -> None:
    before = {role: set(Group.objects.get(name=role.value).permissions.values_list("pk", flat=True)) for role in Role}
    roles.seed()
    assert before == {
        role: set(Group.objects.get(name=role.value).permissions.values_list("pk", flat=True)) for role in Role
    }


def test_a_permission_slipped_into_a_role_is_gone_after_the_next_migration() -> None:
    auditor = Group.objects.get(name=Role.AUDITOR.value)
    auditor.permissions.add(Permission.objects.get(codename="change_user", content_type__app_label="accounts"))
    call_command("migrate", verbosity=0)
    assert not auditor.permissions.exclude(codename__startswith="view_").exists()


def test_the_auditor_can_look_at_every_model_of_ours_and_change_none() -> None:
    ada = User.objects.get(pk=staff.enlist("ada@example.com", roles_held=[Role.AUDITOR], actor=SYSTEM))
    ours = [
        model
        for config in apps.get_app_configs()
        if config.name.split(".")[0] in {"governance", "audit", "consent", "pseudonymize", "dsar", "engine"}
        for model in config.get_models()
    ]
    assert ServiceClient in ours
    for model in ours:
        label, name = model._meta.app_label, model._meta.model_name
        assert ada.has_perm(f"{label}.view_{name}"), f"{label}.{name}"
        assert not any(ada.has_perm(f"{label}.{verb}_{name}") for verb in ("add", "change", "delete"))


@pytest.mark.parametrize("role", Role)
def test_a_role_has_exactly_the_permissions_of_the_rules(role: Role) -> None:
    user = User.objects.get(pk=staff.enlist("x@example.com", roles_held=[role], actor=SYSTEM))
    every = [f"{app}.{name}" for app, name in Permission.objects.values_list("content_type__app_label", "codename")]
    assert user.get_all_permissions() == {name for name in every if roles.granted_to(role, name)}


def test_the_console_issues_a_key_once_and_never_shows_it_again() -> None:
    dana = browser_of(Role.DPO)
    answer = dana.post(
        "/console/accounts/serviceclient/add/", {"name": "loader", "scopes": ["consent:write"], "days": 30}
    )
    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]
    client = ServiceClient.objects.get()
    assert f"zg_{client.prefix}_" in answer.content.decode()
    for page in ("", f"{client.pk}/change/"):
        assert f"zg_{client.prefix}_" not in dana.get(f"/console/accounts/serviceclient/{page}").content.decode()


@pytest.mark.parametrize("role", [Role.MARKETER, Role.AUDITOR, None])
def test_others_issue_no_keys_in_the_console(role: Role | None) -> None:
    answer = browser_of(role).post(
        "/console/accounts/serviceclient/add/", {"name": "x", "scopes": ["consent:write"], "days": 3}
    )
    assert answer.status_code == 403
    assert not ServiceClient.objects.exists()


def test_the_dpo_cannot_hand_out_a_scope_that_the_role_lacks() -> None:
    answer = browser_of(Role.DPO).post(
        "/console/accounts/serviceclient/add/", {"name": "x", "scopes": ["channels:run"], "days": 3}
    )
    assert "do not hold" in answer.content.decode()
    assert not ServiceClient.objects.exists()


@pytest.mark.parametrize("role", [*Role, None])
def test_nobody_makes_themselves_more_in_the_console(role: Role | None) -> None:
    browser = browser_of(role)
    user = User.objects.get(email=f"{role or 'nobody'}@example.com")
    answer = browser.post(f"/console/accounts/user/{user.pk}/change/", {"is_superuser": "on", "groups": [1, 2, 3, 4]})
    assert answer.status_code == 403
    user.refresh_from_db()
    assert not user.is_superuser
    assert roles.roles_of(user) == ({role} if role else set())


def test_a_superuser_reads_nobodys_data_through_the_api() -> None:
    operator = User.objects.create_superuser("operator@example.com", "correct horse battery")
    assert roles.scopes_of(operator) == {"accounts:read", "accounts:write", "jobs:read"}


def test_the_cast_can_be_enlisted_once() -> None:
    for member in STAFF:
        staff.enlist(member.email, roles_held=[Role(member.role)], display_name=member.name, actor=SYSTEM)
        with pytest.raises(AlreadyEnlisted):
            staff.enlist(member.email.upper(), actor=SYSTEM)
    assert actions("accounts.staff_enlisted") == len(STAFF)
    assert actions("accounts.role_granted") == len(STAFF)


@pytest.mark.parametrize("given", [{"email": "no address"}, {"email": "a@example.com", "password": "short"}])
def test_an_account_that_does_not_pass_the_rules_is_not_made(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        staff.enlist(**given, actor=SYSTEM)
    assert not User.objects.exists()


def test_the_database_refuses_an_address_in_capitals() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create(email="Dana@example.com")


def test_granting_twice_is_one_grant_and_an_unknown_person_is_named_as_such() -> None:
    user_id = staff.enlist("eli@example.com", actor=SYSTEM)
    roles.grant(user_id, Role.ENGINEER)
    roles.grant(user_id, Role.ENGINEER)
    assert actions("accounts.role_granted") == 1
    with pytest.raises(StaffUnknown):
        roles.grant(uuid7(), Role.DPO)


def test_a_password_set_by_the_operator_ends_open_sessions() -> None:
    user_id = staff.enlist("dana@example.com", roles_held=[Role.DPO], password="correct horse battery", actor=SYSTEM)
    browser = Client()
    browser.force_login(User.objects.get(pk=user_id))
    assert browser.get("/console/accounts/serviceclient/").status_code == 200
    staff.set_password(user_id, "another horse battery", actor=SYSTEM)
    assert browser.get("/console/").status_code == 302


def test_what_django_copies_into_its_own_log_names_nobody() -> None:
    user = User(email="dana@example.com", display_name="Dana")
    assert str(user) == f"staff:{user.pk}"
