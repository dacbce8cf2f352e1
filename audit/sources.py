"""Where this package holds something about a data subject: links from entries, decision records, reviews (Art. 15, 17)."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from audit import decisions, log, models
from audit.erasable import erasing
from audit.tombstones import bury, link_tombstone
from governance.kernel.actors import SYSTEM
from governance.kernel.canonical import sha256_hex
from governance.kernel.copy import copy_rows
from governance.kernel.errors import JSON
from governance.kernel.ids import SubjectId, opaque
from governance.kernel.personal_data import Erased, ExportRecord, Located, Residual, SourceDefaults

_BATCHES_PER_ENTRY = 400
_EXPORTED = 10_000


class EntryLinks(SourceDefaults):
    """Which log entries are about the subject. Erasing the links leaves the log whole, and nobody the wiser whom it was about."""

    key = "audit.links"
    title = "Links from the log to the subject"
    tables = frozenset({"audit_subject_link", "audit_staged_link"})
    categories: tuple[str, ...] = ("evidence",)
    order = 990

    def locate(self, subject: SubjectId) -> Located:
        """Count the links."""
        return Located({"audit_subject_link": models.SubjectLink.objects.filter(subject_id=subject).count()})

    def export(self, subject: SubjectId) -> list[ExportRecord]:
        """What happened to the subject's data, when and for which purpose; not which member of staff did it."""
        linked = models.SubjectLink.objects.filter(subject_id=subject).values("entry_id")
        rows = (
            models.Entry.objects.filter(id__in=linked)
            .order_by("id")
            .values_list("id", "action", "purpose", "occurred_at")
        )
        return [
            ExportRecord(
                "audit_subject_link",
                "observed",
                purpose or None,
                {"entry": opaque("ent", entry), "action": action, "at": at.isoformat()},
            )
            for entry, action, purpose, at in rows[:_EXPORTED]
        ]

    def erase(self, subject: SubjectId) -> Erased:
        """Delete the links with their salts, and make no new ones: what is logged later about the erasure must not lead back."""
        with transaction.atomic():
            bury(subject)
            # In the order of the tags, which says nothing: not in that of the entries.
            tags = sorted(link_tombstone(entry, role) for entry, role in _delete_links(subject))
            if tags:
                copy_rows("audit_erased_link", ("tag",), ((tag,) for tag in tags), ("bytea",))
                facts: dict[str, JSON] = {"links": len(tags), "tombstones_sha256": sha256_hex(b"".join(tags))}
                log.emit("audit.links_erased", actor=SYSTEM, facts=facts)
        return Erased(deleted=len(tags))

    def residual(self, subject: SubjectId) -> Residual:
        """Count what is left, by a query of its own."""
        return _residual("SELECT count(*) FROM audit_subject_link WHERE subject_id::text = %s", subject)


def _delete_links(subject: SubjectId) -> list[tuple[UUID, str]]:
    """Delete a subject's links; returns the entry and role of each.

    Until none is found: one that the sequencer is moving to its place in the log (``staging.move``) is waited for and passed over, for
    it is gone where the statement saw it. The next statement sees it where it went, and it moves but once.
    """
    gone: list[tuple[UUID, str]] = []
    with erasing(), connection.cursor() as cursor:
        while True:
            cursor.execute("DELETE FROM audit_subject_link WHERE subject_id = %s RETURNING entry_id, role", [subject])
            found = cursor.fetchall()
            gone += found
            cursor.execute("SELECT EXISTS (SELECT 1 FROM audit_subject_link WHERE subject_id = %s)", [subject])
            if not cursor.fetchone()[0]:
                return gone


class DecisionRecords(SourceDefaults):
    """Automated decisions about the subject, their frozen inputs, and the reviews of them."""

    key = "audit.decisions"
    title = "Records of automated decisions"
    tables = frozenset({"audit_decision", "audit_review"})
    categories: tuple[str, ...] = ("profiling", "decisions")
    order = 200

    def locate(self, subject: SubjectId) -> Located:
        """Count decisions and reviews."""
        return Located(
            {
                "audit_decision": models.Decision.objects.filter(subject_id=subject).count(),
                "audit_review": models.Review.objects.filter(subject_id=subject).count(),
            }
        )

    def export(self, subject: SubjectId) -> list[ExportRecord]:
        """Each decision with what went into it and what it weighed (Art. 15(1)(h)), and each review."""
        records = [
            ExportRecord("audit_decision", "inferred", decision.purpose, _exported(decision))
            for decision in decisions.of_subject(subject, limit=_EXPORTED)
        ]
        reviews = models.Review.objects.filter(subject_id=subject).order_by("id")
        return records + [
            ExportRecord(
                "audit_review",
                "given",
                None,
                {
                    "decision": opaque("dec", review.decision_id),
                    "opened_at": review.opened_at.isoformat(),
                    "state": review.state,
                    "outcome": review.outcome,
                    "ground": review.ground,
                },
            )
            for review in reviews
        ]

    def erase(self, subject: SubjectId) -> Erased:
        """Delete records, sealed inputs and reviews. The log says which places of which batches became empty, and not whose they were."""
        with transaction.atomic():
            bury(subject)
            places: dict[str, list[int]] = defaultdict(list)
            rows = models.Decision.objects.filter(subject_id=subject).order_by("batch_id", "position")
            for batch, position in rows.values_list("batch_id", "position"):
                places[str(batch)].append(position)
            batches = sorted(places)
            for start in range(0, len(batches), _BATCHES_PER_ENTRY):
                gone: dict[str, JSON] = {batch: places[batch] for batch in batches[start : start + _BATCHES_PER_ENTRY]}
                log.emit("audit.subject_erased", actor=SYSTEM, facts={"decisions": gone})
            with erasing():
                deleted, _ = models.Decision.objects.filter(subject_id=subject).delete()
            reviews, _ = models.Review.objects.filter(subject_id=subject).delete()
        return Erased(deleted=deleted + reviews)

    def residual(self, subject: SubjectId) -> Residual:
        """Count what is left, by a query of its own."""
        return _residual(
            """
            SELECT (SELECT count(*) FROM audit_decision WHERE subject_id::text = %s)
                 + (SELECT count(*) FROM audit_review WHERE subject_id::text = %s)
            """,
            subject,
            subject,
        )


def _exported(decision: decisions.Decision) -> dict[str, Any]:
    return {
        "decision": opaque("dec", decision.id),
        "at": decision.decided_at.isoformat(),
        "kind": decision.kind,
        "result": decision.chosen,
        "score": decision.score,
        "model": decision.model_version,
        "policy": decision.policy_version,
        "contributions": {term.feature: term.contribution for term in decision.terms},
        "chance": decision.random_draw is not None,
    }


def _residual(query: str, *subjects: SubjectId) -> Residual:
    with connection.cursor() as cursor:
        cursor.execute(query, [str(subject) for subject in subjects])
        return Residual(int(cursor.fetchone()[0]), sha256_hex(json.dumps(query.split()).encode()))
