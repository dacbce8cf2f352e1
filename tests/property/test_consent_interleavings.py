"""Any interleaving of consent events against a toy model that says the rules in plain words.

The events arrive late, twice, out of order and about everything at once. After each step: `check`, `filter` and the toy agree for every
purpose and channel; the state is the fold of the ledger; whoever said no stays refused until they say yes again.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from audit import merkle
from consent import gate, ledger
from consent.errors import NothingToReaffirm
from consent.events import commitments, fold
from consent.ledger import ANY, MARKETING, ConsentDraft
from consent.terms import Channel, EventType, Reason
from governance import purposes
from governance.kernel.ids import SubjectId
from governance.kernel.invariants import registered
from tests.integration.consent import arrange

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
VALIDITY = timedelta(days=1)
EXAMPLES = int(os.environ.get("ZGODA_EXAMPLES", "12"))
"""Histories of the whole crowd; more of them in a nightly run."""
PURPOSES: dict[str, dict[str, Any]] = {
    "single": {"validity_days": 1},
    "double": {"double_opt_in": True, "direct_marketing": True},
    "interest": {"legal_basis": "legitimate_interest"},
    "contract": {"legal_basis": "contract"},
    "soft": {"legal_basis": "contract", "direct_marketing": True},
}
CHANNELS = (Channel.EMAIL, Channel.SMS)
STOPS = {"refused", "withdrawn", "expired", "invalidated", "terminated", "superseded"}
SAYS_NO = {"withdrawn": Reason.WITHDRAWN, "refused": Reason.REFUSED}
STOPPED = SAYS_NO | {
    "invalidated": Reason.INVALIDATED,
    "terminated": Reason.TERMINATED,
    "expired": Reason.EXPIRED,
    "superseded": Reason.SUPERSEDED,
}


@dataclass
class Said:
    """An event as the toy keeps it; its place in the list is when it arrived."""

    kind: str
    purpose: str
    channel: str
    at: datetime
    binding: bool
    until: datetime | None = None


class Toy:
    """The rules of the gate, by going through the list."""

    def __init__(self) -> None:
        self.said: list[Said] = []

    def until(self, kind: str, purpose: str, channel: str, at: datetime) -> datetime | None:
        """When a grant ends: a confirmation no later than the grant that arrived last before it."""
        if purpose != "single" or kind not in GRANTS:
            return None
        opened = [one.at for one in self.said if (one.purpose, one.channel) == (purpose, channel) and one.kind in OPENS]
        return min([at, *opened[-1:]] if kind == "confirmed" else [at]) + VALIDITY

    def about(self, purpose: str, channel: str) -> list[tuple[int, Said]]:
        return [
            (n, one)
            for n, one in enumerate(self.said)
            if one.purpose in (purpose, ANY) and one.channel in (channel, ANY)
        ]

    @staticmethod
    def later(this: tuple[int, Said], others: list[tuple[int, Said]]) -> bool:
        """It arrived after all of them and happened after all of them."""
        return all(this[0] > n and this[1].at > other.at for n, other in others)

    def held(self, about: list[tuple[int, Said]], what: list[tuple[int, Said]], lifts: set[str]) -> bool:
        return bool(what) and not any(self.later(one, what) for one in about if one[1].kind in lifts)

    def no_marketing(self) -> bool:
        """An objection to all marketing holds until it, or an objection to everything, is lifted."""
        wide = [(n, one) for n, one in enumerate(self.said) if one.purpose in (MARKETING, ANY) and one.channel == ANY]
        said = [(n, one) for n, one in wide if one.kind == "objected" and one.purpose == MARKETING]
        return self.held(wide, said, {"objection_lifted"})

    def in_force(self, purpose: str, channel: str) -> tuple[Said | None, bool]:
        """The consent in force, of several the last to happen, and whether one waits for its confirmation."""
        about = self.about(purpose, channel)
        stops = [one for one in about if one[1].kind in STOPS]
        standing = [
            one
            for one in about
            if one[1].kind in ("given", "imported", "reaffirmed", "confirmed") and self.later(one, stops)
        ]
        openings = [n for n, one in standing if one.kind in OPENS]
        force = []
        for n, one in standing:
            if one.kind == "confirmed":
                if any(opening < n for opening in openings):
                    force.append((one.at, n, one))
            elif one.kind == "reaffirmed" or purpose != "double":
                force.append((one.at, n, one))
        return max(force)[2] if force else None, bool(openings)

    def reason(self, purpose: str, channel: str, now: datetime) -> Reason:
        about = self.about(purpose, channel)
        consent = purpose in ("single", "double")
        listens = consent or purpose == "interest"

        def of(kind: str) -> list[tuple[int, Said]]:
            return [one for one in about if one[1].kind == kind]

        if (listens or purpose == "soft") and self.held(about, of("objected"), {"objection_lifted"}):
            return Reason.OBJECTED
        if purpose in ("soft", "double") and self.no_marketing():
            return Reason.OBJECTED
        if self.held(about, of("restricted"), {"restriction_lifted"}):
            return Reason.RESTRICTED
        if not listens:
            return Reason.CONTRACT
        force, waiting = self.in_force(purpose, channel)
        stops = [one.kind for _, one in about if one.kind in STOPS]
        stopped = stops[-1] if stops and force is None and not waiting else ""
        if stopped in SAYS_NO:
            return SAYS_NO[stopped]
        if consent and stopped in ("invalidated", "terminated"):
            return STOPPED[stopped]
        signals = [one for one in of("signal_optout") if one[1].binding]
        if self.held(about, signals, {"given", "reaffirmed", "confirmed"}):
            return Reason.OPT_OUT_SIGNAL
        if not consent:
            return Reason.LEGITIMATE_INTEREST
        if stopped:
            return STOPPED[stopped]
        if force is not None:
            return Reason.EXPIRED if force.until is not None and force.until <= now else Reason.CONSENT_GIVEN
        if waiting:
            return Reason.CONFIRMATION_PENDING
        return Reason.NOT_ANSWERED if of("requested") or of("confirmation_sent") else Reason.NEVER_ASKED


CROWD = 10
BROAD = {"withdrawn", "objected", "objection_lifted", "restricted", "restriction_lifted", "signal_optout"}
GRANTS = {"given", "imported", "reaffirmed", "confirmed"}
OPENS = {"given", "imported"}
LIKELY = (
    ["given"] * 4
    + ["withdrawn"] * 3
    + ["confirmed"] * 3
    + ["objected", "objection_lifted", "signal_optout", "imported", "reaffirmed"] * 2
)
KINDS = st.sampled_from([*LIKELY, *(kind.value for kind in EventType)])
# (kind, everything about purposes, everything about channels, minutes late, where)
WORDS = st.tuples(
    KINDS,
    st.sampled_from([False] * 5 + [True]),
    st.sampled_from([False] * 5 + [True]),
    st.sampled_from([0, 0, 0, 1, 1, 2, 3, 60 * 24 - 1, 60 * 24 + 1]),
    st.sampled_from(["EU", "US-CA"]),
)


class Interleavings(RuleBasedStateMachine):
    """Ten people; each is about one purpose and channel, and now and then about everything."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = time_machine.travel(START, tick=False)
        self.traveller = self.clock.start()
        self.block = transaction.atomic()
        self.block.__enter__()
        for key, changes in PURPOSES.items():
            arrange.purpose(key, effective_from=START - timedelta(days=10), **changes)
        self.shown = arrange.notice(*PURPOSES)
        self.people: list[SubjectId] = arrange.people(CROWD)
        self.toys = [Toy() for _ in self.people]
        self.focus = [(purpose, channel) for purpose in PURPOSES for channel in CHANNELS]
        self.sent: list[ConsentDraft] = []
        self.remembered: list[tuple[datetime, int, list[Reason]]] = []

    @rule(words=st.lists(WORDS, min_size=CROWD, max_size=CROWD))
    def everybody_says_something(self, words: list[tuple[str, bool, bool, int, str]]) -> None:
        drafts: dict[bool, list[ConsentDraft]] = {True: [], False: []}
        for place, (word, any_purpose, any_channel, late, jurisdiction) in enumerate(words):
            named, channel = self.focus[place]
            kind = "objected" if word in GRANTS and named not in ("single", "double") else word
            purpose = ANY if any_purpose and kind in BROAD else named
            over = ANY if any_channel and kind in BROAD else channel.value
            if any_channel and kind in ("objected", "objection_lifted") and named in ("soft", "double"):
                purpose, over = MARKETING, ANY
            at = self.instant - late * MINUTE
            draft = arrange.draft(
                self.people[place], kind, purpose=purpose, channel=over, occurred_at=at, jurisdiction=jurisdiction,
                notice_version_id=self.shown if kind in ("given", "reaffirmed") else None,
                source_sha256="0" * 64 if kind == "imported" else "",
            )  # fmt: skip
            if kind == "reaffirmed" and not self.can_reaffirm(place, purpose, over, at):
                with pytest.raises(NothingToReaffirm):
                    ledger.record(draft, actor=arrange.STAFF)
                continue
            drafts[kind == "imported"].append(draft)
            toy = self.toys[place]
            until = toy.until(kind, purpose, over, at)
            toy.said.append(Said(kind, purpose, over, at, binding=jurisdiction == "US-CA", until=until))
        assert not any(one.duplicate for one in ledger.record(drafts[False], actor=arrange.STAFF))
        assert not any(one.duplicate for one in ledger.record(drafts[True], actor=arrange.FILE))
        self.sent += drafts[False]

    @rule(place=st.integers(0, 200))
    def the_network_repeats_itself(self, place: int) -> None:
        if place < len(self.sent):
            draft = self.sent[place]
            before = len(ledger.history(draft.subject))
            assert ledger.record([draft, draft], actor=arrange.STAFF)[1].duplicate
            assert len(ledger.history(draft.subject)) == before

    @rule()
    def a_day_passes(self) -> None:
        self.traveller.shift(timedelta(days=1))

    @invariant()
    def everybody_agrees(self) -> None:
        self.traveller.shift(MINUTE)
        for purpose in PURPOSES:
            for channel in CHANNELS:
                expected = [toy.reason(purpose, channel, self.instant) for toy in self.toys]
                answers = gate.filter(self.people, purpose, channel)
                assert [answers.verdict_of(one).reason for one in self.people] == expected
                assert answers.allowed == [
                    one for one, reason in zip(self.people, expected, strict=True) if reason.permits
                ]
                assert answers.refused == Counter(reason for reason in expected if not reason.permits)

    @rule(purpose=st.sampled_from(list(PURPOSES)), channel=st.sampled_from(CHANNELS))
    def somebody_notes_what_the_gate_says(self, purpose: str, channel: Channel) -> None:
        """Kept as the toy said it then, to be asked again when much has happened since."""
        place = self.focus.index((purpose, channel))
        self.remembered.append((self.instant, place, [toy.reason(purpose, channel, self.instant) for toy in self.toys]))

    @rule()
    def the_past_stays_as_it_was(self) -> None:
        """What was allowed at an instant is answered as it was answered then, whatever arrived later."""
        for at, place, expected in self.remembered[:2] + self.remembered[-2:]:
            purpose, channel = self.focus[place]
            then = gate.filter(self.people, purpose, channel, at=at)
            assert [then.verdict_of(one).reason for one in self.people] == expected

    @invariant()
    def one_and_many_now_and_then_are_answered_alike(self) -> None:
        for place, (purpose, channel) in enumerate(self.focus):
            person = self.people[place]
            one = gate.check(person, purpose, channel)
            then = gate.check(person, purpose, channel, at=self.instant)
            assert one == gate.filter(self.people, purpose, channel).verdict_of(person)
            assert replace(then, historical=False) == one

    @invariant()
    def nobody_is_allowed_after_a_withdrawal(self) -> None:
        """The promise itself, without the toy: the last word was a withdrawal, so the gate is shut."""
        for toy, person, (purpose, channel) in zip(self.toys, self.people, self.focus, strict=True):
            about = [one for _, one in toy.about(purpose, channel) if one.kind in STOPS | GRANTS]
            if about and about[-1].kind == "withdrawn" and purpose not in ("contract", "soft"):
                assert not gate.check(person, purpose, channel).allowed

    @invariant()
    def the_state_is_the_fold(self) -> None:
        assert fold.difference() == []

    def teardown(self) -> None:
        try:
            before = [ledger.current(person) for person in self.people]
            fold.rebuild()
            assert [ledger.current(person) for person in self.people] == before
        finally:  # a history that fails leaves neither its transaction nor its clock to the tests after it
            transaction.set_rollback(True)
            self.block.__exit__(None, None, None)
            self.clock.stop()

    def can_reaffirm(self, place: int, purpose: str, channel: str, at: datetime) -> bool:
        force, _ = self.toys[place].in_force(purpose, channel)
        return force is not None and not (force.until is not None and force.until <= at)

    @property
    def instant(self) -> datetime:
        return datetime.now(UTC)


