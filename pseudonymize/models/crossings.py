"""Tables of the two ways out of a domain, each with its approvals: back to an identity, and over to another domain."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from governance.kernel.ids import opaque
from governance.kernel.models import UuidModel
from pseudonymize.identity import IdentifierKind
from pseudonymize.models.domains import Domain, Manifest
from pseudonymize.models.vault import DataSubject


class RevealLevel(models.TextChoices):
    MASKED = "masked", "Masked"
    PLAIN = "plain", "Plain"


class RevealRequest(UuidModel):
    """Somebody asks to turn these tokens of one column of one run back. The tokens themselves are not kept, their digest is."""

    manifest = models.ForeignKey(Manifest, on_delete=models.PROTECT, related_name="reveal_requests")
    column = models.CharField(max_length=200)
    kind = models.CharField(max_length=16, choices=[(kind.value, kind.value) for kind in IdentifierKind])
    level = models.CharField(max_length=8, choices=RevealLevel.choices)
    purpose = models.CharField(max_length=200)
    case = models.CharField(max_length=100)
    tokens_sha256 = models.CharField(max_length=64)
    token_count = models.PositiveIntegerField()
    max_rows = models.PositiveIntegerField(default=1_000, help_text="How many people it may reveal at most.")
    requester = models.CharField(max_length=100)
    requester_person = models.CharField(max_length=64, blank=True, help_text="Keyed digest of the requester's mailbox.")
    opened_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        verbose_name = "request to reveal"
        verbose_name_plural = "requests to reveal"
        db_table = "pseudonymize_reveal_request"
        constraints = [
            models.UniqueConstraint(fields=["id", "requester"], name="reveal_request_of_requester"),
            models.CheckConstraint(condition=Q(expires_at__gt=models.F("opened_at")), name="reveal_request_expires"),
            models.CheckConstraint(condition=Q(token_count__gt=0), name="reveal_request_some_tokens"),
        ]

    def __str__(self) -> str:
        return opaque("rev", self.id)


class RevealApproval(UuidModel):
    """One person's approval of exactly these tokens. Never the requester's own: the table itself refuses that."""

    request = models.ForeignKey(RevealRequest, on_delete=models.PROTECT, related_name="approvals")
    requester = models.CharField(max_length=100)
    requester_person = models.CharField(max_length=64, blank=True)
    approver = models.CharField(max_length=100)
    person = models.CharField(max_length=64, blank=True, help_text="Keyed digest of the approver's mailbox.")
    tokens_sha256 = models.CharField(max_length=64)
    terms_sha256 = models.CharField(
        max_length=64, blank=True, help_text="Digest of the whole request as it was approved."
    )
    reason = models.CharField(max_length=200, blank=True)
    approved_at = models.DateTimeField()

    class Meta:
        verbose_name = "approval to reveal"
        verbose_name_plural = "approvals to reveal"
        db_table = "pseudonymize_reveal_approval"
        constraints = [
            models.UniqueConstraint(fields=["request", "approver"], name="reveal_approval_once_per_person"),
            models.CheckConstraint(condition=~Q(approver=models.F("requester")), name="reveal_approval_not_ones_own"),
            models.UniqueConstraint(
                fields=["request", "person"], condition=~Q(person=""), name="reveal_approval_once_per_mailbox"
            ),
            models.CheckConstraint(
                condition=Q(person="") | ~Q(person=models.F("requester_person")), name="reveal_approval_not_ones_other"
            ),
        ]

    def __str__(self) -> str:
        return opaque("rva", self.id)


class Reveal(UuidModel):
    """A reveal that happened, once per request: by the requester, with two approvals of two other people."""

    request = models.OneToOneField(RevealRequest, on_delete=models.PROTECT, related_name="reveal")
    requester = models.CharField(max_length=100)
    first_approver = models.CharField(max_length=100)
    second_approver = models.CharField(max_length=100)
    found = models.PositiveIntegerField()
    revealed_at = models.DateTimeField()
    entry_id = models.UUIDField()

    class Meta:
        db_table = "pseudonymize_reveal"
        constraints = [
            models.CheckConstraint(
                condition=~Q(first_approver=models.F("second_approver"))
                & ~Q(first_approver=models.F("requester"))
                & ~Q(second_approver=models.F("requester")),
                name="reveal_takes_three_people",
            )
        ]

    def __str__(self) -> str:
        return opaque("rvl", self.id)


class RevealedSubject(UuidModel):
    """That a person was turned back by a reveal: for their own copy (Art. 15), and for the limit per person."""

    reveal = models.ForeignKey(Reveal, on_delete=models.PROTECT, related_name="people")
    subject = models.ForeignKey(DataSubject, on_delete=models.PROTECT, related_name="reveals")
    requester = models.CharField(max_length=100)
    revealed_at = models.DateTimeField()

    class Meta:
        verbose_name = "person revealed"
        verbose_name_plural = "people revealed"
        db_table = "pseudonymize_revealed_subject"
        constraints = [models.UniqueConstraint(fields=["reveal", "subject"], name="revealed_subject_once")]
        indexes = [models.Index(fields=["requester", "revealed_at"], name="revealed_subject_by_requester")]

    def __str__(self) -> str:
        return opaque("rvs", self.id)


class JoinGrant(UuidModel):
    """That tokens of one domain may be translated into another's: which classes of columns, what for, until when, how many rows."""

    source = models.ForeignKey(Domain, on_delete=models.PROTECT, related_name="grants_from")
    target = models.ForeignKey(Domain, on_delete=models.PROTECT, related_name="grants_to")
    columns = ArrayField(models.CharField(max_length=200))
    reason = models.CharField(max_length=200)
    max_rows = models.PositiveIntegerField(help_text="In all, over the life of the grant.")
    requester = models.CharField(max_length=100)
    requester_person = models.CharField(max_length=64)
    opened_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "bridge between domains"
        verbose_name_plural = "bridges between domains"
        db_table = "pseudonymize_join_grant"
        constraints = [
            models.CheckConstraint(condition=~Q(source=models.F("target")), name="join_grant_between_two"),
            models.CheckConstraint(condition=Q(expires_at__gt=models.F("opened_at")), name="join_grant_expires"),
            models.CheckConstraint(condition=Q(max_rows__gt=0), name="join_grant_some_rows"),
        ]

    def __str__(self) -> str:
        return opaque("brg", self.id)


