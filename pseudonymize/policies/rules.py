"""From a column's YAML to its rule: one reader per transform. Each notes what is wrong with its line and returns something harmless."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import cast

from pseudonymize.identity import INDEXED_KINDS, IdentifierKind
from pseudonymize.policies.document import Value
from pseudonymize.policies.policy import (
    Buckets,
    Coordinates,
    DateShift,
    DetectText,
    Drop,
    Fpe,
    Hierarchy,
    Keep,
    Mask,
    Nested,
    Network,
    Noise,
    Periods,
    Prefix,
    Redact,
    Rule,
    Synthetic,
    TokenForm,
    TokenMac,
    TokenSiv,
    TokenVault,
)
from pseudonymize.policies.vocabulary import (
    ALIASES,
    CANONICALISERS,
    GENERALISATION,
    IDENTIFIED_BY,
    KINDS,
    LANGUAGES,
    PROFILES,
    REGIONAL,
    STAND_IN_LANGUAGES,
    STAND_INS,
)
from pseudonymize.transforms.noise import Distribution

Fields = Mapping[str, Value]

A_COLUMN = r"[^\x00-\x1f]{1,200}"
_A_COLUMN = "a column's name"
_HOW_COARSE = "how coarse: 5y, year, quarter, month, week, prefix2, ip24, geo1, hierarchy, or a width like 10"
_CANONICAL = ("canonical", "region", "class")


def read(name: str, place: Value) -> tuple[Rule, bool]:
    """The rule of a column, and whether the column may be missing from the table."""
    every = place.fields(required=["transform"], optional=None)
    kind = every["transform"].choice([*_RULES]) if "transform" in every else "drop"
    reader = _RULES[kind]
    found = place.fields(required=["transform", *reader.required], optional=["optional", *reader.optional])
    return reader.make(name, found), _flag(found, "optional")


def nested(kind: str, place: Value) -> Nested:
    """What replaces a finding of a kind: a word (`token_mac`), or a mapping with the transform's own options."""
    if place.is_text:
        word, found = place.choice(_NESTED), cast("Fields", {})
    else:
        every = place.fields(required=["transform"], optional=None)
        word = every["transform"].choice(_NESTED) if "transform" in every else "redact"
        reader = _RULES[word]
        found = place.fields(required=["transform", *reader.required], optional=reader.optional)
    if word == "replace_synthetic" and "kind" not in found:
        return Synthetic(kind.lower(), _STAND_INS_OF.get(kind, "name"))
    rule = _RULES[word].make(kind.lower(), found)
    if isinstance(rule, TokenMac | TokenSiv) and "canonical" not in found and kind in _CANONICAL_OF:
        # An address in a text and one in a column of addresses are one person's.
        version = _CANONICAL_OF[kind]
        column_class = rule.column_class if "class" in found else version.partition("@")[0]
        rule = replace(rule, canonical=version, column_class=column_class)
    if isinstance(rule, TokenMac) and rule.shreddable:
        place.refuse("A person's secret is for columns: what stands in a text names nobody for sure.")
    return cast("Nested", rule)


def _flag(found: Fields, key: str, default: str = "false") -> bool:
    return (found[key].choice(["true", "false"]) if key in found else default) == "true"


def _class(name: str, found: Fields, canonical: str | None) -> str:
    default = canonical.partition("@")[0] if canonical else name
    return found["class"].text(r"[a-z0-9_.-]{1,60}", "the name of a class") if "class" in found else default


def _canonical(found: Fields) -> tuple[str | None, str | None]:
    """The canonical form that is asked for, and where its telephone numbers are dialled."""
    version = found["canonical"].choice(CANONICALISERS) if "canonical" in found else None
    if "region" not in found:
        return version, None
    region = found["region"].text(r"[A-Z]{2}", "a country's two letters, like PL")
    if version not in REGIONAL:
        found["region"].refuse(f"A region is for {' and '.join(sorted(REGIONAL))}.")
    return version, region


def _identifies(found: Fields, canonical: str | None) -> IdentifierKind | None:
    """What kind of identifier the values are: as said, or as the canonical form says."""
    if "identifies" in found:
        return IdentifierKind(found["identifies"].choice(sorted(INDEXED_KINDS)))
    return IDENTIFIED_BY.get(canonical.partition("@")[0]) if canonical else None


