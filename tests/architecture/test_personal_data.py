"""Promise 4 stands on this: no table can refer to a person without a source that can erase it."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import Model

from governance.kernel import personal_data
from governance.kernel.ids import uuid7

# Columns that name a person in whatever way the field does.
_NAMES_A_PERSON = {"subject", "subject_id", "data_subject_id", "household_id", "customer_id", "email", "phone"}
# Tables of staff, who are not data subjects of this service, and of the framework. Each with the reason.
_EXEMPT = {
    "accounts_user": "staff: their accounts are kept for as long as they work here, and a retention rule removes them",
    "account_emailaddress": "staff: the address they log in with",
    "auditlog_logentry": "changes of configuration by staff; a retention rule empties the actor's address",
}


def _tables_that_name_a_person() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for model in apps.get_models(include_auto_created=True):
        columns = {field.column for field in model._meta.local_concrete_fields} & _NAMES_A_PERSON
        if columns:
            found[model._meta.db_table] = columns
    return found


def test_every_table_that_refers_to_a_subject_has_a_source() -> None:
    orphans = set(_tables_that_name_a_person()) - personal_data.covered_tables() - set(_EXEMPT)
    assert not orphans, f"register a PersonalDataSource for {sorted(orphans)}"


def test_every_exemption_is_still_needed() -> None:
    tables = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    assert set(_EXEMPT) <= tables


@pytest.mark.django_db
def test_no_table_outside_djangos_models_refers_to_a_subject() -> None:
    """What a migration creates by SQL is not forgotten either."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT table_name FROM information_schema.columns "
            "WHERE table_schema = 'public' AND column_name IN ('subject', 'subject_id', 'data_subject_id')"
        )
        tables = {name for (name,) in cursor.fetchall()}
    known = personal_data.covered_tables() | set(_EXEMPT)
    # A partition belongs to its parent.
    assert not {name for name in tables if not any(name == table or name.startswith(f"{table}_p") for table in known)}


def test_sources_name_tables_that_exist_and_share_none() -> None:
    seen: set[str] = set()
    with_models = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    for source in personal_data.sources():
        assert not source.tables & seen, source.key
        seen |= source.tables
        assert source.tables <= with_models, f"{source.key} names tables without a model: {source.tables - with_models}"


def test_the_identity_vault_is_erased_last() -> None:
    assert personal_data.sources()[-1].order == 1000


def _ids(model: type[Model]) -> dict[str, object]:
    """Something in every id column, so that a `__str__` that shows one can."""
    return {
        field.attname: uuid7()
        for field in model._meta.concrete_fields
        if field.get_internal_type() == "UUIDField" and not field.primary_key
    }


def test_no_str_of_a_model_with_personal_data_shows_a_field_of_it() -> None:
    """A `__str__` ends up in logs, messages and the admin's history."""
    for model in apps.get_models():
        if model._meta.db_table in personal_data.covered_tables() and "__str__" in vars(model):
            shown = str(model(pk=uuid7(), **_ids(model)))
            for column in ("ciphertext", "email", "phone"):
                assert column not in shown
