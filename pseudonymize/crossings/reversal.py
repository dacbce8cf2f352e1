"""The way back from pseudonyms that have one: reversible tokens, random tokens, format-preserving numbers.

Nothing here asks who may: re-identification, bridges and re-mapping do, and they are the only callers. Keyed MACs have no way back.
"""

from __future__ import annotations

import pyarrow as pa

from pseudonymize.columns.tokens import associated
from pseudonymize.columns.worked import plain_text
from pseudonymize.errors import NotReversible
from pseudonymize.keys import masters
from pseudonymize.keys.domain_keys import working_key
from pseudonymize.kits.kit import token_format
from pseudonymize.models import Domain
from pseudonymize.policies.policy import Fpe, Rule, TokenSiv, TokenVault
from pseudonymize.transforms import formats, tokens_text
from pseudonymize.transforms.tokens_text import TokenKind
from pseudonymize.vault import random_tokens


def values(rule: Rule, pseudonyms: pa.Array, domain: Domain, epoch: int) -> pa.Array:
    """The canonical values behind a column of pseudonyms, text, aligned. Nulls stay null, and so does what nobody knows any more.

    Raises NotReversible for transforms without a way back; NotAToken, ForeignToken or ForgedValue with the first row that is none.
    """
    text, space = plain_text(pseudonyms), masters.space_of(domain)
    match rule:
        case TokenSiv(column_class, form=form):
            key = working_key(domain, "siv-mac", column_class, epoch=epoch)
            key += working_key(domain, "siv-ctr", column_class, epoch=epoch)
            written = token_format(space, epoch, TokenKind.SIV, form)
            return tokens_text.siv_values(text, key, associated(rule, space), written)
        case TokenVault(column_class, form=form):
            written = token_format(space, epoch, TokenKind.VAULT, form)
            drawn: list[bytes | None] = tokens_text.decode(text, written).to_pylist()
            known = [token for token in drawn if token is not None]
            opened = dict(zip(known, random_tokens.values_of(known, domain, column_class), strict=True))
            return pa.array([None if token is None else opened[token] for token in drawn], pa.string())
        case Fpe():
            number = formats.Format(rule.first, rule.last, rule.country_code, rule.luhn, rule.min_domain)
            key = working_key(domain, "ff1", rule.column_class, epoch=epoch)
            return formats.decrypt(text, key, number, rule.column_class.encode()).values
        case _:
            raise NotReversible(f"{rule.word} has no way back.", transform=rule.word)


def reversible(rule: Rule) -> bool:
    """Whether `values` can go back from this rule's pseudonyms."""
    return isinstance(rule, TokenSiv | TokenVault | Fpe)
