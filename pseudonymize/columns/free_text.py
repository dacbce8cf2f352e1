"""Free text: what detection finds in it is replaced, each kind by its own transform. Each distinct text is searched once. No Django."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pseudonymize.columns import texts, tokens
from pseudonymize.columns.texts import Finding, Kind
from pseudonymize.columns.worked import NOT_EXAMINED, UNKNOWN_LANGUAGE, Worked, flags, present
from pseudonymize.kits.kit import Kit
from pseudonymize.policies.policy import DetectText, Mask, Nested, Redact, Synthetic, TokenMac, TokenSiv
from pseudonymize.transforms import mask, synthetic


def of_text(rule: DetectText, text: pa.Array, languages: pa.Array | None, kit: Kit) -> Worked:
    """The texts without what points at people. ``languages``: row by row, where the policy says so.

    A text in a language that nobody can search does not pass, nor does one that was not examined to its end.
    """
    if languages is None:
        return _in_language(rule, text, rule.language, kit)
    answer = pa.nulls(len(text), pa.string())
    unexamined, searched = np.zeros(len(text), dtype=np.bool_), np.zeros(len(text), dtype=np.bool_)
    for language in texts.LANGUAGES:
        rows = flags(pc.equal(languages, language))
        if not rows.any():
            continue
        done = _in_language(rule, text.filter(pa.array(rows)), language, kit)
        answer = pc.replace_with_mask(answer, pa.array(rows), done.values)
        for _, failed in done.failures:
            unexamined[np.flatnonzero(rows)[failed]] = True
        searched |= rows
    unknown = ~searched & present(text)
    return Worked(answer).with_failure(NOT_EXAMINED, unexamined).with_failure(UNKNOWN_LANGUAGE, unknown)


def _in_language(rule: DetectText, text: pa.Array, language: str, kit: Kit) -> Worked:
    encoded = text.cast(pa.string()).dictionary_encode()
    distinct: list[str] = encoded.dictionary.to_pylist()
    found = texts.find(distinct, language) if distinct else []
    kinds = frozenset(map(Kind, rule.types)) or frozenset(Kind)
    wanted = [[finding for finding in findings if finding.kind in kinds] for findings in found]
    lost = np.array([any(f.kind is Kind.QUARANTINED for f in findings) for findings in found], dtype=np.bool_)
    cleaned = pa.array(_replaced(distinct, wanted, rule, language, kit), pa.string()).take(encoded.indices)
    if not lost.any():
        return Worked(cleaned)
    known = present(encoded.indices)
    places = np.where(known, encoded.indices.fill_null(0).to_numpy(zero_copy_only=False), 0)
    return Worked(cleaned).with_failure(NOT_EXAMINED, lost[places] & known)


def _replaced(
    distinct: Sequence[str], found: Sequence[Sequence[Finding]], rule: DetectText, language: str, kit: Kit
) -> list[str]:
    """The texts with each finding replaced; the pieces of one kind are worked as one column."""
    pieces: dict[Kind, dict[str, str]] = defaultdict(dict)
    for text, findings in zip(distinct, found, strict=True):
        for finding in findings:
            pieces[finding.kind][text[finding.start : finding.end]] = ""
    for kind, worked in pieces.items():
        column = pa.array(list(worked), pa.string())
        replacements = _of_kind(kind, rule.each.get(kind.value, rule.otherwise), column, language, kit)
        pieces[kind] = dict(zip(worked, replacements.to_pylist(), strict=True))
    return [_rebuilt(text, findings, pieces) for text, findings in zip(distinct, found, strict=True)]


def _rebuilt(text: str, findings: Sequence[Finding], pieces: dict[Kind, dict[str, str]]) -> str:
    parts, done = [], 0
    for finding in findings:
        parts += [text[done : finding.start], pieces[finding.kind][text[finding.start : finding.end]]]
        done = finding.end
    return "".join([*parts, text[done:]])


def _of_kind(kind: Kind, nested: Nested, column: pa.Array, language: str, kit: Kit) -> pa.Array:
    """What stands for each piece. A piece that its transform cannot take is replaced by its kind: it does not pass."""
    name = pa.scalar(f"<{kind}>", pa.string())
    match nested:
        case Redact():
            return pa.repeat(name, len(column))
        case Mask():
            return mask.mask(
                column,
                keep_first=nested.keep_first,
                keep_last=nested.keep_last,
                character=nested.character,
                length=nested.length,
            )
        case Synthetic():
            spoken = language if language in synthetic.LANGUAGES else nested.language
            key = kit.key("synthetic", nested.column_class)
            return synthetic.replace(_spelt(column), nested.kind, spoken, key)
        case TokenMac():
            return _tokens(tokens.of_mac(nested, column, kit), name)
        case TokenSiv():
            return _tokens(tokens.of_siv(nested, column, kit), name)


def _tokens(done: Worked, name: pa.Scalar) -> pa.Array:
    failed = np.zeros(len(done.values), dtype=np.bool_)
    for _, rows in done.failures:
        failed |= rows
    return pc.if_else(pa.array(failed), name, done.values.cast(pa.string()))


def _spelt(column: pa.Array) -> pa.Array:
    """One spelling of case and white space, so that one person keeps one stand-in."""
    return pc.utf8_lower(pc.utf8_trim_whitespace(pc.replace_substring_regex(column, pattern=r"\s+", replacement=" ")))
