from pathlib import Path

import pytest
from pydantic import ValidationError

from governance.environment import Environment


def test_the_embedded_server_is_used_unless_another_is_named(tmp_path: Path) -> None:
    database = Environment(zgoda_var=tmp_path, database_url=None).database()
    assert database["OPTIONS"] == {"embedded": str(tmp_path / "postgres")}


def test_a_database_url_is_read_in_full() -> None:
    database = Environment(database_url="postgresql://us%40er:p%2Fw@db.example:5433/zgoda?sslmode=require").database()
    assert (database["USER"], database["PASSWORD"], database["HOST"], database["PORT"], database["NAME"]) == (
        "us@er", "p/w", "db.example", "5433", "zgoda",
    )  # fmt: skip
    assert database["OPTIONS"] == {"sslmode": "require"}


@pytest.mark.parametrize("url", ["sqlite:///x", "mysql://a/b", "db.example"])
def test_another_engine_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="one database engine"):
        Environment(database_url=url)


def test_a_wrong_value_is_refused() -> None:
    with pytest.raises(ValidationError):
        Environment(email_port="smtp", zgoda_debug="perhaps")
