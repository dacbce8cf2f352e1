"""The gate: may this person's data be used for this purpose over this channel? Everything that touches a person asks here first.

    gate.check(subject, purpose, channel)       one person
    gate.filter(subjects, purpose, channel)     any number of people, one statement, the same rules
    gate.claim(subjects, purpose, channel)      the same under lock, cited, in the caller's transaction: for whoever sends
    gate.cite(verdict), gate.cite_set(verdicts) keep an answer that something rests on; `citations.py` reads them back

It fails closed: an unknown purpose or channel is an error, somebody who was never asked is refused, and so is everybody when the
database does not answer, or while withdrawals that came meanwhile wait to be applied (`spool.py`). `at` asks about the past, by what
was known then; such an answer permits nothing now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from itertools import compress
from uuid import UUID

import numpy as np
from django.db import connection

from consent import spool
from consent.arrays import distinct
from consent.errors import (
    ChannelNotCovered,
    ClaimOutsideTransaction,
    HistoricalVerdict,
    UnknownChannel,
    WithdrawalsWaiting,
)
from consent.events import heads
from consent.permission import answers, citations, rules, standings
from consent.permission.answers import Answers
from consent.permission.verdicts import Verdict, Verdicts
from consent.terms import Channel, NoticeVersionId, Reason
from governance.kernel.actors import SYSTEM, Actor
from governance.kernel.clock import now
from governance.kernel.ids import SubjectId
from governance.kernel.prepared import Beside
from governance.purposes import register
from governance.purposes.terms import LegalBasis, PurposeVersion

__all__ = ["Channel", "Reason", "Verdict", "Verdicts", "check", "cite", "cite_set", "claim", "filter"]


def check(
    subject: SubjectId,
    purpose: str,
    channel: Channel | str,
    at: datetime | None = None,
    *,
    beside: Beside | None = None,
) -> Verdict:
    """The answer for one person, now or as it was `at` an instant. One query, which answers what is asked `beside` it too.

    Raises UnknownPurpose, UnknownChannel, ChannelNotCovered, WithdrawalsWaiting.
    """
    over = _channel(channel)
    _refuse_while_spooled(at)
    if at is not None:
        return filter([subject], purpose, over, at).verdict_of(subject)
    newest, standing = standings.of_one(subject, purpose, over, beside)
    instant = now()
    book = register.book(newest)
    version = _covering(book.current(purpose, instant), over)
    reason, event = rules.decide(version, standing, instant, book.oldest_consent(version))
    by_consent = version.legal_basis is LegalBasis.CONSENT
    return Verdict(
        subject=subject,
        purpose=version.key,
        purpose_version=version.version,
        channel=over,
        allowed=reason.permits,
        reason=reason,
        basis=version.legal_basis,
        event_id=event,
        notice_version_id=NoticeVersionId(standing.notice_version_id)
        if by_consent and standing.notice_version_id
        else None,
        valid_until=standing.valid_until if by_consent else None,
        at=instant,
    )


def filter(subjects: Iterable[SubjectId], purpose: str, channel: Channel | str, at: datetime | None = None) -> Verdicts:
    """The answers for any number of people, now or as they were `at` an instant: one statement, the same rules as `check`.

    Whoever is named twice is asked about once. Raises UnknownPurpose, UnknownChannel, ChannelNotCovered, WithdrawalsWaiting.
    """
    over = _channel(channel)
    _refuse_while_spooled(at)
    instant = at or now()
    book = register.newest_book()
    version = _covering(book.current(purpose, instant), over)
    asked, array = distinct(subjects)
    found = (
        standings.of_many(array, version, over, instant, oldest=book.oldest_consent(version), historical=at is not None)
        if asked
        else answers.none()
    )
    return _verdicts(asked, found, version, over, instant, historical=at is not None)


def claim(
    subjects: Iterable[SubjectId], purpose: str, channel: Channel | str, *, actor: Actor = SYSTEM, cited_for: str = ""
) -> Verdicts:
    """Ask under lock and keep the answers, in the caller's transaction: for whoever sends, right before the dispatch is written.

    The heads of the subjects' ledgers are shared, in order of id, until that transaction ends. A withdrawal that committed before is
    seen; one that comes later waits, and is answered only after the dispatch is on record. So keep the transaction short, and send
    after it. Every answer, refusals too, becomes a cited verdict (`Verdicts.ids`).

    Raises ClaimOutsideTransaction, and what `filter` raises.
    """
    if not connection.in_atomic_block:
        raise ClaimOutsideTransaction("Claim inside transaction.atomic, with the dispatch that it is for.")
    asked = list(dict.fromkeys(subjects))
    heads.share(sorted(asked))
    answered = filter(asked, purpose, channel)
    cited = citations.write([answered.verdict_of(subject) for subject in asked], actor=actor, cited_for=cited_for)
    return replace(answered, ids=dict(zip(asked, cited, strict=True)))


def cite(verdict: Verdict, *, actor: Actor = SYSTEM, cited_for: str = "") -> UUID:
    """Keep a verdict that something rests on; returns its id. Call it in the transaction of what rests on it.

    Raises HistoricalVerdict for an answer about the past.
    """
    if verdict.historical:
        raise HistoricalVerdict
    return citations.write([verdict], actor=actor, cited_for=cited_for)[0]


def cite_set(verdicts: Verdicts, *, actor: Actor = SYSTEM, cited_for: str = "") -> UUID:
    """Keep the answer for a whole set that something rests on: counts by reason, purpose version, instant, and a digest of exactly
    whom it allowed. Returns its id; `citations.covers` tells later whether subjects were in it.

    Raises HistoricalVerdict for an answer about the past.
    """
    if verdicts.historical:
        raise HistoricalVerdict
    return citations.write_set(verdicts, actor=actor, cited_for=cited_for)


def _refuse_while_spooled(at: datetime | None) -> None:
    """What was acknowledged while the database was away is not in the ledger yet; until it is, nobody knows who may be used."""
    if at is None and spool.pending():
        raise WithdrawalsWaiting("Withdrawals are being applied. Ask again in a moment.")


def _channel(channel: Channel | str) -> Channel:
    try:
        return Channel(channel)
    except ValueError:
        raise UnknownChannel("There is no such channel.") from None


def _covering(purpose: PurposeVersion, channel: Channel) -> PurposeVersion:
    if channel not in purpose.channels:
        raise ChannelNotCovered(purpose=purpose.key, channel=channel.value)
    return purpose


def _verdicts(
    asked: list[SubjectId], found: Answers, version: PurposeVersion, channel: Channel, at: datetime, *, historical: bool
) -> Verdicts:
    """Sorted into allowed and refused. Counting is for numpy; only the ids of whom the gate allows are touched."""
    permitting = list(Reason).index(rules.permitting(version))
    counts = {rules.reason_of(code): int(count) for code, count in enumerate(np.bincount(found.codes)) if count}
    counts.pop(rules.reason_of(permitting), None)
    return Verdicts(
        subjects=asked,
        purpose=version.key,
        purpose_version=version.version,
        channel=channel,
        basis=version.legal_basis,
        at=at,
        allowed=list(compress(asked, found.codes == permitting)),
        refused=Counter(counts),
        historical=historical,
        _answers=found,
    )
