"""The words of the policy core, free of Django: legal bases, channels, one version of a purpose."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from governance.kernel.ids import PurposeKey


class LegalBasis(StrEnum):
    """Art. 6(1): one of six, or the processing is not lawful."""

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGAL_OBLIGATION = "legal_obligation"
    VITAL_INTEREST = "vital_interest"
    PUBLIC_TASK = "public_task"
    LEGITIMATE_INTEREST = "legitimate_interest"

    @property
    def article(self) -> str:
        """Where the Regulation says so, e.g. "Art. 6(1)(f)"."""
        return f"Art. 6(1)({_LETTERS[self]})"


_LETTERS: Final = dict(zip(LegalBasis, "abcdef", strict=True))


class Channel(StrEnum):
    """By which way a purpose reaches or uses a person."""

    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"
    IN_APP = "in_app"
    PHONE = "phone"
    POST = "post"
    ADS = "ads"
    PROFILING = "profiling"
    TRAINING = "training"
    ANALYTICS = "analytics"


@dataclass(frozen=True, slots=True)
class PurposeVersion:
    """What a purpose said from `effective_from` on. `edition` numbers all definitions of all purposes in order of commit."""

    id: UUID
    key: PurposeKey
    version: int
    edition: int
    title_en: str
    title_pl: str
    description_en: str
    description_pl: str
    legal_basis: LegalBasis
    channels: tuple[Channel, ...]
    double_opt_in: bool
    validity_days: int | None
    direct_marketing: bool
    special_category: bool
    reconsent: bool
    dpv_iri: str
    effective_from: datetime

    def title(self, language: str) -> str:
        """The title in "pl" or, for every other language, in English."""
        return self.title_pl if language == "pl" else self.title_en

    def description(self, language: str) -> str:
        """The description in "pl" or, for every other language, in English."""
        return self.description_pl if language == "pl" else self.description_en

    def valid_until(self, occurred_at: datetime) -> datetime | None:
        """When a consent of that instant runs out; None when it does not."""
        return None if self.validity_days is None else occurred_at + timedelta(days=self.validity_days)
