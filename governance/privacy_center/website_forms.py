"""Forms on other websites: which there are, what they ask, and whose answers are taken.

A form asks for purposes on consent. Its answers are taken from registered origins only, with the token of what was shown, and wait for
the mailbox like those of our own pages: a website can ask in somebody's name, but not answer for them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction

from audit import log
from governance import purposes as register
from governance.kernel.actors import Actor
from governance.kernel.errors import JSON, InvalidInput, NotFound, NotPermitted
from governance.kernel.ids import uuid7
from governance.privacy_center.guardians import age_of_consent
from governance.privacy_center.models import WebsiteForm
from governance.purposes import LegalBasis

_KEY = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


class FormUnknown(NotFound):
    """There is no such form, or it is not active."""

    code = "form_unknown"
    title = "There is no such form"


class FormInvalid(InvalidInput):
    """The form cannot be registered like this; `errors` names the fields."""

    code = "form_invalid"
    title = "The form is not valid"


class OriginNotRegistered(NotPermitted):
    """Answers of this form are taken from registered websites only."""

    code = "origin_not_registered"
    title = "This website is not registered for the form"


@dataclass(frozen=True, slots=True)
class Form:
    """A form as it is in force. `age` is from when people answer for themselves; None where the form does not ask how old they are."""

    key: str
    purposes: tuple[str, ...]
    origins: frozenset[str]
    age: int | None = None


def put(key: str, *, purposes: Sequence[str], origins: Sequence[str], actor: Actor, asks_age: bool = False) -> Form:
    """Register a form, or change it. Raises FormInvalid with everything that is wrong.

    With `asks_age` people say whether they are old enough to answer for themselves, where the law of the place has such an age.
    """
    wrong = faults(key, purposes, origins)
    if wrong:
        raise FormInvalid(errors=[{"pointer": f"/{field}", "detail": detail} for field, detail in wrong])
    content: dict[str, JSON] = {
        "purposes": sorted(set(purposes)),
        "origins": sorted(set(origins)),
        "asks_age": asks_age,
    }
    with transaction.atomic():
        row, _ = WebsiteForm.objects.update_or_create(
            key=key,
            defaults={**content, "active": True},
            create_defaults={"id": uuid7(), **content, "active": True},
        )
        log.emit(
            "consent.website_form_put",
            actor=actor,
            object=f"website_form:{row.id}",
            facts={"key": key, **content},
        )
    return _frozen(row)


def find(key: str) -> Form:
    """The active form of that key. Raises FormUnknown."""
    row = WebsiteForm.objects.filter(key=key, active=True).first()
    if row is None:
        raise FormUnknown
    return _frozen(row)


def refuse_stranger(form: Form, origin: str | None) -> None:
    """Raises OriginNotRegistered unless the request came from a registered website, from us, or from no website at all (a program)."""
    if origin is not None and origin not in form.origins and origin != own_origin():
        raise OriginNotRegistered


def own_origin() -> str:
    """Scheme and host under which people reach this service."""
    url = urlsplit(settings.ZGODA_PUBLIC_URL)
    return f"{url.scheme}://{url.netloc}"


def faults(key: str, purposes: Sequence[str], origins: Sequence[str]) -> list[tuple[str, str]]:
    """What is wrong with a form, as (field, what)."""
    wrong: list[tuple[str, str]] = []
    if not _KEY.fullmatch(key):
        wrong.append(("key", "Small letters, digits and hyphens."))
    known = {str(one.key): one for one in register.all_current()}
    for purpose in purposes:
        if purpose not in known:
            wrong.append(("purposes", f"There is no purpose {purpose}."))
        elif known[purpose].legal_basis is not LegalBasis.CONSENT:
            wrong.append(("purposes", f"{purpose} does not rest on consent: there is nothing to ask."))
    if not purposes:
        wrong.append(("purposes", "A form asks for something."))
    wrong += [("origins", f"Not an origin: {one}") for one in origins if not _is_origin(one)]
    return wrong


def _is_origin(text: str) -> bool:
    try:
        url = urlsplit(text)
        return (
            url.scheme in {"http", "https"}
            and bool(url.hostname)
            and text == f"{url.scheme}://{url.netloc}"
            and "@" not in text
        )
    except ValueError:
        return False


def _frozen(row: WebsiteForm) -> Form:
    age = age_of_consent() if row.asks_age else 0  # a place may have no such age
    return Form(row.key, tuple(row.purposes), frozenset(row.origins), age or None)
