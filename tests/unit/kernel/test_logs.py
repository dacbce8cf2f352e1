import json
import logging

import pytest
import structlog

from governance.kernel import logs
from tests.people import ALICE


def test_a_key_that_is_not_on_the_list_raises_in_tests() -> None:
    with pytest.raises(logs.KeyNotAllowed):
        logs.get_logger("tests").info("consent_withdrawn", email=ALICE.email)


def test_a_key_that_is_not_on_the_list_is_dropped_in_production() -> None:
    event = logs.allow_listed(strict=False)(None, "info", {"event": "x", "email": ALICE.email, "purpose": "p"})
    assert event == {"event": "x", "purpose": "p"}


def _formatted(record: logging.LogRecord) -> dict[str, object]:
    configured = logs.configuration(pretty=False, strict=True)["formatters"]["structured"]
    formatter = structlog.stdlib.ProcessorFormatter(
        processors=configured["processors"], foreign_pre_chain=configured["foreign_pre_chain"]
    )
    line: dict[str, object] = json.loads(formatter.format(record))
    return line


def test_what_a_library_logs_loses_its_arguments() -> None:
    record = logging.LogRecord("somebody", logging.WARNING, "f.py", 1, "mail to %s failed", (ALICE.email,), None)
    line = _formatted(record)
    assert ALICE.email not in json.dumps(line)
    assert line["event"] == "mail to %s failed"


def test_of_an_exception_only_the_class_and_the_place_are_logged() -> None:
    try:
        raise ValueError(f"Key (email)=({ALICE.email}) already exists.")
    except ValueError:
        import sys

        record = logging.LogRecord("somebody", logging.ERROR, "f.py", 1, "crashed", None, sys.exc_info())
    line = _formatted(record)
    assert ALICE.email not in json.dumps(line)
    assert line["error_class"] == "ValueError"
    assert str(line["where"]).startswith("tests.unit.kernel.test_logs:")
