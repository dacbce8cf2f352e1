"""What can go wrong with a data subject's request: one class per decision that a caller can make."""

from typing import ClassVar

from governance.kernel.errors import Conflict, IdentityNotVerified, InvalidInput, NotFound, NotPermitted, Unavailable


class RequestNotFound(NotFound):
    """There is no such request, or it is not the caller's: the same answer for both."""

    code: ClassVar[str] = "request_not_found"
    title: ClassVar[str] = "No such request"


class InvalidTransition(Conflict):
    """The request is in a status from which the asked one cannot be reached."""

    code: ClassVar[str] = "invalid_transition"
    title: ClassVar[str] = "The request cannot do this now"


class ClaimsInsufficient(InvalidInput):
    """The request names nothing that could find a person."""

    code: ClassVar[str] = "claims_insufficient"
    title: ClassVar[str] = "Not enough to find a person"


class CodeRefused(IdentityNotVerified):
    """The code is wrong, used, expired or tried too often: the same answer for all four."""

    code: ClassVar[str] = "code_refused"
    title: ClassVar[str] = "The code was not accepted"


class TooManyCodes(Conflict):
    """The request has used up the codes that may be sent for it."""

    code: ClassVar[str] = "too_many_codes"
    title: ClassVar[str] = "No further code can be sent"


class ExtensionRefused(Conflict):
    """The extension is too late, has no reasons, or would be the second one (Art. 12(3))."""

    code: ClassVar[str] = "extension_refused"
    title: ClassVar[str] = "The time limit cannot be extended"


class PlanIncomplete(Conflict):
    """Tables with a subject column for which no source of personal data answers: nothing may be planned over them."""

    code: ClassVar[str] = "plan_incomplete"
    title: ClassVar[str] = "Some tables are not covered by any source"


class PlanStale(Conflict):
    """The sources changed since the plan was made: plan again, and approve the new version."""

    code: ClassVar[str] = "plan_stale"
    title: ClassVar[str] = "The plan is out of date"


class ApprovalRefused(NotPermitted):
    """Only staff who may decide on requests can approve, with a reason."""

    code: ClassVar[str] = "approval_refused"
    title: ClassVar[str] = "This plan cannot be approved by this actor"


class StepFailed(Unavailable):
    """A source did not finish its step; the step is tried again, and the request does not go on without it."""

    code: ClassVar[str] = "step_failed"
    title: ClassVar[str] = "A source failed"


class CertificateInvalid(InvalidInput):
    """The text is not a certificate, was changed, or was signed by another key."""

    code: ClassVar[str] = "certificate_invalid"
    title: ClassVar[str] = "The certificate does not verify"


class PackageUnavailable(NotFound):
    """There is no package to download: not built yet, expired, or already purged."""

    code: ClassVar[str] = "package_unavailable"
    title: ClassVar[str] = "No package to download"
