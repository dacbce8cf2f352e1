"""The same policy on Spark: the output of a batch run, with keys that were lent and are nowhere else."""

from __future__ import annotations

import base64
import datetime as dt
import gc
import logging
import os
import shutil
import sys
import warnings
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from audit.models import Entry
from governance.accounts import clients
from governance.kernel.actors import SYSTEM
from governance.kernel.canonical import digest
from governance.kernel.clock import now
from pseudonymize import key_sources, policies, publishing
from pseudonymize.errors import InvalidRequest, LeaseExpired, ResidualPersonalData, RiskTooHigh, VaultNeeded
from pseudonymize.key_sources import HouseKeys, ServiceKeys, ServiceRefused
from pseudonymize.kits import leases
from pseudonymize.runs import batch, manifests, outside
from pseudonymize.runs.manifests import file_sha256
from tests.integration.pseudonymize.arranging import IMPORTER

ROOT = Path(__file__).parents[3]
KEY_FILE = Path(os.environ["ZGODA_VAR"]) / "a-cluster-s-client-key"
POLICY = """\
version: 1
domain: {id: cluster, purpose: model_training}
engine: {on_error: quarantine}
columns:
  customer: {transform: token_siv, canonical: id@1}
  email: {transform: token_mac, canonical: email@1}
  card: {transform: fpe_ff1, keep: {last: 4, luhn: recompute}}
  name: {transform: replace_synthetic, kind: name, lang: pl}
  born: {transform: generalise, to: 5y, top: 90}
  ordered: {transform: date_shift, key: customer, max_days: 30}
  spend: {transform: noise, key: customer, scale: 5, bottom: 0}
  city: {transform: keep}
"""
RISK = "risk: {quasi: [born, city], k: 18, l: {band: 2}, on_violation: suppress, max_suppressed: 0.9}\n"
BAND = "  band: {transform: keep}\n"


def source(rows: int = 400) -> pa.Table:
    emails: list[str | None] = [f"Person{row % 70}@Example.com" for row in range(rows)]
    emails[5], emails[17] = None, "not an address"
    return pa.table(
        {
            "customer": [f"c-{row % 70}" for row in range(rows)],
            "email": emails,
            "card": ["4111111111111111" if row % 2 else "5555-5555-5555-4444" for row in range(rows)],
            "name": [f"Person Number{row % 70}" for row in range(rows)],
            "born": pa.array([dt.date(1925 + row % 70, 3, 4) for row in range(rows)]),
            "ordered": pa.array([dt.date(2026, 1, 1) + dt.timedelta(days=row) for row in range(rows)]),
            "spend": pa.array([row * 1.5 for row in range(rows)]),
            "city": [("Kraków", "Łódź", None)[row % 3] for row in range(rows)],
            "band": [("low", "high", None)[row % 7 % 3] for row in range(rows)],
        }
    )


def ordered(table: pa.Table) -> list[tuple[Any, ...]]:
    """Rows in an order of their own: a cluster has none."""
    return sorted((tuple(row.values()) for row in table.to_pylist()), key=repr)


