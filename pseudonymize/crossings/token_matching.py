"""From tokens to people and values, and from values to tokens of another epoch or domain: what reveals, bridges and re-mappings share.

Nothing here asks who may; the callers do. Nothing here keeps or logs a value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
import pyarrow as pa

from governance.kernel.ids import SubjectId
from pseudonymize.columns.lookups import Lookups
from pseudonymize.columns.transformer import Transformer
from pseudonymize.crossings import reversal
from pseudonymize.identity import INDEXED_KINDS, IdentifierKind
from pseudonymize.keys import subject_keys
from pseudonymize.kits import keyring
from pseudonymize.models import DataSubject, Domain
from pseudonymize.policies.policy import DomainTerms, Fpe, OnError, Policy, Rule, TokenMac, TokenSiv, TokenVault
from pseudonymize.policies.vocabulary import IDENTIFIED_BY
from pseudonymize.vault import identifiers, lookup

TOKENS = (TokenMac, TokenSiv, TokenVault, Fpe)
"""Rules whose outputs stand for a value, each for one."""
_COLUMN = "value"
_BATCH = 5_000


def identified_by(rule: TokenMac) -> IdentifierKind | None:
    """What kind of identifier the tokens of a one-way rule stand for, by what it says or by its canonical form."""
    return rule.identifies or IDENTIFIED_BY.get((rule.canonical or "").partition("@")[0])


def tokens_of(rule: Rule, values: pa.Array, domain: Domain, epoch: int) -> pa.Array:
    """The tokens of a column of values in an epoch of a domain, aligned; null for what has none. Raises KeyDestroyed."""
    terms = DomainTerms(domain.key, domain.purpose)
    policy = Policy("", terms, {_COLUMN: rule}, "", "", on_error=OnError.QUARANTINE)
    kit = keyring.kit(policy, domain, epoch=epoch)
    table = pa.table({_COLUMN: values})
    done = Transformer(kit).transform(table, Lookups(policy, domain).prepare(table, kit))
    places = pa.array(np.cumsum(~done.failed) - 1, mask=done.failed)
    column = done.table[_COLUMN].combine_chunks()
    return column.take(places) if len(column) else pa.nulls(len(values), column.type)


def people(
    rule: Rule, kind: IdentifierKind, wanted: Sequence[str], domain: Domain, epoch: int
) -> Iterator[tuple[str, SubjectId, str]]:
    """(token, subject, value) of everybody in the vault whose identifier of that kind has one of these tokens.

    Tokens with a way back are opened and looked up; one-way tokens are found by making those of the whole vault. Who was erased or was
    never enrolled is nobody's. Values are yielded for the wanted tokens alone. Raises KeyDestroyed for a dead epoch, and what
    `reversal.values` raises for what is no token.
    """
    if reversal.reversible(rule) and kind in INDEXED_KINDS:
        values = reversal.values(rule, pa.array(wanted, pa.string()), domain, epoch).to_pylist()
        known = [(token, value) for token, value in zip(wanted, values, strict=True) if value is not None]
        found = lookup.resolve(kind, [value for _, value in known])
        for (token, value), subject in zip(known, found, strict=True):
            if subject is not None:
                yield token, subject, value
        return
    if isinstance(rule, TokenVault):
        return
    yield from _scan(rule, kind, frozenset(wanted), domain, epoch)


def _scan(
    rule: Rule, kind: IdentifierKind, wanted: frozenset[str], domain: Domain, epoch: int
) -> Iterator[tuple[str, SubjectId, str]]:
    subjects = DataSubject.objects.filter(erased_at__isnull=True).values_list("id", flat=True).iterator()
    while batch := [SubjectId(subject) for subject in islice(subjects, _BATCH)]:
        keys = subject_keys.live(batch)
        rows = [stored for stored in identifiers.stored(batch, [kind]) if stored.subject in keys]
        values = identifiers.open_all(rows, keys)
        made = tokens_of(rule, pa.array(values, pa.string()), domain, epoch).to_pylist()
        for stored, value, token in zip(rows, values, made, strict=True):
            if token in wanted:
                yield token, stored.subject, value
