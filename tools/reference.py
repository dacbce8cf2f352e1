"""The pages of `docs/reference/` that are made from the code: `python -m tools.reference`, or `--check` to fail when one is stale."""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
import sys
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings")

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"
_MADE = "<!-- Made by `python -m tools.reference`; change the code instead. -->"


def settings_page() -> str:
    """The environment variables, from `governance.environment.Environment`."""
    from governance.environment import BASE_DIR, Environment

    lines = [
        _MADE,
        "# Settings",
        "",
        "Environment variables. Unknown values are refused at start-up, all mistakes at once.",
        "",
    ]
    lines += ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Environment.model_fields.items():
        default = str(field.default).replace(str(BASE_DIR) + "/", "")
        lines.append(
            f"| `{name.upper()}` | {f'`{default}`' if field.default not in (None, '') else '–'} | {field.description} |"
        )
    return "\n".join(lines) + "\n"


def commands_page() -> str:
    """The management commands of our packages, from their help texts."""
    from django.core.management import get_commands, load_command_class

    ours = ("governance", "consent", "pseudonymize", "audit", "dsar", "engine")
    lines = [
        _MADE,
        "# Commands",
        "",
        "`python manage.py COMMAND --help` shows the options of each.",
        "",
        "| command | what it does |",
        "|---|---|",
    ]
    for name, package in sorted(get_commands().items()):
        if package.split(".")[0] in ours:
            lines.append(f"| `{name}` | {load_command_class(package, name).help.strip()} |")
    return "\n".join(lines) + "\n"


def problems_page() -> str:
    """Every error the API can answer with, from the error classes (RFC 9457)."""
    from governance.kernel import problems

    _import_everything()
    lines = [
        _MADE,
        "# Problems",
        "",
        "Every error of the API is a problem document (RFC 9457). `code` is stable; decide by it.",
        "",
    ]
    lines += ["| code | status | when |", "|---|---|---|"]
    for code, kind in problems.catalogue().items():
        first = (inspect.getdoc(kind) or "").partition("\n\n")[0].replace("\n", " ").replace("|", "\\|")
        lines.append(f"| `{code}` | {kind.status} | {first} |")
    return "\n".join(lines) + "\n"


def _import_everything() -> None:
    """Every module of ours, so that the list of errors does not depend on what happened to be imported."""
    for package in ("governance", "consent", "pseudonymize", "audit", "dsar", "engine"):
        root = importlib.import_module(package)
        for module in pkgutil.walk_packages(root.__path__, f"{package}."):
            if not {"migrations", "commands"} & set(module.name.split(".")):
                importlib.import_module(module.name)


def openapi_document() -> str:
    """OpenAPI 3.1, as drf-spectacular reads it from the views."""
    from drf_spectacular.generators import SchemaGenerator
    from drf_spectacular.renderers import OpenApiYamlRenderer

    schema = SchemaGenerator().get_schema(request=None, public=True)
    return OpenApiYamlRenderer().render(schema, renderer_context={}).decode()


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "commands.md": commands_page,
    "problems.md": problems_page,
    "openapi.yaml": openapi_document,
}


def stale() -> list[str]:
    """The pages that say something else than the code."""
    return [
        name
        for name, make in PAGES.items()
        if not (REFERENCE / name).exists() or (REFERENCE / name).read_text() != make()
    ]


def main() -> int:
    import django

    django.setup()
    if "--check" in sys.argv:
        found = stale()
        for name in found:
            print(f"docs/reference/{name} is stale: run python -m tools.reference", file=sys.stderr)  # noqa: T201
        return 1 if found else 0
    for name, make in PAGES.items():
        (REFERENCE / name).write_text(make())
    return 0


if __name__ == "__main__":
    sys.exit(main())
