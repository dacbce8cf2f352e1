"""What experiments refuse."""

from governance.kernel.errors import Conflict, InvalidInput, NotFound


class ExperimentInvalid(InvalidInput):
    """Arms, weights or shares that make no experiment."""

    code = "experiment_invalid"
    title = "The experiment is not valid"


class ExperimentUnknown(NotFound):
    """No such experiment."""

    code = "experiment_unknown"
    title = "No such experiment"


class ExperimentDefined(Conflict):
    """An experiment of this key exists and differs: its arms cannot change once people may have been assigned."""

    code = "experiment_defined"
    title = "The experiment is defined already"


class SampleRatioMismatch(Conflict):
    """The arms do not have the sizes that were planned, and chance does not explain it. No result is given."""

    code = "sample_ratio_mismatch"
    title = "The sample ratio does not match"
