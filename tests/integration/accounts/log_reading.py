"""What the log holds, for assertions about it."""

import json
from typing import Any

from audit.models import Entry


def actions(name: str) -> int:
    """How many entries record this action."""
    return Entry.objects.filter(action=name).count()


def facts_of(name: str) -> dict[str, Any]:
    """The facts of the latest entry of this action."""
    facts: dict[str, Any] = json.loads(Entry.objects.filter(action=name).latest("id").header)["facts"]
    return facts


def text_of_the_log() -> str:
    """Everything under the tree."""
    return "\n".join(Entry.objects.values_list("header", flat=True))
