"""From the claims of a request to a person, through the vault's blind indexes."""

from __future__ import annotations

from dsar import claims
from dsar.models import SubjectRequest
from dsar.states import VerificationResult
from governance.kernel.ids import SubjectId
from pseudonymize import vault


def find(request: SubjectRequest) -> SubjectId | None:
    """The person whom the claims name. The first kind that finds somebody decides, the e-mail address before all."""
    given = claims.read(request)
    found = (vault.find_subject(kind, given[kind]) for kind in claims.FINDING_KINDS if kind in given)
    return next((subject for subject in found if subject is not None), None)


def still_found(request: SubjectRequest) -> int:
    """Under how many claims of the request the vault still finds this person: zero after an erasure."""
    given = claims.read(request)
    return sum(
        vault.find_subject(kind, given[kind]) == request.subject_id for kind in claims.FINDING_KINDS if kind in given
    )


def is_confirmed(request: SubjectRequest) -> bool:
    """Whether the identity check of the request was passed."""
    return request.verifications.filter(result=VerificationResult.PASSED.value).exists()
