"""Pages of the console about notices: write the next version of one, and compare its versions and variants."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from consent import notices
from consent.errors import NoticeIncomplete
from consent.models import NoticeVersion
from consent.notice_text import FIELDS, LISTS, POINTS
from governance import purposes
from governance.accounts.api import actor_of
from governance.console import notice_history
from governance.console.consent_views import console_context
from governance.console.notice_history import Shown
from governance.kernel.admin import Checkboxes, Choices, Line, Lines, Switch
from governance.kernel.errors import GovernanceError

_SHORT = frozenset({"title", "controller", "controller_contact", "dpo_contact"})
_OURS = {"controller", "controller_contact", "dpo_contact"}


class NoticeForm(forms.Form):
    """The words of a notice; each field says which point of Art. 13 or 14 it answers, and `lint` what is missing."""

    key = forms.SlugField(
        max_length=64,
        widget=Line,
        help_text="The same key is the next version of that notice.",
    )
    language = forms.ChoiceField(choices=[(code, code) for code in notices.LANGUAGES], widget=Choices)
    ui_variant = forms.SlugField(
        label="Variant", required=False, max_length=40, initial="default", widget=Line,
        help_text="A name for this wording, when you try more than one.",
    )  # fmt: skip
    material_change = forms.BooleanField(
        required=False,
        widget=Switch,
        help_text="The substance changes: every consent under an earlier version is asked for again.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = [(str(one.key), one.title_en) for one in purposes.all_current()]
        self.fields["purposes"] = forms.MultipleChoiceField(
            choices=offered, required=False, widget=Checkboxes, help_text="Art. 13(1)(c)"
        )
        for name in FIELDS:
            self.fields[name] = forms.CharField(
                required=False,
                widget=Lines(attrs={"rows": 1 if name in _SHORT else 3}),
                label="DPO contact" if name == "dpo_contact" else None,
                help_text=POINTS[name]
                + (". One a line." if name in LISTS else "")
                + (". Empty: as this service says of itself." if name in _OURS else ""),
            )


@require_http_methods(["GET", "POST"])
@permission_required("consent.view_noticeversion", raise_exception=True)
def publish_notice(request: HttpRequest) -> HttpResponse:
    """Write the next version of a notice: preview it with what Art. 13 and 14 still ask for, then publish it for good."""
    form = NoticeForm(request.POST or None, initial=_initial(request))
    context: dict[str, Any] = {"form": form, "may_publish": request.user.has_perm("consent.add_noticeversion")}
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        words = _words(said)
        preview = notices.worded(**words)
        covered = [purposes.current(key) for key in said["purposes"]]
        missing = notices.lint(preview, said["language"], covered)
        doubts = notices.doubts(preview, said["language"], covered)
        context |= {"preview": preview, "missing": missing, "doubts": doubts, "linted": True}
        if "publish" in request.POST and not missing and context["may_publish"]:
            try:
                notices.publish(
                    said["key"],
                    said["language"],
                    purposes=said["purposes"],
                    ui_variant=said["ui_variant"] or "default",
                    material_change=said["material_change"],
                    actor=actor_of(request),
                    **words,
                )
            except NoticeIncomplete as error:  # the purposes changed meanwhile
                context["missing"] = [(one["pointer"], one["detail"]) for one in error.fields["errors"]]  # type: ignore[index,union-attr,call-overload]
            else:
                return HttpResponseRedirect(reverse("console_notice_history", args=[said["key"]]))
    return render(request, "console/notice.html", console_context(request, "Publish a notice", **context))


@require_safe
@permission_required("consent.view_noticeversion", raise_exception=True)
def history(request: HttpRequest, key: str) -> HttpResponse:
    """Every version of a notice, who was shown it, and two of them beside each other (`?left=<id>&right=<id>`)."""
    versions = notice_history.versions(key)
    if not versions:
        raise Http404
    right = _chosen(request.GET.get("right"), versions) or versions[0]
    left = _chosen(request.GET.get("left"), versions) or _before(right, versions)
    context = {
        "key": key,
        "keys": NoticeVersion.objects.order_by("key").values_list("key", flat=True).distinct()[:50],
        "versions": versions,
        "left": left.notice,
        "right": right.notice,
        "passages": notice_history.compare(left.notice, right.notice),
    }
    return render(request, "console/notice_history.html", console_context(request, f"Notice {key}", **context))


def _chosen(text: str | None, versions: list[Shown]) -> Shown | None:
    return next((one for one in versions if str(one.notice.id) == text), None)


def _before(right: Shown, versions: list[Shown]) -> Shown:
    """The version before it in its language; itself when it is the first."""
    language, number = right.notice.language, right.notice.version
    earlier = [one for one in versions if one.notice.language == language and one.notice.version < number]
    return max(earlier, key=lambda one: one.notice.version, default=right)


def _initial(request: HttpRequest) -> dict[str, Any]:
    """The words of an existing version to start from (`?from=<id>`)."""
    try:
        before = notices.version(UUID(request.GET.get("from", "")))
    except (ValueError, GovernanceError):
        return {}
    said = {name: getattr(before.text, name) for name in FIELDS}
    lines = {name: "\n".join(value) if isinstance(value, tuple) else value for name, value in said.items()}
    start = {"key": before.key, "language": before.language, "ui_variant": before.ui_variant}
    return start | {"purposes": list(before.purposes)} | lines


def _words(said: dict[str, Any]) -> dict[str, Any]:
    words: dict[str, Any] = {name: said[name].strip() for name in FIELDS}
    return words | {name: tuple(line.strip() for line in said[name].splitlines() if line.strip()) for name in LISTS}
