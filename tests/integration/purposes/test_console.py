"""Purposes in the console: a version is added through the verb, an old one is only looked at."""

from typing import Any

import pytest
from django.urls import reverse

from audit.models import Entry
from governance import purposes
from governance.accounts import roles, staff
from governance.accounts.models import User
from governance.kernel.actors import SYSTEM
from governance.purposes.models import ProcessingActivity, Purpose
from tests.people import ADA, DANA

pytestmark = pytest.mark.django_db
FORM = {
    "key": "newsletter", "title_en": "Newsletter", "title_pl": "Biuletyn", "description_en": "Offers.", "description_pl": "Oferty.",
    "legal_basis": "consent", "channels": ["email", "sms"], "validity_days": "730", "effective_from_0": "2026-01-01",
    "effective_from_1": "12:00:00", "dpv_iri": "",
}  # fmt: skip


def enter(client: Any, person: Any, role: roles.Role) -> Any:
    client.force_login(User.objects.get(pk=staff.enlist(person.email, roles_held=[role], actor=SYSTEM)))
    return client


def test_a_version_that_is_added_is_in_force_and_in_the_log(client: Any) -> None:
    dana = enter(client, DANA, roles.Role.DPO)
    assert dana.get(reverse("admin:purposes_purpose_add")).status_code == 200
    answer = dana.post(reverse("admin:purposes_purpose_add"), FORM)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    purpose = purposes.current("newsletter")
    assert (purpose.version, purpose.validity_days, purpose.channels) == (1, 730, ("email", "sms"))
    assert Purpose.objects.count() == 1
    entry = Entry.objects.get(action="purpose.defined")
    assert entry.actor.startswith("staff:")
    row = Purpose.objects.get()
    assert dana.get(reverse("admin:purposes_purpose_change", args=[row.pk])).status_code == 200
    assert (
        dana.post(reverse("admin:purposes_purpose_change", args=[row.pk]), FORM | {"title_en": "x"}).status_code == 403
    )
    assert dana.post(reverse("admin:purposes_purpose_delete", args=[row.pk]), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"key": "Not A Key"}, "key"),
        ({"legal_basis": "contract", "double_opt_in": "on"}, "double_opt_in"),
        ({"special_category": "on", "legal_basis": "legitimate_interest"}, "legal_basis"),
        ({"channels": []}, "channels"),
    ],
)
def test_a_contradiction_is_shown_beside_its_field(client: Any, change: dict[str, Any], field: str) -> None:
    dana = enter(client, DANA, roles.Role.DPO)
    answer = dana.post(reverse("admin:purposes_purpose_add"), FORM | change)
    assert answer.status_code == 200
    assert field in answer.context["adminform"].form.errors
    assert not Purpose.objects.exists()


def test_a_version_that_would_start_before_the_last_is_refused(client: Any) -> None:
    dana = enter(client, DANA, roles.Role.DPO)
    dana.post(reverse("admin:purposes_purpose_add"), FORM)
    answer = dana.post(reverse("admin:purposes_purpose_add"), FORM | {"title_en": "Other"})
    assert "effective_from" in answer.context["adminform"].form.errors
    assert Purpose.objects.count() == 1


def test_the_record_of_processing_is_edited_by_the_officer_and_read_by_the_auditor(client: Any) -> None:
    dana = enter(client, DANA, roles.Role.DPO)
    form = {
        "name": "Newsletter",
        "purpose_key": "newsletter",
        "subject_categories": "customers",
        "data_categories": "e-mail",
        "active": "on",
    }
    assert dana.post(reverse("admin:purposes_processingactivity_add"), form).status_code == 302
    activity = ProcessingActivity.objects.get()
    assert Entry.objects.filter(action="configuration.created", object__contains=str(activity.pk)).exists()
    page = dana.get(reverse("admin:purposes_processingactivity_changelist"))
    assert b"Art. 30(1)(f): retention" in page.content
    ada = enter(client, ADA, roles.Role.AUDITOR)
    assert ada.get(reverse("admin:purposes_processingactivity_changelist")).status_code == 200
    assert ada.post(reverse("admin:purposes_processingactivity_add"), form).status_code == 403
