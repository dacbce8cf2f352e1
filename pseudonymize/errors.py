"""What callers of this package can be told: one class per decision. None of them ever quotes a value."""

from __future__ import annotations

from governance.kernel.errors import (
    BudgetExhausted,
    Conflict,
    IntegrityFailure,
    InvalidInput,
    NotFound,
    NotPermitted,
    TooManyRequests,
    Unavailable,
)


class SubjectUnknown(NotFound):
    """There is no such data subject in the vault."""

    code = "subject_unknown"
    title = "No such data subject"


class SubjectForgotten(NotFound):
    """The subject was erased: the key is destroyed and what was sealed under it does not open again (Art. 17)."""

    code = "subject_forgotten"
    status = 410
    title = "This data subject was erased"


class SubjectSuppressed(NotPermitted):
    """The person is on the suppression list: an erased person is not brought back by the next import."""

    code = "subject_suppressed"
    title = "This person is suppressed"


class IdentifierConflict(Conflict):
    """The identifiers belong to different subjects. Nothing was changed; a person has to decide who it is."""

    code = "identifier_conflict"
    title = "The identifiers belong to different subjects"


class IdentifierMalformed(InvalidInput):
    """An identifier has no canonical form: it is not an e-mail address, a phone number, … at all."""

    code = "identifier_malformed"
    title = "An identifier is malformed"


class IdentityNotAddressable(InvalidInput):
    """Without a customer id, an e-mail address, a phone or a national id the person could never be found again."""

    code = "identity_not_addressable"
    title = "The identity has nothing to find it by"


class KeyProviderUnavailable(Unavailable):
    """The provider of the key-encryption keys does not answer, or holds other keys than this database was written with."""

    code = "key_provider_unavailable"
    title = "The keys are not available"


class KeyNotHeld(KeyProviderUnavailable):
    """The provider does not hold this version of the key-encryption key."""

    code = "key_not_held"
    title = "A version of the key-encryption key is missing"


class KeyDestroyed(NotFound):
    """The key was destroyed on purpose: what it protected is gone."""

    code = "key_destroyed"
    status = 410
    title = "The key was destroyed"


class KeyExhausted(Conflict):
    """The key has encrypted what one may; nothing is done with it any more until its domain is in the next epoch."""

    code = "key_exhausted"
    title = "The domain's key has encrypted as much as one may"


class KeyInUse(Conflict):
    """The key still protects something: rewrap first."""

    code = "key_in_use"
    title = "The key still protects something"


class DomainUnknown(NotFound):
    """There is no pseudonymisation domain of that name."""

    code = "domain_unknown"
    title = "No such pseudonymisation domain"


class DomainMismatch(Conflict):
    """The domain exists for another purpose or join group; a domain does not change what it is for."""

    code = "domain_mismatch"
    title = "The domain exists with other terms"


class PolicyInvalid(InvalidInput):
    """The policy is not one that can be run; `errors` lists line, pointer and what is wrong there."""

    code = "policy_invalid"
    title = "The policy is not valid"


class PolicyUnknown(NotFound):
    """No policy of that name was published."""

    code = "policy_unknown"
    title = "No such policy"


class ColumnsNotCovered(InvalidInput):
    """The table has columns that the policy does not name. The world is closed: nothing passes by being forgotten."""

    code = "columns_not_covered"
    title = "The policy does not cover every column"


class ColumnsMissing(InvalidInput):
    """The policy names columns that the table does not have."""

    code = "columns_missing"
    title = "The table lacks columns of the policy"


class TableUnreadable(InvalidInput):
    """The table cannot be worked on: duplicate columns, a type that a transform does not take, a file that is not one."""

    code = "table_unreadable"
    title = "The table cannot be read"


class TransformFailed(InvalidInput):
    """A value could not be transformed, and the policy says to stop then. Names the column and how many, never the value."""

    code = "transform_failed"
    title = "A column could not be transformed"


class NotReversible(InvalidInput):
    """The transform has no way back: a keyed MAC, a mask, a coarser value."""

    code = "not_reversible"
    title = "This transform has no way back"


