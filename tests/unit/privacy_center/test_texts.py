"""Every text of the public pages and letters is translated, and the compiled catalogue is what the source compiles to."""

from __future__ import annotations

from pathlib import Path

import pytest

from governance.privacy_center.management.commands import texts

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("package", texts.PACKAGES)
def test_every_text_is_translated_with_the_same_placeholders(package: str) -> None:
    root = ROOT / package
    assert texts.problems(texts.read(root), texts.collect(root), package) == []


@pytest.mark.parametrize("package", texts.PACKAGES)
def test_the_compiled_catalogue_is_up_to_date(package: str) -> None:
    root = ROOT / package
    assert texts.stale(root, texts.read(root), package) == []


def test_the_collector_sees_templates_and_code() -> None:
    template = '{% load i18n %}{% translate "One" %}{% blocktranslate with a=b %}Two {{ a }}{% endblocktranslate %}'
    assert set(texts.in_template(template)) == {"One", "Two %(a)s"}
    assert set(texts.in_code('x = _("Three"); y = gettext("Four"); z = other("Five")')) == {"Three", "Four"}


def test_a_missing_translation_and_a_lost_placeholder_are_noticed() -> None:
    from babel.messages.catalog import Catalog

    catalogue = Catalog(locale="pl")
    catalogue.add("One", "Jeden")
    catalogue.add("Two %(a)s", "Dwa")
    found = texts.problems(catalogue, {"One", "Two %(a)s", "Three"}, "x")
    assert [problem.partition(": ")[2].partition(":")[0] for problem in found] == [
        "not in the catalogue",
        "other placeholders",
    ]
