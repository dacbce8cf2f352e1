"""What decisioning refuses."""

from governance.kernel.errors import Conflict, IntegrityFailure, InvalidInput, NotFound, NotPermitted


class CatalogueMalformed(InvalidInput):
    """An offer has no words, a share that is none, or asks for a feature that does not exist."""

    code = "offer_catalogue_malformed"
    title = "Not a catalogue of offers"


class NobodyToDecideAbout(InvalidInput):
    """None of these people may be decided about, or none of them has a history to decide from."""

    code = "nobody_to_decide_about"
    title = "There is nobody to decide about"


class ModelNotInEffect(NotPermitted):
    """The model version is registered, but nobody has let it decide: promote it first."""

    code = "model_not_in_effect"
    title = "The model version is not in effect"


class ModelUnfit(Conflict):
    """The model was trained on other features than these decisions are made from."""

    code = "model_unfit"
    title = "The model knows other features"


class WordsMissing(NotPermitted):
    """A term of the model has no words: its decisions could not be explained, so it makes none (Art. 13(2)(f), 15(1)(h))."""

    code = "reason_words_missing"
    title = "A reason has no words"


class OfferUnknown(InvalidInput):
    """A decision cannot be changed to an offer that its run did not have."""

    code = "offer_unknown"
    title = "No such offer"


class RunUnknown(NotFound):
    """There is no such run."""

    code = "decision_run_unknown"
    title = "No such decision run"


class ReplayDiffers(IntegrityFailure):
    """A recorded decision does not come out again from its frozen input and its model."""

    code = "replay_differs"
    title = "A decision does not replay"
