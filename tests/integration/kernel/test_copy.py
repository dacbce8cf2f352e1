import pytest
from django.db import connection, transaction

from governance.kernel.copy import copy_rows

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("types", [(), ("int8", "text", "bytea")])
def test_rows_arrive_as_they_were_in_the_open_transaction(types: tuple[str, ...]) -> None:
    rows = [(1, "zażółć\t\\N\n", b"\x00\xff"), (2, None, b"")]
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE copied (a int8, b text, c bytea) ON COMMIT DROP")
    with pytest.raises(RuntimeError), transaction.atomic():
        assert copy_rows("copied", ["a", "b", "c"], rows, types) == 2
        raise RuntimeError
    assert copy_rows("copied", ["a", "b", "c"], rows, types) == 2
    with connection.cursor() as cursor:
        cursor.execute("SELECT a, b, c FROM copied ORDER BY a")
        assert [(a, b, bytes(c)) for a, b, c in cursor.fetchall()] == rows
