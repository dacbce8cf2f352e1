"""See, give and withdraw consent. Who comes by a link from their mailbox needs nothing else."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import translation
from django.views.decorators.http import require_http_methods, require_safe

from consent.errors import SpoolFull
from consent.spool import DATABASE_AWAY
from consent.terms import OptInStep
from governance.jobs.queue import schedule
from governance.kernel.actors import Actor, ActorKind
from governance.kernel.ids import SubjectId
from governance.privacy_center import (
    choices,
    errands,
    guardians,
    history,
    keeping,
    limits,
    links,
    papers,
    website_forms,
)
from governance.privacy_center.forms import EmailForm
from governance.privacy_center.languages import public_page
from governance.privacy_center.links import LinkKind
from governance.privacy_center.models import ErrandKind
from governance.privacy_center.rendering import errors_in_words, page
from pseudonymize import vault
from pseudonymize.vault import IdentifierKind, Identity

_FORM = ["GET", "HEAD", "POST"]


@public_page
@require_http_methods(_FORM)
@errors_in_words
def ask(request: HttpRequest) -> HttpResponse:
    """Ask for a link to one's choices. The answer is the same for every address."""
    form = EmailForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return page(request, "choices_ask.html", {"form": form}, status=422 if form.errors else 200)
    keep_errand(request, ErrandKind.CHOICES_LINK, {"email": form.cleaned_data["email"]})
    return page(request, "letter_sent.html", {"for_choices": True})


@public_page
@require_http_methods(_FORM)
@errors_in_words
def of_person(request: HttpRequest, token: str) -> HttpResponse:
    """The choices of the person whom the link belongs to; saving is one click, and so is withdrawing everything.

    A no is taken even while the database is away: it is kept, and applied before anything is sent again.
    """
    subject = SubjectId(links.read(LinkKind.CHOICES, token))
    try:
        return _choices(request, token, subject)
    except DATABASE_AWAY:
        if request.method != "POST":
            raise
    try:
        unsaved = keeping.keep_refusals(subject, request.POST.dict(), everything="withdraw_everything" in request.POST)
    except SpoolFull:
        return page(request, "kept.html", {"full": True}, status=503)
    return page(request, "kept.html", {"unsaved": unsaved}, status=202)


def _choices(request: HttpRequest, token: str, subject: SubjectId) -> HttpResponse:
    language = _language()
    if vault.erased_among([subject]):
        raise links.LinkInvalid
    if request.method != "POST":
        board = choices.board(language, subject, gpc=_gpc(request))
        if request.method == "GET":
            choices.asked(subject, board, actor=Actor(ActorKind.SYSTEM, "privacy_center"))
        return page(request, "choices.html", {"board": board, "saved": "saved" in request.GET, "link": token})
    actor = Actor(ActorKind.SUBJECT, str(subject))
    if "withdraw_everything" in request.POST:
        choices.withdraw_everything(subject, actor=actor)
    else:
        answers = choices.read_answers(request.POST, choices.board(language, subject, count=False).rows)
        choices.save(
            subject,
            answers,
            language=language,
            token=request.POST.get("presentation", ""),
            actor=actor,
            mailbox_proved=True,
        )
    return _back_to(token)


@public_page
@require_safe
@errors_in_words
def history_of(request: HttpRequest, token: str) -> HttpResponse:
    """Everything that was ever recorded about one's choices, newest first, with a receipt of each."""
    subject = SubjectId(links.read(LinkKind.CHOICES, token))
    if vault.erased_among([subject]):
        raise links.LinkInvalid
    return page(request, "history.html", {"lines": history.of(subject, _language()), "link": token})


@public_page
@require_safe
@errors_in_words
def receipt(request: HttpRequest, token: str, event_id: UUID) -> HttpResponse:
    """The signed receipt of one answer, as a file to keep."""
    subject = SubjectId(links.read(LinkKind.CHOICES, token))
    response = HttpResponse(papers.receipt_of(event_id, subject), content_type="text/plain; charset=us-ascii")
    response.headers["Content-Disposition"] = f'attachment; filename="receipt-{event_id}.jwt"'
    return response


