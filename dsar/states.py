"""Types and statuses of requests and steps, and the one table of transitions: data, no database."""

from enum import StrEnum

from dsar.errors import InvalidTransition


class RequestType(StrEnum):
    """What a person can ask for; the article of the GDPR is in :data:`ARTICLES`."""

    ACCESS = "access"
    RECTIFICATION = "rectification"
    ERASURE = "erasure"
    RESTRICTION = "restriction"
    PORTABILITY = "portability"
    OBJECTION = "objection"
    DECISION_REVIEW = "automated_decision_review"
    CONSENT_WITHDRAWAL = "consent_withdrawal"


ARTICLES: dict[RequestType, str] = {
    RequestType.ACCESS: "15",
    RequestType.RECTIFICATION: "16",
    RequestType.ERASURE: "17",
    RequestType.RESTRICTION: "18",
    RequestType.PORTABILITY: "20",
    RequestType.OBJECTION: "21",
    RequestType.DECISION_REVIEW: "22",
    RequestType.CONSENT_WITHDRAWAL: "7(3)",
}


class Status(StrEnum):
    """Where a request stands. Holds, extensions and representation are facts beside it, not statuses."""

    RECEIVED = "received"
    IDENTITY_PENDING = "identity_pending"
    VERIFIED = "verified"
    ASSESSING = "assessing"
    PLANNED = "planned"
    APPROVED = "approved"
    COOLING_OFF = "cooling_off"
    EXECUTING = "executing"
    BLOCKED = "blocked"
    VERIFYING = "verifying"
    FAILED = "failed"
    COMPLETED = "completed"
    PARTIALLY_COMPLETED = "partially_completed"
    REFUSED = "refused"
    REVOKED = "revoked"
    LAPSED = "lapsed"
    RESPONDED = "responded"
    CLOSED = "closed"
    PURGED = "purged"


_S = Status
TRANSITIONS: dict[Status, frozenset[Status]] = {
    _S.RECEIVED: frozenset({_S.IDENTITY_PENDING, _S.VERIFIED, _S.REVOKED}),
    _S.IDENTITY_PENDING: frozenset({_S.VERIFIED, _S.LAPSED, _S.REVOKED}),
    _S.VERIFIED: frozenset({_S.ASSESSING, _S.REVOKED}),
    # COMPLETED straight from ASSESSING: answered by staff, or nothing is held about the person.
    _S.ASSESSING: frozenset({_S.PLANNED, _S.REFUSED, _S.REVOKED, _S.COMPLETED, _S.PARTIALLY_COMPLETED}),
    _S.PLANNED: frozenset({_S.APPROVED, _S.ASSESSING, _S.REFUSED, _S.REVOKED}),
    _S.APPROVED: frozenset({_S.COOLING_OFF, _S.EXECUTING, _S.REVOKED}),
    _S.COOLING_OFF: frozenset({_S.EXECUTING, _S.REVOKED}),
    _S.EXECUTING: frozenset({_S.VERIFYING, _S.BLOCKED, _S.FAILED}),
    _S.BLOCKED: frozenset({_S.EXECUTING, _S.FAILED, _S.PARTIALLY_COMPLETED}),
    _S.VERIFYING: frozenset({_S.EXECUTING, _S.BLOCKED, _S.COMPLETED, _S.PARTIALLY_COMPLETED}),
    _S.FAILED: frozenset({_S.PLANNED}),
    _S.COMPLETED: frozenset({_S.RESPONDED}),
    _S.PARTIALLY_COMPLETED: frozenset({_S.RESPONDED}),
    _S.REFUSED: frozenset({_S.RESPONDED}),
    _S.REVOKED: frozenset({_S.CLOSED}),
    _S.LAPSED: frozenset({_S.CLOSED}),
    _S.RESPONDED: frozenset({_S.CLOSED}),
    _S.CLOSED: frozenset({_S.PURGED}),
    _S.PURGED: frozenset(),
}

# Before anything was destroyed, the person may take the request back.
REVOCABLE = frozenset(status for status, following in TRANSITIONS.items() if _S.REVOKED in following)
# The person has an answer, or none is owed any more: the clock stands.
ANSWERED = frozenset(
    {_S.COMPLETED, _S.PARTIALLY_COMPLETED, _S.REFUSED, _S.REVOKED, _S.LAPSED, _S.RESPONDED, _S.CLOSED, _S.PURGED}
)
# The person was told; what the request itself holds about them can be purged on schedule.
FINAL = frozenset({_S.CLOSED, _S.PURGED})


def decide(current: Status, wanted: Status) -> Status:
    """``wanted``, if the table lets a request go there from ``current``; raises :class:`InvalidTransition`."""
    if wanted not in TRANSITIONS[current]:
        raise InvalidTransition(
            f"A request that is {current.value} cannot become {wanted.value}.",
            status_now=current.value,
            wanted=wanted.value,
        )
    return wanted


class StepStatus(StrEnum):
    """Where one step of a plan stands. The last four are terminal."""

    PENDING = "pending"
    FAILED_RETRYABLE = "failed_retryable"
    FAILED_FINAL = "failed_final"
    DONE = "done"
    NOT_FOUND = "not_found"
    RETAINED = "retained"
    SKIPPED = "skipped"


TERMINAL_STEPS = frozenset({StepStatus.DONE, StepStatus.NOT_FOUND, StepStatus.RETAINED, StepStatus.SKIPPED})


class StepAction(StrEnum):
    """What a step does with its source. Hashing or encrypting a value is not offered as erasure."""

    ERASE = "erase"
    SHRED = "shred"


class ClockKind(StrEnum):
    """Events of the legal clock."""

    START = "start"
    EXTEND = "extend"
    STOP = "stop"


class IntakeChannel(StrEnum):
    """How the request reached the controller; any of them is valid (Art. 12(2))."""

    WEB = "web"
    EMAIL = "email"
    LETTER = "letter"
    PHONE = "phone"
    IN_PERSON = "in_person"
    API = "api"


class VerificationMethod(StrEnum):
    """How identity was checked: proportionate to the risk of the request (Art. 12(6))."""

    EMAIL_CODE = "email_code"
    STAFF = "staff"


class VerificationResult(StrEnum):
    """What came of a check."""

    PENDING = "pending"
    PASSED = "passed"
    FAILED = "failed"
    SUPERSEDED = "superseded"
