"""What a caller of this package can have to decide about."""

from governance.kernel.errors import Conflict, InvalidInput, NotFound


class BreachUnknown(NotFound):
    """There is no such breach."""

    code = "breach_unknown"
    title = "No such breach"


class StepNotAllowed(Conflict):
    """The breach is not in a phase from which this step leads on; `allowed` lists the steps that do."""

    code = "breach_step_not_allowed"
    title = "Not the next step of this breach"


class DelayNeedsReasons(InvalidInput):
    """The authority is notified after the deadline, and the reasons for the delay are missing (Art. 33(1))."""

    code = "delay_needs_reasons"
    title = "A late notice needs its reasons"


class TextNamesSomebody(InvalidInput):
    """The text holds what looks like an address or a number of a person; the register describes breaches, not people."""

    code = "text_names_somebody"
    title = "The text seems to identify a person"


class BreachIncomplete(InvalidInput):
    """Something that the Regulation wants documented at this step is missing."""

    code = "breach_incomplete"
    title = "The description is not complete"


class TableUnknown(InvalidInput):
    """No registered source answers for this table, or it has no column for the subject."""

    code = "table_unknown"
    title = "Not a table with personal data"
