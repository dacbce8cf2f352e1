"""What the calls take: strict, bounded, without a field that is not known."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from governance.kernel.api import StrictSerializer
from pseudonymize.columns.texts import LANGUAGES
from pseudonymize.crossings.bridges import MOST_ROWS as MOST_BRIDGE_ROWS
from pseudonymize.crossings.bridges import ROWS_PER_CALL
from pseudonymize.crossings.reidentification import MAX_TOKENS
from pseudonymize.identity import IdentifierKind
from pseudonymize.models import RevealLevel

MAX_ROWS = 10_000
MAX_COLUMNS = 500
MAX_TEXTS = 1_000
MAX_CHARACTERS = 200_000
_NAME = r"^[a-z0-9][a-z0-9_-]{0,59}\Z"
_WORDS = r"^[^\x00-\x1f\x7f]{1,%d}\Z"
_A_COLUMN = r"^[^\x00-\x1f]{1,200}\Z"


def _columns(**bounds: Any) -> serializers.ListField:
    return serializers.ListField(child=serializers.RegexField(_A_COLUMN, trim_whitespace=False), **bounds)


def _tokens(most: int) -> serializers.ListField:
    child = serializers.RegexField(r"^[^\x00]{1,2000}\Z", trim_whitespace=False)
    return serializers.ListField(child=child, min_length=1, max_length=most)


@extend_schema_field({"type": "array", "items": {"type": "object", "additionalProperties": True}, "maxItems": MAX_ROWS})
class RowsField(serializers.Field[Any, Any, Any, Any]):
    """A list of objects with plain values. Columns are for the policy to judge."""

    def to_internal_value(self, data: Any) -> list[dict[str, Any]]:
        if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
            raise serializers.ValidationError("Expected a list of objects.")
        if not 1 <= len(data) <= MAX_ROWS:
            raise serializers.ValidationError(f"Expected 1 to {MAX_ROWS} rows; send more as an Arrow stream or a file.")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class RunIn(StrictSerializer):
    """The published policy to use, and the processing activity that wants the result."""

    policy = serializers.RegexField(_NAME)
    activity = serializers.RegexField(_WORDS % 160)
    verdict_id = serializers.UUIDField(required=False, allow_null=True, default=None)


class PseudonymizeRowsIn(RunIn):
    """Rows, and what `RunIn` says."""

    rows = RowsField()


class DetectIn(StrictSerializer):
    """Texts of one language."""

    texts = serializers.ListField(
        child=serializers.CharField(allow_blank=True, trim_whitespace=False, max_length=100_000), max_length=MAX_TEXTS
    )
    language = serializers.ChoiceField(choices=list(LANGUAGES), default="en")

    def validate_texts(self, value: list[str]) -> list[str]:
        """The work that one call may cause is bounded as a whole too."""
        if sum(map(len, value)) > MAX_CHARACTERS:
            raise serializers.ValidationError(f"Together at most {MAX_CHARACTERS} characters.")
        return value


class PolicyTextIn(StrictSerializer):
    """A policy as YAML text."""

    text = serializers.CharField(max_length=262_144, trim_whitespace=False)


class DryRunIn(PolicyTextIn):
    """A policy and sample rows to try it on. Nothing is kept, and nothing is published."""

    rows = RowsField()


class DomainIn(StrictSerializer):
    """What may be said about a domain after it was made. Its purpose, join group and keys never change."""

    controller = serializers.CharField(max_length=200, required=False)
    datasets = serializers.ListField(child=serializers.CharField(max_length=200), max_length=200, required=False)
    recipients = serializers.ListField(child=serializers.CharField(max_length=100), max_length=200, required=False)
    additional_information = serializers.CharField(max_length=4_000, required=False)
    excluded_attackers = serializers.CharField(max_length=4_000, required=False)
    retention_days = serializers.IntegerField(min_value=1, max_value=36_500, required=False)


class DestroyEpochIn(StrictSerializer):
    """An epoch, and whether outputs that were not moved to a later one are to be abandoned."""

    epoch = serializers.IntegerField(min_value=1, max_value=1_023)
    abandon = serializers.BooleanField(default=False)


class ManifestProofIn(StrictSerializer):
    """A signed manifest."""

    jws = serializers.CharField(max_length=1_000_000)


class OutputFileIn(StrictSerializer):
    """A file of an output: its name there, and its SHA-256."""

    name = serializers.RegexField(_WORDS % 300)
    sha256 = serializers.RegexField(r"^[0-9a-f]{64}\Z")


class GroupsIn(StrictSerializer):
    """What was counted of groups of the quasi-identifiers, before any row was suppressed."""

    rows = serializers.IntegerField(min_value=0, max_value=2**53)
    groups = serializers.IntegerField(min_value=0, max_value=2**53)
    smallest = serializers.IntegerField(min_value=0, max_value=2**53)
    unique_rows = serializers.IntegerField(min_value=0, max_value=2**53)
    violating_rows = serializers.IntegerField(min_value=0, max_value=2**53)
    diversity = serializers.DictField(child=serializers.IntegerField(min_value=0, max_value=2**53), default=dict)


class OutsideRunIn(StrictSerializer):
    """A run that was made elsewhere with lent keys, as its driver states it."""

    policy = serializers.RegexField(_NAME)
    activity = serializers.RegexField(_WORDS % 160)
    verdict_id = serializers.UUIDField(required=False, allow_null=True, default=None)
    epoch = serializers.IntegerField(min_value=1, max_value=1_023)
    started_at = serializers.DateTimeField()
    rows_in = serializers.IntegerField(min_value=0, max_value=2**53)
    rows_out = serializers.IntegerField(min_value=0, max_value=2**53)
    files = serializers.ListField(child=OutputFileIn(), min_length=1, max_length=10_000)
    risk = GroupsIn(required=False, allow_null=True, default=None)
    searched = serializers.IntegerField(min_value=0, max_value=2**53, default=0)
    hits = serializers.IntegerField(min_value=0, max_value=2**53, default=0)


class RevealRequestIn(StrictSerializer):
    """Which tokens, of which column of which run, what for, and how far."""

    manifest = serializers.CharField(max_length=60)
    column = serializers.RegexField(_A_COLUMN, trim_whitespace=False)
    kind = serializers.ChoiceField(choices=[kind.value for kind in IdentifierKind])
    tokens = _tokens(MAX_TOKENS)
    purpose = serializers.RegexField(_WORDS % 200)
    case = serializers.RegexField(_WORDS % 100)
    level = serializers.ChoiceField(choices=RevealLevel.values, default=RevealLevel.MASKED.value)
    max_rows = serializers.IntegerField(min_value=1, max_value=MAX_TOKENS, default=MAX_TOKENS)
    expires_in_hours = serializers.IntegerField(min_value=1, max_value=168, default=24)


class ApprovalIn(StrictSerializer):
    """Why, and the digest of the request as it was shown: an approval is of that and of nothing else."""

    reason = serializers.RegexField(_WORDS % 200)
    terms_sha256 = serializers.RegexField(r"^[0-9a-f]{64}\Z")


class TokensIn(StrictSerializer):
    """Exactly the tokens of the request."""

    tokens = _tokens(MAX_TOKENS)


class BridgeIn(StrictSerializer):
    """From which domain to which, for which classes of columns, what for, for how many rows and how long."""

    source = serializers.RegexField(_NAME)  # type: ignore[assignment]  # the framework takes declared fields away
    target = serializers.RegexField(_NAME)
    columns = _columns(min_length=1, max_length=50)
    reason = serializers.RegexField(_WORDS % 200)
    max_rows = serializers.IntegerField(min_value=1, max_value=MOST_BRIDGE_ROWS)
    expires_in_hours = serializers.IntegerField(min_value=1, max_value=24 * 90, default=24)


class TranslateIn(StrictSerializer):
    """Tokens of the bridge's source, of one class of columns."""

    column = serializers.RegexField(_A_COLUMN, trim_whitespace=False)
    tokens = _tokens(ROWS_PER_CALL)


class RiskIn(StrictSerializer):
    """Rows, their quasi-identifiers and sensitive columns, and the people that the table is drawn from."""

    rows = RowsField()
    quasi = _columns(min_length=1, max_length=50)
    sensitive = _columns(max_length=20, default=list)
    population = RowsField(required=False)
    threshold = serializers.FloatField(min_value=0.0, max_value=1.0, default=0.1)


class AnonymiseIn(StrictSerializer):
    """Rows that are to be generalised until every combination of quasi-identifiers is shared by k of them."""

    rows = RowsField()
    quasi = _columns(min_length=1, max_length=50)
    k = serializers.IntegerField(min_value=2, max_value=10_000)
    l = serializers.DictField(child=serializers.IntegerField(min_value=1, max_value=1_000), default=dict)  # noqa: E741
