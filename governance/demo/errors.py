"""What stops the demonstration."""

from governance.kernel.errors import Conflict


class NotADemonstration(Conflict):
    """The database holds people that the demonstration did not make: it would replace them, so it stops."""

    code = "not_a_demonstration"
    title = "This database is in use"