class AlreadyPseudonymized(Conflict):
    """The input is the output of an earlier run, and the policy has transforms that cannot tell: it would be worked twice."""

    code = "already_pseudonymized"
    title = "The input is pseudonymised already"


class RunInProgress(Conflict):
    """Another process is working on this very output."""

    code = "run_in_progress"
    title = "The output is being written"


class VaultNeeded(InvalidInput):
    """The policy has random or shreddable tokens, which need the vault's tables: it runs in the house, not on a cluster."""

    code = "vault_needed"
    title = "The policy needs the vault"


class LeaseExpired(NotPermitted):
    """The keys that were lent have expired; the executor asks again."""

    code = "lease_expired"
    title = "The lease of the keys has expired"


class RiskTooHigh(NotPermitted):
    """The output singles people out more than the policy allows, and suppressing rows would cost more than it allows."""

    code = "risk_too_high"
    title = "The output singles people out"


class ResidualPersonalData(NotPermitted):
    """Personal data was found in the output: it does not leave."""

    code = "residual_personal_data"
    title = "The output still holds personal data"


class ManifestUnknown(NotFound):
    """There is no such manifest."""

    code = "manifest_unknown"
    title = "No such manifest"


class ManifestForged(InvalidInput):
    """What was handed in is not a manifest that this service signed."""

    code = "manifest_forged"
    title = "This service did not sign that manifest"


class ManifestInvalid(IntegrityFailure):
    """The manifest's signature does not hold, or it is about another file."""

    code = "manifest_invalid"
    title = "The manifest is not valid"


class InvalidRequest(InvalidInput):
    """The request to reveal lacks something, or asks for too much."""

    code = "invalid_reveal_request"
    title = "The request to reveal is not valid"


class DualControlRequired(NotPermitted):
    """Re-identification takes a requester and two other people (design: dual control)."""

    code = "dual_control_required"
    title = "Two other people have to approve"


class GrantNotUsable(NotPermitted):
    """The grant is not approved, expired, spent, or for other tokens."""

    code = "grant_not_usable"
    title = "The grant cannot be used"


class RevealUnknown(GrantNotUsable):
    """There is no such request to reveal. Told apart from one that cannot be used only by its code."""

    code = "reveal_request_unknown"
    status = 404
    title = "No such request to reveal"


class RevealBudgetSpent(BudgetExhausted):
    """The requester, or one of the people, was part of as many reveals as a month allows."""

    code = "reveal_budget_spent"
    title = "The budget of reveals is spent"


class BridgeUnknown(NotFound):
    """There is no such bridge between domains."""

    code = "bridge_unknown"
    title = "No such bridge"


class BridgeNotUsable(NotPermitted):
    """The bridge is not approved, expired, revoked, for other columns, or its rows are used up."""

    code = "bridge_not_usable"
    title = "The bridge cannot be used"


class TooManyTranslations(TooManyRequests):
    """The bridge was used as often as a minute allows."""

    code = "too_many_translations"
    title = "The bridge was used too often"


class TokensNotTranslatable(InvalidInput):
    """Values that are no tokens of the bridge's source, or whose kind no bridge can cross."""

    code = "tokens_not_translatable"
    title = "These tokens cannot be translated"


class BodyUnreadable(InvalidInput):
    """The body is not what its content type says."""

    code = "body_unreadable"
    status = 400
    title = "The body cannot be read"


class TextNotExamined(InvalidInput):
    """A text takes so long to search that it was not searched to its end; what was not examined does not pass."""

    code = "text_not_examined"
    title = "A text takes too long to search"


class TooMuchWork(InvalidInput):
    """More rows, columns, characters or distinct values than one call may ask for."""

    code = "too_much_work"
    title = "The call asks for too much at once"


class FileJobUnknown(NotFound):
    """There is no such file job, or it is somebody else's."""

    code = "file_job_unknown"
    title = "No such file job"


class FileJobNotDone(Conflict):
    """The file is not ready yet, or never will be: ask for the job's state."""

    code = "file_job_not_done"
    title = "The file is not ready"
