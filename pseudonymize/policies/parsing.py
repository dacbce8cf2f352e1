"""From YAML to a policy, or to every reason why it is none, each with its line and the column it is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from governance.kernel.canonical import sha256_hex
from pseudonymize.errors import PolicyInvalid
from pseudonymize.policies import document
from pseudonymize.policies.document import Problems, Value
from pseudonymize.policies.policy import (
    Buckets,
    DateShift,
    DetectText,
    DomainTerms,
    Drop,
    GateTerms,
    Keep,
    Mask,
    OnError,
    Periods,
    Policy,
    Prefix,
    Redact,
    Rule,
    TokenForm,
    TokenMac,
)
from pseudonymize.policies.vocabulary import CANONICALISERS, GENERALISATION, KINDS, LANGUAGES
from pseudonymize.risk import OnViolation, RiskTerms

_NAME = r"[a-z0-9][a-z0-9_-]{0,59}"
_A_NAME = "a name of small letters, digits, - and _"
_HOW_COARSE = "how coarse: 5y, year, quarter, month, week, prefix2, or a width like 10"
_A_COLUMN = r"[^\x00-\x1f]{1,200}"

Fields = Mapping[str, Value]


def load(source: str | Path) -> Policy:
    """The policy from its text or from a file: a Path, or one line that ends in .yaml or .yml.

    Raises PolicyInvalid with every problem and its line.
    """
    if isinstance(source, str) and "\n" not in source and source.endswith((".yaml", ".yml")):
        source = Path(source)
    return parse(_file(source) if isinstance(source, Path) else source)


def _file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(document.MAX_BYTES + 1).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyInvalid("The policy's file cannot be read as UTF-8 text.") from error


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
    policy = Policy(
        name=top["name"].text(_NAME, _A_NAME) if "name" in top else domain.id,
        domain=domain,
        columns=columns,
        text=text,
        sha256=sha256_hex(text.encode()),
        on_error=_engine(top["engine"]) if "engine" in top else OnError.FAIL,
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
        retention_days=_days(found["retention"]) if "retention" in found else None,
    )


def _days(value: Value) -> int | None:
    text = value.text(r"\d{1,5}d", "days, like 365d")
    return int(text[:-1]) if text else None


def _engine(value: Value) -> OnError:
    found = value.fields(optional=["nulls", "on_error", "idempotent"])
    if "nulls" in found:
        found["nulls"].choice(["keep"])
    if "idempotent" in found:
        found["idempotent"].choice(["true"])
    return OnError(found["on_error"].choice([*OnError])) if "on_error" in found else OnError.FAIL


def _columns(value: Value) -> tuple[dict[str, Rule], frozenset[str]]:
    rules: dict[str, Rule] = {}
    optional = set()
    places = value.fields(optional=None)
    if not places:
        value.refuse("A policy needs at least one column.")
    for name, place in places.items():
        rule, may_miss = _rule(name, place)
        rules[name] = rule
        if may_miss:
            optional.add(name)
    for name, place in places.items():
        _refer(name, place, rules)
    return rules, frozenset(optional)


def _rule(name: str, place: Value) -> tuple[Rule, bool]:
    every = place.fields(required=["transform"], optional=None)
    kind = every["transform"].choice([*_RULES]) if "transform" in every else "drop"
    make, options = _RULES[kind]
    found = place.fields(required=["transform", *options.required], optional=["optional", *options.optional])
    may_miss = "optional" in found and found["optional"].choice(["true", "false"]) == "true"
    return make(name, found), may_miss


def _refer(name: str, place: Value, rules: Mapping[str, Rule]) -> None:
    """A rule that looks at another column must name one that is there."""
    match rules[name]:
        case DateShift(key=other) | DetectText(language_column=str() as other) if other not in rules:
            place.refuse(f"Column {name!r} refers to a column {other!r} that the policy does not have.")
        case _:
            pass


def _token_mac(name: str, found: Fields) -> TokenMac:
    canonical = found["canonical"].choice(CANONICALISERS) if "canonical" in found else None
    default = canonical.partition("@")[0] if canonical else name
    return TokenMac(
        column_class=found["class"].text(r"[a-z0-9_.-]{1,60}", "the name of a class") if "class" in found else default,
        canonical=canonical,
        form=TokenForm(found["out"].choice([*TokenForm])) if "out" in found else TokenForm.TOKEN,
    )


def _generalise(name: str, found: Fields) -> Buckets | Periods | Prefix:
    to = found["to"].text(GENERALISATION, _HOW_COARSE) if "to" in found else ""
    if to[:1].isdigit() and not to.endswith("y"):
        return _buckets(float(to) if "." in to else int(to), found)
    if "bottom" in found:
        found["bottom"].refuse("A bottom is for numbers.")
    if to.startswith("prefix") or not to:
        if "top" in found:
            found["top"].refuse("A top is for numbers and birth dates.")
        return Prefix(int(to.removeprefix("prefix") or 1))
    return Periods(to, found["top"].whole(1, 130) if "top" in found else None)


def _buckets(width: float, found: Fields) -> Buckets:
    if width <= 0:
        found["to"].refuse("A bucket has a positive width.")
    bottom = found["bottom"].number(-1e12, 1e12) if "bottom" in found else None
    top = found["top"].number(-1e12, 1e12) if "top" in found else None
    if bottom is not None and top is not None and bottom >= top:
        found["top"].refuse("The top lies above the bottom.")
    return Buckets(width, bottom, top)


def _date_shift(name: str, found: Fields) -> DateShift:
    return DateShift(
        key=found["key"].text(_A_COLUMN, "a column's name") if "key" in found else name,
        max_days=found["max_days"].whole(1, 3650) if "max_days" in found else 1,
    )


def _mask(name: str, found: Fields) -> Mask:
    keep = found["keep"].fields(optional=["first", "last"]) if "keep" in found else {}
    return Mask(
        keep_first=keep["first"].whole(0, 32) if "first" in keep else 0,
        keep_last=keep["last"].whole(0, 32) if "last" in keep else 0,
    )


def _detect_text(name: str, found: Fields) -> DetectText:
    if "each" in found:
        found["each"].choice(["redact"])
    types = tuple(item.choice(KINDS) for item in found["types"].items()) if "types" in found else ()
    if "types" in found and not types:
        found["types"].refuse("Expected at least one type.")
    lang = (
        found["lang"].text(rf"[a-z]{{2}}|column:{_A_COLUMN}", "a language code, or column:NAME")
        if "lang" in found
        else "en"
    )
    if lang.startswith("column:"):
        return DetectText(language_column=lang.removeprefix("column:"), types=types)
    if lang and lang not in LANGUAGES:
        found["lang"].refuse(f"Languages that can be searched: {', '.join(LANGUAGES)}.")
    return DetectText(language=lang, types=types)


class _Options:
    def __init__(self, required: tuple[str, ...] = (), optional: tuple[str, ...] = ()) -> None:
        self.required, self.optional = required, optional


_RULES: Mapping[str, tuple[Callable[[str, Fields], Rule], _Options]] = {
    "token_mac": (_token_mac, _Options(optional=("canonical", "class", "out"))),
    "generalise": (_generalise, _Options(required=("to",), optional=("bottom", "top"))),
    "date_shift": (_date_shift, _Options(required=("key", "max_days"))),
    "mask": (_mask, _Options(optional=("keep",))),
    "redact": (lambda name, found: Redact(), _Options()),
    "drop": (lambda name, found: Drop(), _Options()),
    "keep": (lambda name, found: Keep(), _Options()),
    "detect_text": (_detect_text, _Options(optional=("lang", "types", "each"))),
}


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
    name = value.text(_A_COLUMN, "a column's name")
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
