"""A statement about experiments that holds at any time."""

from typing import Final

from engine.experiments.assignment import arms_of
from engine.experiments.models import Experiment, Exposure
from governance.kernel.ids import SubjectId
from governance.kernel.invariants import Finding, invariant

_MOST: Final = 100
_CHUNK: Final = 50_000


@invariant("experiments.exposed_as_assigned")
def exposed_as_assigned() -> Finding:
    """Everybody was exposed to the arm that the experiment and their id give."""
    checked, wrong = 0, []
    for experiment in Experiment.objects.all():
        last = 0
        while rows := list(
            Exposure.objects.filter(experiment=experiment, pk__gt=last)
            .order_by("pk")
            .values_list("pk", "subject_id", "arm")[:_CHUNK]
        ):
            arms = arms_of(experiment.key, [SubjectId(row[1]) for row in rows], experiment.arms, experiment.holdout)
            wrong += [str(row[0]) for row, arm in zip(rows, arms, strict=True) if row[2] != arm]
            checked, last = checked + len(rows), rows[-1][0]
    return Finding(checked, tuple(wrong[:_MOST]))
