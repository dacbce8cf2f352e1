"""Reading a request that records decisions: the head by its serializer, thousands of rows by one pass that says where a row is wrong."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from rest_framework import serializers

from audit import decisions, sealing
from audit.decision_records.grounds import Cited, contradictions
from governance.kernel.actors import Actor
from governance.kernel.api import StrictSerializer
from governance.kernel.canonical import canonical_json
from governance.kernel.errors import JSON, InvalidInput, NotFound
from governance.kernel.ids import SubjectId, from_opaque

MOST_DECISIONS = 10_000
_LARGEST_INPUT = 64_000
_LARGEST = 1e30
_MOST_FEATURES = 500
_MOST_ALTERNATIVES = 100
_MOST_POINTERS = 100
_NOTHING = "none"


class AlternativeIn(StrictSerializer):
    """A candidate that lost, and the code of the reason why."""

    action = serializers.CharField(max_length=200)
    score = serializers.FloatField()
    lost_because = serializers.CharField(max_length=200)


class ChangeIn(StrictSerializer):
    """A feature and the bin that it would have had to be in for another result."""

    feature = serializers.CharField(max_length=200)
    bin = serializers.IntegerField(min_value=0, max_value=65_535)


class DecisionIn(StrictSerializer):
    """One decision. ``input`` is what the model saw; it is sealed under the subject's key before anything is written, and never shown.
    Who has sealed it already sends ``sealed_input`` (base64) instead."""

    subject = serializers.CharField()
    verdict = serializers.UUIDField(required=False, allow_null=True)
    consent_event = serializers.UUIDField(required=False, allow_null=True)
    score = serializers.FloatField()
    contributions = serializers.ListField(child=serializers.FloatField(), max_length=_MOST_FEATURES)
    bins = serializers.ListField(
        child=serializers.IntegerField(min_value=0, max_value=65_535), max_length=_MOST_FEATURES
    )
    chosen = serializers.CharField(max_length=200)
    alternatives = AlternativeIn(many=True, required=False)
    random_draw = serializers.FloatField(required=False, allow_null=True, min_value=0, max_value=1)
    counterfactual = ChangeIn(many=True, required=False, allow_null=True)
    input = serializers.DictField(required=False)
    sealed_input = serializers.CharField(required=False)


class AttributionIn(StrictSerializer):
    """How contributions that are not the model's own terms were computed, and what they compare with."""

    method = serializers.CharField(max_length=100)
    background = serializers.CharField(max_length=200, allow_blank=True)


class HeadIn(StrictSerializer):
    """What the decisions of a batch share."""

    kind = serializers.CharField(max_length=100)
    object = serializers.CharField(max_length=200)
    purpose = serializers.CharField(max_length=200)
    model_version = serializers.CharField(max_length=200)
    model_family = serializers.CharField(max_length=200, required=False)
    policy_version = serializers.CharField(max_length=200)
    notice_version = serializers.CharField(max_length=200)
    effect = serializers.ChoiceField(choices=decisions.EFFECTS)
    features = serializers.ListField(
        child=serializers.CharField(max_length=200), min_length=1, max_length=_MOST_FEATURES
    )
    intercept = serializers.FloatField()
    seed = serializers.CharField(max_length=100, required=False)
    solely_automated = serializers.BooleanField(required=False)
    attribution = AttributionIn(required=False)
    decisions: Any = serializers.ListField(child=serializers.JSONField(), min_length=1, max_length=MOST_DECISIONS)


class DecisionBatchIn(HeadIn):
    """A batch of decisions that another system made, at most 10,000."""

    decisions: Any = serializers.ListField(child=DecisionIn(), min_length=1, max_length=MOST_DECISIONS)


