"""Answer for a child, as its parent or guardian."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import translation
from django.views.decorators.http import require_http_methods

from consent.signals import gpc
from consent.terms import OptInStep
from governance.privacy_center import choices, guardians
from governance.privacy_center.forms import GuardianForm
from governance.privacy_center.languages import public_page
from governance.privacy_center.models import ErrandKind
from governance.privacy_center.rendering import errors_in_words, page
from governance.privacy_center.views.choices import keep_errand


@public_page
@require_http_methods(["GET", "HEAD", "POST"])
@errors_in_words
def give(request: HttpRequest) -> HttpResponse:
    """The same questions as for oneself; nothing is recorded before the guardian's mailbox and the child's are proved."""
    language = translation.get_language() or "en"
    posted = request.method == "POST"
    form = GuardianForm(request.POST or None, age=guardians.age_of_consent())
    signal = gpc.says_opt_out(request.headers.get(gpc.HEADER))
    board = choices.board(language, gpc=signal, count=not posted)
    answers = choices.read_answers(request.POST, board.rows) if posted else {}
    if posted and form.is_valid() and answers:
        seen = choices.counted(OptInStep.ANSWERED, board, answers)
        said = form.cleaned_data
        kept = {
            "email": said["email"],
            "answers": answers,
            "notices": seen,
            "child": said["child_email"],
            "of_age_on": said["of_age_on"].isoformat(),
        }
        keep_errand(request, ErrandKind.CONSENT, kept)
        return page(request, "letter_sent.html", {"for_choices": False})
    context = {
        "form": form,
        "board": board.chosen(answers),
        "unanswered": posted and not answers,
        "for_child": True,
        "age": form.age,
        "action": reverse("privacy_center:give_for_child", kwargs={"language": language}),
    }
    return page(request, "give.html", context, status=422 if posted else 200)