def _form(found: Fields, *, bare: bool = True) -> TokenForm:
    forms = [*TokenForm] if bare else [TokenForm.TOKEN, TokenForm.OPAQUE]
    return TokenForm(found["out"].choice(forms)) if "out" in found else TokenForm.TOKEN


def _token_mac(name: str, found: Fields) -> TokenMac:
    canonical, region = _canonical(found)
    shreddable, identifies = _flag(found, "shreddable"), _identifies(found, canonical)
    if shreddable and identifies is None:
        known = ", ".join(sorted(INDEXED_KINDS))
        found["shreddable"].refuse(f"Say by `identifies` whose secret it is: {known}.")
    if "identifies" in found and not shreddable:
        found["identifies"].refuse("Only a shreddable token needs to know what it identifies.")
    return TokenMac(
        column_class=_class(name, found, canonical),
        canonical=canonical,
        form=_form(found),
        shreddable=shreddable,
        identifies=identifies if shreddable else None,
        region=region,
    )


def _token_siv(name: str, found: Fields) -> TokenSiv:
    canonical, region = _canonical(found)
    parts = (
        tuple(item.choice(["domain", "column"]) for item in found["associated"].items())
        if "associated" in found
        else ()
    )
    if len(set(parts)) != len(parts):
        found["associated"].refuse("Each part once.")
    associated = parts if "associated" in found else ("domain", "column")
    return TokenSiv(_class(name, found, canonical), canonical, _form(found, bare=False), associated, region)


def _token_vault(name: str, found: Fields) -> TokenVault:
    canonical, region = _canonical(found)
    days = days_of(found["expires"]) if "expires" in found else 1
    if days is not None and not 1 <= days <= 3_650:
        found["expires"].refuse("A token lives 1 to 3650 days.")
    return TokenVault(
        column_class=_class(name, found, canonical),
        expires_days=days or 1,
        canonical=canonical,
        form=_form(found, bare=False),
        identifies=_identifies(found, canonical),
        region=region,
    )


def days_of(value: Value) -> int | None:
    """A number of days, written `365d`."""
    text = value.text(r"\d{1,5}d", "days, like 365d")
    return int(text[:-1]) if text else None


def _fpe(name: str, found: Fields) -> Fpe:
    canonical, region = _canonical(found)
    keep = found["keep"].fields(optional=["first", "last", "country_code", "luhn"]) if "keep" in found else {}
    first = keep["first"].whole(0, 32) if "first" in keep else 0
    country_code = _flag(keep, "country_code")
    luhn = "luhn" in keep and bool(keep["luhn"].choice(["recompute"]))
    if country_code and (first or luhn):
        keep["country_code"].refuse(
            "A country code is kept of telephone numbers: they have no fixed start and no Luhn digit."
        )
    if country_code and canonical not in REGIONAL:
        keep["country_code"].refuse("Only numbers in their international form have one: say canonical: e164@1.")
    return Fpe(
        column_class=_class(name, found, canonical),
        canonical=canonical,
        first=first,
        last=keep["last"].whole(0, 32) if "last" in keep else 0,
        country_code=country_code,
        luhn=luhn,
        min_domain=found["min_domain"].whole(1_000_000, 10**15) if "min_domain" in found else 1_000_000,
        region=region,
    )


def _synthetic(name: str, found: Fields) -> Synthetic:
    canonical, region = _canonical(found)
    language, column = _language(found, STAND_IN_LANGUAGES)
    return Synthetic(
        column_class=_class(name, found, canonical),
        kind=found["kind"].choice(STAND_INS) if "kind" in found else STAND_INS[0],
        language=language,
        language_column=column,
        canonical=canonical,
        region=region,
    )


def _language(found: Fields, known: tuple[str, ...]) -> tuple[str, str | None]:
    """A language, or the column that says it row by row."""
    if "lang" not in found:
        return "en", None
    asked = found["lang"].text(rf"[a-z]{{2}}|column:{A_COLUMN}", "a language code, or column:NAME")
    if asked.startswith("column:"):
        return "en", asked.removeprefix("column:")
    if asked and asked not in known:
        found["lang"].refuse(f"Languages that are known here: {', '.join(known)}.")
        return "en", None
    return asked or "en", None


