"""A campaign leaves through real SMTP: to whom the gate allows, once each, with what the log must know."""

import json
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction

from audit.models import Entry, SubjectLink
from consent import ledger
from consent.models import ConsentVerdict
from consent.terms import EventType
from engine.channels import campaigns, claiming, outcomes, progress, recovery, sending
from engine.channels.campaigns import Addressee
from engine.channels.errors import CampaignInvalid, CampaignUnknown, InvalidTransition, MailServerUnavailable
from engine.channels.loopback_sink import Faults, LoopbackSink
from engine.channels.models import Dispatch, HandOverProgress
from engine.channels.smtp import EmailAdapter
from engine.channels.states import TRANSITIONS, DispatchState
from governance.jobs.models import Job
from governance.kernel.actors import SYSTEM
from governance.kernel.clock import now
from governance.kernel.ids import uuid7
from pseudonymize import vault
from tests import triggers
from tests.integration.consent import arrange
from tests.integration.consent.arrange import STAFF
from tests.integration.engine import campaigning
from tests.integration.engine.campaigning import (
    address,
    campaign,
    consenting,
    counts,
    enrol,
    launched,
    let_jobs_be_due,
    mail_server,
    violations,
    work,
)

own_keys = campaigning.own_keys
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_keys")]


def test_two_hundred_less_one_who_withdrew_are_one_hundred_and_ninety_nine(settings: Any) -> None:
    people = consenting(200)
    winter = launched(people)
    arrange.withdraw(people[137])
    with mail_server(settings) as sink:
        work()
        assert sink.count() == 199
        assert address(137) not in sink.recipients()
        assert len(set(sink.recipients())) == 199
    assert counts(winter) == {"sent": 199, "withheld": 1}
    assert campaigns.status(winter).withheld_because == {"consent_withdrawn": 1}
    assert campaigns.status(winter).state == "finished"
    assert violations() == {}


def test_what_arrives_is_the_persons_own_message_in_their_language(settings: Any) -> None:
    english, polish = consenting(1), consenting(1, language="pl", first=1)
    launched([*english, *polish])
    with mail_server(settings) as sink:
        work()
        first, second = sorted(sink.received(), key=lambda one: one.recipient)
    message = first.parsed()
    assert message["Subject"] == "News for Person Number0"
    assert "Dear Person Number0,\r\n\r\nTen per cent off." in message.get_content().replace("\n", "\r\n").replace(
        "\r\r", "\r"
    )
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert second.parsed()["Subject"] == "Wiadomości dla Person Number1"
    assert Dispatch.objects.get(subject_id=english[0]).pk.hex in message["Message-ID"]


def test_a_value_can_speak_each_persons_language(settings: Any) -> None:
    people = [*consenting(1), *consenting(1, language="pl", first=1)]
    launched(people, slot_values={"*": {"offer": {"en": "Ten per cent off.", "pl": "Dziesięć procent taniej."}}})
    with mail_server(settings) as sink:
        work()
        texts = {one.recipient: one.parsed().get_content() for one in sink.received()}
    assert "Ten per cent off." in texts[address(0)]
    assert "Dziesięć procent taniej." in texts[address(1)]


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (None, "never_asked"),
        (EventType.REFUSED, "consent_refused"),
        (EventType.WITHDRAWN, "consent_withdrawn"),
        (EventType.OBJECTED, "objected"),
        (EventType.RESTRICTED, "restricted"),
    ],
)
def test_who_may_not_be_written_to_is_withheld_with_the_reason(
    settings: Any, event: EventType | None, reason: str
) -> None:
    people = consenting(1)
    stranger = enrol(1, first=1)[0] if event is None else people[0]
    if event is not None:
        ledger.record(arrange.draft(stranger, event), actor=STAFF)
    winter = launched([stranger])
    with mail_server(settings) as sink:
        work()
        assert sink.count() == 0
    assert campaigns.status(winter).withheld_because == {reason: 1}
    dispatch = Dispatch.objects.get()
    assert not ConsentVerdict.objects.get(pk=dispatch.verdict_id).allowed


