"""The pages of the console: to look at, by opaque ids."""

import re
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.urls import reverse

from consent import funnel, gate, ledger, notices, receipts, signing
from consent.models import NoticeVersion
from consent.terms import OptInStep
from governance.accounts import roles, staff
from governance.accounts.models import User
from governance.console import consent_explorer, notice_history
from governance.console.consent_explorer import Asked
from governance.kernel.actors import SYSTEM
from governance.kernel.ids import opaque
from tests import triggers
from tests.integration.consent import arrange
from tests.people import ADA, ALICE, DANA

pytestmark = pytest.mark.django_db


@pytest.fixture
def auditor(client: Any) -> Any:
    user = staff.enlist(ADA.email, actor=SYSTEM)
    roles.grant(user, roles.Role.AUDITOR)
    client.force_login(User.objects.get(pk=user))
    return client


def test_every_page_opens_and_none_offers_to_change_anything(auditor: Any) -> None:
    arrange.purpose()
    shown = arrange.notice()
    subject = arrange.person()
    arrange.give(subject, shown)
    gate.cite(gate.check(subject, "newsletter", "email"))
    gate.cite_set(gate.filter([subject], "newsletter", "email"))
    for name in ("consentevent", "consentstate", "noticeversion", "consentverdict", "consentverdictset"):
        page = auditor.get(reverse(f"admin:consent_{name}_changelist"))
        assert page.status_code == 200
        row = apps.get_model("consent", name).objects.first()
        one = auditor.get(reverse(f"admin:consent_{name}_change", args=[row.pk]))
        assert one.status_code == 200
        assert b"Delete" not in one.content
        assert auditor.get(reverse(f"admin:consent_{name}_add")).status_code == 403
        assert ALICE.name.encode() not in page.content


@pytest.fixture
def officer(client: Any) -> Any:
    user = staff.enlist(DANA.email, actor=SYSTEM)
    roles.grant(user, roles.Role.DPO)
    client.force_login(User.objects.get(pk=user))
    return client


def _events(count: int) -> list[Any]:
    arrange.purpose()
    shown = arrange.notice()
    people = arrange.people(count)
    for subject in people:
        arrange.give(subject, shown)
    arrange.withdraw(people[0])
    return people


def test_the_explorer_counts_plots_and_narrows(auditor: Any) -> None:
    _events(4)
    arrange.purpose("other", channels=["sms"])
    arrange.give(
        arrange.person(), arrange.notice("other", key="other", material_change=True), purpose="other", channel="sms"
    )
    standings = consent_explorer.standings(Asked())
    assert {(one.purpose, one.channel): (one.counts, one.rate) for one in standings} == {
        ("newsletter", "email"): ({"given": 3, "withdrawn": 1}, 0.75),
        ("other", "sms"): ({"given": 1}, 1.0),
    }
    trend = consent_explorer.trend(Asked(purpose="newsletter"))
    assert [(one.name, one.total) for one in trend.lines] == [
        ("Given", 4),
        ("Withdrawn", 1),
        ("Refused", 0),
        ("Expired", 0),
    ]
    assert [one.material for one in consent_explorer.trend(Asked()).markers] == [False, True]
    assert [one.material for one in trend.markers] == [False], "changes of other notices are not in this plot"
    page = auditor.get(reverse("console_consent"), {"purpose": "newsletter", "days": "365"}).content.decode()
    assert page.count("<polyline") == 4
    assert "other" not in page[page.index('id="standings"') : page.index('id="trend-title"')]
    assert ALICE.name not in page


def test_the_points_of_the_plot_lie_inside_it() -> None:
    _events(3)
    for days in (30, 90, 365):
        trend = consent_explorer.trend(Asked(days=days))
        assert len(trend.weeks) >= days // 7
        for line in trend.lines:
            for point in line.points.split():
                x, y = (float(one) for one in point.split(","))
                assert consent_explorer.LEFT <= x <= consent_explorer.WIDTH
                assert 0 <= y <= consent_explorer.HEIGHT