@public_page
@require_http_methods(_FORM)
@errors_in_words
def give(request: HttpRequest) -> HttpResponse:
    """Answer for the first time: nothing is recorded before the mailbox is proved."""
    form = EmailForm(request.POST or None)
    board = choices.board(_language(), gpc=_gpc(request), count=request.method != "POST")
    answers = choices.read_answers(request.POST, board.rows) if request.method == "POST" else {}
    if request.method == "POST" and form.is_valid() and answers:
        seen = choices.counted(OptInStep.ANSWERED, board, answers)
        kept = {"email": form.cleaned_data["email"], "answers": answers, "notices": seen}
        keep_errand(request, ErrandKind.CONSENT, kept)
        return page(request, "letter_sent.html", {"for_choices": False})
    context = {
        "form": form,
        "board": board.chosen(answers),
        "unanswered": request.method == "POST" and not answers,
        "age": guardians.age_of_consent(),
        "action": reverse("privacy_center:give", kwargs={"language": _language()}),
    }
    return page(request, "give.html", context, status=422 if request.method == "POST" else 200)


@public_page
@require_http_methods(_FORM)
@errors_in_words
def give_confirm(request: HttpRequest, token: str) -> HttpResponse:
    """The link from the mailbox: look once more at the notice and the answers, and confirm. Only now are they recorded."""
    errand_id = links.read(LinkKind.ERRAND, token)
    language = _language()
    if request.method != "POST":
        payload, _ = errands.read(errand_id, ErrandKind.CONSENT)
        board = _board_of(payload, language, gpc=_gpc(request)).chosen(payload["answers"])
        context = {"board": board, "link": token, "of_guardian": "child" in payload, "of_child": "guardian" in payload}
        return page(request, "give_confirm.html", context)
    with transaction.atomic():
        payload, _ = errands.read(errand_id, ErrandKind.CONSENT, lock=True)
        subject = enrol(str(payload["email"]))
        if subject is None:
            return page(request, "give_refused.html", status=403)
        board = _board_of(payload, language)
        answers = choices.read_answers(request.POST, board.rows)
        if "child" in payload:
            guardians.ask_the_child(payload, subject, answers, language)
            errands.done(errand_id)
            return page(request, "letter_sent.html", {"to_child": True})
        choices.save(
            subject,
            guardians.allowed(payload, answers),
            language=language,
            token=request.POST.get("presentation", ""),
            actor=guardians.answering(payload) or Actor(ActorKind.SUBJECT, str(subject)),
            mailbox_proved=True,
            asked_as=payload,
            of_age_on=guardians.of_age_on(payload),
        )
        choices.counted(OptInStep.GIVEN, board, answers, surface=_surface_of(payload), only_yes=True)
        choices.counted(OptInStep.CONFIRMED, board, answers, surface=_surface_of(payload), only_yes=True)
        errands.done(errand_id)
    return _back_to(links.make(LinkKind.CHOICES, subject, links.CHOICES_LIFETIME))


def _board_of(payload: dict[str, Any], language: str, *, gpc: bool = False) -> choices.Board:
    """The switches that the person was asked about: those of the website's form they came from, or all."""
    key = payload.get("form")
    only = website_forms.find(str(key)).purposes if key else None
    return choices.board(language, gpc=gpc, only=only, surface=_surface_of(payload), count=False)


def _surface_of(payload: dict[str, Any]) -> str:
    return f"form/{payload['form']}" if payload.get("form") else choices.METHOD


def enrol(address: str) -> SubjectId | None:
    """The person behind a proved mailbox, known or new; ``None`` when they had themselves erased."""
    actor = Actor(ActorKind.SUBJECT, "privacy_centre")
    enrolled = vault.enrol([Identity({IdentifierKind.EMAIL: address})], actor=actor, source="privacy_center")
    return enrolled.subjects[0]


def keep_errand(request: HttpRequest, kind: ErrandKind, payload: dict[str, object]) -> None:
    """Keep what was typed, sealed, for the job that writes to the mailbox. Says nothing about whether that mailbox had enough letters."""
    limits.spend(limits.LETTERS, request)
    if not limits.spend_on(limits.LETTERS_TO_ONE, str(payload["email"])):
        return
    with transaction.atomic():
        errand_id = errands.keep(kind, payload, _language())
        schedule("privacy_center.errand", {"errand": str(errand_id)})


def _back_to(token: str) -> HttpResponse:
    url = reverse("privacy_center:choices_of", kwargs={"language": _language(), "token": token})
    return HttpResponseRedirect(f"{url}?saved")


def _language() -> str:
    return translation.get_language() or "en"


def _gpc(request: HttpRequest) -> bool:
    """Global Privacy Control: only the value 1 means something (W3C)."""
    return bool(request.headers.get("Sec-GPC") == "1")
