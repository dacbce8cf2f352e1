"""The console's pages: numbers and states, nothing to change, nothing in the clear."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.apps import apps
from django.contrib.admin import site
from django.test import Client
from django.urls import reverse

from governance.accounts import staff
from governance.accounts.models import User
from governance.accounts.roles import Role
from governance.kernel.actors import SYSTEM, Actor
from governance.kernel.ids import opaque
from pseudonymize import vault
from pseudonymize.crossings import bridges, reidentification
from pseudonymize.models import DataSubject, RevealApproval
from pseudonymize.vault import SuppressionScope
from tests.integration.pseudonymize.arranging import IMPORTER, enrolled
from tests.integration.pseudonymize.revealing import Case, member
from tests.integration.pseudonymize.tables import apply, policy, table
from tests.integration.pseudonymize.test_rotation import Crossing
from tests.people import ADA, ALICE, BOB, ERIN, MARKO, StaffMember


def logged_in(member: StaffMember, role: Role) -> Client:
    client = Client()
    user = staff.enlist(member.email, roles_held=[role], password="a long enough passphrase", actor=SYSTEM)
    client.force_login(User.objects.get(pk=user), backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


OURS = [model for model in apps.get_app_config("pseudonymize").get_models() if site.is_registered(model)]


@pytest.mark.django_db
def test_an_auditor_sees_states_and_no_identifier_and_changes_nothing() -> None:
    erin, alice, bob = enrolled(ERIN, ALICE, BOB)
    vault.suppress(bob, SuppressionScope.MARKETING, "objection", IMPORTER)
    vault.forget(erin, actor=IMPORTER, reason="erasure")
    apply(table(), policy())
    client = logged_in(ADA, Role.AUDITOR)
    canaries = [value for person in (ALICE, BOB, ERIN) for value in person.values().values() if len(value) > 5]

    seen = 0
    for model in OURS:
        name = f"admin:pseudonymize_{model._meta.model_name}"
        pages = [reverse(f"{name}_changelist")]
        pages += [reverse(f"{name}_change", args=[row.pk]) for row in model._default_manager.all()[:5]]
        for page in pages:
            response = client.get(page)
            assert response.status_code == 200, page
            text = response.content.decode()
            assert not [canary for canary in canaries if canary in text], page
            seen += 1
        assert client.get(reverse(f"{name}_add")).status_code == 403
        for row in model._default_manager.all()[:1]:
            assert client.post(reverse(f"{name}_delete", args=[row.pk])).status_code == 403
    assert seen >= 15
    assert len(OURS) >= 11
    page = client.get(reverse("admin:pseudonymize_datasubject_change", args=[alice])).content.decode()
    assert "email" in page
    assert opaque("sub", alice) in page


@pytest.mark.django_db
def test_subjects_are_found_by_their_whole_number_only() -> None:
    alice, _ = enrolled(ALICE, BOB)
    client = logged_in(ADA, Role.AUDITOR)
    url = reverse("admin:pseudonymize_datasubject_changelist")

    for term, found in [(opaque("sub", alice), 1), (ALICE.email, 0), (str(alice)[:8], 0), ("", 2)]:
        response = client.get(url, {"q": term})
        assert response.context["cl"].result_count == found, term
    assert DataSubject.objects.count() == 2


@pytest.mark.django_db
def test_a_marketer_sees_none_of_it() -> None:
    enrolled(ALICE)
    client = logged_in(MARKO, Role.MARKETER)
    for model in OURS:
        url = reverse(f"admin:pseudonymize_{model._meta.model_name}_changelist")
        assert client.get(url).status_code == 403


@pytest.mark.django_db
def test_a_reveal_is_approved_on_a_page_that_shows_it_and_asks_why() -> None:
    case = Case()
    request = case.request()
    page = reverse("admin:pseudonymize_revealrequest_approve", args=[request])
    shown = reidentification.terms_sha256(reidentification.find(request))
    backend = "allauth.account.auth_backends.AuthenticationBackend"

    def as_(actor: Actor) -> Client:
        client = Client()
        client.force_login(User.objects.get(pk=UUID(actor.id)), backend=backend)
        return client

    dana = as_(case.dana)
    assert "fraud inquiry" in dana.get(page).content.decode()
    assert dana.post(page, {"reason": "", "terms_sha256": shown}).status_code == 200
    assert dana.post(page, {"reason": "checked", "terms_sha256": "0" * 64}).status_code == 200
    assert not RevealApproval.objects.exists()
    assert dana.post(page, {"reason": "checked", "terms_sha256": shown}).status_code == 302
    assert RevealApproval.objects.get().reason == "checked"
    alias = as_(member("dana+2", Role.DPO))
    assert "another account" in alias.post(page, {"reason": "me too", "terms_sha256": shown}).content.decode()
    for refused in (case.eli, member("root", superuser=True), member("ada2", Role.AUDITOR)):
        assert as_(refused).post(page, {"reason": "x", "terms_sha256": shown}).status_code == 403
    assert RevealApproval.objects.count() == 1


@pytest.mark.django_db
def test_a_bridge_is_approved_in_the_console_too() -> None:
    crossing = Crossing()
    bridge = crossing.open()
    page = reverse("admin:pseudonymize_joingrant_approve", args=[bridge])
    client = Client()
    client.force_login(
        User.objects.get(pk=UUID(crossing.dana.id)), backend="allauth.account.auth_backends.AuthenticationBackend"
    )
    shown = bridges.terms_sha256(bridges.find(bridge))
    assert client.post(page, {"reason": "checked", "terms_sha256": shown}).status_code == 302
    listed = client.get(reverse("admin:pseudonymize_joingrant_change", args=[bridge])).content.decode()
    assert "1 of 2 approvals" in listed
