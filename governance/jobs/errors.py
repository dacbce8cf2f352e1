"""What the job table refuses."""

from governance.kernel.errors import Conflict, InvalidInput


class LeaseLost(Conflict):
    """Somebody else runs this job by now: stop, write nothing."""

    code = "lease_lost"
    title = "The lease was lost"


class UnknownKind(InvalidInput):
    """No handler is registered for this kind of job."""

    code = "unknown_job_kind"
    title = "Unknown kind of job"


class ArgumentNotAllowed(InvalidInput):
    """Arguments of jobs are ids, numbers and short names; an `@` or a long text is likely personal data."""

    code = "job_argument_not_allowed"
    title = "Not an argument for a job"