def test_launching_twice_writes_to_nobody_twice(settings: Any) -> None:
    people = consenting(3)
    winter = launched(people)
    assert campaigns.launch(winter, people, actor=STAFF) == campaigns.Launched(winter, 0, 3)
    with mail_server(settings) as sink:
        work()
        campaigns.launch(winter, people, actor=STAFF)
        let_jobs_be_due()
        work()
        assert sink.count() == 3
    assert counts(winter) == {"sent": 3}


def test_an_offer_by_action_reaches_the_right_person(settings: Any) -> None:
    people = consenting(3)
    winter = campaign(slot_values={"coupon": {"offer": "Ten per cent off."}, "none": {"offer": "See what is new."}})
    decisions = [uuid7() for _ in people]
    campaigns.launch(
        winter,
        [Addressee(one, "coupon" if place else "none", decisions[place]) for place, one in enumerate(people)],
        actor=STAFF,
    )
    with mail_server(settings) as sink:
        work()
        texts = {one.recipient: one.parsed().get_content() for one in sink.received()}
    assert "See what is new." in texts[address(0)]
    assert "Ten per cent off." in texts[address(1)]
    assert Dispatch.objects.get(subject_id=people[1]).decision_id == decisions[1]
    with pytest.raises(CampaignInvalid):
        campaigns.launch(winter, [Addressee(people[0], "unknown action")], actor=STAFF, occasion="2")
    with pytest.raises(CampaignInvalid):
        campaigns.launch(winter, [people[0]], actor=STAFF, occasion="2")


def test_the_log_knows_every_send_and_nothing_about_whom(settings: Any) -> None:
    people = consenting(5)
    launched(people)
    with mail_server(settings):
        work()
    sent = Entry.objects.filter(action="channels.message_sent")
    assert sent.count() == 5
    linked = set(SubjectLink.objects.filter(entry_id__in=sent.values("pk")).values_list("subject_id", flat=True))
    assert linked == set(people)
    claimed = json.loads(Entry.objects.get(action="channels.batch_claimed").header)["facts"]
    assert claimed["claimed"] == 5
    assert claimed["claimed_sha256"] == claiming.digest_of(list(Dispatch.objects.values_list("pk", flat=True)))
    handed = json.loads(Entry.objects.get(action="channels.batch_handed_over").header)["facts"]
    assert (handed["sent"], handed["sent_sha256"]) == (5, claimed["claimed_sha256"])
    everything = "\n".join(Entry.objects.values_list("header", flat=True))
    assert "@" not in everything
    assert "Number" not in everything
    assert not any(str(one) in everything for one in people)


def test_no_address_or_name_is_kept_by_the_channels_or_the_jobs(settings: Any) -> None:
    launched(consenting(2))
    with mail_server(settings):
        work()
    with connection.cursor() as cursor:
        for table in ("engine_channels_dispatch", "engine_channels_campaign", "jobs_job"):
            cursor.execute(f"SELECT coalesce(string_agg(row::text, ' '), '') FROM {table} AS row")
            text = cursor.fetchone()[0]
            assert "@" not in text
            assert "Person Number" not in text


def test_a_stopped_campaign_sends_nothing_more(settings: Any) -> None:
    winter = launched(consenting(3))
    assert campaigns.stop(winter, actor=STAFF, reason="wrong_text") == 3
    with mail_server(settings) as sink:
        work()
        assert sink.count() == 0
    with pytest.raises(InvalidTransition):
        campaigns.launch(winter, consenting(1, first=5), actor=STAFF)
    with pytest.raises(InvalidTransition):
        campaigns.stop(winter, actor=STAFF, reason="again")
    with pytest.raises(CampaignUnknown):
        campaigns.status(uuid7())


