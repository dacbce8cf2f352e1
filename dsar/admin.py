"""Requests in the console: a queue by legal deadline, and a page with clock, plan, steps, certificate and next steps.

Nothing here is edited: the buttons call verbs, each asks what it needs, and nothing personal is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from dsar import certificates, desk, execution, planning
from dsar.clocks import Clock, Pace
from dsar.errors import RequestNotFound
from dsar.models import StatusChange, SubjectRequest
from dsar.references import reference
from dsar.requests import GROUNDS
from dsar.states import ARTICLES, RequestType, Status
from governance.kernel.actors import Actor, ActorKind
from governance.kernel.admin import ReadOnlyAdmin, ReadOnlyTabularInline, display, register
from governance.kernel.errors import GovernanceError

_PACE_WORDS = {
    Pace.ON_TRACK: "on track",
    Pace.APPROACHING: "soon due",
    Pace.OVERDUE: "overdue",
    Pace.ANSWERED: "answered",
}
_TABLE = '<table class="w-full text-sm"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>'


class StatusChangeInline(ReadOnlyTabularInline):
    """The history, each line with its entry in the log."""

    model = StatusChange
    fields = ("at", "from_status", "to_status", "actor", "reason_code", "entry_id")
    ordering = ("id",)
    verbose_name_plural = "history"


@register(SubjectRequest)
class SubjectRequestAdmin(ReadOnlyAdmin):
    """The queue, the most urgent first."""

    list_display = ("number", "what", "stage", "days_left", "due_on", "received_at", "intake_channel", "blocked_reason")
    list_filter = ("status", "type", "intake_channel", "extended", "due_on")
    ordering = (F("answered_at").desc(nulls_first=True), "due_on", "id")
    search_fields: ClassVar[tuple[str, ...]] = ()
    inlines = (StatusChangeInline,)
    fieldsets = (
        (None, {"fields": ("next_steps", "number", "what", "stage_text", "time_text", "clock_text", "same_claimant")}),
        ("Plan", {"fields": ("plan_table",)}),
        ("Steps", {"fields": ("step_table", "search_text")}),
        ("Certificate", {"fields": ("certificate_text",)}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """All of them."""
        return tuple(name for _, options in self.fieldsets for name in options["fields"])

    def get_urls(self) -> list[URLPattern]:
        """The pages behind the buttons."""
        act = path(
            "<uuid:request_id>/act/<slug:key>/", self.admin_site.admin_view(self.act), name="dsar_subjectrequest_act"
        )
        return [act, *super().get_urls()]

    @admin.display(description="reference", ordering="id")
    def number(self, row: SubjectRequest) -> str:
        return reference(row.pk)

    @admin.display(description="request")
    def what(self, row: SubjectRequest) -> str:
        return f"{row.get_type_display()} (Art. {ARTICLES[RequestType(row.type)]})"

    @display(  # type: ignore[untyped-decorator]
        description="stage",
        ordering="status",
        label={
            **dict.fromkeys((status.value for status in Status), "info"),
            Status.BLOCKED.value: "danger",
            Status.FAILED.value: "danger",
            Status.PLANNED.value: "warning",
            Status.ASSESSING.value: "warning",
            Status.COMPLETED.value: "success",
            Status.RESPONDED.value: "success",
        },
    )
    def stage(self, row: SubjectRequest) -> tuple[str, str]:
        return row.status, row.get_status_display()

    @display(  # type: ignore[untyped-decorator]
        description="time left",
        ordering="due_on",
        label={
            Pace.ON_TRACK.value: "success",
            Pace.APPROACHING.value: "warning",
            Pace.OVERDUE.value: "danger",
            Pace.ANSWERED.value: "info",
        },
    )
    def days_left(self, row: SubjectRequest) -> tuple[str, str]:
        return row.clock.pace.value, _time_left(row.clock)

    @admin.display(description="stage")
    def stage_text(self, row: SubjectRequest) -> str:
        return f"{row.get_status_display()} {row.blocked_reason}".strip()

    @admin.display(description="time left")
    def time_text(self, row: SubjectRequest) -> str:
        return _time_left(row.clock)

    @admin.display(description="clock (Art. 12(3))")
    def clock_text(self, row: SubjectRequest) -> str:
        events = ", ".join(f"{event.kind} {event.at:%Y-%m-%d} → due {event.due_on}" for event in row.clock_events.all())
        return f"Received {row.received_at:%Y-%m-%d %H:%M} UTC, due {row.due_on}. {events}"

    @admin.display(description="other requests under the same claims")
    def same_claimant(self, row: SubjectRequest) -> SafeString:
        from dsar.claims import same_claimant

        links = [
            (reverse("admin:dsar_subjectrequest_change", args=[other]), reference(other))
            for other in same_claimant(row)
        ]
        return format_html_join(", ", '<a href="{}">{}</a>', links) or format_html("{}", "none")

    @admin.display(description="what you can do")
    def next_steps(self, row: SubjectRequest) -> SafeString:
        links = [
            (reverse("admin:dsar_subjectrequest_act", args=[row.pk, act.key]), f"{act.title} …")
            for act in desk.possible(row)
        ]
        return format_html_join(
            " · ", '<a class="font-semibold text-primary-600" href="{}">{}</a>', links
        ) or format_html("{}", "Nothing: it goes on by itself, or has ended.")

    @admin.display(description="plan")
    def plan_table(self, row: SubjectRequest) -> SafeString:
        plan = planning.latest(row.pk)
        if plan is None:
            return format_html("{}", "No plan yet.")
        lines = [
            (node.position, node.title, node.action.value, node.expected_rows, ", ".join(node.tables))
            for node in plan.nodes
        ]
        head = format_html(
            "Version {}, SHA-256 <code>{}</code>, {} rows expected.",
            plan.version,
            plan.content_sha256,
            plan.expected_rows,
        )
        return format_html("<p>{}</p>{}", head, _table(("#", "source", "action", "expected rows", "tables"), lines))

    @admin.display(description="steps")
    def step_table(self, row: SubjectRequest) -> SafeString:
        steps = execution.steps_of(row.pk)
        if not steps:
            return format_html("{}", "None yet.")
        lines = [
            (
                s.position,
                s.title,
                s.status.value,
                s.expected,
                s.deleted,
                s.anonymised,
                s.shredded,
                s.retained,
                s.attempts,
            )
            for s in steps
        ]
        heads = ("#", "source", "status", "expected", "deleted", "anonymised", "shredded", "kept", "attempts")
        return _table(heads, lines)

    @admin.display(description="independent search")
    def search_text(self, row: SubjectRequest) -> str:
        from dsar.models import RescanResult

        found = RescanResult.objects.filter(plan__request=row).order_by("-id").first()
        if found is None:
            return "Not yet."
        return f"{found.at:%Y-%m-%d %H:%M} UTC: {found.residual} left in {len(found.tables)} columns."

    @admin.display(description="certificate")
    def certificate_text(self, row: SubjectRequest) -> SafeString:
        try:
            certificate = certificates.of(row.pk)
        except RequestNotFound:
            return format_html("{}", "None.")
        kept = [(one.table, one.count, one.ground, one.until or "–") for one in certificate.retained]
        return format_html(
            "<p>Verified with key <code>{}</code>. Backups unreadable by {}.</p>{}"
            "<details><summary>Signed text</summary>"
            '<pre style="white-space: pre-wrap; overflow-wrap: anywhere">{}</pre></details>',
            certificate.key_id,
            certificate.backups_unreadable_by,
            _table(("kept in", "rows", "ground", "until"), kept),
            certificate.jws,
        )

    def act(self, request: HttpRequest, request_id: UUID, key: str) -> HttpResponse:
        """Ask what the act needs, then call its verb as this member of staff."""
        chosen = desk.find(key)
        row = SubjectRequest.objects.filter(pk=request_id).first()
        if chosen is None or row is None:
            raise Http404
        if not request.user.has_perm(chosen.permission):
            raise PermissionDenied
        back = reverse("admin:dsar_subjectrequest_change", args=[request_id])
        missing = ""
        if request.method == "POST":
            text = request.POST.get("text", "").strip()
            if chosen.asks and not text:
                missing = "This is needed."
            else:
                self._do(
                    request, chosen, request_id, desk.Given(_staff(request), text, request.POST.get("seen_sha256", ""))
                )
                return HttpResponseRedirect(back)
        context = {
            **admin.site.each_context(request),
            "title": chosen.title,
            "act": chosen,
            "reference": reference(request_id),
            "plan": planning.latest(request_id) if chosen.key == "approve" else None,
            "grounds": sorted(GROUNDS.items()),
            "missing": missing,
            "back": back,
        }
        return render(request, "admin/dsar/act.html", context)

    def _do(self, request: HttpRequest, chosen: desk.Act, request_id: UUID, given: desk.Given) -> None:
        try:
            desk.carry_out(chosen, request_id, given)
        except GovernanceError as error:
            messages.error(request, str(error.detail))
        else:
            messages.success(request, f"{chosen.title}: done.")


def _time_left(clock: Clock) -> str:
    """Days and pace in words: the colour beside it says nothing more."""
    if clock.pace is Pace.ANSWERED:
        return _PACE_WORDS[clock.pace]
    days = f"{abs(clock.days_left)} days {'late' if clock.days_left < 0 else 'left'}"
    return f"{days}, {_PACE_WORDS[clock.pace]}"


def _staff(request: HttpRequest) -> Actor:
    return Actor(ActorKind.STAFF, str(request.user.pk))


def _table(heads: tuple[str, ...], lines: Sequence[tuple[object, ...]]) -> SafeString:
    head = format_html_join("", '<th class="text-left pr-4">{}</th>', ((one,) for one in heads))
    cells = [
        (format_html_join("", '<td class="pr-4 align-top">{}</td>', ((cell,) for cell in line)),) for line in lines
    ]
    return format_html(_TABLE, head, format_html_join("", "<tr>{}</tr>", cells))