@pytest.fixture
def service(live_server: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """A service on loopback, and a client's key in the file that executors are told of when their machine starts."""
    key = clients.issue("cluster", ["pseudonymize:write"], now() + timedelta(days=1), actor=SYSTEM).key_text
    monkeypatch.setenv(f"{key_sources.KEY_VARIABLE}_FILE", str(KEY_FILE))
    KEY_FILE.write_text(key + "\n")
    monkeypatch.setattr(key_sources, "_held", {})
    return str(live_server.url)


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java, and there is none")
    sql = pytest.importorskip("pyspark.sql", reason="Spark is not installed: pip install zgoda[spark]")
    environment = {
        "PYTHONPATH": str(ROOT),
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
        f"{key_sources.KEY_VARIABLE}_FILE": str(KEY_FILE),
    }
    patch = pytest.MonkeyPatch()
    for name, value in environment.items():
        patch.setenv(name, value)
    session = (
        sql.SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.python.worker.reuse", "false")  # a worker of its own for each job, with this test's key
        .getOrCreate()
    )
    # It says goodbye when the interpreter ends, to a stream that the test runner has closed by then.
    logging.getLogger("py4j").setLevel(logging.ERROR)
    yield session
    with warnings.catch_warnings():  # sockets that Spark leaves to the collector would fail whatever test it runs in
        warnings.simplefilter("ignore", ResourceWarning)
        session.stop()
        gc.collect()
    patch.undo()


@pytest.mark.slow  # a Java machine starts
@pytest.mark.django_db(transaction=True)
@pytest.mark.filterwarnings("ignore")  # of Spark's own files and sockets
def test_spark_and_batch_agree(spark: Any, service: str, tmp_path: Path) -> None:
    from pseudonymize import spark as on_spark

    rules = policies.load(POLICY + BAND + RISK)
    expected = batch.apply(source(), rules, actor=IMPORTER, activity="test")
    assert expected.quarantined == (17,)
    assert 0 < len(expected.table) < 399, "some rows are suppressed"
    frame = spark.createDataFrame(source()).repartition(2)
    output = on_spark.pseudonymize(frame, rules, ServiceKeys(service, "cluster"))
    found = output.toArrow()
    assert ordered(found) == ordered(expected.table)
    assert found.column_names == expected.table.column_names

    signed = on_spark.write(
        frame, rules, ServiceKeys(service, "cluster"), str(tmp_path / "training"), activity="churn model"
    )
    statement = manifests.verify(signed.jws)
    assert (statement["actor"].split(":")[0], statement["stated"]) == ("client", outside.STATED)
    assert statement["rows"] == expected.manifest.statement["rows"]
    assert statement["risk"] == expected.manifest.statement["risk"]
    digests = {path.name: file_sha256(path) for path in (tmp_path / "training").glob("*.parquet")}
    assert statement["output_files"] == digests
    assert statement["output_sha256"] == digest(digests)
    plan = output._jdf.queryExecution().toString()
    lease = leases.issue(rules, actor=IMPORTER)
    for key in lease.kit.keys.values():
        assert key.hex() not in plan
        assert base64.b64encode(key).decode() not in plan
    with pytest.raises(RiskTooHigh):
        strict = policies.load((POLICY + BAND + RISK).replace("suppress,", "fail,"))
        publishing.publish(strict, actor=IMPORTER)
        on_spark.pseudonymize(spark.createDataFrame(source()), strict, ServiceKeys(service, "cluster"))
    assert Entry.objects.filter(action="keys.leased").exists()


@pytest.mark.django_db(transaction=True)
def test_a_lease_has_derived_keys_of_one_policy_and_an_end(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = policies.load(POLICY)
    publishing.publish(rules, actor=IMPORTER)
    keys = ServiceKeys(service, "cluster")
    kit = key_sources.held(keys)
    assert key_sources.held(keys) is kit, "asked for once per process"
    assert set(kit.keys) == set(leases.issue(rules, actor=IMPORTER).kit.keys)
    for secret in kit.keys.values():
        assert secret.hex() not in repr(kit) + repr(keys)
        assert str(secret) not in repr(kit)

    later = now().timestamp() + 2 * 3600
    monkeypatch.setattr("pseudonymize.key_sources.time.time", lambda: later)
    with pytest.raises(LeaseExpired):
        key_sources.held(keys)


@pytest.mark.django_db(transaction=True)
def test_keys_are_lent_to_who_may_publish_and_never_over_an_open_wire(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    publishing.publish(policies.load(POLICY), actor=IMPORTER)
    weak = clients.issue("reader", ["pseudonymize:run"], now() + timedelta(days=1), actor=SYSTEM).key_text
    monkeypatch.setenv(key_sources.KEY_VARIABLE, weak)
    with pytest.raises(ServiceRefused) as refused:
        ServiceKeys(service, "cluster").kit()
    assert refused.value.fields["status"] == 403
    with pytest.raises(ValueError, match="https"):
        ServiceKeys("http://zgoda.example.com", "cluster").kit()
    monkeypatch.delenv(key_sources.KEY_VARIABLE)
    monkeypatch.delenv(f"{key_sources.KEY_VARIABLE}_FILE")
    with pytest.raises(ValueError, match="environment"):
        ServiceKeys(service, "cluster").kit()


@pytest.mark.django_db
def test_the_vault_is_not_lent() -> None:
    for rule in ("token_vault, expires: 30d", "token_mac, canonical: email@1, shreddable: true"):
        rules = policies.load(
            f"version: 1\ndomain: {{id: c, purpose: training}}\ncolumns: {{email: {{transform: {rule}}}}}"
        )
        with pytest.raises(VaultNeeded):
            leases.issue(rules, actor=IMPORTER)


STATED = {
    "activity": "churn model",
    "epoch": 1,
    "started_at": "2026-03-01T08:00:00+00:00",
    "rows_in": 400,
    "rows_out": 380,
    "files": [{"name": "part-0.parquet", "sha256": "a" * 64}],
    "risk": {
        "rows": 390,
        "groups": 9,
        "smallest": 4,
        "unique_rows": 0,
        "violating_rows": 10,
        "diversity": {"band": 1},
    },
    "searched": 390,
    "hits": 0,
}
GATE = "gate: {residual_pii_per_1000_rows: 20}\n"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({}, None),
        ({"rows_out": 401}, InvalidRequest),
        ({"rows_out": 395}, InvalidRequest),
        ({"files": []}, InvalidRequest),
        ({"epoch": 2}, InvalidRequest),
        ({"risk": None}, InvalidRequest),
        ({"risk": STATED["risk"] | {"diversity": {}}}, InvalidRequest),  # type: ignore[operator]
        ({"risk": STATED["risk"] | {"rows": 10}}, RiskTooHigh),  # type: ignore[operator]
        ({"searched": 0}, InvalidRequest),
        ({"hits": 391}, InvalidRequest),
        ({"hits": 200}, ResidualPersonalData),
    ],
)
def test_what_a_driver_states_is_signed_as_such_or_refused(said: dict[str, Any], error: type[Exception] | None) -> None:
    text = POLICY + BAND + RISK + GATE
    if error is None:
        signed = HouseKeys(text).sign(STATED | said)
        assert manifests.verify(signed.jws)["rows"] == {"in": 400, "out": 380, "quarantined": 10, "suppressed": 10}
        return
    with pytest.raises(error):
        HouseKeys(text).sign(STATED | said)
    assert not Entry.objects.filter(action="pseudonymize.run").exists()
