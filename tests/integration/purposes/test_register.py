"""The register against a real PostgreSQL: versions, time, caches across connections, and what refuses to change."""

import json
import threading
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from governance import purposes
from governance.purposes import register
from governance.purposes.errors import InvalidPurpose, PurposeOutOfOrder, UnknownPurpose
from governance.purposes.models import ProcessingActivity, Purpose

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)


def newsletter(**changes: Any) -> purposes.PurposeVersion:
    content = {
        "title_en": "Newsletter",
        "title_pl": "Biuletyn",
        "description_en": "Offers by e-mail.",
        "description_pl": "Oferty e-mailem.",
        "legal_basis": "consent",
        "channels": ["email", "sms"],
    }
    return purposes.define("newsletter", **(content | changes))


@pytest.mark.django_db
def test_a_new_version_follows_and_the_old_one_stays_what_it_was() -> None:
    first = newsletter(effective_from=T0)
    second = newsletter(channels=["email"], effective_from=T0 + timedelta(days=10))
    assert (first.version, second.version) == (1, 2)
    assert purposes.current("newsletter", T0 + timedelta(days=9)) == first
    assert purposes.current("newsletter", T0 + timedelta(days=10)) == second
    assert purposes.book(second.id).version("newsletter", 1) == first


@pytest.mark.django_db
def test_nothing_is_in_force_before_its_time_or_under_an_unknown_name() -> None:
    newsletter(effective_from=T0)
    with pytest.raises(UnknownPurpose):
        purposes.current("newsletter", T0 - timedelta(seconds=1))
    with pytest.raises(UnknownPurpose):
        purposes.current("newsletters")
    assert purposes.all_current(T0 - timedelta(seconds=1)) == []


@pytest.mark.django_db
def test_saying_the_same_again_adds_nothing_unless_it_asks_again() -> None:
    with time_machine.travel(T0, tick=True):
        first = newsletter()
        assert newsletter() == first
        assert newsletter(reconsent=True).version == 2
        assert newsletter(reconsent=True).version == 2
    assert purposes.book(None) is not None
    assert purposes.book(purposes.current("newsletter").id).oldest_consent(purposes.current("newsletter")) == 2


@pytest.mark.django_db
def test_versions_come_into_force_in_order() -> None:
    newsletter(effective_from=T0)
    with pytest.raises(PurposeOutOfOrder):
        newsletter(channels=["email"], effective_from=T0)


@pytest.mark.django_db
def test_a_definition_that_contradicts_itself_is_refused_with_pointers() -> None:
    with pytest.raises(InvalidPurpose) as caught:
        newsletter(title_pl="", channels=["fax"])
    assert [wrong["pointer"] for wrong in caught.value.fields["errors"]] == ["/title_pl", "/channels"]
    assert not Purpose.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("statement", ["UPDATE {} SET title_en = 'x'", "DELETE FROM {}", "TRUNCATE {}"])
def test_a_version_never_changes(statement: str) -> None:
    newsletter()
    with (
        connection.cursor() as cursor
    ):  # as a commit would: what waits for it would keep the table from being emptied anyway
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format("purposes_purpose"))


@pytest.mark.django_db
def test_a_definition_that_was_rolled_back_is_forgotten_although_its_number_is_used_again() -> None:
    newsletter(effective_from=T0)
    with transaction.atomic():
        newsletter(title_en="Draft", effective_from=T0 + timedelta(days=1))
        assert purposes.current("newsletter").title_en == "Draft"
        transaction.set_rollback(True)
    kept = newsletter(title_en="Kept", effective_from=T0 + timedelta(days=1))
    assert purposes.current("newsletter") == kept
    assert kept.title_en == "Kept"


@pytest.mark.django_db(transaction=True)
def test_another_connection_sees_a_new_version_at_once_and_ten_writers_get_ten_versions() -> None:
    newsletter(effective_from=T0)
    stale = register._book
    failures: list[Exception] = []

    def define(days: int) -> None:
        try:
            newsletter(validity_days=days)
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=define, args=(days,)) for days in range(1, 11)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    register._book = stale  # as a process that has not looked since
    assert purposes.current("newsletter").version == 11
    numbers = list(Purpose.objects.order_by("edition").values_list("version", "edition"))
    assert numbers == [(n, n) for n in range(1, 12)]


@pytest.mark.django_db
def test_the_record_of_processing_says_what_it_lacks() -> None:
    newsletter()
    ProcessingActivity.objects.create(
        name="Newsletter", purpose_key="newsletter", subject_categories=["customers"], data_categories=["e-mail address"],
        retention="Two years after withdrawal",
    )  # fmt: skip
    out = StringIO()
    call_command("export_record", stdout=out)
    record = json.loads(out.getvalue())
    assert record["purposes"][0]["legal_basis"]["article"] == "Art. 6(1)(a)"
    assert record["activities"][0]["missing"] == ["Art. 30(1)(g): security"]
    assert record["data_protection_officer"]["contact"]
