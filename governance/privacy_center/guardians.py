"""A parent or guardian who answers for a child (Art. 8(1)): both mailboxes are proved before anything is recorded.

The guardian confirms first, in their own mailbox; then the child's mailbox is asked, where a yes of the guardian can be taken back and
none can be added. A stranger can so neither answer for somebody who is no child of theirs, nor a child for itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.conf import settings

from consent.jurisdictions import rule_of
from governance.jobs.queue import schedule
from governance.kernel.actors import Actor, ActorKind
from governance.kernel.errors import InvalidInput
from governance.kernel.ids import SubjectId
from governance.privacy_center import errands
from governance.privacy_center.models import ErrandKind


class GuardianNeeded(InvalidInput):
    """Somebody who is not, or does not say that they are, old enough to consent for themselves (Art. 8(1))."""

    code = "guardian_needed"
    title = "A parent or guardian answers for younger people"


def age_of_consent() -> int:
    """From what age people answer for themselves, where this controller is."""
    return rule_of(settings.ZGODA_CONTROLLER_COUNTRY).age


def refuse_child(answers: Mapping[str, bool], of_age: bool | None) -> None:
    """Where a form asks for age: a yes needs somebody who said that they are old enough; a no has no age. Raises GuardianNeeded."""
    if any(answers.values()) and of_age is not True:
        raise GuardianNeeded


def ask_the_child(payload: Mapping[str, Any], guardian: SubjectId, answers: Mapping[str, bool], language: str) -> None:
    """The guardian's mailbox is proved: write to the child's, with what the guardian confirmed."""
    kept = {
        "email": payload["child"],
        "answers": dict(answers),
        "notices": payload.get("notices", []),
        "guardian": str(guardian),
        "of_age_on": payload["of_age_on"],
    }
    errand_id = errands.keep(ErrandKind.CONSENT, kept, language)
    schedule("privacy_center.errand", {"errand": str(errand_id)})


def answering(payload: Mapping[str, Any]) -> Actor | None:
    """The guardian whose answers these are; None where somebody answers for themselves."""
    return Actor(ActorKind.GUARDIAN, str(payload["guardian"])) if "guardian" in payload else None


def of_age_on(payload: Mapping[str, Any]) -> date | None:
    """Until when the guardian answers; None where somebody answers for themselves."""
    return date.fromisoformat(payload["of_age_on"]) if "guardian" in payload else None


def allowed(payload: Mapping[str, Any], answers: Mapping[str, bool]) -> dict[str, bool]:
    """In the mailbox: every no; and every yes, of a child those that the guardian said too. Who did not say that they are old enough,
    where the form asks, cannot add a yes there."""
    if "guardian" not in payload:
        return {field: yes for field, yes in answers.items() if not yes or payload.get("of_age", True) is True}
    agreed = payload["answers"]
    return {field: yes for field, yes in answers.items() if not yes or agreed.get(field) is True}
