"""The story: ten steps, each a few calls of the verbs that an integrator would call, and the figures that they return."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.conf import settings

from audit import sequencer
from consent.terms import NoticeVersionId
from engine.channels.loopback_sink import LoopbackSink
from governance.accounts import staff
from governance.accounts.roles import Role
from governance.demo import arrivals, consent_history, erasure, evidence, lapse_model, offers, setting, statistics
from governance.demo.narrator import Narrator
from governance.jobs import worker
from governance.kernel.actors import SYSTEM, Actor, ActorKind
from pseudonymize.vault import IdentifierKind

PASSWORD = "zgoda demonstration"  # noqa: S105 - printed to whoever runs the demonstration, valid on their machine alone
STAFF = ((Role.DPO, "dana"), (Role.ENGINEER, "eli"), (Role.MARKETER, "marko"), (Role.AUDITOR, "ada"))


@dataclass
class Story:
    """Tells itself through a narrator; `figures` is what `--json` prints."""

    narrator: Narrator
    households: int | None
    figures: dict[str, Any] = field(default_factory=dict)
    _people: list[arrivals.Household] = field(default_factory=list)
    _notices: dict[str, NoticeVersionId] = field(default_factory=dict)

    def tell(self) -> dict[str, Any]:
        """All ten steps. Raises what a step raises: a story that is not true is not told to its end."""
        with LoopbackSink() as sink:
            settings.EMAIL_HOST, settings.EMAIL_PORT = sink.host, sink.port
            mailbox = offers.Mailbox(sink)
            self._stage()
            enrolled = self._arrivals()
            self._consents()
            prepared = self._training_set()
            compared = self._learn(prepared)
            self._statistics()
            run = self._offers(compared.model.id, enrolled, mailbox)
            self._erasure(enrolled, mailbox, {subject for subject, _, _ in run.offered})
            self._log()
        self.figures["seconds"] = self.narrator.seconds
        return self.figures

    @property
    def _officer(self) -> Actor:
        return Actor(ActorKind.STAFF, str(staff.find(f"dana@{_HOST}")))

    def _stage(self) -> None:
        say = self.narrator.say
        with self.narrator.step(
            "start", "The house opens: PostgreSQL, tables, staff, purposes, a notice in two languages"
        ):
            replaced = setting.clear_stage()
            if replaced is not None:
                say(
                    f"Replaces the demonstration of {replaced.made_on}: {replaced.subjects:,} people, "
                    f"{replaced.events:,} events, {replaced.entries:,} log entries."
                )
            setting.set_stage()
            for role, name in STAFF:
                staff.enlist(
                    f"{name}@{_HOST}", roles_held=[role], password=PASSWORD, display_name=name.title(), actor=SYSTEM
                )
            purposes = setting.define_purposes()
            self._notices = setting.publish_notices()
            lapse_model.register_system(self._officer)
            say(
                f"{purposes} purposes, {len(self._notices)} notice versions, {len(STAFF)} members of staff, 1 AI system."
            )

    def _arrivals(self) -> arrivals.Enrolled:
        say = self.narrator.say
        with self.narrator.step("enrol", "Households enter the vault; from here on they are opaque ids"):
            with self.narrator.progress("households") as progress:
                enrolled = arrivals.enrol(self.households, progress=progress)
            self._people = enrolled.households
            say(
                f"{len(self._people):,} households: identifiers encrypted under a key each, found by keyed blind indexes."
            )
        with self.narrator.step("ingest", "A year of shopping becomes events"):
            with self.narrator.progress("events") as progress:
                ingested = arrivals.ingest(self._people, progress=progress)
            say(
                f"{ingested.accepted:,} events accepted, {ingested.duplicates:,} duplicates, {ingested.quarantined:,} put aside."
            )
        self.figures |= {"subjects": len(self._people), "events": ingested.accepted}
        return enrolled

    def _consents(self) -> None:
        with self.narrator.step("consent", "A year of consents goes through the ledger"):
            people = [(one.number, one.subject, one.language) for one in self._people]
            with self.narrator.progress("consent events") as progress:
                counted = consent_history.replay(people, self._notices, progress=progress)
            self.narrator.say(", ".join(f"{count:,} {kind}" for kind, count in sorted(counted.items())) + ".")

    def _training_set(self) -> lapse_model.Prepared:
        with self.narrator.step("training_set", "A training set of permitted households, pseudonymised by policy"):
            with self.narrator.progress("cuts") as progress:
                prepared = lapse_model.prepare([one.subject for one in self._people], progress=progress)
            verdicts, manifest = prepared.verdicts, prepared.manifest
            refused = ", ".join(f"{count} {reason.value}" for reason, count in sorted(verdicts.refused.items()))
            self.narrator.say(
                f"The gate permits {len(verdicts.allowed):,} of {len(verdicts):,} households; refused: {refused}."
            )
            self.narrator.say(
                f"{manifest.rows:,} rows under policy {manifest.policy_sha256[:12]}; the manifest is signed."
            )
            shown = ("subject", "birth_date", "note", "spend_28_cents", "recency_days")
            example = prepared.pseudonymised.filter(prepared.pseudonymised["note"].str.contains("<")).row(0, named=True)
            self.narrator.table(
                "One row as the model sees it", ["column", "value"], [[name, example[name]] for name in shown]
            )
        self.figures |= {"permitted": len(verdicts.allowed), "training_rows": manifest.rows}
        return prepared

    def _learn(self, prepared: lapse_model.Prepared) -> lapse_model.Compared:
        with self.narrator.step("learning", "Who will stop shopping in the next four weeks? Privacy costs no accuracy"):
            compared = lapse_model.train(prepared)
            rows = [
                [name, f"{one.quality.auc:.3f}", f"{one.quality.calibration_error:.3f}", f"{one.reference.auc:.3f}"]
                for name, one in (("saw identities", compared.identified), ("saw pseudonyms", compared.pseudonymised))
            ]
            columns = ["tables (explainable boosting)", "AUC", "calibration error", "LightGBM's AUC on the same rows"]
            self.narrator.table("Tested on a later month", columns, rows)
            gap = compared.difference
            self.narrator.say(f"Difference {gap.difference:+.4f}, 95 % interval {gap.low:+.4f} to {gap.high:+.4f}.")
        self.figures |= {
            "auc_identified": round(compared.identified.quality.auc, 4),
            "auc_pseudonymised": round(compared.pseudonymised.quality.auc, 4),
            "auc_difference_95": [round(gap.low, 4), round(gap.high, 4)],
            "auc_reference": round(compared.pseudonymised.reference.auc, 4),
        }
        return compared

    def _statistics(self) -> None:
        with self.narrator.step("aggregates", "Three questions about everybody, answered with differential privacy"):
            answered = statistics.ask(self._officer)
            for title, release in answered:
                rows = [
                    [row.key, f"{row.value:,.0f}", f"± {(row.high95 - row.low95) / 2:,.0f}"] for row in release.rows[:6]
                ]
                self.narrator.table(f"{title}, ε = {release.epsilon:g}", ["group", "value", "95 %"], rows)
            left = answered[-1][1].budget_left
            self.narrator.say(
                f"Budget left: ε = {left:g} of {statistics.TOTAL_EPSILON:g}; what is asked again costs nothing."
            )
        self.figures["aggregates"] = [
            {
                "question": title,
                "epsilon": release.epsilon,
                "budget_left": release.budget_left,
                "rows": [row._asdict() for row in release.rows],
            }
            for title, release in answered
        ]

    def _offers(self, model: UUID, enrolled: arrivals.Enrolled, mailbox: offers.Mailbox) -> Any:
        say = self.narrator.say
        with self.narrator.step("offers", "An offer for everybody who permits it, with reasons; the campaign goes out"):
            with self.narrator.progress("decisions") as progress:
                run = offers.decide(self._people, model, self._officer, progress=progress)
            say(
                f"{len(run.decision_ids):,} decisions: {', '.join(f'{count} {action}' for action, count in run.chosen.items())}."
            )
            for language in ("en", "pl"):
                explanation = offers.why(run, self._people, language)
                self.narrator.quote(
                    "\n".join([explanation.sentence, *(f"- {reason.text}" for reason in explanation.reasons)])
                )
            addresses = {
                one.subject: enrolled.identities[one.number].values[IdentifierKind.EMAIL] for one in self._people
            }
            sent = offers.send(run, addresses, mailbox, self._officer)
            counts = {state.value: count for state, count in sent.status.counts.items()}
            say(f"Messages: {', '.join(f'{count:,} {state}' for state, count in counts.items() if count)}.")
            say(
                "One household withdrew after the decision and before the sending: "
                + (f"it got nothing ({sent.withheld_because})." if sent.withdrawn_got_nothing else "IT WAS WRITTEN TO.")
            )
        self.figures |= {
            "decisions": len(run.decision_ids),
            "sent": counts.get("sent", 0),
            "withheld": dict(sent.status.withheld_because),
            "withdrawn_blocked": sent.withdrawn_got_nothing,
        }
        return run

    def _erasure(self, enrolled: arrivals.Enrolled, mailbox: offers.Mailbox, written_to: set[Any]) -> None:
        with self.narrator.step("erasure", "One household asks to be forgotten"):
            household = next(one for one in self._people if one.subject in written_to)
            forgotten = erasure.forget(household, enrolled.identities[household.number], self._officer, mailbox)
            rows = [
                [step.title, step.expected, step.deleted, step.anonymised, step.shredded, step.retained]
                for step in forgotten.steps
                if step.expected
            ]
            columns = ["source", "found", "deleted", "anonymised", "shredded", "kept"]
            self.narrator.table(f"Plan of {forgotten.expected_rows:,} rows, carried out", columns, rows)
            certificate = forgotten.certificate
            for kept in certificate.retained:
                self.narrator.say(
                    f"Kept: {kept.count} in {kept.table}: {kept.ground}, until {kept.until or 'the ground ends'}."
                )
            self.narrator.say(
                f"Independent search of {certificate.tables_searched} tables: {certificate.residual} left. "
                f"Backups unreadable by {certificate.backups_unreadable_by}. Certificate signed by key {certificate.key_id}."
            )
            refused = "refused" if forgotten.reimport_refused else "ACCEPTED"
            self.narrator.say(f"The next import of the same person: {refused}.")
        self.figures |= {
            "erasure": {
                "status": certificate.outcome,
                "residual": certificate.residual,
                "certificate_jws": certificate.jws,
                "rows": forgotten.expected_rows,
            },
            "reimport_refused": forgotten.reimport_refused,
        }

    def _log(self) -> None:
        with self.narrator.step("log", "The whole log is verified; a copy with one byte changed is not"):
            worker.drain()
            sequencer.sequence()
            with self.narrator.progress("entries") as progress:
                report = evidence.verify(progress=progress)
            self.narrator.say(
                f"{report.entries:,} entries, root {report.root_sha256[:16]}…: verified {'✔' if report.verified else '✖'}"
            )
            tampering = evidence.tamper_with_a_copy(report.entries)
            self.narrator.say(
                f"One byte of entry {tampering.changed_entry:,} changed in a copy; the outsider's verifier: "
                f"entry {tampering.named_entry}: {tampering.words}."
            )
        self.figures |= {
            "log": {"entries": report.entries, "root_sha256": report.root_sha256, "verified": report.verified},
            "tampered": {"detected": tampering.detected and tampering.honest_verified, "entry": tampering.named_entry},
        }


_HOST = "example.com"