# Slow: histories of ten people each, with every purpose and channel asked three ways after every step.
@pytest.mark.slow
@pytest.mark.django_db
def test_any_interleaving_of_events_is_decided_as_the_rules_say() -> None:
    run_state_machine_as_test(
        Interleavings,
        settings=settings(max_examples=EXAMPLES, stateful_step_count=12, suppress_health_check=list(HealthCheck)),
    )


FIRST = st.lists(
    st.tuples(KINDS, st.booleans(), st.booleans(), st.sampled_from(["EU", "US-CA"]), st.sampled_from(list(PURPOSES))),
    min_size=70,
    max_size=90,
)


# Slow: each example records some eighty people at once, and the same one by one.
@pytest.mark.slow
@pytest.mark.django_db
@settings(max_examples=max(4, EXAMPLES // 3), suppress_health_check=list(HealthCheck))
@given(words=FIRST)
def test_a_large_recording_comes_to_the_same_as_one_by_one(
    words: list[tuple[str, bool, bool, str, str]],
) -> None:
    """The short way that many strangers go (one log entry, no fold) ends where the general way does; so does the digest."""
    with transaction.atomic():
        for key, changes in PURPOSES.items():
            if key not in {one.key for one in purposes.all_current()}:
                arrange.purpose(key, effective_from=START - timedelta(days=10), **changes)
        shown = arrange.notice(*PURPOSES)
        together, single = [], []
        for kind, any_purpose, any_channel, jurisdiction, named in words:
            word = "objected" if kind in GRANTS and named not in ("single", "double") else kind
            if word in ("imported", "reaffirmed"):
                word = "given" if named in ("single", "double") else "objected"
            wide = MARKETING if word in ("objected", "objection_lifted") and any_channel else ANY
            made = [
                arrange.draft(
                    subject, word, purpose=wide if any_purpose and word in BROAD else named,
                    channel=ANY if any_channel and word in BROAD else "email", occurred_at=datetime.now(UTC) - MINUTE,
                    jurisdiction=jurisdiction, notice_version_id=shown if word == "given" else None,
                )
                for subject in arrange.people(2)
            ]  # fmt: skip
            together.append(made[0])
            single.append(made[1])
        at_once = ledger.record(together, actor=arrange.STAFF)
        one_by_one = [ledger.record(draft, actor=arrange.STAFF)[0] for draft in single]
        assert [one.status for one in at_once] == [one.status for one in one_by_one]
        for many, one in zip(together, single, strict=True):
            assert [
                replace(state, event_id=None, since=None, valid_until=None) for state in ledger.current(many.subject)
            ] == [replace(state, event_id=None, since=None, valid_until=None) for state in ledger.current(one.subject)]
        assert fold.difference() == []
        assert {name: check().violations for name, check in registered().items() if name.startswith("consent.ev")} == {
            "consent.every_event_is_in_the_log": (), "consent.every_verdict_is_in_the_log": (),
        }  # fmt: skip
        proof = commitments.of(at_once[3].event_id)
        leaf = merkle.leaf_hash(bytes.fromhex(proof.event_sha256))
        merkle.verify_inclusion(leaf, proof.place, proof.size, proof.path, proof.root)
        transaction.set_rollback(True)
