"""A campaign leaves through real SMTP: to whom the gate allows, once each, with what the log must know."""

import json
from typing import Any

import pytest
from django.db import connection

from audit.models import Entry, SubjectLink
from consent import ledger
from consent.models import ConsentVerdict
from consent.terms import EventType
from engine.channels import campaigns, claiming
from engine.channels.campaigns import Addressee
from engine.channels.errors import CampaignInvalid, CampaignUnknown, InvalidTransition
from engine.channels.models import Dispatch
from governance.kernel.ids import uuid7
from pseudonymize import vault
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
