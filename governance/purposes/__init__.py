"""Purposes (Art. 5(1)(b)), their legal bases (Art. 6), and the record of processing activities (Art. 30).

Owns: what personal data may be used for. A purpose is versioned and a version never changes: whoever cites
`("newsletter", 3)` years later reads what held then. Must stay true: versions of one purpose come into force in
order, the newest in force is the current one in every process at once, and every definition is in the log.

    from governance import purposes
    purposes.define("newsletter", ...)      purposes.current("newsletter")      purposes.all_current()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from governance.purposes.register import all_current, book, current, define
    from governance.purposes.terms import Channel, LegalBasis, PurposeVersion

__all__ = ["Channel", "LegalBasis", "PurposeVersion", "all_current", "book", "current", "define"]


def __getattr__(name: str) -> Any:
    """The verbs, on first use: Django imports this package before there are models to import."""
    if name in ("all_current", "book", "current", "define"):
        from governance.purposes import register

        return getattr(register, name)
    if name in ("Channel", "LegalBasis", "PurposeVersion"):
        from governance.purposes import terms

        return getattr(terms, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
