"""The API as pipelines and staff use it, and every example of its document."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.test import Client

from governance.accounts.roles import Role
from governance.jobs.worker import drain
from governance.kernel.ids import opaque
from pseudonymize.api.examples import POLICY, ROWS
from pseudonymize.crossings import bridges
from pseudonymize.models import FileJob, PolicyVersion
from pseudonymize.runs import file_jobs, manifests
from pseudonymize.tables import bounded
from tests.integration.pseudonymize.calling import EVERY_SCOPE, Caller
from tests.integration.pseudonymize.revealing import Case, member
from tests.integration.pseudonymize.test_rotation import Crossing

QUERY = "?policy=newsletter&activity=test"


@pytest.fixture(autouse=True)
def _files_of_its_own(settings: Any, tmp_path: Path) -> None:
    settings.ZGODA_VAR = tmp_path / "var"


@pytest.fixture
def caller(db: None) -> Caller:
    made = Caller(*EVERY_SCOPE)
    assert made("POST", "policies", {"text": POLICY})[0] == 201
    return made


def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        Client().get("/api/v1/openapi.json", headers={"Accept": "application/json"}).content
    )
    return found


OURS = (
    "/api/v1/pseudonymize",
    "/api/v1/detect",
    "/api/v1/policies",
    "/api/v1/domains",
    "/api/v1/keys",
    "/api/v1/manifests",
)
OURS += ("/api/v1/risk", "/api/v1/reveal-requests", "/api/v1/bridges")


@pytest.mark.slow  # dozens of calls, and detection is loaded
@pytest.mark.django_db
def test_every_example_of_the_document_works() -> None:
    crossing = Crossing()
    bridge = crossing.approved()
    caller = Caller(*EVERY_SCOPE)
    assert caller("POST", "policies", {"text": POLICY})[0] == 201
    caller("POST", "keys/newsletter-2026/rotate")
    sent = 0
    for path, operations in document()["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {}) if path.startswith(OURS) else {}
            for example in content.get("application/json", {}).get("examples", {}).values():
                address = path.removeprefix("/api/v1/").replace("{domain}", "newsletter-2026")
                address = address.replace("{number}", opaque("brg", bridge))
                body = json.loads(json.dumps(example["value"]).replace("TOKEN", crossing.left[0]))
                status, answer = caller(method.upper(), address, body)
                assert 200 <= status < 300, (path, answer)
                sent += 1
    assert sent >= 10


@pytest.mark.django_db
def test_the_document_has_the_paths_of_the_design_and_each_once() -> None:
    paths = set(document()["paths"])
    wanted = [
        *("pseudonymize", "pseudonymize/files", "pseudonymize/files/{number}/result", "detect", "risk"),
        *("policies", "policies/validate", "policies/dry-run", "manifests", "manifests/{manifest}"),
        *("domains", "domains/{domain}", "keys/{domain}/rotate", "keys/{domain}/destroy"),
        *("reveal-requests", "reveal-requests/{number}/approve", "reveal-requests/{number}/reveal"),
        *("bridges", "bridges/{number}/translate"),
    ]
    assert {f"/api/v1/{path}" for path in wanted} <= paths
    assert not {path for path in paths if path.startswith("/api/v1/pseudonymize/detect")}


def test_an_arrow_stream_comes_back_as_one_with_its_manifest(caller: Caller) -> None:
    table = pa.Table.from_pylist(ROWS * 500)
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=300)
    answer = caller.send("POST", f"pseudonymize{QUERY}", sink.getvalue(), bounded.ARROW)

    assert answer.status_code == 200, answer.content[:500]
    assert answer["Content-Type"] == bounded.ARROW
    with pa.ipc.open_stream(answer.content) as stream:
        found = stream.read_all()
    as_json = caller("POST", "pseudonymize", {"policy": "newsletter", "activity": "test", "rows": ROWS})[1]["rows"]
    assert found.to_pylist()[:2] == as_json
    assert len(found) == 1_000
    jws = found.schema.metadata[b"zgoda.manifest"].decode()
    statement = manifests.verify(jws, found.replace_schema_metadata(None))
    assert statement["manifest"] == answer["Zgoda-Manifest"]


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_a_file_goes_through_a_job_and_is_gone_afterwards(caller: Caller, form: str) -> None:
    table = pa.Table.from_pylist(ROWS * 50)
    sink = io.BytesIO()
    pq.write_table(table, sink) if form == "parquet" else pa.csv.write_csv(table, sink)
    kind = {form: kind for kind, form in file_jobs.FORMATS.items()}[form]
    answer = caller.send("POST", f"pseudonymize/files{QUERY}", sink.getvalue(), kind)
    assert answer.status_code == 202, answer.content
    place = answer["Location"].removeprefix("/api/v1/")
    assert json.loads(answer.content)["state"] == "waiting"
    assert caller("GET", f"{place}/result")[1]["code"] == "file_job_not_done"
    assert caller("DELETE", place)[0] == 409

    drain(kinds=[file_jobs.RUN])

    status, state = caller("GET", place)
    assert (status, state["state"], state["rows"]["done"]) == (200, "done", 100)
    assert caller("GET", f"manifests/{state['manifest']}")[0] == 200
    done = caller.send("GET", f"{place}/result", b"")
    data = b"".join(done.streaming_content)  # type: ignore[attr-defined]
    found = pq.read_table(io.BytesIO(data)) if form == "parquet" else pa.csv.read_csv(io.BytesIO(data))
    assert len(found) == 100
    assert b"alice" not in data
    directory = file_jobs._directory(FileJob.objects.get().id)
    assert not list(directory.glob("input*"))
    stranger = Caller("pseudonymize:run")
    assert {stranger("GET", place)[0], stranger("GET", f"{place}/result")[0], stranger("DELETE", place)[0]} == {404}
    assert caller("DELETE", place)[0] == 204
    assert not directory.exists()


def test_a_file_that_the_policy_refuses_fails_with_the_problem(caller: Caller) -> None:
    sink = io.BytesIO()
    pq.write_table(pa.table({"secret": ["alice@example.com"]}), sink)
    answer = caller.send("POST", f"pseudonymize/files{QUERY}", sink.getvalue(), "application/vnd.apache.parquet")
    place = answer["Location"].removeprefix("/api/v1/")
    drain(kinds=[file_jobs.RUN])
    state = caller("GET", place)[1]
    assert (state["state"], state["problem"]["code"]) == ("failed", "columns_not_covered")
    assert "alice" not in json.dumps(state)
    assert not list(file_jobs._places())


def test_a_dry_run_states_the_risk_and_leaves_nothing(caller: Caller) -> None:
    text = POLICY.replace("newsletter", "tried") + "risk: {quasi: [born], k: 2}\n"
    status, body = caller("POST", "policies/dry-run", {"text": text, "rows": ROWS})
    assert status == 200, body
    assert body["risk"]["smallest"] == 1
    assert body["refused"] == "risk_too_high"
    assert {column["name"]: column["reversible"] for column in body["columns"]}["email"] is True
    assert "alice" not in json.dumps(body)
    assert not PolicyVersion.objects.filter(name="tried").exists()


def test_domains_are_described_and_their_keys_rotated(caller: Caller) -> None:
    assert caller("PATCH", "domains/newsletter-2026", {"datasets": ["orders"]})[1]["datasets"] == ["orders"]
    assert caller("PATCH", "domains/newsletter-2026", {"purpose": "profiling"})[0] == 422
    assert caller("GET", "domains/nobody")[0] == 404
    assert caller("POST", "keys/newsletter-2026/rotate")[1]["epoch"] == 2
    assert caller("POST", "keys/newsletter-2026/destroy", {"epoch": 2})[0] == 409
    epochs = caller("GET", "domains/newsletter-2026")[1]["epochs"]
    assert [epoch["status"] for epoch in epochs][-1] == "active"


@pytest.mark.django_db
def test_a_reveal_goes_through_three_sessions_and_no_key() -> None:
    case = Case()
    eli, dana, dora = (Caller(staff=actor) for actor in (case.eli, case.dana, case.dora))
    asked = {
        "manifest": opaque("man", case.manifest),
        "column": "email",
        "kind": "email",
        "tokens": case.tokens[:2],
        "purpose": "fraud inquiry",
        "case": "C-7",
    }
    robot = Caller(*EVERY_SCOPE)
    assert robot("POST", "reveal-requests", asked)[1]["code"] == "dual_control_required"
    status, request = eli("POST", "reveal-requests", asked)
    assert (status, request["level"]) == (201, "masked")
    place = f"reveal-requests/{request['id']}"
    agreed = {"reason": "checked", "terms_sha256": request["terms_sha256"]}
    assert eli("POST", f"{place}/approve", agreed)[0] == 403
    assert robot("POST", f"{place}/approve", agreed)[0] == 403
    assert dana("POST", f"{place}/approve", agreed | {"terms_sha256": "0" * 64})[0] == 403
    assert dana("POST", f"{place}/approve", agreed)[1] == {"approvals": 1}
    assert eli("POST", f"{place}/reveal", {"tokens": case.tokens[:2]})[0] == 403
    assert dora("POST", f"{place}/approve", agreed)[1] == {"approvals": 2}

    status, found = eli("POST", f"{place}/reveal", {"tokens": case.tokens[:2]})

    assert status == 200
    assert found["values"][case.tokens[0]] == "a***@example.com"
    assert dana("GET", f"{place}/evidence")[1]["evidence"]["reveal"]["people"] == 2
    assert dana("GET", "reveal-requests")[1]["results"][0]["revealed"] is True
    assert eli("POST", f"{place}/reveal", {"tokens": case.tokens[:2]})[0] == 403


@pytest.mark.django_db
def test_a_pipeline_crosses_an_approved_bridge() -> None:
    crossing = Crossing()
    eli, dana, dora = (Caller(staff=actor) for actor in (crossing.eli, crossing.dana, crossing.dora))
    asked = {"source": "shop", "target": "lab", "columns": ["email"], "reason": "one study", "max_rows": 10}
    status, bridge = eli("POST", "bridges", asked)
    assert status == 201
    place = f"bridges/{bridge['id']}"
    agreed = {"reason": "checked", "terms_sha256": bridge["terms_sha256"]}
    for approver in (dana, dora):
        assert approver("POST", f"{place}/approve", agreed)[0] == 200
    robot = Caller("pseudonymize:run")
    given = {"column": "email", "tokens": crossing.left[:2]}
    assert robot("POST", f"{place}/translate", given)[1] == {"tokens": crossing.right[:2]}
    assert eli("GET", place)[1]["rows_left"] == 8
    assert eli("DELETE", place)[0] == 204
    assert robot("POST", f"{place}/translate", given)[1]["code"] == "bridge_not_usable"
    assert bridges.rows_left(bridges.find(crossing.open())) == 100


@pytest.mark.django_db
def test_scopes_decide_what_is_done_and_seen() -> None:
    reader, nobody = Caller("pseudonymize:read"), Caller("consent:write")
    for method, path in [
        ("GET", "domains"),
        ("GET", "policies"),
        ("GET", "keys"),
        ("GET", "manifests"),
        ("GET", "bridges"),
    ]:
        assert reader(method, path)[0] == 200
        assert nobody(method, path)[0] == 403
    for path in ("pseudonymize", "detect", "risk", "risk/anonymise", "policies/dry-run", "policies", "keys/x/rotate"):
        assert reader("POST", path, {})[0] == 403
    assert Caller()("GET", "domains")[0] == 401
    assert Caller(staff=member("marko", Role.MARKETER))("GET", "domains")[0] == 403
