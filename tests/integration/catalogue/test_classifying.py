"""Categories proposed from samples: only where nobody has decided, with an entry in the log, and without the values."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from audit.models import Entry
from governance.catalogue.classifying import classify
from governance.catalogue.models import Dataset, Field, System
from governance.kernel.actors import SYSTEM

pytestmark = [pytest.mark.django_db, pytest.mark.slow]  # detection's models load


@pytest.fixture
def leads() -> Dataset:
    """A table that somebody brought along, in the catalogue without categories."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE leads (mail text, pesel text, colour text, note text, chosen text)")
        cursor.executemany(
            "INSERT INTO leads VALUES (%s, %s, %s, %s, %s)",
            [
                (
                    f"lead{n}@example.org",
                    "44051401359",
                    "red",
                    f"please write to lead{n}@example.org about it",
                    f"c{n}@example.org",
                )
                for n in range(60)
            ],
        )
    system = System.objects.create(key="brought", title="Brought along")
    dataset = Dataset.objects.create(system=system, table="leads", title="Leads")
    for name in ("mail", "pesel", "colour", "note", "chosen"):
        Field.objects.create(
            dataset=dataset, name=name, data_type="TextField", category="decided" if name == "chosen" else ""
        )
    return dataset


def test_columns_get_a_category_where_nobody_has_set_one(leads: Dataset) -> None:
    proposals = {p.column: p for p in classify(actor=SYSTEM) if p.table == "leads"}
    assert {name: p.category for name, p in proposals.items()} == {
        "mail": "contact", "pesel": "identifier", "note": "free text with personal data",
    }  # fmt: skip
    assert all(0.5 <= p.confidence <= 1 for p in proposals.values())
    fields = {field.name: field for field in Field.objects.filter(dataset=leads)}
    assert (fields["mail"].category, fields["mail"].personal) == ("contact", True)
    assert (fields["colour"].category, fields["colour"].personal) == ("", False)
    assert fields["chosen"].category == "decided"


def test_a_dry_run_writes_nothing_and_shows_no_value(leads: Dataset) -> None:
    before = Entry.objects.count()
    out = StringIO()
    call_command("classify_columns", "--dry-run", stdout=out)
    assert "leads.mail: contact" in out.getvalue()
    assert "@" not in out.getvalue()
    assert "44051401359" not in out.getvalue()
    assert not Field.objects.filter(dataset=leads, category="contact").exists()
    assert Entry.objects.count() == before
