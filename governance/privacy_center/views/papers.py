"""Notices with their versions, and the check of a signed paper that we gave to somebody."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from consent import notices, signing
from consent.errors import UnknownNotice
from consent.notices import Notice
from dsar import certificates
from governance.privacy_center import limits, papers
from governance.privacy_center.forms import ProofForm
from governance.privacy_center.languages import NAMES, public_page
from governance.privacy_center.rendering import errors_in_words, language_links, page


@public_page
@require_safe
def notice_list(request: HttpRequest) -> HttpResponse:
    """Every notice in force."""
    return page(request, "notices.html", {"notices": notices.all_current(translation.get_language() or "en")})


@public_page
@require_safe
@errors_in_words
def notice(request: HttpRequest, notice_id: UUID) -> HttpResponse:
    """One version of a notice as it was shown, with the way to the others."""
    shown = notices.version(notice_id)
    versions = notices.versions(shown.key, shown.language)
    context = {
        "notice": shown,
        "versions": versions,
        "newest": versions[0].id == shown.id,
        "languages": language_links(request, {code: {"notice_id": _said_in(code, shown)} for code in NAMES}),
    }
    return page(request, "notice.html", context)


@public_page
@require_http_methods(["GET", "HEAD", "POST"])
@errors_in_words
def proof(request: HttpRequest) -> HttpResponse:
    """Paste a receipt or a certificate; the answer says in words whether it is ours and unchanged, and what it says."""
    form = ProofForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return page(
            request, "proof.html", {"form": form, "public_keys": _public_keys()}, status=422 if form.errors else 200
        )
    limits.spend(limits.PROOFS, request)
    paper = papers.check(form.cleaned_data["token"])
    context = {"form": ProofForm(), "checked": True, "paper": paper, "public_keys": _public_keys()}
    return page(request, "proof.html", context)


def _said_in(language: str, shown: Notice) -> UUID:
    """The same notice in another language, as it is now; itself when it is said in none other."""
    if language == shown.language:
        return shown.id
    try:
        return notices.current(shown.key, language).id
    except UnknownNotice:
        return shown.id


def _public_keys() -> list[tuple[str, str]]:
    return [
        (gettext("for receipts:"), signing.public_key().hex()),
        (gettext("for certificates:"), certificates.public_key().hex()),
    ]
