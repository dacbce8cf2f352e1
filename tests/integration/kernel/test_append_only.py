import pytest
from django.db import IntegrityError, connection, transaction

from governance.kernel.append_only import AppendOnly

pytestmark = pytest.mark.django_db


@pytest.fixture
def ledger() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE ledger (id int, note text, seen boolean)")
        cursor.execute(AppendOnly("ledger", allow_update_of=["seen"]).sql)
        cursor.execute("INSERT INTO ledger VALUES (1, 'a', false)")


@pytest.mark.parametrize("statement", ["UPDATE ledger SET note = 'b'", "DELETE FROM ledger", "TRUNCATE ledger"])
def test_the_past_cannot_be_rewritten(ledger: None, statement: str) -> None:
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_a_column_that_may_change_does_and_the_others_beside_it_do_not(ledger: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ledger SET seen = true")
        assert cursor.rowcount == 1
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE ledger SET seen = false, note = 'b'")
