"""Why me? What a computer decided about the person whose link it is, in words; and their question to a person about it."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import translation
from django.views.decorators.http import require_http_methods, require_safe

from audit.errors import TemplatesMissing
from audit.explanations import papers
from governance.kernel.ids import SubjectId
from governance.privacy_center import decisions_shown, limits, links
from governance.privacy_center.decision_words import WORDS
from governance.privacy_center.languages import public_page
from governance.privacy_center.links import LinkKind
from governance.privacy_center.rendering import errors_in_words, page
from pseudonymize import vault


@public_page
@require_safe
@errors_in_words
def of_person(request: HttpRequest, token: str) -> HttpResponse:
    """Everything that was decided about the person, latest first."""
    language = _language()
    listed = decisions_shown.of_person(_subject(token), language)
    return page(request, "decisions.html", {"link": token, "decisions": listed, "words": WORDS[language]})


@public_page
@require_http_methods(["GET", "HEAD", "POST"])
@errors_in_words
def why(request: HttpRequest, token: str, decision_id: UUID) -> HttpResponse:
    """One decision: what, why, on which ground, what would have changed it. A POST has a person look at it."""
    subject, language = _subject(token), _language()
    explanation = decisions_shown.explained(subject, decision_id, language)
    if request.method == "POST":
        limits.spend(limits.CODES, request)
        decisions_shown.ask(subject, decision_id, request.POST.get("statement", ""), language)
        address = reverse(request.resolver_match.view_name, args=[language, token, decision_id])  # type: ignore[union-attr]
        return HttpResponseRedirect(f"{address}#asked")
    context = {
        "link": token,
        "decision_id": decision_id,
        "explanation": explanation,
        "asked": decisions_shown.asked(decision_id, language),
        "words": WORDS[language],
    }
    return page(request, "decision.html", context)


@public_page
@require_safe
@errors_in_words
def paper(request: HttpRequest, token: str, decision_id: UUID) -> HttpResponse:
    """The same on paper, signed."""
    explanation = decisions_shown.explained(_subject(token), decision_id, _language())
    if explanation is None:
        raise TemplatesMissing
    response = HttpResponse(papers.of_person(explanation), content_type="application/pdf")
    response.headers["Content-Disposition"] = f'attachment; filename="decision-{decision_id}.pdf"'
    return response


def _subject(token: str) -> SubjectId:
    subject = SubjectId(links.read(LinkKind.CHOICES, token))
    if vault.erased_among([subject]):
        raise links.LinkInvalid
    return subject


def _language() -> str:
    language = translation.get_language() or "en"
    return language if language in WORDS else "en"
