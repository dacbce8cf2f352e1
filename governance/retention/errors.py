"""What a caller of this package can have to decide about."""

from governance.kernel.errors import Conflict, InvalidInput, NotFound


class NotDisposable(InvalidInput):
    """Nothing of this key can be disposed of by age, or not by this action."""

    code = "not_disposable"
    title = "A rule needs something that can be disposed of"


class PeriodTooShort(InvalidInput):
    """The law, or the place itself, sets a longer minimum."""

    code = "retention_period_too_short"
    title = "The period is too short"


class RuleExists(Conflict):
    """There is a rule for this place and purpose; end it before another takes its place."""

    code = "retention_rule_exists"
    title = "There is a rule already"


class RuleUnknown(NotFound):
    """There is no such rule."""

    code = "retention_rule_unknown"
    title = "No such rule"


class HoldUnknown(NotFound):
    """There is no such hold, or it was released."""

    code = "legal_hold_unknown"
    title = "No such hold"


class HoldActive(Conflict):
    """A legal hold covers this; it is kept until the hold is released (Art. 17(3)(e))."""

    code = "hold_active"
    title = "A legal hold covers this"


class ReasonMissing(InvalidInput):
    """Rules, holds and releases have a ground in words."""

    code = "reason_missing"
    title = "Say why"
