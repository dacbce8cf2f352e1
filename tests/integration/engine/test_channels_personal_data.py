"""What the engine's channels, journeys and experiments hold about a person can be shown, and leaves without a trace of whom."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from rest_framework.test import APIClient

from audit.models import Entry
from engine.channels import campaigns
from engine.channels.models import Campaign, CapUse, Dispatch, FrequencyCap
from engine.channels.sources import MessagesSource
from engine.experiments import register as experiments
from engine.experiments.models import Exposure
from engine.experiments.sources import ExposuresSource
from engine.journeys import travel
from engine.journeys.models import Place
from engine.journeys.sources import PlacesSource
from governance.accounts import clients, staff
from governance.accounts.models import User
from governance.accounts.roles import Role
from governance.kernel.actors import SYSTEM
from governance.kernel.clock import now
from governance.kernel.ids import opaque
from governance.kernel.personal_data import covered_tables
from tests.integration.consent.arrange import STAFF
from tests.integration.engine import campaigning
from tests.integration.engine.campaigning import campaign, consenting, launched, mail_server, work

own_keys = campaigning.own_keys
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_keys")]
SOURCES = (MessagesSource(), ExposuresSource(), PlacesSource())


def test_erasing_one_person_leaves_no_row_of_them_every_row_of_others_and_true_totals(settings: Any) -> None:
    with transaction.atomic():
        FrequencyCap.objects.create(name="cap", channel="email", messages=3, window_hours=24)
    erin, alice = consenting(2)
    winter = launched([erin, alice])
    experiments.define("offer", arms={"a": 1, "b": 1}, actor=STAFF)
    experiments.expose("offer", [erin, alice])
    journey = travel.define("welcome", [travel.Send(campaign("second"))], actor=STAFF)
    travel.enter(journey, [erin, alice], actor=STAFF)
    with mail_server(settings):
        work()
    for source in SOURCES:
        before = source.locate(erin).total
        assert before > 0
        assert source.residual(erin).count == before
        assert len(source.export(erin)) == before
        assert source.erase(erin).deleted == before
        assert source.erase(erin).deleted == 0, "erasing again"
        assert source.residual(erin).count == 0
        assert source.locate(alice).total == before
    assert campaigns.status(winter).counts == {"sent": 2}
    assert not any(model.objects.filter(subject_id=erin).exists() for model in (Dispatch, CapUse, Exposure, Place))


def test_the_person_reads_what_was_sent_and_why(settings: Any) -> None:
    erin = consenting(1)[0]
    launched([erin])
    with mail_server(settings):
        work()
    record = MessagesSource().export(erin)[0]
    assert (record.provenance, record.purpose) == ("observed", "newsletter")
    assert record.data["campaign"] == "Winter"
    assert record.data["state"] == "sent"
    assert record.data["verdict"]


def test_every_table_of_ours_about_people_has_a_source() -> None:
    ours = {model._meta.db_table for model in (Dispatch, CapUse, Exposure, Place)}
    assert ours <= covered_tables()


def marko(settings: Any) -> Client:
    user = staff.find("marko@example.com") or staff.enlist(
        "marko@example.com", roles_held=[Role.MARKETER], actor=SYSTEM
    )
    browser = Client()
    browser.force_login(User.objects.get(pk=user))
    return browser


def test_the_console_shows_campaigns_and_messages_without_anybodys_data_and_stops_them(settings: Any) -> None:
    winter = launched(consenting(2))
    browser = marko(settings)
    for page in ("campaign/", f"campaign/{winter}/change/", "dispatch/", "frequencycap/"):
        answer = browser.get(f"/console/engine_channels/{page}")
        assert answer.status_code == 200, page
        assert "person0@" not in answer.content.decode()
    chosen = {"action": "stop_campaigns", "_selected_action": [str(winter)]}
    assert browser.post("/console/engine_channels/campaign/", chosen).status_code == 302
    assert Campaign.objects.get(pk=winter).state == "stopped"


def test_the_dpo_sets_a_frequency_cap_in_the_console_and_the_log_keeps_it() -> None:
    browser = Client()
    dana = staff.enlist("dana@example.com", roles_held=[Role.DPO], actor=SYSTEM)
    browser.force_login(User.objects.get(pk=dana))
    cap = {"name": "weekly", "channel": "email", "purpose_key": "*", "messages": 2, "window_hours": 168, "active": "on"}
    assert browser.post("/console/engine_channels/frequencycap/add/", cap).status_code == 302
    assert FrequencyCap.objects.get().messages == 2
    assert (
        Entry.objects.filter(action="configuration.created", object__startswith="engine_channels.frequencycap").count()
        == 1
    )


def test_somebody_without_a_role_sees_no_campaign(settings: Any) -> None:
    launched(consenting(1))
    browser = Client()
    browser.force_login(User.objects.get(pk=staff.enlist("nobody@example.com", actor=SYSTEM)))
    assert browser.get("/console/engine_channels/campaign/").status_code == 403


def test_pages_of_content_journeys_and_experiments_open(settings: Any) -> None:
    experiments.define("offer", arms={"a": 1, "b": 1}, actor=STAFF)
    people = consenting(1)
    journey = travel.define("welcome", [travel.Send(campaign())], actor=STAFF)
    travel.enter(journey, people, actor=STAFF)
    browser = marko(settings)
    pages = ["engine_content/templateversion/", "engine_journeys/journey/", "engine_experiments/experiment/"]
    for page in [*pages, f"engine_journeys/journey/{journey}/change/"]:
        assert browser.get(f"/console/{page}").status_code == 200, page


def asking(*scopes: str) -> APIClient:
    key = clients.issue("reports", scopes, now() + timedelta(days=3), SYSTEM).key_text
    api = APIClient()
    api.default_format = "json"
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
    return api


def test_the_api_shows_and_stops_a_campaign_for_whom_the_scope_allows() -> None:
    winter = launched(consenting(1))
    one = f"/api/v1/channels/campaigns/{opaque('cmp', winter)}"
    reader, runner = asking("channels:read"), asking("channels:run")
    assert reader.get("/api/v1/channels/campaigns").json()["results"][0]["id"] == opaque("cmp", winter)
    assert reader.get(one).json()["messages"] == {"pending": 1}
    assert reader.post(f"{one}/stop", {"reason": "wrong_text"}).status_code == 403
    assert runner.get(one).status_code == 403
    assert APIClient().get(one).status_code == 401
    assert runner.post(f"{one}/stop", {"reason": "no such code!"}).status_code == 422
    assert runner.post(f"{one}/stop", {"reason": "wrong_text"}).json()["state"] == "stopped"
