"""Defining experiments, assigning, noting who was exposed, and the check that stands before every result."""

from collections.abc import Mapping, Sequence
from typing import Final

from django.db import connection, transaction
from django.db.models import Count

from audit import log
from engine.experiments.assignment import HOLDOUT, arms_of
from engine.experiments.errors import ExperimentDefined, ExperimentUnknown
from engine.experiments.models import Experiment, Exposure
from engine.experiments.ratio import THRESHOLD, Ratio, check
from governance.kernel.actors import Actor
from governance.kernel.clock import now
from governance.kernel.ids import SubjectId

_EXPOSE: Final = """
INSERT INTO engine_experiments_exposure (experiment_id, subject_id, arm, exposed_at)
SELECT %(experiment)s, subject, arm, %(at)s FROM unnest(%(subjects)s::uuid[], %(arms)s::text[]) AS new (subject, arm)
ON CONFLICT (experiment_id, subject_id) DO NOTHING
"""


def define(key: str, *, arms: Mapping[str, float], holdout: float = 0.0, actor: Actor) -> None:
    """Define an experiment; doing it again in the same words changes nothing.

    Raises ExperimentInvalid, ExperimentDefined when the key stands for other arms.
    """
    arms_of(key, [], arms, holdout)
    with transaction.atomic():
        experiment, made = Experiment.objects.get_or_create(
            key=key, defaults={"arms": dict(arms), "holdout": holdout, "defined_at": now(), "defined_by": str(actor)}
        )
        if not made and (experiment.arms != dict(arms) or experiment.holdout != holdout):
            raise ExperimentDefined("Take another key for other arms.")
        if made:
            log.emit(
                "experiments.defined",
                actor=actor,
                object=f"experiment:{key}",
                facts={"arms": dict(arms), "holdout": holdout},
            )


def assign(key: str, subjects: Sequence[SubjectId]) -> list[str]:
    """The arm of each subject, in order. Writes nothing; one query. Raises ExperimentUnknown."""
    experiment = _find(key)
    return arms_of(key, subjects, experiment.arms, experiment.holdout)


def expose(key: str, subjects: Sequence[SubjectId]) -> int:
    """Note that these people were treated by their arms, those in the holdout by being left alone; once each. Returns how many are new.

    Call it where the treatment happens, in its transaction, and not where the assignment does: who was never reached would blur the
    comparison. Raises ExperimentUnknown.
    """
    experiment = _find(key)
    arms = arms_of(key, subjects, experiment.arms, experiment.holdout)
    with connection.cursor() as cursor:
        cursor.execute(_EXPOSE, {"experiment": experiment.pk, "at": now(), "subjects": list(subjects), "arms": arms})
        added: int = cursor.rowcount
    return added


def check_ratio(key: str, threshold: float = THRESHOLD) -> Ratio:
    """Compare the exposed people's arms with the plan. Raises ExperimentUnknown, ExperimentInvalid when nobody was exposed yet."""
    experiment = _find(key)
    counts = (
        Exposure.objects.filter(experiment=experiment).exclude(arm=HOLDOUT).values_list("arm").annotate(Count("id"))
    )
    return check(dict(counts), experiment.arms, threshold)


def _find(key: str) -> Experiment:
    experiment = Experiment.objects.filter(key=key).first()
    if experiment is None:
        raise ExperimentUnknown("No such experiment.")
    return experiment
