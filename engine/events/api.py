"""REST: events in batches. The answer comes after the commit: what it says is accepted is there."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from engine.events.kinds import KINDS
from engine.events.submissions import INDEXED, Receipt, Submitted, submit
from governance.accounts.api import actor_of, requires
from governance.kernel.api import StrictSerializer
from pseudonymize.vault import IdentifierKind

LARGEST_SUBMISSION = 5_000


class CustomerIn(StrictSerializer):
    """Whose event it is, by an identifier that the identity vault knows."""

    kind = serializers.ChoiceField(choices=INDEXED)
    value = serializers.CharField(max_length=320)


class EventIn(StrictSerializer):
    """One event. `event_id` makes it idempotent: send it again after a lost answer."""

    event_id = serializers.UUIDField()
    customer = CustomerIn()
    kind = serializers.ChoiceField(choices=sorted(KINDS))
    occurred_at = serializers.DateTimeField()
    attributes = serializers.DictField(required=False, default=dict, help_text="The fields that the kind declares.")


class EventsIn(StrictSerializer):
    """Events from one source, accepted together."""

    origin = serializers.RegexField(r"^[a-z][a-z0-9._-]{0,99}$", help_text="The system that the events come from.")
    events = serializers.ListField(child=EventIn(), allow_empty=False, max_length=LARGEST_SUBMISSION)


class RefusalOut(serializers.Serializer[Any]):
    pointer = serializers.CharField()
    detail = serializers.CharField()


class EventsOut(serializers.Serializer[Any]):
    """What became of the events. Those in `refused` are not kept: correct and send them again."""

    batch = serializers.IntegerField(allow_null=True)
    accepted = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    refused = RefusalOut(many=True)


class Events(APIView):
    permission_classes = (requires("events:write"),)

    @extend_schema(request=EventsIn, responses=EventsOut, operation_id="events_submit")
    def post(self, request: Request) -> Response:
        """Submit events. Answers when they are committed; a row that cannot be accepted is named by a JSON pointer."""
        body = EventsIn(data=request.data)
        body.is_valid(raise_exception=True)
        receipt = submit(
            [_submitted(event) for event in body.validated_data["events"]],
            source=body.validated_data["origin"],
            actor=actor_of(request),
        )
        return Response(_shown(receipt))


def _submitted(event: dict[str, Any]) -> Submitted:
    customer = event["customer"]
    return Submitted(
        event_id=event["event_id"],
        customer=(IdentifierKind(customer["kind"]), customer["value"]),
        kind=event["kind"],
        occurred_at=event["occurred_at"],
        attributes=event["attributes"],
    )


def _shown(receipt: Receipt) -> dict[str, Any]:
    refused = [{"pointer": refusal.pointer, "detail": refusal.detail} for refusal in receipt.refused]
    return {
        "batch": receipt.batch,
        "accepted": receipt.accepted,
        "duplicates": receipt.duplicates,
        "refused": refused,
    }


urlpatterns = [path("", Events.as_view(), name="events")]
