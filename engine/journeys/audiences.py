"""Audiences by name: who a journey takes in. `segment:<key>` is a segment of the profiles; packages can register others."""

from collections.abc import Callable, Sequence
from typing import Final

from engine.journeys.errors import AudienceUnknown
from engine.profiles import segments
from engine.profiles.errors import SegmentUnknown
from governance.kernel.ids import SubjectId

Audience = Callable[[], Sequence[SubjectId]]
SEGMENT: Final = "segment:"
_audiences: dict[str, Audience] = {}


def register(name: str, audience: Audience) -> None:
    """Name an audience, in `AppConfig.ready()`; it is asked when a journey starts."""
    _audiences[name] = audience


def known(name: str) -> bool:
    """Whether the name stands for an audience now."""
    if not name.startswith(SEGMENT):
        return name in _audiences
    try:
        segments.size(name.removeprefix(SEGMENT))
    except SegmentUnknown:
        return False
    return True


def members(name: str) -> Sequence[SubjectId]:
    """Who is in it now. Raises AudienceUnknown."""
    if name.startswith(SEGMENT):
        try:
            return segments.members(name.removeprefix(SEGMENT))
        except SegmentUnknown:
            raise AudienceUnknown("No segment of this key.") from None
    if name not in _audiences:
        raise AudienceUnknown("No audience of this name.")
    return _audiences[name]()
