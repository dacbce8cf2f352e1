"""What statuses, types and states are called on the public pages: second person, plain words."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from consent.terms import ANY, MARKETING
from dsar.states import RequestType, Status

Text = str | Promise


@dataclass(frozen=True)
class Choice:
    """One option of a list: what it is called and what it means."""

    value: str
    title: Text
    meaning: Text


REQUEST_TYPES: tuple[Choice, ...] = (
    Choice(RequestType.ACCESS.value, _("See my data"), _("You get a copy of everything we hold about you (Art. 15).")),
    Choice(
        RequestType.ERASURE.value, _("Erase my data"), _("We delete what no law makes us keep, and prove it (Art. 17).")
    ),
    Choice(RequestType.RECTIFICATION.value, _("Correct my data"), _("Something is wrong or missing (Art. 16).")),
    Choice(
        RequestType.PORTABILITY.value,
        _("Take my data elsewhere"),
        _("What you gave us, in files that machines read (Art. 20)."),
    ),
    Choice(RequestType.RESTRICTION.value, _("Pause the use of my data"), _("We keep it but do not use it (Art. 18).")),
    Choice(RequestType.OBJECTION.value, _("Object to a use of my data"), _("For marketing we stop at once (Art. 21).")),
    Choice(
        RequestType.DECISION_REVIEW.value,
        _("Have an automated decision reviewed"),
        _("A person looks at it and can change it (Art. 22)."),
    ),
)

STATUS: dict[Status, Text] = {
    Status.RECEIVED: _("We received your request."),
    Status.IDENTITY_PENDING: _("We sent a code to confirm that it is you."),
    Status.VERIFIED: _("You confirmed that it is you."),
    Status.ASSESSING: _("We are looking at your request."),
    Status.PLANNED: _("We listed every place that may hold your data."),
    Status.APPROVED: _("The data protection officer approved the plan."),
    Status.COOLING_OFF: _("There is a short pause in which you can still change your mind."),
    Status.EXECUTING: _("We are erasing your data, place by place."),
    Status.BLOCKED: _("Something needs a person's help. We are on it; you need not do anything."),
    Status.VERIFYING: _("We are searching whether anything is left."),
    Status.FAILED: _("The plan has to be made again."),
    Status.COMPLETED: _("It is done."),
    Status.PARTIALLY_COMPLETED: _("It is done in part; the letter says what is missing and why."),
    Status.REFUSED: _("We had to refuse; the letter says why and what you can do."),
    Status.REVOKED: _("You took the request back."),
    Status.LAPSED: _("The request lapsed because nobody confirmed it."),
    Status.RESPONDED: _("We sent you our answer."),
    Status.CLOSED: _("The request is closed."),
    Status.PURGED: _("What the request itself held about you is deleted."),
}

CHANNELS: dict[str, Text] = {
    "email": _("by e-mail"),
    "sms": _("by text message"),
    "push": _("by app notification"),
    "in_app": _("inside the app"),
    "phone": _("by phone"),
    "post": _("by post"),
    "ads": _("in advertisements"),
    "profiling": _("by building a profile of you"),
    "training": _("by training our models"),
    "analytics": _("in statistics"),
}

STATES: dict[str, Text] = {
    "none": _("You have not answered yet."),
    "requested": _("You have not answered yet."),
    "pending_confirmation": _("You said yes and have not confirmed it yet. Answer here, and it counts."),
    "given": _("You said yes."),
    "refused": _("You said no."),
    "withdrawn": _("You said no: you withdrew your yes."),
    "expired": _("Your yes expired."),
    "invalidated": _("Your yes was not valid."),
    "terminated": _("This use has ended."),
    "superseded": _("The notice changed. Please answer again."),
}


EVENTS: dict[str, Text] = {
    "given": _("You said yes."),
    "confirmed": _("You confirmed your yes."),
    "reaffirmed": _("You renewed your yes."),
    "refused": _("You said no."),
    "withdrawn": _("You withdrew your yes."),
    "objected": _("You objected."),
    "objection_lifted": _("You took your objection back."),
    "requested": _("We asked you."),
    "confirmation_sent": _("We wrote to you to confirm it."),
    "expired": _("Your yes expired."),
    "invalidated": _("Your yes was not valid."),
    "terminated": _("This use has ended."),
    "superseded": _("The notice changed: your yes no longer counts."),
    "restricted": _("The use of your data was paused."),
    "restriction_lifted": _("The pause ended."),
    "signal_optout": _("Your browser asked us not to sell or share your data."),
    "imported": _("We took over a yes that you gave elsewhere."),
}

WIDE: dict[str, Text] = {ANY: _("everything"), MARKETING: _("all direct marketing")}
"""What stands in place of a purpose."""

ACTORS: dict[str, Text] = {
    "subject": _("you"),
    "guardian": _("your guardian"),
    "agent": _("somebody you authorised"),
}
US: Text = _("us")

NOT_OBJECTED: Text = _("We do this unless you object.")
OBJECTED: Text = _("You objected: we do not do this.")


def type_title(kind: RequestType) -> Text:
    """The title of a type of request."""
    return next((choice.title for choice in REQUEST_TYPES if choice.value == kind.value), _("Withdraw a consent"))
