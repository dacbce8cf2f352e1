"""Where an opt-out preference signal (Global Privacy Control) binds the controller, as data.

In the Union consent comes first, so a signal there is evidence of a wish and changes nothing by itself (Art. 21(5) leaves objections by
automated means to the services concerned). The laws listed here make it an opt-out that must be honoured.
"""

from __future__ import annotations

from typing import Final

BINDING_SIGNALS: Final[dict[str, str]] = {
    "US-CA": "California Consumer Privacy Act",
    "US-CO": "Colorado Privacy Act",
    "US-CT": "Connecticut Data Privacy Act",
    "US-DE": "Delaware Personal Data Privacy Act",
    "US-MD": "Maryland Online Data Privacy Act",
    "US-MN": "Minnesota Consumer Data Privacy Act",
    "US-MT": "Montana Consumer Data Privacy Act",
    "US-NE": "Nebraska Data Privacy Act",
    "US-NH": "New Hampshire Privacy Act",
    "US-NJ": "New Jersey Data Privacy Act",
    "US-OR": "Oregon Consumer Privacy Act",
    "US-TX": "Texas Data Privacy and Security Act",
}


def signal_binds(jurisdiction: str) -> bool:
    """Whether `Sec-GPC: 1` from there is an opt-out and not only a wish."""
    return jurisdiction in BINDING_SIGNALS
