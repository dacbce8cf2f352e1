"""Tokens of a column as a policy wants them: canonical form, keyed MAC, written form."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pseudonymize.keys import masters
from pseudonymize.models import Domain
from pseudonymize.policies.policy import TokenForm, TokenMac
from pseudonymize.transforms import canonical, mac, tokens_text
from pseudonymize.transforms.tokens_text import TokenFormat, TokenKind

Flags = npt.NDArray[np.bool_]
_BODY_START = 2 + tokens_text.DOMAIN_CHARACTERS + tokens_text.EPOCH_CHARACTERS


def of_column(rule: TokenMac, text: pa.Array, key: bytes, domain: Domain, epoch: int) -> tuple[pa.Array, Flags | None]:
    """The token of each value, and which values have no canonical form (null when the rule asks for none). Nulls stay null.

    Where tokens say what they are, one that is a token of this domain already stays as it is. Raises ForeignToken.
    """
    named = rule.form in (TokenForm.TOKEN, TokenForm.OPAQUE)
    already = tokens_text.recognised(text) if named else None
    forms, failed = _canonical(rule.canonical, text, already)
    if rule.form is TokenForm.HEX:
        return mac.tokens(forms, key), failed
    made = tokens_text.mac_tokens(forms, key, _format(rule.form, domain, epoch))
    if rule.form is TokenForm.BASE32:
        made = pc.utf8_slice_codeunits(made, _BODY_START, -1)
    return made, failed


def _format(form: TokenForm, domain: Domain, epoch: int) -> TokenFormat:
    code = tokens_text.domain_code(masters.space_of(domain))
    return TokenFormat(TokenKind.MAC, code, epoch, opaque=form is TokenForm.OPAQUE)


def _canonical(version: str | None, text: pa.Array, already: pa.Array | None) -> tuple[pa.Array, Flags | None]:
    """The canonical form of each value but of those that are tokens already, and which have none."""
    if version is None:
        return text, None
    plain = text
    if already is not None and pc.any(already).as_py():
        plain = pc.if_else(already, pa.scalar(None, text.type), text)
    forms = canonical.canonicalise(plain, version, on_error="null")
    failed = flags(pc.and_(forms.is_null(), plain.is_valid()))
    if plain is not text:
        forms = pc.if_else(already, text.cast(forms.type), forms)
    return forms, failed


def flags(array: pa.Array) -> Flags:
    """An Arrow column of booleans for NumPy; null is false."""
    return np.asarray(array.fill_null(False).to_numpy(zero_copy_only=False), dtype=np.bool_)