def test_somebody_without_a_usable_address_or_forgotten_meanwhile_is_withheld(settings: Any) -> None:
    people = consenting(2)
    nameless = vault.enrol(
        [
            vault.Identity({vault.IdentifierKind.EMAIL: "nameless@example.com"}),
            vault.Identity({vault.IdentifierKind.CUSTOMER_ID: "c-7"}),
        ],
        actor=arrange.FILE,
        source="test",
    ).subjects
    shown = arrange.notice()
    ledger.record(
        [arrange.draft(one, EventType.GIVEN, notice_version_id=shown) for one in nameless if one], actor=STAFF
    )
    winter = launched([*people, *[one for one in nameless if one]])
    vault.forget(people[0], actor=STAFF, reason="erasure")
    with mail_server(settings) as sink:
        work()
        assert sink.recipients() == [address(1)]
    status = campaigns.status(winter)
    assert status.counts == {"sent": 1, "withheld": 3}
    assert sum(status.withheld_because.values()) == 3
    assert violations() == {}


# --- The mail server misbehaves -----------------------------------------------------------------------------------


def only(number: int) -> Any:
    return lambda recipient: recipient == address(number)


@pytest.mark.parametrize("pipelining", [True, False])
def test_a_recipient_refused_for_good_fails_and_the_others_arrive(settings: Any, pipelining: bool) -> None:
    winter = launched(consenting(5))
    faults = Faults(refuse_recipient=lambda one: 550 if one == address(2) else None)
    with mail_server(settings, faults, pipelining=pipelining) as sink:
        work()
        assert sorted(sink.recipients()) == [address(number) for number in (0, 1, 3, 4)]
    assert counts(winter) == {"sent": 4, "failed": 1}
    assert Dispatch.objects.get(state="failed").reply_code == 550


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("where", ["refuse_recipient", "refuse_data"])
def test_a_refusal_for_now_is_tried_again_and_arrives_once(settings: Any, where: str, pipelining: bool) -> None:
    winter = launched(consenting(3))
    faults = Faults(**{where: lambda one: 451 if one == address(1) else None})
    with mail_server(settings, faults, pipelining=pipelining) as sink:
        work()
        assert sink.count() == 2
        assert counts(winter) == {"sent": 2, "pending": 1}
        waiting = Dispatch.objects.get(state="pending")
        assert waiting.verdict_id is None
        assert timedelta(seconds=50) < waiting.due_at - now() <= timedelta(seconds=60)
        assert Job.objects.filter(kind="channels.send_batch", state="ready").exists()
        setattr(faults, where, lambda one: None)
        with time_machine.travel(now() + timedelta(minutes=2)):
            work()
        assert sorted(sink.recipients()) == [address(number) for number in range(3)]
    assert counts(winter) == {"sent": 3}
    assert violations() == {}


def test_after_five_refusals_for_now_it_gives_up(settings: Any) -> None:
    winter = launched(consenting(1))
    with mail_server(settings, Faults(refuse_recipient=lambda one: 450)) as sink:
        for hours in range(6):
            with time_machine.travel(now() + timedelta(hours=hours)):
                work()
        assert sink.count() == 0
    dispatch = Dispatch.objects.get()
    assert (dispatch.state, dispatch.reason, dispatch.attempts) == ("failed", "gave_up", outcomes.MOST_ATTEMPTS)
    assert campaigns.status(winter).state == "finished"


def test_a_withdrawal_while_a_message_waits_for_another_try_stops_it(settings: Any) -> None:
    people = consenting(1)
    launched(people)
    faults = Faults(refuse_recipient=lambda one: 450)
    with mail_server(settings, faults) as sink:
        work()
        arrange.withdraw(people[0])
        faults.refuse_recipient = lambda one: None
        with time_machine.travel(now() + timedelta(minutes=5)):
            work()
        assert sink.count() == 0
    assert Dispatch.objects.get().reason == "consent_withdrawn"


