"""What reading and writing signals refuses."""

from governance.kernel.errors import Conflict, InvalidInput


class SignalMalformed(InvalidInput):
    """The signal is not of the form its specification gives it; nothing of it may be relied on."""

    code = "signal_malformed"
    title = "The signal cannot be read"


class SignalInvalid(InvalidInput):
    """The signal can be read but breaks rules of its framework; `errors` names them."""

    code = "signal_invalid"
    title = "The signal breaks the rules of its framework"


class NotRegistered(Conflict):
    """Only a registered consent management platform creates TC strings: configure its id and the vendor list."""

    code = "cmp_not_configured"
    title = "No consent management platform is configured"
