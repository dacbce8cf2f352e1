"""Experiments in the console."""

from engine.experiments import register
from engine.experiments.errors import ExperimentInvalid
from engine.experiments.models import Experiment
from governance.kernel.admin import ReadOnlyAdmin, display
from governance.kernel.admin import register as page


@page(Experiment)
class ExperimentAdmin(ReadOnlyAdmin):
    """What is compared, and whether the sizes of the arms can be trusted."""

    list_display = ("key", "arms", "holdout", "defined_at", "ratio")
    search_fields = ("key",)
    fields = ("key", "arms", "holdout", "ratio", "defined_at", "defined_by", "closed_at")
    readonly_fields = fields

    @display(description="Sample ratio")  # type: ignore[untyped-decorator]
    def ratio(self, experiment: Experiment) -> str:
        try:
            found = register.check_ratio(experiment.key)
        except ExperimentInvalid:
            return "nobody exposed yet"
        return f"{'matches' if found.matches else 'MISMATCH: read no result'} (p = {found.p_value:.4f})"
