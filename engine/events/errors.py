"""What ingestion refuses as a whole. A single bad row is no error: it is accounted for beside the good ones."""

from governance.kernel.errors import InvalidInput, NotFound


class TableMalformed(InvalidInput):
    """The table lacks a column, has one that no kind of event declares, or has times without a zone."""

    code = "event_table_malformed"
    title = "Not a table of events"


class QuarantineUnknown(NotFound):
    """No such row waits in the quarantine."""

    code = "quarantined_event_unknown"
    title = "No such quarantined event"
