"""Make a request, confirm it, follow it, take it back, fetch the package."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.views.decorators.http import require_http_methods, require_POST

from dsar import identity, packages, references, requests
from dsar.errors import CodeRefused, RequestNotFound, TooManyCodes
from dsar.requests import Tracked
from dsar.states import IntakeChannel, RequestType, Status
from governance.kernel.actors import Actor, ActorKind
from governance.privacy_center import limits, words
from governance.privacy_center.forms import CodeForm, RequestForm, TrackForm
from governance.privacy_center.languages import public_page
from governance.privacy_center.rendering import errors_in_words, page
from pseudonymize.vault import IdentifierKind

VISITOR = Actor(ActorKind.SUBJECT, "privacy_centre")


@public_page
@require_http_methods(["GET", "HEAD", "POST"])
@errors_in_words
def new(request: HttpRequest) -> HttpResponse:
    """The form of a request; once sent, its reference, tracking code and due date, and the field for the code."""
    form = RequestForm(request.POST or None, initial={"type": request.GET.get("type", "")})
    if request.method != "POST" or not form.is_valid():
        return page(
            request,
            "request_new.html",
            {"form": form, "types": words.REQUEST_TYPES},
            status=422 if form.errors else 200,
        )
    limits.spend(limits.LETTERS, request)
    claims = {
        IdentifierKind.EMAIL: form.cleaned_data["email"],
        IdentifierKind.CUSTOMER_ID: form.cleaned_data["customer_id"],
    }
    request_id = requests.open(
        RequestType(form.cleaned_data["type"]),
        claims,
        language=translation.get_language() or "en",
        channel=IntakeChannel.WEB,
        actor=VISITOR,
        send_code=limits.spend_on(limits.LETTERS_TO_ONE, form.cleaned_data["email"]),
    )
    code = requests.tracking_code_of(request_id)
    tracked = requests.track(references.reference(request_id), code)
    return page(request, "request_opened.html", {"tracked": tracked, "tracking_code": code, "form": CodeForm()})


@public_page
@require_http_methods(["GET", "HEAD", "POST"])
@errors_in_words
def confirm(request: HttpRequest, reference: str) -> HttpResponse:
    """Enter the code from the letter. The page is the same for references that do not exist."""
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        limits.spend(limits.CODES, request)
        try:
            request_id = references.request_id_of(reference)
            identity.confirm(request_id, form.cleaned_data["code"])
        except (CodeRefused, RequestNotFound):
            return page(
                request, "request_confirm.html", {"form": form, "reference": reference, "refused": True}, status=403
            )
        code = requests.tracking_code_of(request_id)
        return _status_page(request, requests.track(reference, code), code, just_confirmed=True)
    return page(
        request, "request_confirm.html", {"form": form, "reference": reference}, status=422 if form.errors else 200
    )


@public_page
@require_POST
@errors_in_words
def resend(request: HttpRequest, reference: str) -> HttpResponse:
    """Another code. The answer is the same whatever became of it."""
    limits.spend(limits.LETTERS, request)
    with suppress(RequestNotFound, TooManyCodes):
        identity.send_code(references.request_id_of(reference))
    return page(request, "request_confirm.html", {"form": CodeForm(), "reference": reference, "resent": True})


@public_page
@require_http_methods(["GET", "HEAD", "POST"])
@errors_in_words
def track(request: HttpRequest) -> HttpResponse:
    """Where a request stands, against its reference and tracking code."""
    form = TrackForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        limits.spend(limits.CODES, request)
        try:
            tracked = requests.track(form.cleaned_data["reference"], form.cleaned_data["code"])
        except RequestNotFound:
            return page(request, "track.html", {"form": form, "refused": True}, status=404)
        return _status_page(request, tracked, form.cleaned_data["code"])
    return page(request, "track.html", {"form": form}, status=422 if form.errors else 200)


@public_page
@require_POST
@errors_in_words
def revoke(request: HttpRequest) -> HttpResponse:
    """Take the request back; only whoever has its tracking code can."""
    tracked, code = _tracked(request)
    requests.revoke(tracked.id, actor=_person(tracked.id))
    return _status_page(request, requests.track(tracked.reference, code), code, just_revoked=True)


@public_page
@require_POST
@errors_in_words
def download(request: HttpRequest) -> HttpResponse:
    """The package of an access request."""
    tracked, _ = _tracked(request)
    package = packages.fetch(tracked.id, actor=_person(tracked.id))
    return _attachment(package.content, package.filename, "application/zip")


@public_page
@require_POST
@errors_in_words
def certificate(request: HttpRequest) -> HttpResponse:
    """The certificate of an erasure, as a file."""
    tracked, _ = _tracked(request)
    if not tracked.certificate_jws:
        raise RequestNotFound
    return _attachment(tracked.certificate_jws.encode(), f"{tracked.reference}.jwt", "text/plain; charset=us-ascii")


def _tracked(request: HttpRequest) -> tuple[Tracked, str]:
    limits.spend(limits.CODES, request)
    code = request.POST.get("code", "")
    return requests.track(request.POST.get("reference", ""), code), code


def _person(request_id: UUID) -> Actor:
    return Actor(ActorKind.SUBJECT, f"request:{request_id}")


def _status_page(
    request: HttpRequest, tracked: Tracked, code: str, *, just_confirmed: bool = False, just_revoked: bool = False
) -> HttpResponse:
    context = {
        "tracked": tracked,
        "tracking_code": code,
        "type_title": words.type_title(tracked.type),
        "timeline": [{"text": words.STATUS[item.status], "at": item.at} for item in tracked.timeline],
        "waits_for_code": tracked.status is Status.IDENTITY_PENDING,
        "just_confirmed": just_confirmed,
        "just_revoked": just_revoked,
    }
    return page(request, "request_status.html", context)


def _attachment(content: bytes, filename: str, content_type: str) -> HttpResponse:
    response = HttpResponse(content, content_type=content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response