@pytest.mark.parametrize("pipelining", [True, False])
def test_a_connection_lost_before_the_data_is_tried_again(settings: Any, pipelining: bool) -> None:
    winter = launched(consenting(4))
    faults = Faults(drop_at_recipient=only(1))
    with mail_server(settings, faults, pipelining=pipelining) as sink:
        work()
        assert counts(winter) == {"sent": 3, "pending": 1}
        faults.drop_at_recipient = lambda one: False
        with time_machine.travel(now() + timedelta(minutes=5)):
            work()
        assert sorted(sink.recipients()) == [address(number) for number in range(4)]


@pytest.mark.parametrize("pipelining", [True, False])
def test_a_connection_lost_after_the_data_is_unknown_and_never_sent_again(settings: Any, pipelining: bool) -> None:
    winter = launched(consenting(4))
    faults = Faults(drop_before_answer=only(1))
    with mail_server(settings, faults, pipelining=pipelining) as sink:
        work()
        faults.drop_before_answer = lambda one: False
        for hours in range(1, 4):
            with time_machine.travel(now() + timedelta(hours=hours)):
                recovery.recover()
                work()
        assert sorted(sink.recipients()) == [address(number) for number in range(4)], "sent again on a guess"
    assert counts(winter) == {"sent": 3, "unknown": 1}
    assert violations() == {}


def test_without_a_mail_server_nobody_is_claimed_and_the_job_comes_back(settings: Any) -> None:
    winter = launched(consenting(3))
    with mail_server(settings):
        pass  # now nobody listens on that port
    assert work().failed == campaigns.LANES
    assert counts(winter) == {"pending": 3}
    assert not ConsentVerdict.objects.exists()
    with pytest.raises(MailServerUnavailable):
        sending.send_due(winter, EmailAdapter())
    with mail_server(settings) as sink:
        let_jobs_be_due()
        work()
        assert sink.count() == 3


# --- Crashes ------------------------------------------------------------------------------------------------------


class Killed(BaseException):
    """What a kill looks like from inside: nothing catches it."""


