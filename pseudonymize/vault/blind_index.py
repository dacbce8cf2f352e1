"""Blind indexes: a keyed digest of an identifier's canonical form, so that somebody can be found without being readable.

HMAC-SHA-256, 16 bytes, a key per kind (security.md 4.7). The canonical form is versioned and part of the contract: import,
lookup and suppression use the same one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from governance.kernel import crypto
from pseudonymize.errors import IdentifierMalformed
from pseudonymize.identity import IdentifierKind
from pseudonymize.transforms import canonical as forms
from pseudonymize.transforms.errors import TransformError

INDEX_BYTES = 16
NO_CANONICAL_FORM = 0
"""The canonical version of a kind that is not looked up."""
CANONICAL_VERSIONS: Mapping[IdentifierKind, int] = {
    IdentifierKind.CUSTOMER_ID: 1,
    IdentifierKind.EMAIL: 1,
    IdentifierKind.PHONE: 1,
    IdentifierKind.NATIONAL_ID: 1,
}
_FORMS: Mapping[IdentifierKind, Callable[[str], str]] = {
    IdentifierKind.CUSTOMER_ID: forms.customer_id,
    IdentifierKind.EMAIL: forms.email,
    IdentifierKind.PHONE: forms.phone,
    IdentifierKind.NATIONAL_ID: forms.national_id,
}


def canonical(kind: IdentifierKind, value: str) -> str:
    """The form in which a value of that kind is compared. Raises IdentifierMalformed, which does not quote it."""
    try:
        return _FORMS[kind](value)
    except TransformError as error:
        raise IdentifierMalformed(f"This is no {kind.value.replace('_', ' ')}.", kinds=[kind.value]) from error


def of(form: str, key: bytes) -> bytes:
    """The index of a canonical form under the key of its kind."""
    return crypto.mac(key, form.encode())[:INDEX_BYTES]


def of_column(kind: IdentifierKind, values: Sequence[str], key: bytes) -> list[bytes | None]:
    """The indexes of raw values, aligned; None for what is no identifier of that kind."""
    return [_or_none(kind, value, key) for value in values]


def _or_none(kind: IdentifierKind, value: str, key: bytes) -> bytes | None:
    try:
        return of(canonical(kind, value), key)
    except IdentifierMalformed:
        return None
