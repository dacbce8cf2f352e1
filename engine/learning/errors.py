"""What learning refuses."""

from governance.kernel.errors import InvalidInput, NotFound, NotPermitted


class TablesMalformed(InvalidInput):
    """The bytes are not scoring tables, or not of this form."""

    code = "tables_malformed"
    title = "Not scoring tables"


class FeaturesMissing(InvalidInput):
    """The rows lack a feature that the model was trained on."""

    code = "features_missing"
    title = "Features are missing"


class NothingToLearn(InvalidInput):
    """The training rows, or those held out, hold one outcome only."""

    code = "nothing_to_learn"


class RetrainedFromAnother(InvalidInput):
    """A model carries on from one with the same features and categories, and the new part is a share of one."""

    code = "retrained_from_another"
    title = "Not a successor of that model"


class ModelUnknown(NotFound):
    """There is no such model version."""

    code = "model_unknown"


class ModelStopped(NotPermitted):
    """The AI system was stopped by a person (AI Act Art. 14(4)(e)); it decides nothing until it is released."""

    code = "model_stopped"
    title = "The AI system is stopped"