def batch_of(data: Any, actor: Actor) -> decisions.DecisionBatch:
    """The batch that a request asks to record. Raises ``InvalidInput`` with a pointer for each row that is wrong (the first hundred), and
    what the sealer raises."""
    head = HeadIn(data=data)
    head.is_valid(raise_exception=True)
    said = head.validated_data
    rows = _read(said["decisions"], said["features"])
    subjects = [row.subject for row in rows]
    _check_grounds(said["purpose"], rows)
    attribution = said.get("attribution")
    return decisions.DecisionBatch(
        kind=said["kind"],
        object=said["object"],
        purpose=said["purpose"],
        model_version=said["model_version"],
        model_family=said.get("model_family", ""),
        policy_version=said["policy_version"],
        notice_version=said["notice_version"],
        effect=said["effect"],
        feature_names=tuple(said["features"]),
        intercept=said["intercept"],
        subjects=subjects,
        verdict_ids=[row.verdict for row in rows],
        consent_event_ids=[row.consent_event for row in rows],
        # In double precision, as they were sent: the sum is checked before they are stored in single.
        scores=np.array([row.score for row in rows]),
        contributions=np.array([row.contributions for row in rows]),
        bins=np.array([row.bins for row in rows], dtype=np.uint16),
        chosen=[row.chosen for row in rows],
        alternatives=[row.alternatives for row in rows],
        sealed_inputs=_sealed(rows, subjects),
        random_draw=[row.random_draw for row in rows],
        counterfactual_features=np.array([[change[0] for change in row.changes] for row in rows], dtype=np.int16),
        counterfactual_bins=np.array([[change[1] for change in row.changes] for row in rows], dtype=np.uint16),
        seed=said.get("seed", ""),
        solely_automated=said.get("solely_automated", True),
        attribution=decisions.Attribution(**attribution) if attribution else decisions.EXACT,
        actor=actor,
    )


@dataclass(frozen=True, slots=True)
class _Read:
    """One decision as it was read: ``plain`` is the input as canonical JSON, or ``sealed`` its ciphertext."""

    subject: SubjectId
    verdict: UUID | None
    consent_event: UUID | None
    score: float
    contributions: list[float]
    bins: list[int]
    chosen: str
    alternatives: list[decisions.Alternative]
    random_draw: float | None
    changes: list[tuple[int, int]]
    plain: bytes | None
    sealed: bytes


def _read(given: Sequence[Any], features: Sequence[str]) -> list[_Read]:
    """Every row. Raises ``InvalidInput`` that points to what is wrong in each that cannot be read, not in the first alone: who sends
    thousands does not want to learn of their mistakes one by one."""
    numbers = {name: number for number, name in enumerate(features)}
    rows, wrong = [], []
    for place, row in enumerate(given):
        try:
            rows.append(_Row(place, row).read(numbers))
        except InvalidInput as error:
            wrong += _pointers(error)
            if len(wrong) >= _MOST_POINTERS:
                break
    if wrong:
        raise InvalidInput("Decisions of the batch are not valid.", errors=wrong)
    return rows


def _check_grounds(purpose: str, rows: Sequence[_Read]) -> None:
    cited = Cited(
        purpose,
        [row.subject for row in rows],
        [row.verdict for row in rows],
        [row.consent_event for row in rows],
        [row.chosen != _NOTHING for row in rows],
    )
    if found := contradictions(cited):
        wrong: list[JSON] = [
            {"pointer": f"/decisions/{one.place}/{one.field}", "detail": one.detail} for one in found[:_MOST_POINTERS]
        ]
        raise InvalidInput("Decisions of the batch rest on grounds that say something else.", errors=wrong)


def _pointers(error: InvalidInput) -> list[JSON]:
    listed = error.fields.get("errors")
    return list(listed) if isinstance(listed, list) else []


