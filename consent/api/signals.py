"""REST endpoints at /api/v1/consent/: read a signal, record one for a person, list what came, tell outside systems where we stand."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from consent import ledger
from consent.api.parsing import idempotency_key, notice_named, subject_named, valid
from consent.api.shapes import SubjectIn
from consent.signals import recording
from consent.signals.errors import NotRegistered
from consent.signals.recording import Kind, Outcome, Signal
from governance.accounts.api import actor_of, requires
from governance.kernel.api import StrictSerializer
from governance.kernel.ids import SubjectId, from_opaque, opaque


class SignalValue(serializers.JSONField):
    """A string, or the command and state of Consent Mode."""


class ReadSignalIn(StrictSerializer):
    kind = serializers.ChoiceField([one.value for one in Kind])
    value = SignalValue(help_text="TC or GPP string, value of Sec-GPC, or {command, state} of Consent Mode.")
    jurisdiction = serializers.RegexField(r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$", default="EU")


class RecordSignalIn(SubjectIn):
    kind = serializers.ChoiceField([one.value for one in Kind])
    value = SignalValue()
    jurisdiction = serializers.RegexField(r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$", default="EU")
    notice_version = serializers.CharField(
        max_length=40, required=False, help_text="What the person saw; a yes needs it."
    )
    presentation = serializers.CharField(max_length=4000, required=False)
    occurred_at = serializers.DateTimeField(required=False)


class ReadSignals(APIView):
    """POST: what a signal says, and which rules it breaks; nothing is recorded."""

    permission_classes = (requires("consent:read"),)

    @extend_schema(operation_id="consent_signal_read", request=ReadSignalIn, responses={200: dict})
    def post(self, request: Request) -> Response:
        given = valid(ReadSignalIn, request)
        return Response(_read(recording.read(Kind(given["kind"]), given["value"], given["jurisdiction"])))


class Signals(APIView):
    """POST: record what a signal says about a person. Needs an `Idempotency-Key`."""

    permission_classes = (requires("consent:write"),)

    @extend_schema(operation_id="consent_signal_record", request=RecordSignalIn, responses={201: dict})
    def post(self, request: Request) -> Response:
        given = valid(RecordSignalIn, request)
        actor = actor_of(request)
        signal = recording.read(Kind(given["kind"]), given["value"], given["jurisdiction"])
        outcomes = recording.record(
            subject_named(given),
            signal,
            actor=actor,
            key=f"{actor.id}:{idempotency_key(request)}",
            occurred_at=given.get("occurred_at"),
            notice=notice_named(given["notice_version"]) if "notice_version" in given else None,
            presentation=given.get("presentation"),
        )
        return Response(_read(signal) | {"events": [_outcome(one) for one in outcomes]}, status=status.HTTP_201_CREATED)


class SubjectSignals(APIView):
    """GET: the events that signals made for a person, and what we tell outside systems now (`?language=pl`)."""

    permission_classes = (requires("consent:read"),)

    @extend_schema(operation_id="consent_signals_of", responses={200: dict})
    def get(self, request: Request, subject: str) -> Response:
        identifier = SubjectId(from_opaque("sub", subject))
        received = [
            {
                "event": opaque("cev", one.event_id),
                "kind": one.method,
                "event_type": one.event_type.value,
                "purpose": one.purpose,
                "channel": one.channel,
                "jurisdiction": one.jurisdiction,
                "occurred_at": one.occurred_at,
            }
            for one in ledger.history(identifier)
            if one.method in recording.METHODS
        ]
        language = request.query_params.get("language", "en")[:2]
        tells: dict[str, Any] = {"google_consent_mode": recording.google_state(identifier)}
        try:
            tells |= {
                "tcf": recording.tc_string(identifier, language),
                "gpp": recording.gpp_string(identifier, language),
            }
        except NotRegistered:
            tells |= {"tcf": None, "gpp": None}
        return Response({"subject": opaque("sub", identifier), "received": received, "tells": tells})


def _read(signal: Signal) -> dict[str, Any]:
    return {
        "kind": signal.kind.value,
        "says": [
            {
                "channel": one.channel.value,
                "says": one.says.value,
                "jurisdiction": one.jurisdiction,
                "source": one.source,
            }
            for one in signal.meanings
        ],
        "faults": [{"field": one.field, "rule": one.rule} for one in signal.faults],
        "made_on": signal.made_on,
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "purpose": outcome.purpose,
        "channel": outcome.meaning.channel.value,
        "says": outcome.meaning.says.value,
        "event": opaque("cev", outcome.event_id) if outcome.event_id else None,
        "duplicate": outcome.duplicate,
        "why_not": outcome.why_not,
    }


urlpatterns = [
    path("signals/read", ReadSignals.as_view()),
    path("signals", Signals.as_view()),
    path("subjects/<str:subject>/signals", SubjectSignals.as_view()),
]
