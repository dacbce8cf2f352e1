"""The root of every typed error: one class per decision that a caller can make, safe to show to that caller.

A `detail` or a field never carries personal data: errors end up in logs, problem documents and other people's trackers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, TypeAlias

JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | dict[str, JSON] | None"


class GovernanceError(Exception):
    """An error that the caller can act on; the API shows it as RFC 9457 problem details."""

    code: ClassVar[str] = "governance_error"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong"

    def __init__(self, detail: str = "", **fields: JSON) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.fields = fields


class InvalidInput(GovernanceError):
    """The request is not of the form the operation takes; `errors` lists JSON pointers with what is wrong there."""

    code = "invalid_input"
    status = 422
    title = "The input is not valid"


class BodyTooLarge(InvalidInput):
    """The body, or what it would become once unpacked, is more than one call may cost."""

    code = "body_too_large"
    status = 413
    title = "The body is too large"


class EncodingRefused(InvalidInput):
    """A packed body: it is sent as it is, so that nobody has to find out how large it would become."""

    code = "content_encoding_refused"
    status = 415
    title = "The content encoding is not supported"


class NotFound(GovernanceError):
    """There is no such thing, or it is not the caller's to see: both answer the same."""

    code = "not_found"
    status = 404
    title = "Not found"


class NotPermitted(GovernanceError):
    """The rules forbid it: no consent, no scope, no role, no second approver."""

    code = "not_permitted"
    status = 403
    title = "Not permitted"


class NotAuthenticated(GovernanceError):
    """Nobody we know is asking."""

    code = "not_authenticated"
    status = 401
    title = "Not authenticated"


class IdentityNotVerified(GovernanceError):
    """The person has not shown who they are (Art. 12(6))."""

    code = "identity_not_verified"
    status = 403
    title = "Identity not verified"


class Conflict(GovernanceError):
    """The state has moved on, or something holds it: read again, then decide."""

    code = "conflict"
    status = 409
    title = "Conflict with the current state"


class BudgetExhausted(GovernanceError):
    """The privacy budget does not cover this question."""

    code = "budget_exhausted"
    status = 403
    title = "The privacy budget is exhausted"


class TooManyRequests(GovernanceError):
    """Slow down; `retry_after` says for how many seconds."""

    code = "too_many_requests"
    status = 429
    title = "Too many requests"


class Unavailable(GovernanceError):
    """Something this operation needs is down; it fails closed and may be tried again."""

    code = "unavailable"
    status = 503
    title = "Temporarily unavailable"


class IntegrityFailure(GovernanceError):
    """Evidence does not add up. Somebody is told; it is never retried."""

    code = "integrity_failure"
    status = 500
    title = "An integrity check failed"
