"""Google Consent Mode v2: seven types, each granted or denied; `default` before the person was asked, `update` once they answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from consent.signals.errors import SignalMalformed

TYPES: Final = (
    "ad_storage",
    "ad_user_data",
    "ad_personalization",
    "analytics_storage",
    "functionality_storage",
    "personalization_storage",
    "security_storage",
)


class Command(StrEnum):
    """Whether the state was set before or after the person answered."""

    DEFAULT = "default"
    UPDATE = "update"


@dataclass(frozen=True, slots=True)
class ConsentMode:
    """A state of Consent Mode; types that were not named are in neither set."""

    command: Command
    granted: frozenset[str]
    denied: frozenset[str]

    def state(self) -> dict[str, str]:
        """As the tag takes it: `gtag("consent", command, state)`."""
        return {
            one: "granted" if one in self.granted else "denied" for one in TYPES if one in self.granted | self.denied
        }


def read(command: str, state: Mapping[str, object]) -> ConsentMode:
    """A state as a tag pushed it. Raises SignalMalformed for unknown types, words or commands; `wait_for_update`, `region` and
    `url_passthrough` belong to the tag and say nothing about the person."""
    if command not in frozenset(Command):
        raise SignalMalformed("The command is default or update.")
    said = {name: word for name, word in state.items() if name not in {"wait_for_update", "region", "url_passthrough"}}
    for name, word in said.items():
        if name not in TYPES or word not in ("granted", "denied"):
            raise SignalMalformed("A type of Consent Mode is granted or denied.")
    return ConsentMode(
        Command(command),
        frozenset(name for name, word in said.items() if word == "granted"),
        frozenset(name for name, word in said.items() if word == "denied"),
    )