def test_a_worker_killed_between_claim_and_hand_over_loses_and_doubles_nothing(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    winter = launched(consenting(5))
    with mail_server(settings) as sink:
        with monkeypatch.context() as patch:
            patch.setattr(sending, "_begin", lambda claim, actor: (_ for _ in ()).throw(Killed))
            with pytest.raises(Killed):
                sending.send_due(winter, EmailAdapter())
        assert counts(winter) == {"claimed": 5}
        assert recovery.recover() == 0, "a living claim was taken away"
        with time_machine.travel(now() + timedelta(minutes=2)):
            recovery.recover()
            work()
        assert sorted(sink.recipients()) == [address(number) for number in range(5)]
    assert counts(winter) == {"sent": 5}
    assert violations() == {}


def test_a_message_that_ends_every_sender_is_put_aside(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    winter = launched(consenting(1))
    monkeypatch.setattr(sending, "_begin", lambda claim, actor: (_ for _ in ()).throw(Killed))
    with mail_server(settings):
        for minutes in range(0, 30, 2):
            with time_machine.travel(now() + timedelta(minutes=minutes)):
                recovery.recover()
                with suppress(Killed):
                    sending.send_due(winter, EmailAdapter())
    assert campaigns.status(winter).withheld_because == {"cannot_be_sent": 1}


def test_a_withdrawal_between_a_crash_and_the_recovery_is_heard(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    people = consenting(2)
    winter = launched(people)
    with mail_server(settings) as sink:
        with monkeypatch.context() as patch:
            patch.setattr(sending, "_begin", lambda claim, actor: (_ for _ in ()).throw(Killed))
            with pytest.raises(Killed):
                sending.send_due(winter, EmailAdapter())
        arrange.withdraw(people[0])
        with time_machine.travel(now() + timedelta(minutes=2)):
            recovery.recover()
            work()
        assert sink.recipients() == [address(1)]
    assert violations() == {}


def kill_while_sending(monkeypatch: pytest.MonkeyPatch, sink: LoopbackSink, winter: UUID, after: int) -> None:
    """A worker that is killed after so many messages: nothing that it would still write is written."""
    original = _session_hand_over()

    def hand_over(session: Any, message: Any) -> Any:
        if sink.count() >= after:
            raise Killed
        return original(session, message)

    with monkeypatch.context() as patch:
        patch.setattr("engine.channels.smtp.SmtpSession.hand_over", hand_over)
        patch.setattr(outcomes, "record", lambda claim, ends, actor: None)
        with suppress(Killed):
            sending.send_due(winter, EmailAdapter())


@pytest.mark.parametrize(
    ("arrived", "ends"),
    [
        (0, {"unknown": 4, "sent": 6}),  # the note said: up to the fourth. The other six were sent afterwards
        (2, {"unknown": 4, "sent": 6}),
        (4, {"unknown": 4, "sent": 6}),
        (9, {"unknown": 2, "sent": 8}),
        (10, {"unknown": 2, "sent": 8}),
    ],
)
def test_a_worker_killed_during_the_hand_over_never_doubles_and_leaves_few_unknown(
    settings: Any, monkeypatch: pytest.MonkeyPatch, arrived: int, ends: dict[str, int]
) -> None:
    """The kill takes the recording with it, as a kill -9 does: the database is left as the sender's notes have it."""
    winter = launched(consenting(10))
    with mail_server(settings) as sink:
        kill_while_sending(monkeypatch, sink, winter, arrived)
        assert counts(winter) == {"handing_over": 10}
        assert sink.count() == arrived
        recovery.recover()
        assert counts(winter) == {"handing_over": 10}, "a living batch was taken away"
        with time_machine.travel(now() + timedelta(minutes=5)):
            recovery.recover()
            recovery.recover()
            work()
        assert len(set(sink.recipients())) == sink.count()
        assert sink.count() >= ends["sent"]
    assert counts(winter) == ends
    assert ends["unknown"] <= progress.STEP
    assert campaigns.status(winter).state == "finished"
    assert violations() == {}


def test_when_the_database_crashed_too_the_whole_batch_is_unknown(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL empties an unlogged table in crash recovery; without notes nothing is known and nothing is sent again."""
    winter = launched(consenting(10))
    with mail_server(settings) as sink:
        kill_while_sending(monkeypatch, sink, winter, after=3)
        HandOverProgress.objects.all().delete()
        with time_machine.travel(now() + timedelta(minutes=5)):
            recovery.recover()
            work()
        assert sink.count() == 3
    assert counts(winter) == {"unknown": 10}
    assert violations() == {}


def test_the_notes_lie_in_an_unlogged_table() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relpersistence FROM pg_class WHERE relname = 'engine_channels_handoverprogress'")
        assert cursor.fetchone() == ("u",)


def test_a_sender_that_only_slept_stops_when_its_batch_was_recovered(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had begun four; meanwhile the other six were given to somebody else. It finishes its step and goes no further."""
    winter = launched(consenting(10))
    original = _session_hand_over()
    slept = []
    with mail_server(settings) as sink:

        def sleepy(session: Any, message: Any) -> Any:
            if sink.count() == 2 and not slept:
                slept.append(True)
                Dispatch.objects.filter(state="handing_over").update(lease_until=now() - timedelta(seconds=1))
                recovery.recover()
                sending.send_due(winter, EmailAdapter())
            return original(session, message)

        monkeypatch.setattr("engine.channels.smtp.SmtpSession.hand_over", sleepy)
        sending.send_due(winter, EmailAdapter())
        assert sorted(sink.recipients()) == sorted(address(number) for number in range(10))
    assert counts(winter) == {"sent": 10}, "the late answers of the four count"
    assert violations() == {}


def _session_hand_over() -> Any:
    from engine.channels.smtp import SmtpSession

    return SmtpSession.hand_over


def test_a_worker_stopped_politely_knows_which_message_was_under_way(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interrupt (SIGTERM, a lost job lease) runs the recording: what left is sent, the one under way unknown, the rest waits."""
    winter = launched(consenting(5))
    original = _session_hand_over()
    with mail_server(settings) as sink:

        def interrupted(self: Any, message: Any) -> Any:
            if sink.count() == 2:
                raise KeyboardInterrupt
            return original(self, message)

        with monkeypatch.context() as patch:
            patch.setattr("engine.channels.smtp.SmtpSession.hand_over", interrupted)
            with pytest.raises(KeyboardInterrupt):
                sending.send_due(winter, EmailAdapter())
        assert counts(winter) == {"sent": 2, "unknown": 1, "pending": 2}
        with time_machine.travel(now() + timedelta(minutes=5)):
            work()
        assert sink.count() == 4
    assert counts(winter) == {"sent": 4, "unknown": 1}
    assert violations() == {}


def test_a_zombie_whose_claim_ran_out_sends_nothing(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It slept between claim and hand-over; meanwhile somebody else sent the messages."""
    winter = launched(consenting(3))
    begin = sending._begin

    def asleep(claim: Any, actor: Any) -> Any:
        monkeypatch.setattr(sending, "_begin", begin)
        Dispatch.objects.filter(claim_id=claim.id).update(lease_until=now() - timedelta(seconds=1))
        recovery.recover()
        sending.send_due(winter, EmailAdapter())
        return begin(claim, actor)

    with mail_server(settings) as sink:
        monkeypatch.setattr(sending, "_begin", asleep)
        sending.send_due(winter, EmailAdapter())
        assert sorted(sink.recipients()) == [address(number) for number in range(3)]
    assert counts(winter) == {"sent": 3}
    assert violations() == {}


def test_a_campaign_that_no_job_works_for_is_woken(settings: Any) -> None:
    winter = launched(consenting(2))
    Job.objects.all().delete()
    with mail_server(settings) as sink:
        assert recovery.recover() == 1
        work()
        assert sink.count() == 2
    assert counts(winter) == {"sent": 2}


# --- The database itself refuses ----------------------------------------------------------------------------------


def test_the_trigger_and_the_table_of_transitions_say_the_same() -> None:
    """Every pair of states is tried on a row; which ones pass is what the table says."""
    winter = launched(consenting(1))
    assert claiming.claim_batch(winter, 1, actor=SYSTEM) is not None
    columns = {"verdict_id": uuid7(), "claim_id": uuid7(), "claimed_at": now(), "lease_until": now()}
    passed = set()
    for before in DispatchState:
        for after in set(DispatchState) - {before}:
            with triggers.lifted():
                Dispatch.objects.update(state=before, **columns)
            try:
                with transaction.atomic():
                    Dispatch.objects.update(state=after)
                passed.add((before, after))
            except IntegrityError:
                pass
    assert passed == {(before, after) for before, ways in TRANSITIONS.items() for after in ways}


@pytest.mark.parametrize("state", ["claimed", "handing_over", "sent", "failed", "unknown"])
def test_a_row_without_a_verdict_cannot_be_claimed_or_sent_by_anybody(state: str) -> None:
    launched(consenting(1))
    with pytest.raises(IntegrityError), transaction.atomic(), triggers.lifted():
        Dispatch.objects.update(state=state, lease_until=now())


def test_the_invariants_see_what_they_are_for(settings: Any) -> None:
    people = consenting(2)
    launched(people)
    with mail_server(settings):
        work()
    assert violations() == {}
    first, second = Dispatch.objects.order_by("pk")
    Dispatch.objects.filter(pk=first.pk).update(verdict_id=second.verdict_id)
    assert set(violations()) == {"channels.no_send_without_verdict"}
    Dispatch.objects.filter(pk=first.pk).update(verdict_id=first.verdict_id)
    arrange.withdraw(people[1])
    Dispatch.objects.filter(pk=second.pk).update(claimed_at=now() + timedelta(seconds=30))
    assert set(violations()) == {"channels.no_claim_after_withdrawal"}
