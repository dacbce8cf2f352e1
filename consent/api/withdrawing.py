"""REST: withdraw, also while the database is away. No token of what was shown, no reason; a key for retries is welcome.

When the database does not answer, nobody can say whether the client's key is valid. The withdrawal is kept with the key, sealed, and
applied when the key turns out to be good (`spool.py`); the answer is 202.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from consent import ledger, receipts, spool
from consent.api.parsing import subject_named, valid
from consent.api.shapes import RecordedOut, WithdrawConsentIn
from consent.drafts import ConsentDraft
from consent.spool import Waiting
from consent.terms import EventType
from governance.accounts import clients
from governance.accounts.api import actor_of, requires
from governance.accounts.errors import ScopeMissing
from governance.kernel.actors import Actor, ActorKind
from governance.kernel.clock import now
from governance.kernel.errors import GovernanceError, NotAuthenticated
from governance.kernel.ids import from_opaque, opaque, uuid7

KIND = "rest"
SCOPE = "consent:write"


class AcceptedOut(serializers.Serializer[Any]):
    accepted = serializers.CharField(help_text="The database is away; this was kept and is applied when it is back.")


class Withdrawals(APIView):
    """POST: withdraw, from one purpose and channel or from all. No token, no reason; a key for retries is welcome.

    202 when the database is away: the withdrawal is kept, and applied when it is back. Nothing is sent meanwhile.
    """

    permission_classes = (requires(SCOPE),)

    @extend_schema(
        operation_id="consent_withdraw",
        request=WithdrawConsentIn,
        responses={200: RecordedOut, 201: RecordedOut, 202: AcceptedOut},
    )
    def post(self, request: Request) -> Response:
        given = _valid(request)
        actor = actor_of(request)
        key = f"{actor.id}:{_retry_key(request)}"
        result = ledger.record(_draft(given, key, given.get("occurred_at") or now()), actor=actor)[0]
        body = {
            "event": opaque("cev", result.event_id),
            "status": result.status.value,
            "duplicate": result.duplicate,
            "receipt": receipts.issue(result.event_id),
        }
        return Response(body, status=status.HTTP_200_OK if result.duplicate else status.HTTP_201_CREATED)

    def handle_exception(self, exc: Exception) -> Response:
        """Keep the withdrawal when it was the database that failed, at whatever point, the client's key included."""
        if isinstance(exc, spool.DATABASE_AWAY):
            try:
                return self._accepted()
            except (GovernanceError, APIException) as refusal:
                return super().handle_exception(refusal)
        return super().handle_exception(exc)

    def _accepted(self) -> Response:
        request: Request = self.request
        scheme, _, key_text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key_text.strip():
            raise NotAuthenticated("Send a valid key as a bearer token.")
        given = _valid(request)
        content = {name: value.isoformat() if name == "occurred_at" else str(value) for name, value in given.items()}
        identifier = spool.accept(KIND, content | {"client_key": key_text.strip(), "retry_key": _retry_key(request)})
        return Response({"accepted": opaque("spl", identifier)}, status=status.HTTP_202_ACCEPTED)


@spool.applies(KIND)
def apply(waiting: Waiting) -> None:
    """What a client had sent. Raises KeyRefused or ScopeMissing when its key is no good: then it was never a withdrawal."""
    content = dict(waiting.content)
    client = clients.authenticate(content.pop("client_key"))
    if SCOPE not in client.scopes:
        raise ScopeMissing("The key does not include this.", scope=SCOPE)
    key = f"{client.client_id}:{content.pop('retry_key')}"
    with transaction.atomic():
        # When it happened is when it was accepted, at the latest; what the client says cannot be later than that.
        ledger.record(_draft(content, key, waiting.accepted_at), actor=Actor(ActorKind.CLIENT, str(client.client_id)))


def _draft(given: dict[str, Any], key: str, occurred_at: datetime) -> ConsentDraft:
    return ConsentDraft(
        subject=subject_named(given),
        purpose=given["purpose"],
        channel=given["channel"],
        event_type=EventType.WITHDRAWN,
        occurred_at=occurred_at,
        method="api",
        idempotency_key=key,
    )


def _valid(request: Request) -> dict[str, Any]:
    given = valid(WithdrawConsentIn, request)
    if "subject" in given:
        from_opaque("sub", given["subject"])  # refused now rather than when the database is back
    return given


def _retry_key(request: Request) -> str:
    """The client's own key, or one for this request; made once, so that what is kept repeats what may have been recorded."""
    raw = request._request
    found: str | None = getattr(raw, "_zgoda_retry_key", None)
    if found is None:
        found = request.headers.get("Idempotency-Key") or str(uuid7())
        raw._zgoda_retry_key = found  # type: ignore[attr-defined]
    return found
