"""Pages of the console about consent: the explorer, one person's timeline, a notice to be published."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from consent import notices, receipts
from consent.errors import NoticeIncomplete
from consent.models import NoticeVersion
from consent.notices import NoticeText
from consent.terms import Channel
from governance import purposes
from governance.accounts.api import actor_of
from governance.console import consent_explorer
from governance.console.consent_explorer import PERIODS, Asked
from governance.kernel.errors import GovernanceError
from governance.kernel.ids import SubjectId, from_opaque, opaque

_LISTS = ("recipients", "data_categories")


@require_safe
@permission_required("consent.view_consentevent", raise_exception=True)
def explorer(request: HttpRequest) -> HttpResponse:
    """Where people stand, how that moved, how far they come, who lags: narrowed by purpose, channel, notice and period."""
    asked = _asked(request)
    if (sought := request.GET.get("subject", "").strip()) and _subject(sought) is not None:
        return HttpResponseRedirect(reverse("console_consent_subject", args=[sought]))
    context = {
        "asked": asked,
        "sought": sought,
        "purposes": [one.key for one in purposes.all_current()],
        "channels": [one.value for one in Channel],
        "notices": NoticeVersion.objects.order_by("key", "language", "-version")[:200],
        "periods": PERIODS,
        "standings": consent_explorer.standings(asked),
        "trend": consent_explorer.trend(asked),
        "stages": consent_explorer.stages(asked),
        "lags": consent_explorer.lags(),
        "plot": {"width": consent_explorer.WIDTH, "height": consent_explorer.HEIGHT, "left": consent_explorer.LEFT},
    }
    return render(request, "console/consent.html", _context(request, "Consent", **context))


@require_safe
@permission_required("consent.view_consentevent", raise_exception=True)
def subject(request: HttpRequest, subject: str) -> HttpResponse:
    """One person's timeline by opaque id: every event, its proof in the log, its receipt."""
    identifier = _subject(subject)
    timeline = consent_explorer.timeline(identifier) if identifier is not None else []
    chosen = request.GET.get("receipt", "")
    shown = next((one for one in timeline if str(one.event.event_id) == chosen), None)
    context = {
        "subject": subject,
        "timeline": timeline,
        "receipt": receipts.issue(shown.event.event_id) if shown else "",
        "receipt_of": shown,
        "changed": [one for one in timeline if one.unchanged is False],
    }
    status = 200 if timeline else 404
    return render(request, "console/consent_subject.html", _context(request, "Timeline", **context), status=status)


class NoticeForm(forms.Form):
    """The words of a notice; `lint` says what is missing."""

    key = forms.SlugField(max_length=64, help_text="The same key is the next version of that notice.")
    language = forms.ChoiceField(choices=[(code, code) for code in notices.LANGUAGES])
    material_change = forms.BooleanField(
        required=False, help_text="The substance changes: every consent under an earlier version is asked for again."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = [(str(one.key), one.title_en) for one in purposes.all_current()]
        self.fields["purposes"] = forms.MultipleChoiceField(choices=offered, required=False)
        for name in NoticeText.__dataclass_fields__:
            rows = 2 if name in {"title", "controller", "controller_contact", "dpo_contact"} else 4
            self.fields[name] = forms.CharField(
                required=False,
                widget=forms.Textarea(attrs={"rows": rows}),
                help_text="One a line." if name in _LISTS else "",
            )


@require_http_methods(["GET", "POST"])
@permission_required("consent.view_noticeversion", raise_exception=True)
def publish_notice(request: HttpRequest) -> HttpResponse:
    """Write the next version of a notice: preview it with what Art. 13 still asks for, then publish it for good."""
    form = NoticeForm(request.POST or None, initial=_initial(request))
    context: dict[str, Any] = {"form": form, "may_publish": request.user.has_perm("consent.add_noticeversion")}
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        words = _words(said)
        preview = notices.worded(**words)
        missing = notices.lint(preview, said["language"], [purposes.current(key) for key in said["purposes"]])
        context |= {"preview": preview, "missing": missing, "linted": True}
        if "publish" in request.POST and not missing and context["may_publish"]:
            try:
                published = notices.publish(
                    said["key"],
                    said["language"],
                    purposes=said["purposes"],
                    material_change=said["material_change"],
                    actor=actor_of(request),
                    **words,
                )
            except NoticeIncomplete as error:  # the purposes changed meanwhile
                context["missing"] = [(one["pointer"], one["detail"]) for one in error.fields["errors"]]  # type: ignore[index,union-attr,call-overload]
            else:
                return HttpResponseRedirect(reverse("admin:consent_noticeversion_change", args=[published]))
    return render(request, "console/notice.html", _context(request, "Publish a notice", **context))


def _initial(request: HttpRequest) -> dict[str, Any]:
    """The words of an existing version to start from (`?from=<id>`)."""
    try:
        before = notices.version(UUID(request.GET.get("from", "")))
    except (ValueError, GovernanceError):
        return {}
    said = {name: getattr(before.text, name) for name in NoticeText.__dataclass_fields__}
    lines = {name: "\n".join(value) if isinstance(value, tuple) else value for name, value in said.items()}
    return {"key": before.key, "language": before.language, "purposes": list(before.purposes)} | lines


def _words(said: dict[str, Any]) -> dict[str, Any]:
    words: dict[str, Any] = {name: said[name].strip() for name in NoticeText.__dataclass_fields__}
    return words | {name: tuple(line.strip() for line in said[name].splitlines() if line.strip()) for name in _LISTS}


def _asked(request: HttpRequest) -> Asked:
    try:
        notice: UUID | None = UUID(request.GET.get("notice", ""))
    except ValueError:
        notice = None
    return Asked(
        purpose=request.GET.get("purpose", ""),
        channel=request.GET.get("channel", ""),
        notice=notice,
        days=PERIODS.get(request.GET.get("days", ""), 90),
    )


def _subject(text: str) -> SubjectId | None:
    try:
        return SubjectId(from_opaque("sub", text))
    except GovernanceError:
        return None


def _context(request: HttpRequest, title: str, **values: Any) -> dict[str, Any]:
    return {**admin.site.each_context(request), "title": title, "opaque": opaque, **values}
