"""What building a training set refuses."""

from governance.kernel.errors import InvalidInput


class CutNotInstant(InvalidInput):
    """A cut is an instant with a time zone, and there is at least one."""

    code = "cut_not_instant"


class NobodyToLearnFrom(InvalidInput):
    """No permitted person was active before any of the cuts."""

    code = "nobody_to_learn_from"
