"""What the packages above the log know about a decision: the model that made it, and the consent that it rests on."""

from __future__ import annotations

from collections.abc import Sequence

from audit.decisions import Decision
from audit.explanations.dossiers import Section
from consent.models import ConsentEvent
from engine.learning import registry
from engine.learning.errors import ModelUnknown
from engine.learning.tables import ScoringTables, range_of
from governance.airegister import systems, versions
from governance.airegister.errors import SystemUnknown


def model(decision: Decision) -> Sequence[Section]:
    """The model's card and the ranges that applied; a section that says so when another system made the decision."""
    try:
        loaded = registry.recall_version(decision.model_version)
    except ModelUnknown:
        said = "The model belongs to another system, which recorded this decision with us."
        return [Section("Model", lines=(said,), facts=(("Version", decision.model_version),))]
    facts = [
        ("Version", loaded.version),
        ("Tables (SHA-256)", loaded.tables.sha256),
        ("Features", loaded.feature_set),
        ("Training set", str(loaded.training_set_id)),
        ("Pseudonymised by manifest", str(loaded.manifest_id or "–")),
    ]
    try:
        register = {one.version: one for one in versions.all_versions(loaded.system)}
        facts.append(("Stopped by a person", "yes" if systems.is_stopped(loaded.system) else "no"))
    except SystemUnknown:
        register = {}
    if known := register.get(loaded.version):
        figures = ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in sorted(known.metrics.items()))
        facts += [("Stage", known.stage.value), ("Figures when trained", figures or "–")]
    return [
        Section("Model", facts=tuple(facts)),
        Section("Ranges that applied", facts=tuple(_ranges(loaded.tables, decision))),
    ]


def consent(decision: Decision) -> Sequence[Section]:
    """The event that the decision rests on, as the ledger has it."""
    if decision.consent_event_id is None:
        said = "No consent: the purpose rests on another legal basis, and the person may object."
        return [Section("Consent", lines=(said,))]
    event = ConsentEvent.objects.filter(pk=decision.consent_event_id, subject_id=decision.subject).first()
    if event is None:
        return [Section("Consent", lines=("The ledger has no such event of this person.",))]
    return [
        Section(
            "Consent",
            facts=(
                ("Said", f"{event.event_type}, {event.occurred_at:%Y-%m-%d %H:%M} UTC"),
                ("How", event.method.replace("_", " ")),
                ("To", f"{event.purpose_key}, version {event.purpose_version}, {event.channel}"),
                ("Notice that was shown", str(event.notice_version_id or "–")),
                ("Digest of the event", event.event_sha256),
                ("Digest of what was shown", event.evidence_sha256 or "–"),
            ),
        )
    ]


def _ranges(tables: ScoringTables, decision: Decision) -> list[tuple[str, str]]:
    terms = dict(zip(tables.term_names, tables.terms, strict=True))
    told = []
    for recorded in decision.terms:
        term = terms.get(recorded.feature)
        if term is None:
            continue
        levels = tables.levels[term.features[0]] if tables.levels else None
        if levels is not None:
            told.append((recorded.feature, levels[recorded.bin - 1] if recorded.bin else "not known"))
            continue
        lower, upper = range_of(term.cuts[0], recorded.bin)
        told.append((recorded.feature, _range(lower, upper) if recorded.bin else "not known"))
    return told


def _range(lower: float | None, upper: float | None) -> str:
    if lower is None and upper is None:
        return "any"
    if lower is None:
        return f"below {upper:g}"
    return f"{lower:g} or more" if upper is None else f"{lower:g} to below {upper:g}"
