"""What the ledger, the notices and the gate refuse, by the decision it asks of the caller."""

from governance.kernel.errors import Conflict, IntegrityFailure, InvalidInput, NotFound, NotPermitted, Unavailable


class InvalidDraft(InvalidInput):
    """An event says what such an event cannot say; `errors` holds JSON pointers into the list of drafts."""

    code = "invalid_consent_event"
    title = "The consent event is not valid"


class UnknownChannel(InvalidInput):
    """There is no such channel. Nothing may be processed over it."""

    code = "unknown_channel"
    title = "Unknown channel"


class ChannelNotCovered(InvalidInput):
    """The purpose, as it is in force, does not use this channel."""

    code = "channel_not_covered"
    title = "The purpose does not cover this channel"


class IdempotencyMismatch(Conflict):
    """The idempotency key was used for another event."""

    code = "idempotency_mismatch"
    title = "The idempotency key belongs to another event"


class NothingToReaffirm(Conflict):
    """There is no consent in force to renew: show the notice and ask anew."""

    code = "nothing_to_reaffirm"
    title = "There is no consent to reaffirm"


class SubjectErased(NotPermitted):
    """The person was erased. Nothing of theirs is collected again (Art. 17)."""

    code = "subject_erased"
    title = "The person was erased"


class UnknownNotice(NotFound):
    """There is no such notice version, or none of that notice in the language."""

    code = "unknown_notice"
    title = "Unknown notice"


class NoticeIncomplete(InvalidInput):
    """The notice does not say what Art. 13 asks for; `errors` names the items."""

    code = "notice_incomplete"
    title = "The notice lacks what Art. 13 asks for"


class NoticeSuperseded(Conflict):
    """The notice has changed materially since: show the current version and ask again."""

    code = "notice_superseded"
    title = "The notice was superseded"


class PresentationRequired(NotPermitted):
    """A person's own consent needs the token of what was shown to them (`notices.shown`)."""

    code = "presentation_required"
    title = "A presentation token is required"


class PresentationInvalid(NotPermitted):
    """The presentation token is forged, expired, or was made for another purpose, notice or person."""

    code = "presentation_invalid"
    title = "The presentation token is not valid"


class UnknownEvent(NotFound):
    """The ledger has no such event."""

    code = "unknown_consent_event"
    title = "No such consent event"


class UnknownVerdict(NotFound):
    """There is no such verdict or verdict set."""

    code = "unknown_verdict"
    title = "No such verdict"


class NotCovered(NotPermitted):
    """These subjects are not the ones that the verdict set allowed."""

    code = "not_covered_by_verdicts"
    title = "The verdict set does not cover these subjects"


class HistoricalVerdict(NotPermitted):
    """A verdict about the past says what was allowed then. It is no ground for processing now."""

    code = "historical_verdict"
    title = "A verdict about the past permits nothing now"


class ClaimOutsideTransaction(Conflict):
    """A claim holds its locks until the caller's transaction ends; there is none."""

    code = "claim_outside_transaction"
    title = "A claim needs a transaction"


class UnknownSubject(NotFound):
    """The vault has nobody of this customer number."""

    code = "unknown_subject"
    title = "Unknown subject"


class LinkRefused(Conflict):
    """These two cannot be one person: the visitor is somebody else already, or the other way round."""

    code = "link_refused"
    title = "The visitor cannot be linked like this"


class InvalidTarget(InvalidInput):
    """A system that should hear of changes cannot be registered like this; `errors` says why."""

    code = "invalid_propagation_target"
    title = "The system cannot be registered like this"


class UnknownTarget(NotFound):
    """There is no such system."""

    code = "unknown_propagation_target"
    title = "No such system"


class DeliveryFailed(Unavailable):
    """A change may not have reached another system; it is tried again. `reason` is a short code."""

    code = "delivery_failed"
    title = "The change was not delivered"

    def __init__(self, reason: str) -> None:
        super().__init__("The system did not take the change.")
        self.reason = reason


class WebhookInvalid(IntegrityFailure):
    """A webhook is not genuine, not recent, or not new."""

    code = "webhook_invalid"
    title = "The webhook is not valid"


class SpoolFull(Unavailable):
    """The database is away and the spool holds no more: nothing was accepted."""

    code = "spool_full"
    title = "The withdrawal could not be kept"


class ReceiptForged(InvalidInput):
    """What was handed in is not a receipt that the holder of that key signed: the caller's error, not ours."""

    code = "receipt_forged"
    title = "The receipt's signature does not hold"


class ReceiptNotUsable(InvalidInput):
    """The receipt is genuine, but tells of nothing that could be taken over as a consent."""

    code = "receipt_not_usable"
    title = "The receipt carries no consent"


class FileUnreadable(InvalidInput):
    """The file is not text in UTF-8, or its first line does not name each column once. Nothing of it was taken."""

    code = "file_unreadable"
    title = "The file cannot be read"


class WithdrawalsWaiting(Unavailable):
    """Withdrawals that were accepted while the database was away are not in the ledger yet: the gate permits nothing."""

    code = "withdrawals_waiting"
    title = "Withdrawals are being applied"


class NothingToConfirm(Conflict):
    """No consent of this event waits for a confirmation: it counts already, was withdrawn, or never needed one."""

    code = "nothing_to_confirm"
    title = "There is nothing to confirm"


class ConfirmationInvalid(NotFound):
    """The link is not ours, has expired or was used, or there is nothing to confirm any more: the same answer for all."""

    code = "confirmation_invalid"
    title = "This link does not work any more"
