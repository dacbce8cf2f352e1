"""The pages of the console: to look at, by opaque ids."""

from typing import Any

import pytest
from django.apps import apps
from django.urls import reverse

from consent import gate
from governance.accounts import roles, staff
from governance.accounts.models import User
from governance.kernel.actors import SYSTEM
from tests.integration.consent import arrange
from tests.people import ADA, ALICE

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
