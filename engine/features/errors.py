"""What building a training set refuses."""

from governance.kernel.errors import Conflict, InvalidInput, NotFound


class CutNotInstant(InvalidInput):
    """A cut is an instant with a time zone, and there is at least one."""

    code = "cut_not_instant"


class NobodyToLearnFrom(InvalidInput):
    """No permitted person was active before any of the cuts."""

    code = "nobody_to_learn_from"


class TrainingSetUnknown(NotFound):
    """There is no such training set."""

    code = "training_set_unknown"


class RebuiltDiffers(Conflict):
    """The rows do not come out again: somebody was erased since, or the events were changed."""

    code = "training_set_differs"
    title = "The training set cannot be built again"
