"""Global Privacy Control (W3C): one request header that says "do not sell or share my data", and the file that says we listen.

The header has one meaning: the single character 1. Every other value, two values, or the name in a trailer say nothing.
"""

from __future__ import annotations

from datetime import date
from typing import Final

HEADER: Final = "Sec-GPC"
SUPPORTED_SINCE: Final = date(2026, 11, 1)
"""When this service began to honour the signal, for `/.well-known/gpc.json`."""


def says_opt_out(header: str | None) -> bool:
    """Whether the value of the request header is a preference to opt out (section 3.3: only `1`)."""
    return header == "1"


def support() -> dict[str, object]:
    """The body of `/.well-known/gpc.json` (section 3.5)."""
    return {"gpc": True, "lastUpdate": SUPPORTED_SINCE.isoformat()}