@pytest.mark.slow  # renders three pages of the admin theme
def test_the_explorer_survives_an_empty_house_and_nonsense(auditor: Any) -> None:
    for query in ({}, {"notice": "x", "days": "7", "purpose": "<b>", "channel": "?"}, {"subject": "sub_nonsense"}):
        page = auditor.get(reverse("console_consent"), query)
        assert page.status_code == 200
        assert b"<b>" not in page.content.replace(b"</b>", b"")


@pytest.mark.slow  # renders three pages of the admin theme
def test_a_person_is_found_by_opaque_id_and_every_event_is_proved(auditor: Any) -> None:
    subject, *_ = _events(2)
    opaque_id = opaque("sub", subject)
    found = auditor.get(reverse("console_consent"), {"subject": opaque_id})
    assert found.headers["Location"] == reverse("console_consent_subject", args=[opaque_id])
    page = auditor.get(found.headers["Location"])
    assert page.status_code == 200
    assert b'data-unchanged="true"' in page.content
    event = ledger.history(subject)[0]
    assert event.event_sha256.encode() in page.content
    receipt = auditor.get(found.headers["Location"], {"receipt": str(event.event_id)}).content.decode()
    token = re.search(r'id="receipt">([^<]+)<', receipt)
    assert token is not None
    assert receipts.verify(token.group(1), signing.public_key())["dct:identifier"] == opaque("rcp", event.event_id)
    assert auditor.get(reverse("console_consent_subject", args=[opaque("sub", arrange.person())])).status_code == 404
    assert auditor.get(reverse("console_consent_subject", args=["nobody"])).status_code == 404


def test_a_row_that_was_changed_behind_our_back_is_shown_as_changed(auditor: Any) -> None:
    subject, *_ = _events(1)
    with triggers.lifted(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE consent_event SET channel = 'sms' WHERE subject_id = %s AND event_type = 'given'", [subject]
        )
    page = auditor.get(reverse("console_consent_subject", args=[opaque("sub", subject)]))
    assert b'data-unchanged="false"' in page.content


def test_the_funnel_follows_the_notice(auditor: Any) -> None:
    arrange.purpose()
    one, other = arrange.notice(), arrange.notice(key="other")
    for step, times in ((OptInStep.SERVED, 4), (OptInStep.ANSWERED, 2), (OptInStep.SENT, 2), (OptInStep.CONFIRMED, 1)):
        for _ in range(times):
            funnel.count(step, "test", [one])
    funnel.count(OptInStep.SERVED, "test", [other, other])
    stages = {one.step: (one.count, one.of_previous) for one in consent_explorer.stages(Asked(notice=one))}
    assert stages[OptInStep.SERVED] == (4, None)
    assert stages[OptInStep.ANSWERED] == (2, 0.5)
    assert consent_explorer.stages(Asked())[0].count == 5


WORDS = {
    "key": "marketing", "language": "en", "purposes": ["newsletter"], "title": "How we use your data", "body": "We write to you.",
    "recipients": "our mail provider\nour printer", "retention": "Until you withdraw.", "rights": "All of them.",
    "withdrawal": "One click.", "complaint": "The authority.",
}  # fmt: skip


def test_a_notice_is_previewed_with_what_is_missing_and_then_published(officer: Any) -> None:
    arrange.purpose()
    address = reverse("console_notice")
    assert officer.get(address).status_code == 200
    lacking = officer.post(address, {**WORDS, "withdrawal": "", "publish": "1"}).content.decode()
    assert 'data-complete="false"' in lacking
    assert "Art. 13(2)(c)" in lacking
    assert not NoticeVersion.objects.exists(), "nothing incomplete is published"
    assert 'data-complete="true"' in officer.post(address, {**WORDS, "preview": "1"}).content.decode()
    assert not NoticeVersion.objects.exists(), "a preview publishes nothing"
    assert officer.post(address, {**WORDS, "publish": "1"}).status_code == 302
    published = notices.current("marketing", "en")
    assert published.text.recipients == ("our mail provider", "our printer")
    again = officer.get(address, {"from": str(published.id)}).content.decode()
    assert "our printer" in again