class JoinGrantApproval(UuidModel):
    """One person's approval of a bridge as it stands."""

    grant = models.ForeignKey(JoinGrant, on_delete=models.PROTECT, related_name="approvals")
    requester = models.CharField(max_length=100)
    requester_person = models.CharField(max_length=64)
    approver = models.CharField(max_length=100)
    person = models.CharField(max_length=64)
    terms_sha256 = models.CharField(max_length=64)
    reason = models.CharField(max_length=200)
    approved_at = models.DateTimeField()

    class Meta:
        verbose_name = "approval of a bridge"
        verbose_name_plural = "approvals of bridges"
        db_table = "pseudonymize_join_grant_approval"
        constraints = [
            models.UniqueConstraint(fields=["grant", "approver"], name="join_grant_approval_once_per_account"),
            models.UniqueConstraint(fields=["grant", "person"], name="join_grant_approval_once_per_mailbox"),
            models.CheckConstraint(
                condition=~Q(approver=models.F("requester")) & ~Q(person=models.F("requester_person")),
                name="join_grant_approval_not_ones_own",
            ),
        ]

    def __str__(self) -> str:
        return opaque("bra", self.id)


class JoinGrantUse(UuidModel):
    """One translation over a bridge: how many rows went in, how many came out. Never which."""

    grant = models.ForeignKey(JoinGrant, on_delete=models.PROTECT, related_name="uses")
    actor = models.CharField(max_length=100)
    column = models.CharField(max_length=200)
    rows = models.PositiveIntegerField()
    translated = models.PositiveIntegerField()
    used_at = models.DateTimeField()
    entry_id = models.UUIDField()

    class Meta:
        verbose_name = "use of a bridge"
        verbose_name_plural = "uses of bridges"
        db_table = "pseudonymize_join_grant_use"

    def __str__(self) -> str:
        return opaque("bru", self.id)
