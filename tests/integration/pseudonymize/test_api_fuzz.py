"""The API, called with whatever its document allows and does not: nothing answers that we are at fault (500).

`ZGODA_FUZZ_EXAMPLES` raises the number of calls per operation; `ZGODA_FUZZ_PATHS` is a regular expression of the addresses that are
called: this package's unless it says otherwise, `.` for every address of the service.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable

from governance.accounts.scopes import PACKAGES, VERBS
from pseudonymize.api.examples import POLICY
from tests.integration.pseudonymize.calling import Caller

EXAMPLES = int(os.environ.get("ZGODA_FUZZ_EXAMPLES", "1"))
PATHS = re.compile(
    os.environ.get("ZGODA_FUZZ_PATHS")
    or r"/api/v1/(pseudonymize|detect|policies|domains|keys|manifests|risk|reveal-requests|bridges)\b"
)
EVERYTHING = [f"{package}:{verb}" for package in sorted(PACKAGES) for verb in sorted(VERBS)]


@pytest.mark.slow  # a few calls to each of dozens of operations, and a second to find out what each may be called with
@pytest.mark.django_db(transaction=True)  # the calls come through WSGI, which looks after its connections by itself
def test_nothing_that_the_document_allows_is_our_fault() -> None:
    schemathesis = pytest.importorskip("schemathesis", reason="schemathesis makes the calls")
    from schemathesis.errors import SchemathesisError

    from governance.wsgi import application

    caller = Caller(*EVERYTHING)
    caller("POST", "policies", {"text": POLICY})
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application)
    crashed: set[str] = set()
    statuses: Counter[int] = Counter()
    for found in schema.get_all_operations():
        operation = found.ok()
        if not PATHS.match(operation.path):
            continue
        for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):
            try:
                for status in called(operation.as_strategy(generation_mode=mode), caller):
                    statuses[status] += 1
                    if status == 500:
                        crashed.add(operation.label)
            except (Unsatisfiable, SchemathesisError):
                pass  # nothing can be wrong with a call without parameters
    assert not crashed
    assert sum(statuses.values()) > 20 * EXAMPLES
    assert {200, 422} <= set(statuses)


def called(cases: Any, caller: Caller) -> list[int]:
    """The statuses of a few calls."""
    statuses: list[int] = []

    @settings(
        max_examples=EXAMPLES,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases)
    def call(case: Any) -> None:
        statuses.append(case.call(headers=caller._headers).status_code)

    call()
    return statuses


@pytest.mark.django_db
def test_a_receipt_that_is_nobodys_is_the_callers_error() -> None:
    """Found by calling every address of the service."""
    caller = Caller("consent:read")
    assert caller("POST", "consent/receipts/verify", {"receipt": "a.b.c"})[1]["code"] == "receipt_forged"
