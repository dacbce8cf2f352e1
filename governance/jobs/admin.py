from governance.jobs.models import Job, Periodic
from governance.kernel.admin import ReadOnlyAdmin, register


@register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = ("id", "kind", "state", "attempts", "run_after", "error_class", "finished_at")
    list_filter = ("state", "kind")


@register(Periodic)
class PeriodicAdmin(ReadOnlyAdmin):
    list_display = ("name", "next_at", "last_finished_at", "error_class")
