"""Register a consent form for a website, and print what to paste into it.

manage.py website_form newsletter --purpose newsletter --origin https://www.example.com --language en
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import translation
from django.utils.html import escape

from consent.errors import UnknownNotice
from governance.kernel.actors import SYSTEM
from governance.kernel.errors import GovernanceError
from governance.privacy_center import choices, website_forms
from governance.privacy_center.views.website_forms import script_bytes


class Command(BaseCommand):
    """Register or change a website's form and print its HTML."""

    help = "Register a consent form for a website and print the HTML to paste into it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key", help="A short name: small letters, digits, hyphens.")
        parser.add_argument("--purpose", action="append", required=True, help="What it asks for; may be repeated.")
        parser.add_argument(
            "--origin", action="append", required=True, help="A website's scheme and host; may be repeated."
        )
        parser.add_argument(
            "--ask-age",
            action="store_true",
            help="Ask whether people are old enough to answer for themselves (Art. 8).",
        )
        parser.add_argument("--language", default="en", choices=["en", "pl"], help="The language of the HTML.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            form = website_forms.put(
                options["key"], purposes=options["purpose"], origins=options["origin"], actor=SYSTEM,
                asks_age=options["ask_age"],
            )  # fmt: skip
            self.stdout.write(snippet(form, options["language"]))
        except UnknownNotice:
            raise CommandError(
                "There is no notice in that language that covers the purposes: publish it first."
            ) from None
        except GovernanceError as error:
            wrong = error.fields.get("errors")
            details = "; ".join(str(one["detail"]) for one in wrong) if isinstance(wrong, list) else error.detail
            raise CommandError(details) from None


def integrity() -> str:
    """The digest of the script for `integrity=` (Subresource Integrity)."""
    return "sha384-" + base64.b64encode(hashlib.sha384(script_bytes()).digest()).decode()


def snippet(form: website_forms.Form, language: str) -> str:
    """The form as HTML: complete without JavaScript, made quicker by the script. Raises UnknownNotice."""
    base = settings.ZGODA_PUBLIC_URL
    with translation.override(language):
        offers = choices.board(language, only=form.purposes, count=False).offers
        if {purpose for offer in offers for purpose in [row.purpose for row in offer.rows]} != set(form.purposes):
            raise UnknownNotice
        lines = [
            f'<script src="{base}/forms/zgoda-form.js" integrity="{integrity()}" crossorigin="anonymous" defer></script>',
            f'<form data-zgoda-form="{form.key}" data-language="{language}" method="post" action="{base}/{language}/forms/{form.key}/">',
        ]
        yes, no, address = (
            translation.gettext("Yes"),
            translation.gettext("No"),
            translation.gettext("Your e-mail address"),
        )
        for offer in offers:
            notice = f"{base}/{language}/notices/{offer.notice.id}/"
            lines += [
                "  <fieldset>",
                f"    <legend>{escape(offer.title)}</legend>",
                f'    <p>{escape(offer.description)} <a href="{notice}">{escape(offer.notice.text.title)}</a></p>',
            ]
            for row in offer.rows:
                lines += [
                    f'    <p role="radiogroup" aria-label="{escape(offer.title)}, {escape(row.label)}">{escape(row.label)}',
                    f'      <label><input type="radio" name="{row.field}" value="yes"> {escape(yes)}</label>',
                    f'      <label><input type="radio" name="{row.field}" value="no"> {escape(no)}</label></p>',
                ]
            lines.append("  </fieldset>")
        lines += _age(form, base, language)
        lines += [
            f'  <p><label>{escape(address)} <input type="email" name="email" autocomplete="email" required></label></p>',
            f'  <p><button type="submit">{escape(translation.gettext("Send my answers"))}</button></p>',
            '  <p data-zgoda-status role="status" tabindex="-1"></p>',
            "</form>",
        ]
    return "\n".join(lines)


def _age(form: website_forms.Form, base: str, language: str) -> list[str]:
    """Where the form asks for age: the question, and where a parent answers for who is younger (Art. 8(1))."""
    if form.age is None:
        return []
    question = escape(translation.gettext("Are you %(age)s or older?") % {"age": form.age})
    for_child = escape(translation.gettext("Answer for a child"))
    yes, no = escape(translation.gettext("Yes")), escape(translation.gettext("No"))
    return [
        f'  <p role="radiogroup" aria-label="{question}">{question}',
        f'    <label><input type="radio" name="of_age" value="yes"> {yes}</label>',
        f'    <label><input type="radio" name="of_age" value="no"> {no}</label>',
        f'    <a href="{base}/{language}/consent/child/">{for_child}</a></p>',
    ]
