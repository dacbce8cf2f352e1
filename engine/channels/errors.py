"""What a caller of the channels can have to decide about."""

from governance.kernel.errors import Conflict, InvalidInput, NotFound, Unavailable


class CampaignUnknown(NotFound):
    """No such campaign."""

    code = "campaign_unknown"
    title = "No such campaign"


class CampaignInvalid(InvalidInput):
    """The campaign cannot be sent as it is described: a purpose without this channel, a slot without a value."""

    code = "campaign_invalid"
    title = "The campaign is not valid"


class InvalidTransition(Conflict):
    """A campaign or a message cannot go from its state to that one."""

    code = "invalid_transition"
    title = "Not possible in this state"


class LinkInvalid(NotFound):
    """The link was not made by us, or was damaged on its way."""

    code = "link_invalid"
    title = "This link is not valid"


class MailServerUnavailable(Unavailable):
    """The mail server does not answer or refuses to talk; messages wait."""

    code = "mail_server_unavailable"
    title = "The mail server is not available"


class AddressNotUsable(InvalidInput):
    """Not an address that a message can go to."""

    code = "address_not_usable"
    title = "The address cannot be used"
