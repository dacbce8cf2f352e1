"""Audiences by name: who a journey takes in. Packages that know people (segments) register theirs in `AppConfig.ready()`."""

from collections.abc import Callable, Sequence

from engine.journeys.errors import AudienceUnknown
from governance.kernel.ids import SubjectId

Audience = Callable[[], Sequence[SubjectId]]
_audiences: dict[str, Audience] = {}


def register(name: str, audience: Audience) -> None:
    """Name an audience; it is asked when a journey starts."""
    _audiences[name] = audience


def known(name: str) -> bool:
    """Whether the name stands for an audience."""
    return name in _audiences


def members(name: str) -> Sequence[SubjectId]:
    """Who is in it now. Raises AudienceUnknown."""
    if name not in _audiences:
        raise AudienceUnknown("No audience of this name.")
    return _audiences[name]()
