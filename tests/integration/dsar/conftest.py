"""Erin asks for erasure, Dana is the data protection officer, and the worker is drained by hand."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import pytest
from django.core.mail import EmailMessage

from dsar import identity, planning, requests
from dsar.states import IntakeChannel, RequestType
from governance.accounts import staff
from governance.accounts.roles import Role
from governance.jobs.worker import drain
from governance.kernel.actors import SYSTEM, Actor, ActorKind
from governance.kernel.ids import SubjectId
from pseudonymize import vault
from pseudonymize.vault import IdentifierKind, Identity
from tests.people import DANA, ERIN, MARKO, Person

WEB = Actor(ActorKind.SUBJECT, "privacy_centre")


def enrol(person: Person) -> SubjectId:
    """Bring a person into the vault."""
    identity_of_person = Identity({IdentifierKind(kind): value for kind, value in person.values().items() if value})
    subject = vault.enrol([identity_of_person], actor=SYSTEM, source="tests").subjects[0]
    assert subject is not None
    return subject


def code_in(letters: list[EmailMessage]) -> str:
    """The newest one-time code that was mailed."""
    for letter in reversed(letters):
        if found := re.search(r"^\s*(\d{4} \d{4})\s*$", letter.body, re.MULTILINE):
            return found.group(1)
    raise AssertionError("no code was mailed")


@dataclass
class Desk:
    """What tests do with requests, as a story."""

    outbox: list[EmailMessage]
    dana: Actor

    def open(
        self,
        person: Person = ERIN,
        type: RequestType = RequestType.ERASURE,
        claims: dict[IdentifierKind, str] | None = None,
    ) -> UUID:
        request_id = requests.open(
            type,
            claims or {IdentifierKind.EMAIL: person.email},
            language=person.language,
            channel=IntakeChannel.WEB,
            actor=WEB,
        )
        drain()
        return request_id

    def verified(self, person: Person = ERIN, type: RequestType = RequestType.ERASURE) -> UUID:
        request_id = self.open(person, type)
        identity.confirm(request_id, code_in(self.outbox))
        return request_id

    def planned(self, person: Person = ERIN) -> UUID:
        request_id = self.verified(person)
        planning.plan(request_id, self.dana)
        return request_id

    def approved(self, person: Person = ERIN) -> UUID:
        request_id = self.planned(person)
        planning.approve(request_id, self.dana, reason="Identity and plan were checked.")
        return request_id


@pytest.fixture
def erin(db: None) -> SubjectId:
    return enrol(ERIN)


@pytest.fixture
def dana(db: None) -> Actor:
    return Actor(ActorKind.STAFF, str(staff.enlist(DANA.email, roles_held=[Role.DPO], actor=SYSTEM)))


@pytest.fixture
def marko(db: None) -> Actor:
    return Actor(ActorKind.STAFF, str(staff.enlist(MARKO.email, roles_held=[Role.MARKETER], actor=SYSTEM)))


@pytest.fixture
def desk(dana: Actor, mailoutbox: list[EmailMessage]) -> Desk:
    return Desk(mailoutbox, dana)


@pytest.fixture
def enrolling() -> Callable[[Person], SubjectId]:
    return enrol
