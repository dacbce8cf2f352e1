"""The link in a letter of double opt-in: it asks, and the button confirms."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.views.decorators.http import require_http_methods

from consent import confirmation
from governance import purposes
from governance.kernel.ids import SubjectId
from governance.privacy_center import links, words
from governance.privacy_center.languages import public_page
from governance.privacy_center.links import LinkKind
from governance.privacy_center.rendering import errors_in_words, page


@public_page
@require_http_methods(["GET", "HEAD", "POST"])
@errors_in_words
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """What is to be confirmed, with its notice; once confirmed, the way to every other choice."""
    waiting = confirmation.look_up(token)
    language = translation.get_language() or "en"
    context = {
        "title": purposes.current(waiting.purpose).title(language),
        "channel": words.CHANNELS[waiting.channel],
        "notice": waiting.notice,
        "given_at": waiting.given_at,
    }
    if request.method != "POST":
        return page(request, "confirm_consent.html", context | {"token": token})
    confirmation.confirm(token)
    choices = links.make(LinkKind.CHOICES, SubjectId(waiting.subject), links.CHOICES_LIFETIME)
    return page(request, "consent_confirmed.html", context | {"link": choices})
