"""What a person says about themselves, sealed under a key that belongs to their request alone.

The key is sealed under a domain key and stored with the request; destroying it at the purge makes every copy of the
claims unreadable. Claims live apart from the vault so that an erased person can still be answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from dsar.errors import ClaimsInsufficient, RequestNotFound
from dsar.keyring import working_key
from dsar.models import RequestClaim, SubjectRequest
from governance.kernel import crypto
from governance.kernel.canonical import canonical_json
from pseudonymize.vault import IdentifierKind

# The kinds that the vault can look up, in the order in which they are tried: the one the code is sent to comes first.
FINDING_KINDS = (
    IdentifierKind.EMAIL,
    IdentifierKind.CUSTOMER_ID,
    IdentifierKind.PHONE,
    IdentifierKind.NATIONAL_ID,
)
MAXIMUM_LENGTH = 320


def validate(claims: Mapping[IdentifierKind, str]) -> dict[IdentifierKind, str]:
    """The claims without empty ones. Raises :class:`ClaimsInsufficient` when none could find a person."""
    given = {kind: value.strip() for kind, value in claims.items() if value.strip()}
    if not any(kind in given for kind in FINDING_KINDS):
        raise ClaimsInsufficient(
            "Give at least one of: e-mail address, customer number, phone number, national number."
        )
    if any(len(value) > MAXIMUM_LENGTH or "\x00" in value for value in given.values()):
        raise ClaimsInsufficient("A claim is too long or holds characters that cannot be stored.")
    return given


def wrap_new_key(request_id: UUID) -> bytes:
    """A fresh key for the request, sealed: what is stored in ``wrapped_key``."""
    return crypto.seal(working_key("wrap"), crypto.random_key(), [b"dsar.request", request_id.bytes])


def _key(request: SubjectRequest) -> bytes:
    if request.wrapped_key is None:
        raise RequestNotFound("What this request held about the person was purged.")
    return crypto.unseal(working_key("wrap"), bytes(request.wrapped_key), [b"dsar.request", request.pk.bytes])


def seal(request: SubjectRequest, label: str, data: bytes) -> bytes:
    """``data`` as ciphertext under the key of the request, bound to the request and to ``label``."""
    return crypto.seal(_key(request), data, [b"dsar", label.encode(), request.pk.bytes])


def unseal(request: SubjectRequest, label: str, record: bytes | memoryview) -> bytes:
    """The plaintext of :func:`seal`. Raises ``SealBroken``, or :class:`RequestNotFound` when the key is destroyed."""
    return crypto.unseal(_key(request), bytes(record), [b"dsar", label.encode(), request.pk.bytes])


def store(request: SubjectRequest, claims: Mapping[IdentifierKind, str]) -> None:
    """Seal validated claims and store them with the request."""
    RequestClaim.objects.bulk_create(
        RequestClaim(
            request=request,
            kind=kind.value,
            ciphertext=seal(request, f"claim.{kind.value}", value.encode()),
            blind_index=_blind_index(kind, value),
        )
        for kind, value in claims.items()
    )


def read(request: SubjectRequest) -> dict[IdentifierKind, str]:
    """The claims in clear. Empty after the purge."""
    if request.wrapped_key is None:
        return {}
    return {
        IdentifierKind(claim.kind): unseal(request, f"claim.{claim.kind}", claim.ciphertext).decode()
        for claim in request.claims.all()
    }


def same_claimant(request: SubjectRequest) -> list[UUID]:
    """Other requests under one of the same claims, oldest first: duplicates stay open and are answered together."""
    indexes = list(request.claims.values_list("blind_index", flat=True))
    others = RequestClaim.objects.filter(blind_index__in=indexes).exclude(request=request)
    return list(others.order_by("request_id").values_list("request_id", flat=True).distinct())


def _blind_index(kind: IdentifierKind, value: str) -> bytes:
    text = canonical_json([kind.value, value.casefold()])
    return crypto.mac(working_key("claims"), text)[:16]
