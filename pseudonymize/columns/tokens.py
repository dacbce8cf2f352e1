"""Columns of tokens: canonical form, then a MAC, a SIV or what the vault drew, then the written form. No Django.

A token that is this column's own already stays as it is, and one of another domain, epoch or kind is refused: none is tokenised twice.
"""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from pseudonymize.columns.worked import (
    FOREIGN_TOKEN,
    NO_CANONICAL_FORM,
    TOKEN_AGAIN,
    Worked,
    flags,
    plain_text,
    without,
)
from pseudonymize.kits.kit import Kit
from pseudonymize.policies.policy import TokenForm, TokenMac, TokenSiv, TokenVault
from pseudonymize.transforms import canonical, mac, siv, tokens_text
from pseudonymize.transforms.tokens_text import TokenFormat, TokenKind

_BODY_START = 2 + tokens_text.DOMAIN_CHARACTERS + tokens_text.EPOCH_CHARACTERS
KINDS = {TokenMac: TokenKind.MAC, TokenSiv: TokenKind.SIV, TokenVault: TokenKind.VAULT}
Tags = Callable[[pa.Array], pa.Array]
"""Canonical forms to binary values of 16 bytes or more, aligned."""


def of_mac(rule: TokenMac, values: pa.Array, kit: Kit) -> Worked:
    """Keyed tokens of a text column."""
    key = kit.key("mac", rule.column_class)
    written = kit.token_format(TokenKind.MAC, rule.form)
    return tokenised(rule, values, lambda forms: mac.tags(forms, key), written, idempotent=kit.policy.idempotent)


def of_siv(rule: TokenSiv, values: pa.Array, kit: Kit) -> Worked:
    """Reversible tokens of a text column."""
    key, bound = kit.siv_key(rule.column_class), associated(rule, kit.space)
    written = kit.token_format(TokenKind.SIV, rule.form)
    return tokenised(
        rule, values, lambda forms: siv.encrypt(forms, key, bound), written, idempotent=kit.policy.idempotent
    )


def associated(rule: TokenSiv, space: str) -> list[bytes]:
    """What a reversible token is bound to: where its keys come from, and its class of columns."""
    parts = {"domain": space.encode(), "column": rule.column_class.encode()}
    return [parts[name] for name in rule.associated]


def tokenised(
    rule: TokenMac | TokenSiv | TokenVault, values: pa.Array, tags: Tags, written: TokenFormat, *, idempotent: bool
) -> Worked:
    """Values to written tokens, each distinct one's canonical form once. Nulls stay null."""
    text = plain_text(values)
    own, foreign = tokens_text.standing(text, written)
    fresh = without(text, own | foreign)
    forms, failed = canonical_forms(rule, fresh)
    made = write(rule.form, tags(forms), written)
    if own.any():
        made = pc.if_else(pa.array(own), text.cast(made.type), made)
    done = Worked(made).with_failure(FOREIGN_TOKEN, foreign)
    if failed is not None:
        done = done.with_failure(NO_CANONICAL_FORM, flags(failed))
    # Bare tokens cannot be told from values: what looks like one of ours would be tokenised again.
    bare = rule.form in (TokenForm.BASE32, TokenForm.HEX)
    return done.with_failure(TOKEN_AGAIN, own) if bare or not idempotent else done


def canonical_forms(rule: TokenMac | TokenSiv | TokenVault, text: pa.Array) -> tuple[pa.Array, pa.Array | None]:
    """The canonical form of each value, null where it has none; and which have none."""
    if rule.canonical is None:
        return text, None
    forms = canonical.canonicalise(text, rule.canonical, region=rule.region, on_error="null")
    return forms, pc.and_(forms.is_null(), text.is_valid())


def write(form: TokenForm, tags: pa.Array, written: TokenFormat) -> pa.Array:
    """Binary tokens as the policy wants them written."""
    if form is TokenForm.HEX:
        return mac.hexadecimal(tags)
    made = tokens_text.encode(tags, written)
    return pc.utf8_slice_codeunits(made, _BODY_START, -1) if form is TokenForm.BASE32 else made
