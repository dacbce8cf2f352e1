"""Our own technical tables: sessions, finished jobs, Django's list of console actions, who changed configuration.

They are places without data subjects, but not without people: a session is a member of staff at work, an action in
the console too.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.apps import apps
from django.db.models import QuerySet

from governance.retention.disposables import Action, DisposableDefaults
from governance.retention.rules import DefaultRule


class _Rows(DisposableDefaults):
    """Rows of one table that are too old by one of its columns."""

    key: str
    title: str
    label: str
    tables: frozenset[str]
    action = Action.DELETE

    def too_old(self, rows: QuerySet[Any], before: datetime) -> QuerySet[Any]:
        """The rows up to that instant."""
        raise NotImplementedError

    def take(self, rows: QuerySet[Any]) -> int:
        """Do what the place does to rows that are too old; returns to how many."""
        return rows.delete()[0]

    def candidates(self, before: datetime, held: frozenset[UUID]) -> int:
        return self.too_old(self._rows(), before).count()

    def dispose(self, before: datetime, limit: int, held: frozenset[UUID]) -> int:
        # Rows that somebody is using right now are left for the next run.
        locked = self.too_old(self._rows(), before).order_by("pk").select_for_update(of=("self",), skip_locked=True)
        return self.take(self._rows().filter(pk__in=list(locked.values_list("pk", flat=True)[:limit])))

    def _rows(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = apps.get_model(self.label)._base_manager.all()
        return rows


class Sessions(_Rows):
    """Sessions of the console, from the moment when they run out."""

    key = "house.sessions"
    title = "Expired sessions"
    label = "sessions.Session"
    tables = frozenset({"django_session"})

    def too_old(self, rows: QuerySet[Any], before: datetime) -> QuerySet[Any]:
        return rows.filter(expire_date__lt=before)


class FinishedJobs(_Rows):
    """Jobs that are done. Dead letters stay until somebody has looked at them."""

    key = "house.jobs"
    title = "Finished jobs"
    label = "jobs.Job"
    tables = frozenset({"jobs_job"})

    def too_old(self, rows: QuerySet[Any], before: datetime) -> QuerySet[Any]:
        return rows.filter(state="done", finished_at__lt=before)


class ConsoleActions(_Rows):
    """Django's own list of what was done in the console; ours is the audit log."""

    key = "house.console_actions"
    title = "Django's list of console actions"
    label = "admin.LogEntry"
    tables = frozenset({"django_admin_log"})

    def too_old(self, rows: QuerySet[Any], before: datetime) -> QuerySet[Any]:
        return rows.filter(action_time__lt=before)


class ConfigurationActors(_Rows):
    """Who changed configuration, in django-auditlog's rows: the link to the account goes, the change stays.

    The columns for an e-mail address and a network address are never filled here (`audit.capture`,
    AUDITLOG_DISABLE_REMOTE_ADDR), and the database refuses any other change of these rows.
    """

    key = "house.configuration_actors"
    title = "Who changed configuration"
    label = "auditlog.LogEntry"
    tables = frozenset({"auditlog_logentry"})
    action = Action.ANONYMISE

    def too_old(self, rows: QuerySet[Any], before: datetime) -> QuerySet[Any]:
        return rows.filter(timestamp__lt=before, actor__isnull=False)

    def take(self, rows: QuerySet[Any]) -> int:
        return rows.update(actor=None)


PLACES: Final = (Sessions(), FinishedJobs(), ConsoleActions(), ConfigurationActors())
RULES: Final = (
    DefaultRule("house.sessions", 0, "A session that has run out is of no use to anybody (Art. 5(1)(e))."),
    DefaultRule(
        "house.jobs",
        30,
        "Finished work is looked at for a month when something went wrong; its effects are in the log.",
    ),
    DefaultRule(
        "house.console_actions", 365, "A year of staff's actions for the access review; the audit log is the evidence."
    ),
    DefaultRule(
        "house.configuration_actors",
        1_095,
        "Three years: until claims about a configuration lapse; the change itself stays.",
    ),
)
