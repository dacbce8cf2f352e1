"""What the REST endpoints take and what they give, field by field. Nothing unknown is accepted."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from consent.terms import ANY, Reason
from governance.kernel.api import StrictSerializer


class SubjectIn(StrictSerializer):
    """Exactly one of the two names of a person."""

    subject = serializers.CharField(max_length=40, required=False)
    customer_id = serializers.CharField(max_length=200, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("subject" in attrs) == ("customer_id" in attrs):
            raise serializers.ValidationError({"subject": ["Send either subject or customer_id."]})
        return attrs


class CheckConsentIn(SubjectIn):
    purpose = serializers.CharField(max_length=64)
    channel = serializers.CharField(max_length=16)


class CheckAudienceIn(StrictSerializer):
    subjects = serializers.ListField(child=serializers.CharField(max_length=40), max_length=10_000)
    purpose = serializers.CharField(max_length=64)
    channel = serializers.CharField(max_length=16)
    cited_for = serializers.RegexField(
        r"^[A-Za-z0-9._:-]{1,120}$", help_text="What rests on the answer, such as training_run:42."
    )


class RecordConsentIn(SubjectIn):
    purpose = serializers.CharField(max_length=64)
    channel = serializers.CharField(max_length=16)
    event_type = serializers.CharField(max_length=20)
    method = serializers.CharField(max_length=40)
    occurred_at = serializers.DateTimeField(required=False)
    notice_version = serializers.CharField(max_length=40, required=False)
    presentation = serializers.CharField(max_length=4000, required=False)
    valid_until = serializers.DateTimeField(required=False)
    jurisdiction = serializers.CharField(max_length=6, required=False)
    evidence = serializers.DictField(required=False)
    source_sha256 = serializers.CharField(max_length=64, required=False)
    age = serializers.IntegerField(
        min_value=0, max_value=150, required=False, help_text="As they said; decides and is not kept."
    )
    guardian = serializers.CharField(
        max_length=40, required=False, help_text="Who holds parental responsibility and acts for the child (sub_…)."
    )
    of_age_on = serializers.DateField(
        required=False, help_text="From which day on the child consents for itself: a guardian's consent ends then."
    )
    confirm_by_mail = serializers.ChoiceField(
        ["en", "pl"],
        required=False,
        help_text="Where the purpose has double opt-in: write to the person in this language.",
    )


class ConfirmByMailIn(StrictSerializer):
    event = serializers.CharField(max_length=40, help_text="The consent that waits.")
    language = serializers.ChoiceField(["en", "pl"], default="en")


class WithdrawConsentIn(SubjectIn):
    purpose = serializers.CharField(max_length=64, default=ANY, help_text="All purposes unless named.")
    channel = serializers.CharField(max_length=16, default=ANY, help_text="All channels unless named.")
    occurred_at = serializers.DateTimeField(required=False)


class LinkIn(SubjectIn):
    visitor = serializers.CharField(
        max_length=40, help_text="The anonymous id (sub_…) that turned out to be the person."
    )
    evidence = serializers.DictField(required=False)


class LinkOut(serializers.Serializer[Any]):
    entry = serializers.CharField(help_text="The log entry.")
    carried = serializers.IntegerField(help_text="Events that were said again for the other of the two.")
    duplicate = serializers.BooleanField()


class ShowNoticeIn(StrictSerializer):
    notice_versions = serializers.ListField(child=serializers.CharField(max_length=40), min_length=1, max_length=20)
    subject = serializers.CharField(max_length=40, required=False)
    purposes = serializers.ListField(child=serializers.CharField(max_length=64), max_length=50, required=False)
    jurisdiction = serializers.CharField(max_length=6, default="EU")
    ui_variant = serializers.CharField(max_length=40, default="default")


class VerifyReceiptIn(StrictSerializer):
    receipt = serializers.CharField(max_length=20_000)


class ImportReceiptIn(SubjectIn):
    receipt = serializers.CharField(max_length=20_000)
    public_key = serializers.RegexField(r"^[0-9a-f]{64}$", help_text="Of whoever signed it: 32 bytes of Ed25519.")
    purpose = serializers.CharField(max_length=64, required=False, help_text="Ours, if it has another name there.")


class VerdictOut(serializers.Serializer[Any]):
    verdict = serializers.CharField(
        allow_null=True, help_text="The id to keep with what rests on this answer; null when none was kept."
    )
    allowed = serializers.BooleanField()
    reason = serializers.ChoiceField([reason.value for reason in Reason])
    basis = serializers.CharField()
    subject = serializers.CharField()
    purpose = serializers.CharField()
    purpose_version = serializers.IntegerField()
    channel = serializers.CharField()
    event = serializers.CharField(allow_null=True)
    notice_version = serializers.CharField(allow_null=True)
    valid_until = serializers.DateTimeField(allow_null=True)
    at = serializers.DateTimeField()


class AudienceOut(serializers.Serializer[Any]):
    verdict_set = serializers.CharField()
    allowed = serializers.ListField(child=serializers.CharField())
    refused = serializers.DictField(child=serializers.IntegerField(), help_text="How many, by reason.")
    purpose_version = serializers.IntegerField()
    basis = serializers.CharField()
    at = serializers.DateTimeField()


class RecordedOut(serializers.Serializer[Any]):
    event = serializers.CharField()
    status = serializers.CharField(help_text="Where the person stands now.")
    duplicate = serializers.BooleanField()
    receipt = serializers.CharField(help_text="A signed receipt for the person (JWS).")


class ReceiptOut(serializers.Serializer[Any]):
    receipt = serializers.CharField()


class PresentationOut(serializers.Serializer[Any]):
    presentation = serializers.CharField()
