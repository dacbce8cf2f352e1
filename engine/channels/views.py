"""One page: withdraw by the link in a message. Works without login, cookies and JavaScript, in the language of the message.

GET only asks, because mail scanners follow links. POST withdraws: the page's button, or a mail program's one click (RFC 8058 §3.2,
which sends neither cookie nor token of ours, so the request cannot be checked against forgery; the link itself is the secret).
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from consent.spool import DATABASE_AWAY
from engine.channels import withdrawals
from engine.channels.errors import LinkInvalid
from engine.content.templates import LANGUAGES


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def withdraw_by_link(request: HttpRequest, token: str) -> HttpResponse:
    """Ask, or do it. A link that was erased with its person answers as if it had just worked."""
    try:
        return _answer(request, token)
    except LinkInvalid:
        return _page(request, "channels/link_invalid.html", {}, status=404)
    except DATABASE_AWAY:
        if request.method != "POST":
            raise
    return _keep(request, token)


def _answer(request: HttpRequest, token: str) -> HttpResponse:
    target = withdrawals.look_up(token)
    wanted = request.GET.get("lang", target.language)
    with translation.override(wanted if wanted in LANGUAGES else "en"):
        title = target.purpose_title_pl if translation.get_language() == "pl" else target.purpose_title_en
        if request.method != "POST":
            return _page(request, "channels/withdraw.html", {"title": title, "known": target.known})
        method, everything = _asked(request)
        withdrawals.withdraw(token, method=method, everything=everything)
        return _page(
            request, "channels/withdrawn.html", {"title": title, "everything": everything, "known": target.known}
        )


def _keep(request: HttpRequest, token: str) -> HttpResponse:
    """The database is away: keep the withdrawal in the spool and say so (202)."""
    wanted = request.GET.get("lang") or (translation.get_language_from_request(request) or "en")[:2]
    with translation.override(wanted if wanted in LANGUAGES else "en"):
        method, everything = _asked(request)
        try:
            withdrawals.keep(token, method=method, everything=everything)
        except LinkInvalid:
            return _page(request, "channels/link_invalid.html", {}, status=404)
        return _page(request, "channels/withdrawal_kept.html", {}, status=202)


def _asked(request: HttpRequest) -> tuple[str, bool]:
    """By which way, and whether from everything."""
    one_click = request.POST.get("List-Unsubscribe") == "One-Click"
    return "one_click" if one_click else "link_in_message", not one_click and request.POST.get("scope") == "everything"


def _page(request: HttpRequest, template: str, context: dict[str, object], status: int = 200) -> HttpResponse:
    response = render(request, template, {**context, "languages": LANGUAGES}, status=status)
    # The address of this page is the secret: no page that it links to may learn it.
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    return response
