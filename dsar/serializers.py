"""What goes into the API of requests and what comes out, as serializers: the OpenAPI document is made from them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from dsar import requests
from dsar.states import IntakeChannel, RequestType, Status
from governance.kernel.api import StrictSerializer


class ClaimsIn(StrictSerializer):
    """What the person is to be found by: at least one."""

    email = serializers.EmailField(required=False, max_length=254)
    customer_id = serializers.CharField(required=False, max_length=64)
    phone = serializers.CharField(required=False, max_length=32)
    national_id = serializers.CharField(required=False, max_length=32)
    name = serializers.CharField(required=False, max_length=200)


class OpenRequestIn(StrictSerializer):
    """A new request."""

    type = serializers.ChoiceField(choices=[kind.value for kind in RequestType])
    claims = ClaimsIn()
    language = serializers.ChoiceField(choices=list(requests.LANGUAGES), default="en")
    channel = serializers.ChoiceField(choices=[channel.value for channel in IntakeChannel], default="api")
    received_at = serializers.DateTimeField(required=False)
    send_code = serializers.BooleanField(default=True)


class ConfirmRequestIn(StrictSerializer):
    """The one-time code."""

    code = serializers.CharField(max_length=20)


class ExtendRequestIn(StrictSerializer):
    """Reasons that the person is told."""

    reasons = serializers.CharField(max_length=2000)


class RefuseRequestIn(StrictSerializer):
    """The ground of a refusal."""

    ground = serializers.ChoiceField(choices=sorted(requests.GROUNDS))


class ApprovePlanIn(StrictSerializer):
    """A reason, and the digest of the plan that was looked at."""

    reason = serializers.CharField(max_length=2000)
    content_sha256 = serializers.RegexField(r"^[0-9a-f]{64}$")


class VerifyCertificateIn(StrictSerializer):
    """A compact JWS."""

    certificate = serializers.CharField(max_length=200_000)


class _Out(serializers.Serializer[Any]):
    """Only described, never used to write."""


class SubjectRequestOut(_Out):
    """The shell of a request; nothing personal."""

    reference = serializers.CharField()
    type = serializers.ChoiceField(choices=[kind.value for kind in RequestType])
    article = serializers.CharField(help_text="Of the GDPR.")
    status = serializers.ChoiceField(choices=[status.value for status in Status])
    channel = serializers.CharField()
    language = serializers.CharField()
    received_at = serializers.DateTimeField()
    due_on = serializers.DateField()
    days_left = serializers.IntegerField(help_text="Negative when overdue.")
    pace = serializers.CharField()
    extended = serializers.BooleanField()
    blocked_reason = serializers.CharField(allow_blank=True)
    answered_at = serializers.DateTimeField(allow_null=True)


class SubjectRequestOpenedOut(SubjectRequestOut):
    """A new request and the secret to follow it with."""

    tracking_code = serializers.CharField()


class SubjectRequestPageOut(_Out):
    """One page of the queue."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = SubjectRequestOut(many=True)


class PlanNodeOut(_Out):
    """One source in a plan."""

    position = serializers.IntegerField()
    source = serializers.CharField()  # type: ignore[assignment]  # a field of that name
    title = serializers.CharField()
    action = serializers.CharField()
    tables = serializers.ListField(child=serializers.CharField())
    categories = serializers.ListField(child=serializers.CharField())
    expected = serializers.DictField(child=serializers.IntegerField())


class ErasurePlanOut(_Out):
    """A plan; version 0 is a dry run."""

    version = serializers.IntegerField()
    content_sha256 = serializers.CharField()
    expected_rows = serializers.IntegerField()
    nodes = PlanNodeOut(many=True)


class SubjectRequestPlannedOut(SubjectRequestOut):
    """A request with its plan."""

    plan = ErasurePlanOut()


class ErasureStepOut(_Out):
    """One step as it was carried out."""

    position = serializers.IntegerField()
    source = serializers.CharField()  # type: ignore[assignment]  # a field of that name
    title = serializers.CharField()
    status = serializers.CharField()
    expected = serializers.IntegerField()
    deleted = serializers.IntegerField()
    anonymised = serializers.IntegerField()
    shredded = serializers.IntegerField()
    retained = serializers.IntegerField()
    attempts = serializers.IntegerField()


class StatusChangeOut(_Out):
    """One line of the history."""

    from_status = serializers.CharField()
    to_status = serializers.CharField()
    at = serializers.DateTimeField()
    actor = serializers.CharField()
    reason_code = serializers.CharField(allow_blank=True)
    entry_id = serializers.UUIDField()


class SubjectRequestDetailOut(SubjectRequestOut):
    """A request with history, plan and steps."""

    history = StatusChangeOut(many=True)
    plan = ErasurePlanOut(allow_null=True)
    steps = ErasureStepOut(many=True)


class RetainedOut(_Out):
    """What was kept, why and until when."""

    table = serializers.CharField()
    count = serializers.IntegerField()
    ground = serializers.CharField()
    until = serializers.DateField(allow_null=True)


class ErasureCertificateOut(_Out):
    """A certificate: the signed text, and what it says."""

    jws = serializers.CharField()
    reference = serializers.CharField()
    controller = serializers.CharField()
    received_on = serializers.DateField()
    completed_at = serializers.DateTimeField()
    outcome = serializers.CharField()
    residual = serializers.IntegerField()
    tables_searched = serializers.IntegerField()
    backups_unreadable_by = serializers.DateField()
    retained = RetainedOut(many=True)
    key_id = serializers.CharField()


class CertificateVerifiedOut(ErasureCertificateOut):
    """Only ever true: what does not verify is a problem."""

    verified = serializers.BooleanField()


class CertificateKeyOut(_Out):
    """The public key."""

    algorithm = serializers.CharField()
    typ = serializers.CharField()
    public_key = serializers.CharField(help_text="32 bytes in hexadecimal.")
