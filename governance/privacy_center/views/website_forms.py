"""A form on another website: the script, what it asks, and where its answers go, with and without JavaScript."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.staticfiles import finders
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from consent import presentation
from consent.signals import gpc
from consent.terms import OptInStep
from governance.kernel import clock
from governance.kernel.errors import GovernanceError, InvalidInput
from governance.privacy_center import choices, guardians, website_forms
from governance.privacy_center.forms import AGE_UNANSWERED, TOO_YOUNG, EmailForm, OfAgeForm
from governance.privacy_center.languages import NAMES, public_page
from governance.privacy_center.models import ErrandKind
from governance.privacy_center.rendering import errors_in_words, page
from governance.privacy_center.views.choices import keep_errand
from governance.privacy_center.website_forms import Form, OriginNotRegistered

SCRIPT = "privacy_center/zgoda-form.js"
_LARGEST_BODY = 64 * 1024


class AnswersInvalid(InvalidInput):
    """The answers are not of the form that they must have."""

    code = "answers_invalid"
    title = "The answers cannot be read"


def _for_websites(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """JSON across origins: registered websites may read the answer, no credentials travel, refusals are problem documents."""

    @csrf_exempt
    @wraps(view)
    def answered(request: HttpRequest, key: str) -> HttpResponse:
        origin = request.headers.get("Origin")
        try:
            form = website_forms.find(key)
            website_forms.refuse_stranger(form, origin)
            response = HttpResponse(status=204) if request.method == "OPTIONS" else view(request, form)
        except GovernanceError as error:
            if error.status >= 500:
                raise
            if isinstance(error, OriginNotRegistered):
                origin = None
            body = {"type": f"/problems/{error.code}", "title": error.title, "status": error.status, "code": error.code}
            response = JsonResponse(body, status=error.status, content_type="application/problem+json")
            if "retry_after" in error.fields:
                response.headers["Retry-After"] = str(error.fields["retry_after"])
        if origin is not None:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Allow-Methods"] = "GET, POST, OPTIONS"
            response.headers["Access-Control-Allow-Headers"] = "Content-Type"
            response.headers["Access-Control-Max-Age"] = "600"
        patch_vary_headers(response, ["Origin"])
        response.headers["Cache-Control"] = "no-store"
        return response

    return answered


@require_safe
def script(request: HttpRequest) -> HttpResponse:
    """The script that websites embed: open to all, and stable, so that they can pin its digest (Subresource Integrity)."""
    response = HttpResponse(script_bytes(), content_type="text/javascript; charset=utf-8")
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


def script_bytes() -> bytes:
    """The script as it is served."""
    path = finders.find(SCRIPT)
    if not isinstance(path, str):
        raise FileNotFoundError(SCRIPT)
    with open(path, "rb") as file:
        return file.read()


@require_http_methods(["GET", "HEAD", "OPTIONS"])
@_for_websites
def asked(request: HttpRequest, form: Form) -> HttpResponse:
    """What the form asks in a language, with the token of what is shown."""
    language = request.GET.get("language", "")
    language = language if language in NAMES else "en"
    with translation.override(language):
        board = choices.board(language, gpc=_gpc(request), only=form.purposes, surface=f"form/{form.key}")
        return JsonResponse(_as_json(form, board, language))


@require_http_methods(["POST", "OPTIONS"])
@_for_websites
def answers(request: HttpRequest, form: Form) -> HttpResponse:
    """Take the answers and write to the mailbox. The answer is the same for every address; nothing is recorded before it is proved."""
    said = _body(request)
    shown = presentation.read(said["presentation"], clock.now())
    with translation.override(shown.locale):
        board = choices.board(shown.locale, only=form.purposes, surface="")
        given = choices.read_answers(said["answers"], board.rows)
        unknown = set(said["answers"]) - {row.field for row in board.rows}
        foreign = {field.partition("|")[0] for field in given} - set(shown.purposes)
        if unknown or foreign or not given or shown.ui_variant != f"form/{form.key}":
            raise AnswersInvalid
        if form.age is not None:
            guardians.refuse_child(given, said["of_age"])
        seen = choices.counted(OptInStep.ANSWERED, board, given, surface=shown.ui_variant)
        keep_errand(
            request,
            ErrandKind.CONSENT,
            {
                "email": said["email"],
                "answers": given,
                "notices": seen,
                "form": form.key,
                "jti": str(shown.jti),
                "answered_at": clock.now().isoformat(),
                "gpc": bool(said["gpc"] or shown.gpc),
                **_statement(form, of_age=said["of_age"]),
            },
        )
        return JsonResponse({"status": "letter_sent"}, status=202)


@public_page
@require_http_methods(["GET", "HEAD", "POST"])
@errors_in_words
def plain(request: HttpRequest, key: str) -> HttpResponse:
    """The same without JavaScript: the website's own form posts here, or leads here."""
    form = website_forms.find(key)
    language = translation.get_language() or "en"
    surface = f"form/{form.key}"
    posted = request.method == "POST"
    if posted:
        website_forms.refuse_stranger(form, request.headers.get("Origin"))
    board = choices.board(language, gpc=_gpc(request), only=form.purposes, surface=surface, count=not posted)
    given = choices.read_answers(request.POST, board.rows) if posted else {}
    asked_for = (
        EmailForm(request.POST or None)
        if form.age is None
        else OfAgeForm(request.POST or None, age=form.age, wanted=any(given.values()))
    )
    if posted and asked_for.is_valid() and given:
        seen = choices.counted(OptInStep.ANSWERED, board, given, surface=surface)
        kept = {"email": asked_for.cleaned_data["email"], "answers": given, "notices": seen, "form": form.key}
        statement = _statement(form, of_age=asked_for.cleaned_data.get("of_age") == "yes")
        keep_errand(request, ErrandKind.CONSENT, kept | statement)
        return page(request, "letter_sent.html", {"for_choices": False})
    context = {
        "form": asked_for,
        "board": board.chosen(given),
        "unanswered": posted and not given,
        "age": form.age,
        "action": reverse("privacy_center:website_form", kwargs={"language": language, "key": form.key}),
    }
    return page(request, "give.html", context, status=422 if posted else 200)


