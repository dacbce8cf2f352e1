"""A policy that cannot be run says why, and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from governance.kernel.canonical import sha256_hex
from pseudonymize.errors import PolicyInvalid
from pseudonymize.policies.parsing import load, parse
from pseudonymize.policies.policy import (
    Buckets,
    DateShift,
    DetectText,
    Drop,
    Keep,
    Mask,
    OnError,
    Periods,
    Prefix,
    Redact,
    TokenForm,
    TokenMac,
)
from pseudonymize.risk import OnViolation

GOOD = """\
version: 1
domain:
  id: ml-churn-2026
  purpose: model_training
  join_group: crm-analytics
  recipients: [data science]
  retention: 365d
engine: {nulls: keep, on_error: quarantine, idempotent: true}
columns:
  email:      {transform: token_mac, canonical: email@1, out: base32_26}
  customer:   {transform: token_mac, canonical: id@1, class: customer}
  phone:      {transform: mask, keep: {last: 2}}
  born:       {transform: generalise, to: 5y, top: 90}
  spend:      {transform: generalise, to: 10, bottom: 0, top: 200}
  last_order: {transform: date_shift, key: customer, max_days: 30}
  postcode:   {transform: generalise, to: prefix2}
  note:       {transform: detect_text, lang: en, optional: true}
  name:       {transform: drop}
  reference:  {transform: redact}
  income_band: {transform: keep}
risk: {quasi: [born, postcode], k: 10, l: {income_band: 2}, on_violation: suppress, max_suppressed: 0.02}
gate: {residual_pii_per_1000_rows: 0.5, sample: 20000, confidence: 0.95}
"""


def problems(text: str) -> list[tuple[int, str]]:
    with pytest.raises(PolicyInvalid) as caught:
        parse(text)
    found = caught.value.fields["errors"]
    assert isinstance(found, list)
    return [(int(problem["line"]), str(problem["pointer"])) for problem in found]


def test_the_policy_of_the_design_page_is_read() -> None:
    policy = parse(GOOD)

    assert policy.name == "ml-churn-2026"
    assert policy.sha256 == sha256_hex(GOOD.encode())
    assert (policy.domain.purpose, policy.domain.retention_days) == ("model_training", 365)
    assert policy.on_error is OnError.QUARANTINE
    assert policy.optional == {"note"}
    assert policy.columns == {
        "email": TokenMac("email", "email@1", TokenForm.BASE32),
        "customer": TokenMac("customer", "id@1"),
        "phone": Mask(0, 2),
        "born": Periods("5y", 90),
        "spend": Buckets(10, 0, 200),
        "last_order": DateShift("customer", 30),
        "postcode": Prefix(2),
        "note": DetectText("en"),
        "name": Drop(),
        "reference": Redact(),
        "income_band": Keep(),
    }
    assert policy.risk is not None
    assert (policy.risk.k, policy.risk.l, policy.risk.on_violation) == (10, {"income_band": 2}, OnViolation.SUPPRESS)
    assert policy.gate is not None
    assert policy.gate.rows_per_1000 == 0.5


def test_a_policy_is_loaded_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(GOOD)
    assert load(file) == load(str(file)) == load(GOOD)
    with pytest.raises(PolicyInvalid):
        load(tmp_path / "no such file")
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PolicyInvalid):
        load(file)


@pytest.mark.parametrize(
    ("line", "replacement", "pointer"),
    [
        (1, "version: 2", "/version"),
        (3, "  id: Not A Name", "/domain/id"),
        (4, "  purpos: model_training", "/domain/purpos"),
        (7, "  retention: for ever", "/domain/retention"),
        (8, "engine: {on_error: ignore}", "/engine/on_error"),
        (8, "engine: {idempotent: maybe}", "/engine/idempotent"),
        (10, "  email: {transform: token_mcs}", "/columns/email/transform"),
        (10, "  email: {transform: fpe_ff3}", "/columns/email/transform"),
        (10, "  email: {transform: token_mac, canonical: email@9}", "/columns/email/canonical"),
        (10, "  email: {transform: token_mac, salt: abc}", "/columns/email/salt"),
        (10, "  email: token_mac", "/columns/email"),
        (12, "  phone: {transform: mask, keep: {last: -1}}", "/columns/phone/keep/last"),
        (12, "  phone: {transform: mask, keep: {last: 1.5}}", "/columns/phone/keep/last"),
        (13, "  born: {transform: generalise}", "/columns/born"),
        (13, "  born: {transform: generalise, to: 0y}", "/columns/born/to"),
        (14, "  spend: {transform: generalise, to: 0}", "/columns/spend/to"),
        (14, "  spend: {transform: generalise, to: 10, bottom: 5, top: 5}", "/columns/spend/top"),
        (15, "  last_order: {transform: date_shift, key: nobody, max_days: 30}", "/columns/last_order"),
        (15, "  last_order: {transform: date_shift, key: customer, max_days: 0}", "/columns/last_order/max_days"),
        (17, "  note: {transform: detect_text, lang: xx}", "/columns/note/lang"),
        (17, "  note: {transform: detect_text, lang: 'column:nope'}", "/columns/note"),
        (17, "  note: {transform: detect_text, lang: pl, min_f2_profile: pl-best}", "/columns/note/min_f2_profile"),
        (17, "  note: {transform: detect_text, lang: en, min_f2_profile: pl-core}", "/columns/note/min_f2_profile"),
        (18, "  email: {transform: drop}", "/columns/email"),
        (21, "risk: {quasi: [name], k: 10}", "/risk/quasi/0"),
        (21, "risk: {quasi: [], k: 10}", "/risk/quasi"),
        (21, "risk: {quasi: [born, born], k: 10}", "/risk/quasi"),
        (21, "risk: {quasi: [born], k: 1}", "/risk/k"),
        (21, "risk: {quasi: [born], k: .inf}", "/risk/k"),
        (21, "risk: {quasi: [born], k: 3, l: {born: 2}}", "/risk/l/born"),
        (22, "gate: {residual_pii_per_1000_rows: lots}", "/gate/residual_pii_per_1000_rows"),
        (22, "gate: {sample: 20000}", "/gate"),
    ],
)
def test_an_error_points_at_its_line_and_column(line: int, replacement: str, pointer: str) -> None:
    lines = GOOD.splitlines()
    lines[line - 1] = replacement
    found = problems("\n".join(lines))
    assert (line, pointer) in found


def test_every_problem_is_reported_in_order_of_line() -> None:
    text = GOOD.replace("to: prefix2", "to: prefix0").replace("version: 1", "version: one").replace("k: 10", "k: ten")
    assert problems(text) == [(1, "/version"), (16, "/columns/postcode/to"), (21, "/risk/k")]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "just text",
        "- a\n- b",
        "version: 1\n\tdomain: x",
        "{" * 500,
        "a: &x [1]\nb: *x",
        "a: !!python/object/apply:os.system ['true']",
        "a: \x00",
        "columns: {}",
        GOOD.replace("columns:", "columns: {}\nother:"),
        "x" * 300_000,
        "a: &a [l,l]\nb: &b [*a,*a]\nc: &c [*b,*b]",
        "version: 1\n---\nversion: 1",
    ],
)
def test_what_is_no_policy_is_refused_with_a_typed_error(text: str) -> None:
    assert problems(text)