def _generalise(name: str, found: Fields) -> Rule:
    to = found["to"].text(GENERALISATION, _HOW_COARSE) if "to" in found else ""
    if to == "hierarchy":
        return _hierarchy(found)
    _only(found, "for a hierarchy", "parents", "file", "levels", "other")
    if to[:1].isdigit() and not to.endswith("y"):
        return _buckets(float(to) if "." in to else int(to), found)
    _only(found, "for numbers", "bottom")
    if to[:1].isdigit() or to in {"year", "quarter", "month", "week"}:
        return Periods(to, found["top"].whole(1, 130) if "top" in found else None)
    _only(found, "for numbers and birth dates", "top")
    if to.startswith("ip"):
        return _network(to, found)
    return Coordinates(int(to[3:])) if to.startswith("geo") else Prefix(int(to.removeprefix("prefix") or 1))


def _only(found: Fields, what: str, *keys: str) -> None:
    for key in keys:
        if key in found:
            found[key].refuse(f"{key!r} is {what}.")


def _network(to: str, found: Fields) -> Network:
    bits = int(to[2:])
    if bits > 32:
        found["to"].refuse("An IPv4 network has 0 to 32 bits; IPv6 addresses keep twice as many.")
    return Network(min(bits, 32), min(2 * bits, 64))


def _buckets(width: float, found: Fields) -> Buckets:
    if width <= 0:
        found["to"].refuse("A bucket has a positive width.")
    bottom, top = _bounds(found)
    return Buckets(width, bottom, top)


def _bounds(found: Fields) -> tuple[float | None, float | None]:
    bottom = found["bottom"].number(-1e12, 1e12) if "bottom" in found else None
    top = found["top"].number(-1e12, 1e12) if "top" in found else None
    if bottom is not None and top is not None and bottom >= top:
        found["top"].refuse("The top lies above the bottom.")
    return bottom, top


def _hierarchy(found: Fields) -> Hierarchy:
    _only(found, "for numbers and dates", "bottom", "top")
    parents: dict[str, str] = {}
    if "file" in found:
        found["file"].refuse(
            "A file is read where the policy is a file itself; write the hierarchy under `parents` here."
        )
    elif "parents" not in found:
        found["to"].refuse("A hierarchy has `parents` (child: parent), or a `file` of child,parent lines.")
    else:
        parents = {
            child: place.text(A_COLUMN, "a parent") for child, place in found["parents"].fields(optional=None).items()
        }
        if any(_in_circle(child, parents) for child in parents):
            found["parents"].refuse("The hierarchy runs in a circle.")
            parents = {}
    return Hierarchy(
        parents=parents,
        levels=found["levels"].whole(1, 20) if "levels" in found else 1,
        other=found["other"].text() if "other" in found else None,
    )


def _in_circle(word: str, parents: Mapping[str, str]) -> bool:
    seen = {word}
    while word in parents:
        word = parents[word]
        if word in seen:
            return True
        seen.add(word)
    return False


def _date_shift(name: str, found: Fields) -> DateShift:
    return DateShift(
        key=found["key"].text(A_COLUMN, _A_COLUMN) if "key" in found else name,
        max_days=found["max_days"].whole(1, 3650) if "max_days" in found else 1,
    )


def _noise(name: str, found: Fields) -> Noise:
    if ("scale" in found) == ("epsilon" in found):
        found["transform"].refuse("Noise has a `scale`, or an `epsilon` and a `sensitivity`.")
    if ("epsilon" in found) != ("sensitivity" in found):
        found["transform"].refuse("`epsilon` and `sensitivity` go together: the scale is sensitivity / epsilon.")
    distribution = (
        found["distribution"].choice([*Distribution]) if "distribution" in found else Distribution.LAPLACE.value
    )
    scale = found["scale"].number(1e-9, 1e12) if "scale" in found else 1.0
    if "epsilon" in found and "sensitivity" in found:
        if distribution != Distribution.LAPLACE:
            found["epsilon"].refuse("Only Laplace noise is calibrated by epsilon.")
        scale = found["sensitivity"].number(1e-9, 1e12) / found["epsilon"].number(1e-3, 100)
    bottom, top = _bounds(found)
    key = found["key"].text(A_COLUMN, _A_COLUMN) if "key" in found else name
    return Noise(key, scale, distribution, bottom, top)


