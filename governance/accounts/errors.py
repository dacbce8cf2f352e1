"""What a caller of this package can have to decide about."""

from governance.kernel.errors import Conflict, InvalidInput, NotAuthenticated, NotFound, NotPermitted


class KeyRefused(NotAuthenticated):
    """The service key is unknown, forged, expired or revoked; the caller is not told which."""

    code = "key_refused"
    title = "Service key refused"


class ScopeMissing(NotPermitted):
    """The caller is known, but holds no scope for this."""

    code = "scope_missing"
    title = "Scope missing"


class ScopeUnknown(InvalidInput):
    """A scope that names no package or no verb of this service."""

    code = "scope_unknown"
    title = "Unknown scope"


class IssueRefused(NotPermitted):
    """The issuer may not hand out this key: scopes that they lack themselves, or a life that is too long."""

    code = "key_issue_refused"
    title = "Key may not be issued"


class ClientUnknown(NotFound):
    """There is no such service client."""

    code = "service_client_unknown"
    title = "No such service client"


class StaffUnknown(NotFound):
    """There is no such member of staff."""

    code = "staff_unknown"
    title = "No such member of staff"


class AlreadyEnlisted(Conflict):
    """An account with this address exists."""

    code = "already_enlisted"
    title = "Account exists"
