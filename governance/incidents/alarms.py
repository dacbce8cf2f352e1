"""Alarms of the log that may be a breach: each opens a case, suspected and not yet assessed (Art. 33 starts with awareness)."""

from __future__ import annotations

from audit.watching import Found
from governance.incidents import register
from governance.kernel.actors import SYSTEM

_TITLES = {
    "burst": "Unusually many accesses to personal data",
    "out_of_hours": "Accesses to personal data outside working hours",
    "same_person": "One person looked at again and again",
    "extraction": "Questions as if to copy a model or its data",
}


def open_case(found: Found) -> None:
    """Enter an anomaly of accesses; who it was stands in the log, under the anomaly's number."""
    if found.rule == "reason_frequencies":
        _open_about_model(found)
        return
    title = _TITLES.get(found.rule, "An unusual pattern of accesses")
    facts = f"Rule {found.rule}: {found.observed} times in an hour, about {round(found.expected)} expected. Anomaly {found.id} in the log."
    register.open_breach(title, facts, ["confidentiality"], actor=SYSTEM)


def _open_about_model(found: Found) -> None:
    """The reasons of a model have shifted: its inputs may have been altered, by an error or by somebody."""
    facts = (
        f"One reason is among the strongest in {found.observed} of 100 decisions of a day, about {round(found.expected)} before."
        f" Anomaly {found.id} in the log says which, and of which model."
    )
    register.open_breach("The reasons of a model have shifted", facts, ["integrity"], actor=SYSTEM)
