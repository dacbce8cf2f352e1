"""What journeys refuse."""

from governance.kernel.errors import Conflict, InvalidInput, NotFound


class JourneyInvalid(InvalidInput):
    """Steps or a trigger that make no journey."""

    code = "journey_invalid"
    title = "The journey is not valid"


class JourneyUnknown(NotFound):
    """No such journey."""

    code = "journey_unknown"
    title = "No such journey"


class JourneyNotOpen(Conflict):
    """The journey takes nobody any more."""

    code = "journey_not_open"
    title = "The journey is closed"


class AudienceUnknown(NotFound):
    """No audience is registered under this name."""

    code = "audience_unknown"
    title = "No such audience"
