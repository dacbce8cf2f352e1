"""What the gate answers: for one person, and for a set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from consent.permission import answers, rules
from consent.permission.answers import Answers
from consent.terms import Channel, NoticeVersionId, Reason
from governance.kernel.ids import PurposeKey, SubjectId
from governance.purposes.terms import LegalBasis


@dataclass(frozen=True, slots=True)
class Verdict:
    """One answer. `event_id` is what it rests on; `id` is set once it is cited; `historical` ones are about the past."""

    subject: SubjectId
    purpose: PurposeKey
    purpose_version: int
    channel: Channel
    allowed: bool
    reason: Reason
    basis: LegalBasis
    event_id: UUID | None
    notice_version_id: NoticeVersionId | None
    valid_until: datetime | None
    at: datetime
    historical: bool = False
    id: UUID | None = None


@dataclass(frozen=True)
class Verdicts:
    """The answers for a set, aligned with `subjects`: whom the gate allows, and how many it refused for which reason."""

    subjects: Sequence[SubjectId]
    purpose: PurposeKey
    purpose_version: int
    channel: Channel
    basis: LegalBasis
    at: datetime
    allowed: list[SubjectId]
    refused: Counter[Reason]
    historical: bool = False
    ids: dict[SubjectId, UUID] = field(default_factory=dict)
    """The ids of cited verdicts, after `claim`."""
    _answers: Answers = field(default_factory=answers.none, repr=False, compare=False)
    _places: dict[SubjectId, int] = field(default_factory=dict, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.subjects)

    def verdict_of(self, subject: SubjectId) -> Verdict:
        """The answer for one of the subjects that were asked about. Raises KeyError for anybody else."""
        if not self._places:
            self._places.update((one, place) for place, one in enumerate(self.subjects))
        code, event, notice, valid_until = self._answers.row(self._places[subject])
        reason = rules.reason_of(code)
        return Verdict(
            subject=subject,
            purpose=self.purpose,
            purpose_version=self.purpose_version,
            channel=self.channel,
            allowed=reason.permits,
            reason=reason,
            basis=self.basis,
            event_id=event,
            notice_version_id=NoticeVersionId(notice) if notice else None,
            valid_until=valid_until,
            at=self.at,
            historical=self.historical,
            id=self.ids.get(subject),
        )