def test_a_material_change_from_the_console_asks_everybody_again(officer: Any) -> None:
    arrange.purpose()
    subject = arrange.person()
    arrange.give(subject, arrange.notice())
    officer.post(
        reverse("console_notice"), {**WORDS, "body": "Quite different.", "material_change": "on", "publish": "1"}
    )
    assert [one.version for one in notices.versions("marketing", "en")] == [2, 1]
    assert not gate.check(subject, "newsletter", "email").allowed


def test_who_may_look_may_not_publish(auditor: Any) -> None:
    arrange.purpose()
    page = auditor.post(reverse("console_notice"), {**WORDS, "publish": "1"})
    assert b"Publish for good" not in page.content
    assert not NoticeVersion.objects.exists()


def test_strangers_see_nothing_of_it(client: Any) -> None:
    for address in (
        reverse("console_consent"),
        reverse("console_notice"),
        reverse("console_consent_subject", args=["sub_x"]),
    ):
        assert client.get(address).status_code in (302, 403)


def test_two_versions_stand_beside_each_other_with_what_changed_and_who_was_shown_which(officer: Any) -> None:
    arrange.purpose()
    first = arrange.notice(retention="Until you withdraw.", recipients=["our mail provider", "our printing house"])
    funnel.count(OptInStep.SERVED, "privacy_center", [first])
    arrange.give(arrange.person(), first)
    second = arrange.notice(
        retention="Two years, or until you withdraw.", recipients=["our mail provider"], ui_variant="short"
    )
    shown = {one.notice.id: one for one in notice_history.versions("marketing")}
    assert (shown[first].served, shown[first].given, shown[first].in_force) == (1, 1, 1)
    assert (shown[second].served, shown[second].given, shown[second].in_force) == (0, 0, 0)

    html = officer.get(reverse("console_notice_history", args=["marketing"])).content.decode()
    assert re.findall(r'data-changed="(\w+)"', html) == ["recipients", "retention"]
    assert "<del" in html
    assert re.search(r"<ins[^>]*>[^<]*Two years, or until", html)
    assert "short" in html
    same = officer.get(reverse("console_notice_history", args=["marketing"]), {"left": second, "right": second})
    assert "data-changed" not in same.content.decode()
    assert officer.get(reverse("console_notice_history", args=["no-such"])).status_code == 404


def test_the_two_sides_of_a_comparison_are_the_two_texts() -> None:
    arrange.purpose()
    left = notices.version(arrange.notice(body="We write <b>once</b> a week.\nNever on Sundays."))
    right = notices.version(arrange.notice(body="We write twice a week, never on Sundays."))
    for passage in notice_history.compare(left, right):
        for side, notice in ((passage.left, left), (passage.right, right)):
            value = getattr(notice.text, passage.field)
            assert "".join(piece.text for piece in side) == ("\n".join(value) if isinstance(value, tuple) else value)
        assert passage.changed == (passage.field == "body")


def test_a_doubt_is_said_in_the_preview_and_stops_nothing(officer: Any) -> None:
    arrange.purpose()
    words = {**WORDS, "rights": "You have rights.", "key": "doubtful", "language": "en", "purposes": ["newsletter"]}
    preview = officer.post(reverse("console_notice"), {**words, "preview": "1"}).content.decode()
    assert 'data-complete="true"' in preview
    assert "erasure (Art. 17) is not mentioned" in preview
    assert officer.post(reverse("console_notice"), {**words, "publish": "1"}).status_code == 302
    assert notices.current("doubtful", "en").text.rights == "You have rights."
