"""Promise 5 stands on this: no table whose rows decide something can be changed without a trace in the log."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import connection

from audit import capture
from governance.kernel import personal_data

# Tables that neither say how data is processed nor are evidence. Each with the reason why its changes need no entry of their own.
_OPERATIONAL = {
    "accounts_user": "staff and roles: accounts.staff_*, accounts.role_*, accounts.password_set",
    "accounts_user_groups": "accounts.role_granted, accounts.role_withdrawn",
    "accounts_user_user_permissions": "nobody grants single permissions",
    "accounts_serviceclient": "accounts.client_*, accounts.key_*",
    "aggregates_budget": "its form calls the verb: aggregates.budget_created",
    "incidents_personaldatabreach": "its form calls the verbs of the register: each step leaves an entry",
    "retention_legalhold": "its form calls the verbs: retention.hold_placed, retention.hold_released",
}
# Verbs of these apps write an entry with every change of their tables; their own tests say so.
_BY_VERBS = {
    "accounts", "aggregates", "airegister", "audit", "catalogue", "consent", "dsar", "engine_channels", "engine_content",
    "engine_decisioning", "engine_events", "engine_experiments", "engine_features", "engine_journeys", "engine_learning",
    "engine_profiles", "incidents", "jobs", "privacy_center", "pseudonymize", "purposes", "retention",
}  # fmt: skip
_FRAMEWORK = {"admin", "auth", "contenttypes", "sessions", "account", "mfa", "auditlog", "usersessions"}


def test_every_app_with_tables_is_known_to_write_entries() -> None:
    strangers = {model._meta.app_label for model in apps.get_models()} - _BY_VERBS - _FRAMEWORK
    assert not strangers, (
        f"say how changes of {sorted(strangers)} reach the log: capture.configuration, or verbs that emit"
    )


def _changeable_by_hand() -> set[str]:
    """Tables that staff may add to, change or delete from in the console, past any verb."""
    from django.contrib import admin

    found = set()
    for model, registered in admin.site._registry.items():
        methods = (registered.has_add_permission, registered.has_change_permission, registered.has_delete_permission)
        allowed = any(_allows(method) for method in methods)
        if allowed and model._meta.app_label not in _FRAMEWORK:
            found.add(model._meta.label)
    return found


def _allows(method) -> bool:
    class Everything:
        is_active = is_staff = is_superuser = is_authenticated = True
        pk = None

        def has_perm(self, *_: object) -> bool:
            return True

    class Request:
        user = Everything()
        method = "GET"

    try:
        return bool(method(Request()))
    except (AttributeError, TypeError):
        return True


def test_what_staff_can_change_by_hand_is_captured() -> None:
    captured = {model._meta.label for model in capture.captured_models()}
    tables = {model._meta.label: model._meta.db_table for model in apps.get_models()}
    open_ = {label for label in _changeable_by_hand() - captured if tables[label] not in _OPERATIONAL}
    assert not open_, f"call audit.capture.configuration for {sorted(open_)} in AppConfig.ready()"


@pytest.mark.django_db
def test_every_captured_table_has_the_trigger_for_raw_sql() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE 'zgoda_direct_%%'")
        watched = {name for (name,) in cursor.fetchall()}
        existing = set(connection.introspection.table_names(cursor))
    captured = {model._meta.db_table for model in capture.captured_models()} & existing
    assert captured <= watched


def test_no_captured_table_is_about_a_person() -> None:
    captured = {model._meta.db_table for model in capture.captured_models()}
    assert not captured & personal_data.covered_tables()