def _mask(name: str, found: Fields) -> Mask:
    keep = found["keep"].fields(optional=["first", "last"]) if "keep" in found else {}
    return Mask(
        keep_first=keep["first"].whole(0, 32) if "first" in keep else 0,
        keep_last=keep["last"].whole(0, 32) if "last" in keep else 0,
        character=found["character"].text(r"[^\x00-\x1f]", "one character") or "*" if "character" in found else "*",
        length=found["length"].whole(1, 64) if "length" in found else None,
    )


def _redact(name: str, found: Fields) -> Redact:
    return Redact(found["with"].text(r"[^\x00-\x1f]{1,100}")) if "with" in found else Redact()


def _detect_text(name: str, found: Fields) -> DetectText:
    types = [kind for item in found["types"].items() for kind in _kinds(item)] if "types" in found else []
    if "types" in found and not types:
        found["types"].refuse("Expected at least one type.")
    language, column = _language(found, LANGUAGES)
    each, otherwise = _each(found)
    return DetectText(
        language=language,
        language_column=column,
        types=tuple(dict.fromkeys(types)),
        each=each,
        otherwise=otherwise,
        profile=_profile(found, language, column),
    )


def _profile(found: Fields, language: str, column: str | None) -> str:
    """A profile of the language that is searched; of any where each row has its own."""
    if "min_f2_profile" not in found:
        return ""
    known = [name for name, profile in PROFILES.items() if column is not None or profile.language == language]
    return found["min_f2_profile"].choice(known)


def _kinds(item: Value) -> tuple[str, ...]:
    """A kind, or the kinds that a word stands for: ID for every number of a state."""
    word = item.choice((*ALIASES, *KINDS))
    return ALIASES.get(word, (word,))


def _each(found: Fields) -> tuple[dict[str, Nested], Nested]:
    """What replaces each kind: one transform for all, or a mapping from kinds to transforms with `otherwise`."""
    if "each" not in found:
        return {}, Redact()
    place = found["each"]
    if place.is_text or "transform" in place.peek():
        return {kind: nested(kind, place) for kind in KINDS}, Redact()
    rules: dict[str, Nested] = {}
    otherwise: Nested = Redact()
    for word, item in place.fields(optional=None).items():
        if word == "otherwise":
            rules = {kind: nested(kind, item) for kind in KINDS} | rules
        elif word in ALIASES or word in KINDS:
            rules |= {kind: nested(kind, item) for kind in ALIASES.get(word, (word,))}
        else:
            item.refuse(f"Expected a type or `otherwise`: {', '.join((*ALIASES, *KINDS))}.")
    return rules, otherwise


@dataclass(frozen=True)
class _Reader:
    make: Callable[[str, Fields], Rule]
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


_CANONICAL_OF = {"EMAIL": "email@1", "PHONE": "phone@1", "PERSON": "name@1", "IBAN": "iban@1", "PL_PESEL": "pesel@1"}
_STAND_INS_OF = {"PERSON": "name", "EMAIL": "email", "LOCATION": "city", "ADDRESS": "street"}
_NESTED = ("redact", "token_mac", "token_siv", "mask", "replace_synthetic")
_RULES: Mapping[str, _Reader] = {
    "token_mac": _Reader(_token_mac, optional=(*_CANONICAL, "out", "shreddable", "identifies")),
    "token_siv": _Reader(_token_siv, optional=(*_CANONICAL, "out", "associated")),
    "token_vault": _Reader(_token_vault, required=("expires",), optional=(*_CANONICAL, "out", "identifies")),
    "fpe_ff1": _Reader(_fpe, optional=(*_CANONICAL, "keep", "min_domain")),
    "replace_synthetic": _Reader(_synthetic, required=("kind",), optional=(*_CANONICAL, "lang")),
    "generalise": _Reader(
        _generalise, required=("to",), optional=("bottom", "top", "parents", "file", "levels", "other")
    ),
    "date_shift": _Reader(_date_shift, required=("key", "max_days")),
    "noise": _Reader(
        _noise,
        required=("key",),
        optional=("scale", "epsilon", "sensitivity", "distribution", "bottom", "top"),
    ),
    "mask": _Reader(_mask, optional=("keep", "character", "length")),
    "redact": _Reader(_redact, optional=("with",)),
    "drop": _Reader(lambda name, found: Drop()),
    "keep": _Reader(lambda name, found: Keep()),
    "detect_text": _Reader(_detect_text, optional=("lang", "types", "each", "min_f2_profile")),
}