def _statement(form: Form, *, of_age: bool | None) -> dict[str, object]:
    """What somebody said about their age, where the form asks: kept with their answers, and as evidence of a consent."""
    return {} if form.age is None else {"of_age": of_age is True}


def _as_json(form: Form, board: choices.Board, language: str) -> dict[str, Any]:
    return {
        "language": language,
        "presentation": board.token,
        "age": form.age,
        "purposes": [
            {
                "title": offer.title,
                "description": offer.description,
                "notice": {
                    "title": offer.notice.text.title,
                    "version": offer.notice.version,
                    "url": website_forms.own_origin()
                    + reverse("privacy_center:notice", kwargs={"language": language, "notice_id": offer.notice.id}),
                },
                "choices": [
                    {"field": row.field, "channel": row.channel, "label": str(row.label)} for row in offer.rows
                ],
            }
            for offer in board.offers
        ],
        "words": {
            "sent": _(
                "Please look into your mailbox: we sent you a link. Your answers count once you confirm them there."
            ),
            "failed": _("Your answers could not be sent. Please try again, or use the page of our privacy centre."),
            "unanswered": _("Please answer at least one question with yes or no."),
            "age_unanswered": str(AGE_UNANSWERED),
            "too_young": str(TOO_YOUNG),
        },
    }


def _body(request: HttpRequest) -> dict[str, Any]:
    if request.content_type != "application/json" or len(request.body) > _LARGEST_BODY:
        raise AnswersInvalid
    try:
        said = json.loads(request.body)
        validate_email(said["email"])
        given = said["answers"]
        valid = isinstance(said["presentation"], str) and isinstance(given, dict) and len(said["email"]) <= 254
    except (ValueError, KeyError, TypeError, ValidationError):
        raise AnswersInvalid from None
    if (
        not valid
        or set(said) - {"email", "answers", "presentation", "gpc", "of_age"}
        or not isinstance(said.get("gpc", False), bool)
        or not isinstance(said.get("of_age"), bool | None)
    ):
        raise AnswersInvalid
    return {"gpc": False, "of_age": None, **said}


def _gpc(request: HttpRequest) -> bool:
    return gpc.says_opt_out(request.headers.get(gpc.HEADER))
