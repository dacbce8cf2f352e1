"""What can go wrong in the log and in decision records: one class per decision that a caller can make."""

from __future__ import annotations

from governance.kernel.errors import Conflict, IntegrityFailure, InvalidInput, NotFound, NotPermitted, Unavailable


class NotInTransaction(IntegrityFailure):
    """An entry belongs into the transaction of the change that it records; there is none."""

    code = "not_in_transaction"
    title = "A log entry needs a transaction"


class EntryNotAllowed(InvalidInput):
    """The entry says something that the log does not take: a malformed name, a fact that is no fact, too much."""

    code = "entry_not_allowed"
    title = "This cannot be an entry of the log"


class SubjectInEntry(EntryNotAllowed):
    """The subject's id stands in the entry itself, which nobody can erase. Name the subject with ``subject=`` alone."""

    code = "subject_in_entry"
    title = "The subject's id must not stand in the entry"


class UnknownEntry(NotFound):
    """The log has no such entry."""

    code = "unknown_entry"
    title = "No such log entry"


class NotYetSequenced(Conflict):
    """The entry is staged, but has no number in the tree yet: ask again in a moment."""

    code = "not_yet_sequenced"
    title = "The entry is not in the tree yet"


class NoCheckpoint(NotFound):
    """Nothing was ever sequenced, so there is no checkpoint."""

    code = "no_checkpoint"
    title = "The log has no checkpoint yet"


class LogBroken(IntegrityFailure):
    """The stored tree does not fit the last signed checkpoint; nothing more is signed until somebody has looked."""

    code = "log_broken"
    title = "The log does not fit its last checkpoint"


class NoteInvalid(IntegrityFailure):
    """The signed note is malformed, or carries no valid signature of a known key."""

    code = "note_invalid"
    title = "A signed note is not valid"


class AnchorFailed(Unavailable):
    """A witness, a time-stamp authority or a place for copies did not give the evidence that it was asked for."""

    code = "anchor_failed"
    title = "A checkpoint could not be anchored"


class AnchorsStale(Unavailable):
    """No checkpoint was anchored outside for too long, so what an insider could hide is not done (design, security: fail closed)."""

    code = "anchors_stale"
    title = "The log was not anchored for too long"


class ExportFailed(Unavailable):
    """The SIEM did not take entries; they are sent again."""

    code = "export_failed"
    title = "Entries could not be handed over"


class WitnessBusy(Conflict):
    """Another process has the witness's state: two of them could cosign two histories."""

    code = "witness_busy"
    title = "The witness is already running"


class PersonalModel(InvalidInput):
    """The model has a column about a data subject; django-auditlog would keep its values in plain text for ever."""

    code = "personal_model"
    title = "Personal data is not captured as configuration"


class ChangeOutsideTransaction(IntegrityFailure):
    """A configuration object changes outside a transaction, where change and log entry could part."""

    code = "change_outside_transaction"
    title = "Configuration changes only inside a transaction"


class ChangeNotCaptured(NotPermitted):
    """This way to change configuration objects leaves no trace, so it is refused."""

    code = "change_not_captured"
    title = "This change could not be recorded"


class BatchNotValid(InvalidInput):
    """A batch of decisions does not add up: columns of different lengths, or contributions that do not sum to the score."""

    code = "batch_not_valid"
    title = "The batch of decisions is not valid"


class SubjectErased(Conflict):
    """A person in the batch was erased: nothing is decided about them any more. Resolve the subjects again."""

    code = "subject_erased"
    title = "A subject was erased"


class RetryDiffers(Conflict):
    """The key for retries was used for another request; take a new key for a new request."""

    code = "retry_differs"
    title = "This key belongs to another request"


class UnknownDecision(NotFound):
    """There is no such decision, or it was erased with its subject."""

    code = "unknown_decision"
    title = "No such decision"


class TemplatesMissing(Unavailable):
    """Nobody has written reasons in words for this family of models."""

    code = "templates_missing"
    title = "No words for the reasons of this model"


class SpecialCategoryReason(InvalidInput):
    """A reason in words must not rest on a special category of data (Art. 9, 22(4))."""

    code = "special_category_reason"
    title = "A special category is no reason"


class UnknownReview(NotFound):
    """There is no such review."""

    code = "unknown_review"
    title = "No such review"


class ReviewStateConflict(Conflict):
    """The review has moved on: it is assigned to somebody else, or decided."""

    code = "review_state_conflict"
    title = "The review is in another state"


class NotAPerson(NotPermitted):
    """Only a member of staff reviews an automated decision (Art. 22(3): human intervention)."""

    code = "not_a_person"
    title = "A review needs a person"


class ReviewerTookPart(NotPermitted):
    """Who had a decision made does not review it: a second look is somebody else's (Art. 22(3); WP 251, V.B.1)."""

    code = "reviewer_took_part"
    title = "Somebody else reviews this decision"


class GapAcknowledged(Conflict):
    """Somebody has already said why these entries are missing."""

    code = "gap_acknowledged"
    title = "The gap is acknowledged already"


class SealerMissing(Unavailable):
    """Nobody in this process keeps the subjects' keys, so nothing can be sealed or opened."""

    code = "sealer_missing"
    title = "Nothing can be sealed here"
