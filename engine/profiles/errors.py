"""What segments refuse."""

from governance.kernel.errors import InvalidInput, NotFound


class RuleMalformed(InvalidInput):
    """The rule is not of the closed language: an unknown column, an operator the column does not take, a value of another type."""

    code = "segment_rule_malformed"
    title = "Not a rule of a segment"


class SegmentUnknown(NotFound):
    """There is no segment of this key."""

    code = "segment_unknown"
    title = "No such segment"
