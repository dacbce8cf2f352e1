"""What a caller of this package can have to decide about. None of these depends on the data: a refusal releases
nothing."""

from governance.kernel.errors import BudgetExhausted, Conflict, IntegrityFailure, InvalidInput, NotFound, NotPermitted


class DatasetUnknown(NotFound):
    """No dataset of this key was registered."""

    code = "dataset_unknown"
    title = "No such dataset"


class DatasetMalformed(Conflict):
    """The registration or the frame that the loader returned does not fit: a missing column, a type that is not
    integer."""

    code = "dataset_malformed"
    title = "The dataset does not have its declared form"


class QuestionRefused(InvalidInput):
    """The question is outside the grammar: an undeclared column, a key that is not public, a cap out of range."""

    code = "question_refused"
    title = "The question is not one that can be asked"


class KeysNotPublic(QuestionRefused):
    """The column has no public list of keys, and which keys occur is itself about people."""

    code = "keys_not_public"
    title = "The column has no public keys"


class ChargeRefused(InvalidInput):
    """Epsilon or delta is not positive, is finer than the unit of account, or does not fit the mechanism."""

    code = "charge_refused"
    title = "The privacy loss asked for is not valid"


class BudgetUnknown(NotFound):
    """There is no such budget."""

    code = "budget_unknown"
    title = "No such budget"


class BudgetExists(Conflict):
    """The dataset has a budget for this purpose. A second one would double what its people were promised."""

    code = "budget_exists"
    title = "The budget exists"


class BudgetMismatch(NotPermitted):
    """The budget belongs to another dataset or purpose than the question."""

    code = "budget_mismatch"
    title = "The budget is for something else"


class BudgetSpent(BudgetExhausted):
    """What is left does not cover the charge; nothing was charged."""

    code = "budget_spent"
    title = "The privacy budget does not cover this question"


class InsideTransaction(Conflict):
    """Asked inside a transaction of the caller, whose rollback would take the charge back after the answer was seen."""

    code = "inside_transaction"
    title = "A question cannot be part of a larger transaction"


class LedgerRolledBack(IntegrityFailure):
    """The ledger shows less spent than this installation has spent: a restored backup, or an edited table."""

    code = "ledger_rolled_back"
    title = "The privacy ledger was rolled back"


class ChargeExceeded(IntegrityFailure):
    """The loss of the mechanism is greater than its charge; nothing was drawn."""

    code = "charge_exceeded"
    title = "The mechanism costs more than was charged"


class ReservationSettled(Conflict):
    """The reservation was committed or voided before."""

    code = "reservation_settled"
    title = "The reservation is settled"


class ReleaseUnknown(NotFound):
    """There is no such release."""

    code = "release_unknown"
    title = "No such release"