class _Row:
    """One decision of a request. Every method reads one field or raises ``InvalidInput`` with the pointer to it."""

    _known = frozenset(DecisionIn().fields)

    def __init__(self, place: int, row: Any) -> None:
        self._place = place
        if not isinstance(row, Mapping):
            raise self._wrong("", "A decision is an object.")
        if unknown := set(row) - self._known:
            raise self._wrong(f"/{min(unknown)[:50]}", "Unknown field.")
        if ("input" in row) == ("sealed_input" in row):
            raise self._wrong("/input", "Give the input, or the sealed input.")
        self._row = row

    def read(self, features: Mapping[str, int]) -> _Read:
        """The whole row; ``features`` are the numbers of the names that the batch has."""
        return _Read(
            self.subject(),
            self.uuid("verdict", "vdt", "vds"),
            self.uuid("consent_event", "cev"),
            self.number("score"),
            self.numbers("contributions", len(features)),
            self.bins("bins", len(features)),
            self.name("chosen"),
            self.alternatives(),
            self.draw(),
            self.changes(features),
            self.plain_input(),
            b"" if "input" in self._row else self.sealed_input(),
        )

    def subject(self) -> SubjectId:
        try:
            return SubjectId(from_opaque("sub", self.name("subject")))
        except InvalidInput as error:
            raise self._wrong("/subject", "Not the identifier of a subject.") from error

    def uuid(self, field: str, *prefixes: str) -> UUID | None:
        """A UUID, or an identifier as our own endpoints give it out (``vdt_…``)."""
        given = self._row.get(field)
        try:
            if isinstance(given, str) and (prefix := given.partition("_")[0]) in prefixes:
                return from_opaque(prefix, given)
            return None if given is None else UUID(given)
        except (ValueError, AttributeError, TypeError, InvalidInput) as error:
            raise self._wrong(f"/{field}", "Not a UUID, and no identifier of ours.") from error

    def name(self, field: str) -> str:
        given = self._row.get(field)
        if not isinstance(given, str) or not 0 < len(given) <= 200 or "\0" in given:
            raise self._wrong(f"/{field}", "A text of 1 to 200 characters.")
        return given

    def number(self, field: str) -> float:
        return self._finite(self._row.get(field), f"/{field}")

    def numbers(self, field: str, width: int) -> list[float]:
        return [self._finite(one, f"/{field}") for one in self._list(field, width)]

    def bins(self, field: str, width: int) -> list[int]:
        given = self._list(field, width)
        if not all(type(one) is int and 0 <= one <= 65_535 for one in given):
            raise self._wrong(f"/{field}", "Bins are whole numbers from 0 to 65,535.")
        return given

    def draw(self) -> float | None:
        if self._row.get("random_draw") is None:
            return None
        draw = self.number("random_draw")
        if not 0 <= draw <= 1:
            raise self._wrong("/random_draw", "A draw lies between 0 and 1.")
        return draw

    def alternatives(self) -> list[decisions.Alternative]:
        given = self._row.get("alternatives", [])
        if not isinstance(given, list) or len(given) > _MOST_ALTERNATIVES:
            raise self._wrong("/alternatives", f"A list of at most {_MOST_ALTERNATIVES}.")
        return [self._alternative(one, f"/alternatives/{at}") for at, one in enumerate(given)]

    def changes(self, features: Mapping[str, int]) -> list[tuple[int, int]]:
        """Two pairs of feature and bin, filled up with what says that there is none, or that nobody searched."""
        given = self._row.get("counterfactual")
        if given is None:
            return [(decisions.NOT_SEARCHED, 0), (decisions.NO_CHANGE, 0)]
        if not isinstance(given, list) or len(given) > decisions.MOST_CHANGES:
            raise self._wrong("/counterfactual", "At most two changes.")
        found = []
        for one in given:
            known = isinstance(one, Mapping) and set(one) == {"feature", "bin"} and isinstance(one["feature"], str)
            if (
                not known
                or one["feature"] not in features
                or type(one["bin"]) is not int
                or not 0 <= one["bin"] <= 65_535
            ):
                raise self._wrong("/counterfactual", "A change is one of the features and a bin.")
            found.append((features[one["feature"]], one["bin"]))
        if len({feature for feature, _ in found}) != len(found):
            raise self._wrong("/counterfactual", "A counterfactual changes a feature once.")
        return (found + [(decisions.NO_CHANGE, 0)] * decisions.MOST_CHANGES)[: decisions.MOST_CHANGES]

    def plain_input(self) -> bytes | None:
        """The input as canonical JSON; None when it came sealed."""
        if "input" not in self._row:
            return None
        given = self._row["input"]
        try:
            data = canonical_json(given) if isinstance(given, dict) else b""
        except (ValueError, TypeError) as error:
            raise self._wrong("/input", "Not plain JSON.") from error
        if not 0 < len(data) <= _LARGEST_INPUT:
            raise self._wrong("/input", f"An object of at most {_LARGEST_INPUT} bytes.")
        return data

    def sealed_input(self) -> bytes:
        given = self._row["sealed_input"]
        try:
            sealed = base64.b64decode(given, validate=True) if isinstance(given, str) else b""
        except (binascii.Error, ValueError) as error:
            raise self._wrong("/sealed_input", "Not base64.") from error
        if not sealed:
            raise self._wrong("/sealed_input", "Not base64.")
        return sealed

    def _alternative(self, one: Any, pointer: str) -> decisions.Alternative:
        if not isinstance(one, Mapping) or set(one) != {"action", "score", "lost_because"}:
            raise self._wrong(pointer, "An alternative has an action, a score and a reason.")
        action, because = one["action"], one["lost_because"]
        if not all(isinstance(name, str) and 0 < len(name) <= 200 and "@" not in name for name in (action, because)):
            raise self._wrong(pointer, "Actions and reasons are short names.")
        return decisions.Alternative(action, self._finite(one["score"], f"{pointer}/score"), because)

    def _list(self, field: str, width: int) -> list[Any]:
        given = self._row.get(field)
        if not isinstance(given, list) or len(given) != width:
            raise self._wrong(f"/{field}", "Give one for each feature.")
        return given

    def _finite(self, given: Any, pointer: str) -> float:
        # Single precision holds nothing larger. A whole number may be too long for any float; a comparison takes it, and refuses NaN.
        if type(given) not in {int, float} or not -_LARGEST <= given <= _LARGEST:
            raise self._wrong(pointer, "Not a finite number.")
        return float(given)

    def _wrong(self, pointer: str, detail: str) -> InvalidInput:
        return InvalidInput(
            "A decision of the batch is not valid.",
            errors=[{"pointer": f"/decisions/{self._place}{pointer}", "detail": detail}],
        )


def _sealed(rows: Sequence[_Read], subjects: Sequence[SubjectId]) -> list[bytes]:
    """The sealed inputs; those that came plain are sealed together."""
    open_ = [(place, row.plain) for place, row in enumerate(rows) if row.plain is not None]
    fresh = _seal(open_, subjects)
    return [fresh.get(place, row.sealed) for place, row in enumerate(rows)]


def _seal(open_: Sequence[tuple[int, bytes]], subjects: Sequence[SubjectId]) -> dict[int, bytes]:
    """Ciphertexts by place. Raises ``InvalidInput`` that points to somebody whom the sealer does not know, or who was erased."""
    if not open_:
        return {}
    try:
        fresh = sealing.seal_many([subjects[at] for at, _ in open_], sealing.INPUT, [plain for _, plain in open_])
    except NotFound as error:
        if len(open_) > 1:  # somebody among them: halve until it is clear who
            half = len(open_) // 2
            return _seal(open_[:half], subjects) | _seal(open_[half:], subjects)
        pointer = f"/decisions/{open_[0][0]}/subject"
        raise InvalidInput("A subject is not there.", errors=[{"pointer": pointer, "detail": error.title}]) from error
    return dict(zip((at for at, _ in open_), fresh, strict=True))
