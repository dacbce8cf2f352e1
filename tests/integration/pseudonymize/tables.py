"""A table with something of everything, and a policy for it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa

from pseudonymize import policies
from pseudonymize.runs import batch
from tests.integration.pseudonymize.arranging import IMPORTER

POLICY = """\
version: 1
domain: {{id: {domain}, purpose: model_training{group}}}
engine: {{on_error: {on_error}}}
columns:
  customer: {{transform: token_mac, canonical: id@1, class: customer{out}}}
  email: {{transform: token_mac, canonical: email@1}}
  born: {{transform: generalise, to: 5y, top: 90}}
  spend: {{transform: generalise, to: 10, bottom: 0, top: 100}}
  post: {{transform: generalise, to: prefix2}}
  phone: {{transform: mask, keep: {{last: 2}}}}
  ordered: {{transform: date_shift, key: customer, max_days: 30}}
  name: {{transform: drop}}
  card: {{transform: redact}}
  label: {{transform: keep}}
"""


def policy(domain: str = "ml", *, group: str = "", on_error: str = "fail", out: str = "", extra: str = "") -> Any:
    text = POLICY.format(
        domain=domain,
        group=f", join_group: {group}" if group else "",
        on_error=on_error,
        out=f", out: {out}" if out else "",
    )
    return policies.load(text + extra)


def table(rows: int = 40) -> pa.Table:
    return pa.table(
        {
            "customer": [f"c-{row // 2}" for row in range(rows)],
            "email": [f"Person{row // 2}@Example.com" for row in range(rows)],
            "born": pa.array([dt.date(1920 + row % 90, 1, 2) for row in range(rows)]),
            "spend": pa.array([row * 3.5 for row in range(rows)]),
            "post": ["00-950", None] * (rows // 2),
            "phone": ["+48601000103"] * rows,
            "ordered": pa.array([dt.date(2026, 1, 1) + dt.timedelta(days=row % 900) for row in range(rows)]),
            "name": [f"Person Number{row}" for row in range(rows)],
            "card": pa.array(range(rows)),
            "label": pa.array([bool(row % 3) for row in range(rows)]),
        }
    )


def apply(source: Any, rules: Any) -> batch.Pseudonymized:
    return batch.apply(source, rules, actor=IMPORTER, activity="test")
