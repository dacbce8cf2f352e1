"""Texts for translators: collect what is marked in code and templates, and compile catalogues, without GNU gettext.

    manage.py texts            # add new texts to each package's locale/pl/LC_MESSAGES/django.po, compile the .mo
    manage.py texts --check    # fail when something is missing, untranslated or not compiled

Needs Babel (extra ``dev``).
"""

from __future__ import annotations

import ast
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation.template import templatize

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog

PACKAGES = ("dsar", "governance/privacy_center")
LANGUAGE = "pl"
# The headers want dates; real ones would make every run a change.
_DATE = datetime(2026, 1, 1, tzinfo=UTC)
_CALLS = frozenset({"_", "gettext", "gettext_lazy", "gettext_noop"})
_IN_TEMPLATE = re.compile(r"""\bgettext\(\s*u?((?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"))\s*\)""")


class Command(BaseCommand):
    """Collect and compile the texts of the public pages and letters."""

    help = "Collect marked texts into the .po files and compile them (or only check, with --check)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="Change nothing; fail when something is missing.")

    def handle(self, *args: Any, **options: Any) -> None:
        wrong = [problem for package in PACKAGES for problem in self._package(package, check=options["check"])]
        for problem in wrong:
            self.stderr.write(problem)
        if wrong and options["check"]:
            raise CommandError(f"{len(wrong)} texts are missing, untranslated or not compiled.")

    def _package(self, package: str, *, check: bool) -> list[str]:
        root = Path(settings.BASE_DIR if hasattr(settings, "BASE_DIR") else Path.cwd()) / package
        catalogue = read(root)
        wanted = collect(root)
        if check:
            return [*problems(catalogue, wanted, package), *stale(root, catalogue, package)]
        for text in sorted(wanted):
            if catalogue.get(text) is None:
                catalogue.add(text, flags=["python-format"] if "%(" in text else [])
        for message in [message for message in catalogue if message.id and message.id not in wanted]:
            catalogue.delete(message.id)
        write(root, catalogue)
        return problems(catalogue, wanted, package)


def collect(root: Path) -> set[str]:
    """Every marked text under ``root``, from templates and from Python code."""
    templates = (path for pattern in ("*.html", "*.txt") for path in (root / "templates").rglob(pattern))
    found = {text for path in templates for text in in_template(path.read_text("utf-8"))}
    return found | {text for path in root.rglob("*.py") for text in in_code(path.read_text("utf-8"))}


def in_template(source: str) -> Iterator[str]:
    """Texts of ``translate`` and ``blocktranslate`` tags."""
    for match in _IN_TEMPLATE.finditer(templatize(source)):
        yield ast.literal_eval(match.group(1))


def in_code(source: str) -> Iterator[str]:
    """Constant first arguments of calls to gettext and its kin."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CALLS and node.args:
            argument = node.args[0]
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield argument.value


def problems(catalogue: Catalog, wanted: set[str], package: str) -> list[str]:
    """What is missing from the catalogue, untranslated, fuzzy, or has other placeholders than its original."""
    wrong = []
    for text in sorted(wanted):
        message = catalogue.get(text)
        if message is None:
            wrong.append(f"{package}: not in the catalogue: {text}")
        elif not message.string or message.fuzzy:
            wrong.append(f"{package}: not translated: {text}")
        elif _placeholders(text) != _placeholders(str(message.string)):
            wrong.append(f"{package}: other placeholders: {text}")
    return wrong


def stale(root: Path, catalogue: Catalog, package: str) -> list[str]:
    """Whether the compiled file is what the catalogue compiles to."""
    compiled = _folder(root) / "django.mo"
    same = compiled.exists() and compiled.read_bytes() == compile_catalogue(catalogue)
    return [] if same else [f"{package}: the .mo file is not what the .po file compiles to"]


def read(root: Path) -> Catalog:
    """The catalogue of a package, empty when there is none yet."""
    from babel.messages.catalog import Catalog
    from babel.messages.pofile import read_po

    path = _folder(root) / "django.po"
    if not path.exists():
        return Catalog(locale=LANGUAGE, project="Zgoda", charset="utf-8", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=LANGUAGE)


def compile_catalogue(catalogue: Catalog) -> bytes:
    """The bytes of the .mo file."""
    from babel.messages.mofile import write_mo

    buffer = io.BytesIO()
    write_mo(buffer, catalogue)
    return buffer.getvalue()


def write(root: Path, catalogue: Catalog) -> None:
    """Write both files of a package."""
    from babel.messages.pofile import write_po

    folder = _folder(root)
    folder.mkdir(parents=True, exist_ok=True)
    catalogue.header_comment = "# Polish texts of Zgoda. Apache-2.0. Written by `manage.py texts`."
    catalogue.project, catalogue.version = "Zgoda", "1"
    catalogue.msgid_bugs_address = catalogue.last_translator = catalogue.language_team = ""
    catalogue.creation_date = catalogue.revision_date = _DATE
    with (folder / "django.po").open("wb") as file:
        write_po(file, catalogue, width=110, sort_output=True, omit_header=False)
    (folder / "django.mo").write_bytes(compile_catalogue(read(root)))


def _folder(root: Path) -> Path:
    return root / "locale" / LANGUAGE / "LC_MESSAGES"


def _placeholders(text: str) -> set[str]:
    return set(re.findall(r"%\((\w+)\)s", text))
