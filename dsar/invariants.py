"""What must hold over all requests at any time, also after a kill -9."""

from __future__ import annotations

from django.db.models import Exists, OuterRef

from dsar.models import Certificate, Plan, RescanResult, Step, SubjectRequest
from dsar.states import TERMINAL_STEPS, RequestType, Status
from governance.kernel.ids import SubjectId
from governance.kernel.invariants import Finding, invariant
from pseudonymize import vault

_DONE = [Status.COMPLETED.value, Status.RESPONDED.value, Status.CLOSED.value, Status.PURGED.value]
_TERMINAL = sorted(status.value for status in TERMINAL_STEPS)


def _ids(rows: object) -> tuple[str, ...]:
    return tuple(str(identifier) for identifier in rows[:100])  # type: ignore[index]


@invariant("dsar.completed_erasure_left_nothing")
def completed_erasure_left_nothing() -> Finding:
    """The last search of every certified erasure found nothing."""
    certified = SubjectRequest.objects.filter(Exists(Certificate.objects.filter(request=OuterRef("pk"))))
    last = RescanResult.objects.filter(plan__request=OuterRef("pk")).order_by("-id").values("residual")[:1]
    broken = certified.annotate(residual=last).exclude(residual=0).values_list("pk", flat=True)
    return Finding(certified.count(), _ids(broken))


@invariant("dsar.completed_erasure_is_certified")
def completed_erasure_is_certified() -> Finding:
    """Every erasure whose steps were completed has its certificate."""
    completed = SubjectRequest.objects.filter(
        type=RequestType.ERASURE.value,
        changes__to_status=Status.COMPLETED.value,
        changes__from_status=Status.VERIFYING.value,
    )
    broken = completed.filter(certificate__isnull=True).values_list("pk", flat=True)
    return Finding(completed.count(), _ids(broken))


@invariant("dsar.completed_erasure_is_suppressed")
def completed_erasure_is_suppressed() -> Finding:
    """Everybody with a certificate is a tombstone in the vault: the next import cannot bring them back."""
    rows = SubjectRequest.objects.filter(certificate__isnull=False, subject_id__isnull=False)
    subjects = {
        SubjectId(subject): str(pk) for pk, subject in rows.values_list("pk", "subject_id") if subject is not None
    }
    erased = vault.erased_among(list(subjects))
    return Finding(len(subjects), tuple(pk for subject, pk in subjects.items() if subject not in erased)[:100])


@invariant("dsar.completed_steps_are_terminal")
def completed_steps_are_terminal() -> Finding:
    """No request went on to an answer while a step of its newest plan was unfinished."""
    newest = Plan.objects.filter(request=OuterRef("plan__request")).order_by("-version").values("pk")[:1]
    steps = Step.objects.filter(plan__request__status__in=_DONE, plan=newest)
    broken = steps.exclude(status__in=_TERMINAL).values_list("pk", flat=True)
    return Finding(steps.count(), _ids(broken))


@invariant("dsar.status_is_the_last_change")
def status_is_the_last_change() -> Finding:
    """The status of a request is what its append-only history says."""
    from dsar.models import StatusChange

    last = StatusChange.objects.filter(request=OuterRef("pk")).order_by("-id").values("to_status")[:1]
    requests = SubjectRequest.objects.annotate(last_status=last)
    broken = [str(row.pk) for row in requests.iterator() if row.status != (row.last_status or Status.RECEIVED.value)]
    return Finding(requests.count(), tuple(broken[:100]))
