"""The client for pipelines: what goes in comes out, in its own kind, in the house and over REST."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from governance.accounts import clients
from governance.kernel.actors import SYSTEM
from governance.kernel.clock import now
from pseudonymize import key_sources, publishing
from pseudonymize.client import Pseudonymizer
from pseudonymize.errors import ColumnsNotCovered, PolicyInvalid, TableUnreadable
from pseudonymize.key_sources import ServiceRefused
from pseudonymize.models import Manifest
from tests.integration.pseudonymize.arranging import IMPORTER
from tests.integration.pseudonymize.tables import policy

POLICY: dict[str, Any] = {
    "version": 1,
    "domain": {"id": "pipeline", "purpose": "model_training"},
    "engine": {"on_error": "quarantine"},
    "columns": {
        "email": {"transform": "token_mac", "canonical": "email@1"},
        "spend": {"transform": "keep"},
    },
}
TABLE = pa.table({"email": ["Anna@Example.com", "anna@example.com", None, "nobody"], "spend": [1.5, 2.0, 3.0, 4.0]})


@pytest.mark.django_db
def test_every_kind_of_table_comes_back_as_its_kind(tmp_path: Path) -> None:
    mapped = Pseudonymizer.from_policy(POLICY, activity="test")
    expected = mapped.transform(TABLE)
    assert mapped.last is not None
    assert mapped.last.quarantined == 1
    assert mapped.last.manifest.startswith("man_")
    assert expected["email"][0] == expected["email"][1]
    assert expected["spend"].to_pylist() == [1.5, 2.0, 3.0]

    written = tmp_path / "policy.yaml"
    written.write_text(json.dumps(POLICY, indent=1))
    filed = Pseudonymizer.from_policy(str(written))
    frame = filed.transform(pl.DataFrame(TABLE))
    assert isinstance(frame, pl.DataFrame)
    assert frame.to_dict(as_series=False) == expected.to_pydict()
    assert filed.transform(pl.LazyFrame(TABLE)).equals(frame)
    pandas = filed.transform(TABLE.to_pandas())
    assert isinstance(pandas, pd.DataFrame)
    assert list(pandas["email"][:2]) == expected["email"].to_pylist()[:2]
    batch = filed.transform(TABLE.to_batches()[0])
    assert isinstance(batch, pa.RecordBatch)
    assert pa.Table.from_batches([batch]) == expected
    assert filed.transform(TABLE.to_reader()).read_all() == expected
    batches = filed.transform(iter([*TABLE[:2].to_batches(), *TABLE[2:].to_batches()]))
    assert pa.Table.from_batches(list(batches)) == expected
    assert Manifest.objects.count() == 7


@pytest.mark.django_db
def test_what_is_wrong_is_said_as_a_run_says_it() -> None:
    with pytest.raises(PolicyInvalid):
        Pseudonymizer.from_policy(POLICY | {"columns": {"email": {"transform": "hash"}}})
    ready = Pseudonymizer.from_policy(POLICY)
    with pytest.raises(ColumnsNotCovered):
        ready.transform(TABLE.append_column("ssn", pa.array(["1"] * 4)))
    for wrong in ([1, 2], "text", [], {"email": ["a"]}):
        with pytest.raises(TableUnreadable):
            ready.transform(wrong)


@pytest.mark.django_db(transaction=True)
def test_over_rest_the_answer_is_the_same(live_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ready = Pseudonymizer.from_policy(POLICY)
    expected = ready.transform(TABLE)
    key = clients.issue("pipeline", ["pseudonymize:run"], now() + timedelta(days=1), actor=SYSTEM).key_text
    monkeypatch.setenv(key_sources.KEY_VARIABLE, key)
    remote = Pseudonymizer.from_policy(f"{live_server.url}/policies/pipeline", activity="test")
    assert remote.transform(TABLE) == expected
    assert remote.last is not None
    assert remote.last.quarantined == 1
    assert Manifest.objects.count() == 2
    with pytest.raises(ServiceRefused) as refused:
        Pseudonymizer.from_policy(f"{live_server.url}/policies/nothing").transform(TABLE)
    assert refused.value.fields["status"] == 404
    publishing.publish(policy("other"), actor=IMPORTER)
    with pytest.raises(ServiceRefused) as refused:
        Pseudonymizer.from_policy(f"{live_server.url}/policies/other").transform(TABLE)
    assert refused.value.fields["status"] == 422
