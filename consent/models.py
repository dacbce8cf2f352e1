"""Tables: notices, the ledger and its evidence, the state it folds to, cited verdicts. No verbs.

Everything about a person stands under an opaque id; evidence is ciphertext under the person's own key. Append-only tables refuse
UPDATE, DELETE and TRUNCATE by trigger.
"""

from __future__ import annotations

from datetime import timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from consent.terms import ANY, Delivery, EventType, OptInStep, Reason, SignedWith, State, SubjectAs, TargetKind
from governance.kernel.actors import ActorKind
from governance.kernel.ids import opaque
from governance.kernel.models import UuidModel

LANGUAGES = [("en", "English"), ("pl", "polski")]


class NoticeVersion(UuidModel):
    """One version of a notice in one language, immutable from the moment it is published (append-only)."""

    key = models.CharField(_("notice"), max_length=64)
    version = models.PositiveIntegerField(_("version"))
    language = models.CharField(_("language"), max_length=2, choices=LANGUAGES)
    ui_variant = models.CharField(_("variant"), max_length=40)
    purposes = ArrayField(models.CharField(max_length=64), verbose_name=_("purposes"))
    title = models.CharField(_("title"), max_length=200)
    content = models.JSONField(_("content"))
    content_sha256 = models.CharField("SHA-256", max_length=64)
    material_change = models.BooleanField(
        _("material change"), help_text=_("Consents under earlier versions were superseded.")
    )
    published_at = models.DateTimeField(_("published at"))
    published_by = models.CharField(max_length=120)
    entry_id = models.UUIDField()

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        db_table = "consent_notice_version"
        ordering = ["key", "-version", "language"]
        constraints = [
            models.UniqueConstraint(fields=["key", "language", "version"], name="consent_notice_version_once"),
            models.CheckConstraint(
                condition=Q(language__in=[code for code, _name in LANGUAGES]), name="consent_notice_language"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} v{self.version} ({self.language})"


class LedgerHead(models.Model):
    """The head of one subject's ledger. Who records has it alone, who claims shares it, so no withdrawal slips between."""

    subject_id = models.UUIDField(primary_key=True)
    epoch = models.PositiveBigIntegerField(default=0)
    last_received_at = models.DateTimeField(null=True)
    erased_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("ledger head")
        db_table = "consent_ledger_head"
        indexes = [models.Index(fields=["erased_at"], condition=Q(erased_at__isnull=False), name="consent_head_erased")]

    def __str__(self) -> str:
        return opaque("sub", self.subject_id)


class ConsentEvent(UuidModel):
    """One event of the ledger (append-only). `received_at` is strictly increasing per subject; `*` stands for any."""

    subject_id = models.UUIDField(_("subject"))
    purpose_key = models.CharField(_("purpose"), max_length=64)
    purpose_version = models.PositiveIntegerField(_("purpose version"))
    channel = models.CharField(_("channel"), max_length=16)
    event_type = models.CharField(_("event"), max_length=20, choices=[(one.value, one.value) for one in EventType])
    actor_kind = models.CharField(_("who"), max_length=10, choices=[(one.value, one.value) for one in ActorKind])
    actor_id = models.CharField(max_length=120)
    method = models.CharField(_("how"), max_length=40)
    jurisdiction = models.CharField(_("jurisdiction"), max_length=6)
    notice_version_id = models.UUIDField(_("notice"), null=True)
    presentation_jti = models.UUIDField(null=True)
    parent_event_id = models.UUIDField(null=True)
    occurred_at = models.DateTimeField(_("occurred at"))
    received_at = models.DateTimeField(_("received at"))
    valid_until = models.DateTimeField(_("valid until"), null=True)
    needs_confirmation = models.BooleanField(_("needs confirmation"))
    signal_binding = models.BooleanField(_("signal binds"))
    source_sha256 = models.CharField(max_length=64)
    evidence_sha256 = models.CharField(max_length=64)
    idempotency_key = models.CharField(max_length=128, unique=True)
    event_sha256 = models.CharField("SHA-256", max_length=64)
    entry_id = models.UUIDField()

    class Meta:
        verbose_name = _("consent event")
        verbose_name_plural = _("consent ledger")
        db_table = "consent_event"
        constraints = [
            models.UniqueConstraint(fields=["subject_id", "received_at"], name="consent_event_in_order"),
            models.CheckConstraint(
                condition=Q(event_type__in=[one.value for one in EventType]), name="consent_event_type_known"
            ),
            models.CheckConstraint(
                condition=Q(actor_kind__in=[one.value for one in ActorKind]), name="consent_event_actor_known"
            ),
            models.CheckConstraint(condition=~Q(actor_id=""), name="consent_event_has_an_actor"),
            models.CheckConstraint(
                condition=Q(occurred_at__lte=models.F("received_at")), name="consent_event_not_from_the_future"
            ),
        ]
        indexes = [
            models.Index(
                fields=["presentation_jti"],
                condition=Q(presentation_jti__isnull=False),
                name="consent_event_presentation",
            )
        ]

    def __str__(self) -> str:
        return opaque("cev", self.id)


class ConsentEvidence(UuidModel):
    """What shows that an event happened: ciphertext under the subject's key. Erasing empties it; its digest stays in the event."""

    event_id = models.UUIDField(unique=True)
    subject_id = models.UUIDField(db_index=True)
    ciphertext = models.BinaryField(null=True)
    ciphertext_sha256 = models.CharField(max_length=64)
    keep_until = models.DateField()
    shredded_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("evidence")
        db_table = "consent_evidence"

    def __str__(self) -> str:
        return opaque("cee", self.id)


class ConsentState(models.Model):
    """What the events of one subject, purpose and channel come to. A projection: `fold.rebuild()` makes it from the ledger."""

    id = models.BigAutoField(primary_key=True)
    subject_id = models.UUIDField(_("subject"))
    purpose_key = models.CharField(_("purpose"), max_length=64)
    channel = models.CharField(_("channel"), max_length=16)
    status = models.CharField(_("state"), max_length=20, choices=[(one.value, one.value) for one in State])
    event_id = models.UUIDField(null=True)
    notice_version_id = models.UUIDField(null=True)
    purpose_version = models.PositiveIntegerField(_("purpose version"), null=True)
    occurred_at = models.DateTimeField(_("since"), null=True)
    valid_until = models.DateTimeField(_("valid until"), null=True)
    objection_event_id = models.UUIDField(_("objection"), null=True)
    restriction_event_id = models.UUIDField(_("restriction"), null=True)
    signal_event_id = models.UUIDField(_("opt-out signal"), null=True)

    class Meta:
        verbose_name = _("consent state")
        verbose_name_plural = _("consent states")
        db_table = "consent_state"
        constraints = [
            models.UniqueConstraint(fields=["subject_id", "purpose_key", "channel"], name="consent_state_once"),
        ]
        indexes = [
            models.Index(
                fields=["valid_until"],
                condition=Q(status=State.GIVEN.value, valid_until__isnull=False),
                name="consent_state_running_out",
            ),
            models.Index(
                fields=["subject_id"], condition=Q(purpose_key=ANY) | Q(channel=ANY), name="consent_state_broad"
            ),
        ]

    def __str__(self) -> str:
        return f"{opaque('sub', self.subject_id)} {self.purpose_key} {self.channel}"


class ConsentVerdict(UuidModel):
    """An answer of the gate that somebody acted on (append-only): what was asked, what was answered, and on which ground."""

    subject_id = models.UUIDField(_("subject"), db_index=True)
    purpose_key = models.CharField(_("purpose"), max_length=64)
    purpose_version = models.PositiveIntegerField(_("purpose version"))
    channel = models.CharField(_("channel"), max_length=16)
    allowed = models.BooleanField(_("allowed"))
    reason = models.CharField(_("reason"), max_length=24, choices=[(one.value, one.value) for one in Reason])
    basis = models.CharField(_("legal basis"), max_length=24)
    event_id = models.UUIDField(null=True)
    notice_version_id = models.UUIDField(null=True)
    valid_until = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(_("decided at"))
    entry_id = models.UUIDField()

    class Meta:
        verbose_name = _("verdict")
        db_table = "consent_verdict"

    def __str__(self) -> str:
        return opaque("vdt", self.id)


class ConsentVerdictSet(UuidModel):
    """The answer for a whole audience that somebody acted on (append-only): counts by reason and a digest of who was allowed."""

    purpose_key = models.CharField(_("purpose"), max_length=64)
    purpose_version = models.PositiveIntegerField(_("purpose version"))
    channel = models.CharField(_("channel"), max_length=16)
    basis = models.CharField(_("legal basis"), max_length=24)
    asked = models.PositiveIntegerField(_("asked"))
    allowed = models.PositiveIntegerField(_("allowed"))
    refused = models.JSONField(_("refused, by reason"))
    allowed_sha256 = models.CharField("SHA-256", max_length=64)
    decided_at = models.DateTimeField(_("decided at"))
    cited_for = models.CharField(_("cited for"), max_length=120)
    actor = models.CharField(_("by"), max_length=160)
    entry_id = models.UUIDField()

    class Meta:
        verbose_name = _("verdict set")
        db_table = "consent_verdict_set"

    def __str__(self) -> str:
        return opaque("vds", self.id)


class RetiredEvent(models.Model):
    """What is left of an event after its retention (append-only): its digest, so that the log entry that committed to it still adds up."""

    event_id = models.UUIDField(primary_key=True)
    entry_id = models.UUIDField()
    event_sha256 = models.CharField("SHA-256", max_length=64)
    retired_at = models.DateTimeField()

    class Meta:
        verbose_name = _("retired event")
        db_table = "consent_event_retired"

    def __str__(self) -> str:
        return opaque("cev", self.event_id)


class ConsentLink(models.Model):
    """A visitor who turned out to be somebody known. What the visitor had said was said again in the known person's ledger."""

    visitor_subject_id = models.UUIDField(primary_key=True)
    subject_id = models.UUIDField(_("subject"), db_index=True)
    linked_at = models.DateTimeField(_("linked at"))
    entry_id = models.UUIDField()

    class Meta:
        verbose_name = _("link of a visitor")
        db_table = "consent_link"

    def __str__(self) -> str:
        return opaque("sub", self.visitor_subject_id)


class PropagationTarget(UuidModel):
    """A system that has to hear of every change: a webhook, a directory for CSV files, or a queue of a message broker."""

    key = models.SlugField(_("key"), max_length=64, unique=True)
    kind = models.CharField(_("by"), max_length=10, choices=[(one.value, one.value) for one in TargetKind])
    address = models.CharField(
        _("address"), max_length=400, help_text=_("A URL, a directory, or broker URL and queue.")
    )
    purposes = ArrayField(
        models.CharField(max_length=64),
        verbose_name=_("purposes"),
        default=list,
        blank=True,
        help_text=_("Only changes of these; all when empty."),
    )
    subject_as = models.CharField(
        _("names people by"),
        max_length=16,
        choices=[(one.value, one.value) for one in SubjectAs],
        default=SubjectAs.OPAQUE.value,
    )
    signed_with = models.CharField(
        _("signed with"),
        max_length=12,
        choices=[(one.value, one.value) for one in SignedWith],
        default=SignedWith.HMAC.value,
    )
    acknowledges = models.BooleanField(
        _("acknowledges later"),
        default=False,
        help_text=_("A change is settled when the system calls back, not when it answers."),
    )
    settle_within = models.DurationField(_("to be settled within"), default=timedelta(hours=1))
    active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("system that hears of changes")
        verbose_name_plural = _("propagation")
        db_table = "consent_propagation_target"
        ordering = ["key"]

    def __str__(self) -> str:
        return self.key


class Propagation(models.Model):
    """One change on its way to one system. `id` is the order in which the system gets them."""

    id = models.BigAutoField(primary_key=True)
    target = models.ForeignKey(PropagationTarget, on_delete=models.PROTECT, related_name="changes")
    event_id = models.UUIDField()
    subject_id = models.UUIDField(_("subject"), db_index=True)
    purpose_key = models.CharField(_("purpose"), max_length=64)
    channel = models.CharField(_("channel"), max_length=16)
    state = models.CharField(_("state"), max_length=12, choices=[(one.value, one.value) for one in Delivery])
    recorded_at = models.DateTimeField(_("recorded at"))
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    sent_at = models.DateTimeField(_("sent at"), null=True)
    settled_at = models.DateTimeField(_("settled at"), null=True)
    reference = models.CharField(_("reference"), max_length=120, blank=True)
    escalated_at = models.DateTimeField(_("escalated at"), null=True)

    class Meta:
        verbose_name = _("change on its way")
        verbose_name_plural = _("changes on their way")
        db_table = "consent_propagation"
        constraints = [models.UniqueConstraint(fields=["event_id", "target"], name="consent_propagation_once")]
        indexes = [
            models.Index(
                fields=["target", "id"], condition=Q(settled_at__isnull=True), name="consent_propagation_open"
            ),
            models.Index(fields=["target", "settled_at"], name="consent_propagation_lag"),
        ]

    def __str__(self) -> str:
        return f"{self.target_id} {self.pk}"


class OptInTally(models.Model):
    """How often a notice was served and what followed, by day and surface: numbers without people."""

    day = models.DateField(_("day"))
    surface = models.CharField(_("where"), max_length=40)
    notice_version_id = models.UUIDField(_("notice"))
    step = models.CharField(_("step"), max_length=12, choices=[(one.value, one.value) for one in OptInStep])
    count = models.PositiveBigIntegerField(_("how often"), default=0)

    class Meta:
        verbose_name = _("opt-in tally")
        db_table = "consent_optin_tally"
        constraints = [
            models.UniqueConstraint(
                fields=["day", "surface", "notice_version_id", "step"], name="consent_optin_tally_once"
            ),
            models.CheckConstraint(
                condition=Q(step__in=[one.value for one in OptInStep]), name="consent_optin_step_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.surface} {self.step}"
