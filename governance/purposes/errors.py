"""What can go wrong with purposes, by the decision it asks of the caller."""

from governance.kernel.errors import Conflict, InvalidInput, NotFound


class UnknownPurpose(NotFound):
    """No version of this purpose is in force at that instant. Nothing may be processed under it."""

    code = "unknown_purpose"
    title = "Unknown purpose"


class InvalidPurpose(InvalidInput):
    """The definition contradicts itself or the Regulation; `errors` says where."""

    code = "invalid_purpose"
    title = "The purpose is not valid"


class PurposeOutOfOrder(Conflict):
    """A version would come into force before the one it follows."""

    code = "purpose_out_of_order"
    title = "A version of a purpose must come into force after the one before"
