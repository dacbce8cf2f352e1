"""How the REST endpoints read what callers send: validated input, people by either name, notices, keys for retries."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from consent.errors import UnknownSubject
from consent.terms import NoticeVersionId
from governance.kernel.actors import Actor, ActorKind
from governance.kernel.api import StrictSerializer
from governance.kernel.ids import SubjectId, from_opaque
from pseudonymize import vault


def valid(form: type[StrictSerializer], request: Request) -> dict[str, Any]:
    """What the caller sent, validated. Raises ValidationError with pointers."""
    given = form(data=request.data)
    given.is_valid(raise_exception=True)
    validated: dict[str, Any] = given.validated_data
    return validated


def valid_query(form: type[StrictSerializer], request: Request) -> dict[str, Any]:
    """What stands in the query of the address, validated. Raises ValidationError with pointers."""
    given = form(data=request.query_params.dict())
    given.is_valid(raise_exception=True)
    validated: dict[str, Any] = given.validated_data
    return validated


def subject_named(given: dict[str, Any]) -> SubjectId:
    """The person named by opaque id or by customer number. Raises UnknownSubject, InvalidInput."""
    if "subject" in given:
        return SubjectId(from_opaque("sub", given["subject"]))
    found = vault.find_subject(vault.IdentifierKind.CUSTOMER_ID, given["customer_id"])
    if found is None:
        raise UnknownSubject
    return found


def notice_named(text: str) -> NoticeVersionId:
    """A notice version by its opaque id. Raises InvalidInput."""
    return NoticeVersionId(from_opaque("ntc", text))


def idempotency_key(request: Request) -> str:
    """The caller's key for retries. Raises ValidationError when the header is missing."""
    key = request.headers.get("Idempotency-Key", "")
    if not key:
        raise serializers.ValidationError({"Idempotency-Key": ["Send this header: a retry must not record twice."]})
    return key


def acting_for(given: dict[str, Any], client: Actor) -> Actor:
    """Who acts: the guardian that the caller names, or the caller. Raises InvalidInput."""
    return Actor(ActorKind.GUARDIAN, str(from_opaque("sub", given["guardian"]))) if "guardian" in given else client
