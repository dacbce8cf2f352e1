"""Letters of the public pages: a link to somebody's choices, and the link that confirms a form."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from consent import funnel
from consent.terms import OptInStep
from governance.kernel import mail
from governance.kernel.mail import LetterNotSent
from governance.privacy_center import errands, links
from governance.privacy_center.choices import METHOD
from governance.privacy_center.links import LinkInvalid, LinkKind
from governance.privacy_center.models import Errand, ErrandKind
from pseudonymize import vault
from pseudonymize.vault import IdentifierKind

__all__ = ["LetterNotSent", "run"]


def run(errand_id: UUID) -> None:
    """Do what a form asked for. Known or unknown address: only here, out of sight of the page, does it make a difference."""
    errand = Errand.objects.filter(pk=errand_id).first()
    if errand is None:
        return
    kind = ErrandKind(errand.kind)
    try:
        payload, language = errands.read(errand_id, kind)
    except LinkInvalid:
        return
    address = str(payload["email"])
    if kind is ErrandKind.CHOICES_LINK:
        subject = vault.find_subject(IdentifierKind.EMAIL, address)
        if subject is not None:
            token = links.make(LinkKind.CHOICES, subject, links.CHOICES_LIFETIME)
            _send("choices_link", address, language, _url("choices_of", language, token))
        errands.done(errand_id)
    else:
        token = links.make(LinkKind.ERRAND, errand_id, links.ERRAND_LIFETIME)
        _send("confirm_consent", address, language, _url("give_confirm", language, token))
        surface = f"form/{payload['form']}" if payload.get("form") else METHOD
        funnel.count(OptInStep.SENT, surface, [UUID(one) for one in payload.get("notices", ())])


def _url(name: str, language: str, token: str) -> str:
    path = reverse(f"privacy_center:{name}", kwargs={"language": language, "token": token})
    return f"{settings.ZGODA_PUBLIC_URL}{path}"


def _send(template: str, address: str, language: str, url: str) -> None:
    context = {"url": url, "controller": settings.ZGODA_CONTROLLER, "contact": settings.ZGODA_DPO_CONTACT}
    with translation.override(language):
        text = render_to_string(f"privacy_center/letters/{template}.txt", context).strip()
    mail.send(text, address)
