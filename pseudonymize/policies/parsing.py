"""From YAML to a policy, or to every reason why it is none, each with its line and the column it is about."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path

from governance.kernel.canonical import sha256_hex
from pseudonymize.errors import PolicyInvalid
from pseudonymize.policies import document, rules
from pseudonymize.policies.document import Problems, Value
from pseudonymize.policies.policy import (
    DateShift,
    DetectText,
    DomainTerms,
    Drop,
    GateTerms,
    Noise,
    Nulls,
    OnError,
    Policy,
    Rule,
    Synthetic,
)
from pseudonymize.policies.rules import A_COLUMN
from pseudonymize.risk import OnViolation, RiskTerms

_NAME = r"[a-z0-9][a-z0-9_-]{0,59}"
_A_NAME = "a name of small letters, digits, - and _"


def load(source: str | Path) -> Policy:
    """The policy from its text or from a file: a Path, or one line that ends in .yaml or .yml.

    Of a policy's file the hierarchies that it names as files (`child,parent` lines, beside it) become part of its text, so that what is
    published and signed is the whole. Raises PolicyInvalid with every problem and its line.
    """
    if isinstance(source, str) and "\n" not in source and source.endswith((".yaml", ".yml")):
        source = Path(source)
    if isinstance(source, Path):
        return parse(_with_hierarchies(_file(source), source.parent))
    return parse(source)


def _file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(document.MAX_BYTES + 1).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyInvalid("The policy's file cannot be read as UTF-8 text.") from error


def _with_hierarchies(text: str, directory: Path) -> str:
    """The text with each `file: NAME.csv` of a generalisation replaced by `parents: {…}` on the same line."""
    problems = Problems()
    top = document.read(text, problems).peek()
    columns = top["columns"].peek() if "columns" in top else {}
    pieces: list[tuple[int, int, str]] = []
    for place in columns.values():
        found = place.peek()
        if found.get("file") is None or "to" not in found or "parents" in found:
            continue
        value = found["file"]
        name = value.text(r"[A-Za-z0-9._-]{1,200}", "a file's name, of a file beside the policy")
        parents = _parents(directory / name, value) if name else {}
        start, end = value.span
        key = text.rfind("file", 0, start)
        pieces.append((key, end, f"parents: {json.dumps(parents, ensure_ascii=False)}"))
    problems.raise_if_any()
    for start, end, replacement in sorted(pieces, reverse=True):
        text = text[:start] + replacement + text[end:]
    return text


def _parents(path: Path, place: Value) -> dict[str, str]:
    try:
        rows = list(csv.reader(io.StringIO(_file(path))))
    except (PolicyInvalid, csv.Error):
        place.refuse("There is no such file of UTF-8 text beside the policy.")
        return {}
    if any(len(row) != 2 or not all(row) for row in rows if row):
        place.refuse("The file has `child,parent` on each line, and nothing else.")
        return {}
    return {child.strip(): parent.strip() for child, parent in filter(None, rows)}


def parse(text: str) -> Policy:
    """The policy from its YAML text. Pure."""
    problems = Problems()
    top = document.read(text, problems).fields(
        required=["version", "domain", "columns"], optional=["name", "engine", "risk", "gate"]
    )
    if "version" in top:
        top["version"].choice(["1"])
    domain = _domain(top["domain"]) if "domain" in top else DomainTerms("", "")
    columns, optional = _columns(top["columns"]) if "columns" in top else ({}, frozenset())
    on_error, nulls, idempotent = _engine(top["engine"]) if "engine" in top else (OnError.FAIL, Nulls.KEEP, True)
    policy = Policy(
        name=top["name"].text(_NAME, _A_NAME) if "name" in top else domain.id,
        domain=domain,
        columns=columns,
        text=text,
        sha256=sha256_hex(text.encode()),
        on_error=on_error,
        nulls=nulls,
        idempotent=idempotent,
        risk=_risk(top["risk"], columns) if "risk" in top else None,
        gate=_gate(top["gate"]) if "gate" in top else None,
        optional=optional,
    )
    problems.raise_if_any()
    return policy


def _domain(value: Value) -> DomainTerms:
    found = value.fields(
        required=["id", "purpose"], optional=["recipients", "additional_information", "join_group", "retention"]
    )
    return DomainTerms(
        id=found["id"].text(_NAME, _A_NAME) if "id" in found else "",
        purpose=found["purpose"].text(r"[a-z0-9][a-z0-9._-]{0,99}", "a purpose's key") if "purpose" in found else "",
        recipients=tuple(item.text() for item in found["recipients"].items()) if "recipients" in found else (),
        additional_information=(
            found["additional_information"].text(r"(?s).{1,4000}") if "additional_information" in found else ""
        ),
        join_group=found["join_group"].text(_NAME, _A_NAME) if "join_group" in found else "",
        retention_days=rules.days_of(found["retention"]) if "retention" in found else None,
    )


def _engine(value: Value) -> tuple[OnError, Nulls, bool]:
    found = value.fields(optional=["nulls", "on_error", "idempotent"])
    return (
        OnError(found["on_error"].choice([*OnError])) if "on_error" in found else OnError.FAIL,
        Nulls(found["nulls"].choice([*Nulls])) if "nulls" in found else Nulls.KEEP,
        found["idempotent"].choice(["true", "false"]) == "true" if "idempotent" in found else True,
    )


def _columns(value: Value) -> tuple[dict[str, Rule], frozenset[str]]:
    found: dict[str, Rule] = {}
    optional = set()
    places = value.fields(optional=None)
    if not places:
        value.refuse("A policy needs at least one column.")
    for name, place in places.items():
        rule, may_miss = rules.read(name, place)
        found[name] = rule
        if may_miss:
            optional.add(name)
    for name, place in places.items():
        _refer(name, place, found)
    return found, frozenset(optional)


def _refer(name: str, place: Value, found: Mapping[str, Rule]) -> None:
    """A rule that looks at another column must name one that is there."""
    match found[name]:
        case (
            DateShift(key=str() as other)
            | Noise(key=str() as other)
            | DetectText(language_column=str() as other)
            | Synthetic(language_column=str() as other)
        ) if other not in found:
            place.refuse(f"Column {name!r} refers to a column {other!r} that the policy does not have.")
        case _:
            pass


def _risk(value: Value, columns: Mapping[str, Rule]) -> RiskTerms:
    found = value.fields(required=["quasi", "k"], optional=["l", "on_violation", "max_suppressed"])
    quasi = [_output_column(item, columns) for item in found["quasi"].items()] if "quasi" in found else []
    if "quasi" in found and (not quasi or len(set(quasi)) != len(quasi)):
        found["quasi"].refuse("Expected at least one column, each once.")
    diverse = found["l"].fields(optional=None) if "l" in found else {}
    for name, place in diverse.items():
        if name in quasi or name not in columns or isinstance(columns[name], Drop):
            place.refuse(f"{name!r} is not a sensitive column of the output.")
    return RiskTerms(
        quasi=tuple(quasi),
        k=found["k"].whole(2, 1_000_000) if "k" in found else 2,
        l={name: place.whole(2, 1_000_000) for name, place in diverse.items()},
        on_violation=OnViolation(found["on_violation"].choice([*OnViolation]))
        if "on_violation" in found
        else OnViolation.FAIL,
        max_suppressed=found["max_suppressed"].number(0, 1) if "max_suppressed" in found else 0.02,
    )


def _output_column(value: Value, columns: Mapping[str, Rule]) -> str:
    name = value.text(A_COLUMN, "a column's name")
    if name and (name not in columns or isinstance(columns[name], Drop)):
        value.refuse(f"{name!r} is not a column of the output.")
    return name


def _gate(value: Value) -> GateTerms:
    found = value.fields(required=["residual_pii_per_1000_rows"], optional=["sample", "confidence"])
    limit = found["residual_pii_per_1000_rows"].number(0, 1000) if "residual_pii_per_1000_rows" in found else 0.0
    return GateTerms(
        rows_per_1000=limit,
        sample=found["sample"].whole(100, 1_000_000) if "sample" in found else 20_000,
        confidence=found["confidence"].number(0.5, 0.9999) if "confidence" in found else 0.95,
    )
