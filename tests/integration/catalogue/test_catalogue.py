"""The data map follows the code, keeps what people said, and lists what nobody has said."""

from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, transaction
from django.urls import reverse

from audit.models import Entry
from governance.accounts import roles, staff
from governance.accounts.models import User
from governance.catalogue import declarations, sync
from governance.catalogue.declarations import Declared
from governance.catalogue.models import LACKING, Dataset, Field, System
from governance.kernel.actors import SYSTEM
from governance.kernel.personal_data import covered_tables
from tests.people import ADA, DANA

pytestmark = pytest.mark.django_db


def test_every_table_and_column_of_the_service_is_in_it() -> None:
    sync.sync()
    tables = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    assert set(Dataset.objects.filter(gone_at=None).values_list("table", flat=True)) == tables
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT table_name || '.' || column_name FROM information_schema.columns
               WHERE table_schema = 'public' AND table_name = ANY(%s)""",
            [list(tables)],
        )
        columns = {name for (name,) in cursor.fetchall()}
    known = set(Field.objects.filter(gone_at=None).values_list("dataset__table", "name"))
    assert {f"{table}.{name}" for table, name in known} == columns


def test_what_a_source_answers_for_is_personal_and_the_rest_is_not() -> None:
    sync.sync()
    personal = set(Dataset.objects.filter(personal=True).values_list("table", flat=True))
    assert personal == covered_tables() & set(Dataset.objects.values_list("table", flat=True))
    assert "consent_event" in personal
    assert "purposes_purpose" not in personal
    assert Dataset.objects.get(table="consent_event").source_key == "consent.ledger"


def test_syncing_twice_changes_nothing() -> None:
    first = sync.sync()
    before = list(Field.objects.order_by("id").values())
    second = sync.sync()
    assert (second.fields, second.appeared, second.vanished) == (first.fields, 0, 0)
    assert list(Field.objects.order_by("id").values()) == before


def test_what_is_gone_from_the_code_is_marked_and_comes_back_as_it_was() -> None:
    sync.sync()
    field = Field.objects.get(dataset__table="consent_event", name="method")
    Field.objects.filter(pk=field.pk).update(name="old_column", retention="Ten years")
    done = sync.sync()
    assert (done.appeared, done.vanished) == (1, 1)
    gone = Field.objects.get(pk=field.pk)
    assert gone.gone_at is not None
    assert gone not in Field.objects.filter(LACKING)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM catalogue_field WHERE name = 'method' AND dataset_id = %s", [field.dataset_id])
        cursor.execute("UPDATE catalogue_field SET name = 'method' WHERE id = %s", [field.pk])
    sync.sync()
    back = Field.objects.get(pk=field.pk)
    assert (back.gone_at, back.retention) == (None, "Ten years")


def test_what_a_person_decided_outlasts_what_the_code_declares(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(declarations, "_declared", {})
    sync.sync()
    Field.objects.filter(dataset__table="consent_event").update(category="", purpose_key="", retention="")
    Field.objects.filter(dataset__table="consent_event", name="method").update(purpose_key="decided")
    declarations.declare(
        "consent_event",
        method=Declared("evidence", "declared", "a year"),
        channel=Declared("choice", "declared", "a year"),
    )
    sync.sync()
    rows = Field.objects.filter(dataset__table="consent_event", name__in=["method", "channel"]).order_by("name")
    assert list(rows.values_list("name", "category", "purpose_key", "retention")) == [
        ("channel", "choice", "declared", "a year"),
        ("method", "evidence", "decided", "a year"),
    ]


def test_fields_that_nobody_has_decided_about_are_on_the_list() -> None:
    sync.sync()
    Field.objects.filter(personal=True).update(purpose_key="accountability", retention="a year")
    assert sync.gaps() == []
    Field.objects.filter(dataset__table="consent_event", name="method").update(purpose_key="")
    Field.objects.filter(dataset__table="consent_event", name="channel").update(purpose_key="", retention="")
    Field.objects.filter(dataset__table="purposes_purpose").update(retention="")
    assert [(gap.field, gap.lacks) for gap in sync.gaps()] == [
        ("consent_event.channel", ("purpose", "retention")),
        ("consent_event.method", ("purpose",)),
    ]
    out = StringIO()
    call_command("sync_catalogue", stdout=out)
    # The command fills in what the code declares, so the list is empty again.
    assert "0 fields with personal data lack a purpose or a retention." in out.getvalue()


def test_consent_says_of_each_of_its_columns_what_it_is_for() -> None:
    sync.sync()
    assert not Field.objects.filter(LACKING).filter(dataset__system__key="consent").exists()


def test_a_decision_in_the_console_is_in_the_log(client: Any) -> None:
    sync.sync()
    dana = staff.enlist(DANA.email, roles_held=[roles.Role.DPO], actor=SYSTEM)
    client.force_login(User.objects.get(pk=dana))
    field = Field.objects.get(dataset__table="consent_event", name="method")
    before = Entry.objects.filter(action="configuration.changed").count()
    url = reverse("admin:catalogue_field_change", args=[field.pk])
    answer = client.post(
        url, {"category": "evidence of consent", "purpose_key": "newsletter", "retention": "Until it expires"}
    )
    assert answer.status_code == 302
    field.refresh_from_db()
    assert (field.purpose_key, field.retention) == ("newsletter", "Until it expires")
    assert Entry.objects.filter(action="configuration.changed").count() == before + 1


def test_the_map_opens_and_an_auditor_changes_nothing(client: Any) -> None:
    sync.sync()
    ada = staff.enlist(ADA.email, roles_held=[roles.Role.AUDITOR], actor=SYSTEM)
    client.force_login(User.objects.get(pk=ada))
    for page in ("system", "dataset", "field"):
        assert client.get(reverse(f"admin:catalogue_{page}_changelist")).status_code == 200
    assert client.get(reverse("admin:catalogue_field_changelist"), {"lacking": "yes"}).status_code == 200
    dataset = Dataset.objects.get(table="consent_event")
    assert client.get(reverse("admin:catalogue_dataset_change", args=[dataset.pk])).status_code == 200
    field = Field.objects.get(dataset=dataset, name="method")
    url = reverse("admin:catalogue_field_change", args=[field.pk])
    assert client.post(url, {"retention": "never"}).status_code == 403
    assert System.objects.filter(key="consent", title="Consent").exists()


def test_nothing_is_half_synced() -> None:
    sync.sync()
    System.objects.filter(key="consent").update(title="x")
    with transaction.atomic():
        sync.sync()
        transaction.set_rollback(True)
    assert System.objects.get(key="consent").title == "x"
