"""Pseudonyms and keys in the console: opaque ids, states and statements. Nothing is in the clear; what changes are approvals alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from django.contrib.admin import EmptyFieldListFilter
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from governance.kernel import crypto
from governance.kernel.admin import ReadOnlyAdmin, ReadOnlyTabularInline, display, register
from governance.kernel.clock import now
from governance.kernel.errors import InvalidInput
from governance.kernel.ids import from_opaque, opaque
from pseudonymize import domains
from pseudonymize.crossings import bridges, reidentification
from pseudonymize.crossings.admin_approvals import ApprovingAdmin
from pseudonymize.keys import kek
from pseudonymize.models import (
    DataSubject,
    Domain,
    FileJob,
    JoinGrant,
    JoinGrantApproval,
    JoinGrantUse,
    KeyEncryptionKey,
    Manifest,
    MasterKey,
    PolicyVersion,
    Remap,
    RevealApproval,
    RevealRequest,
    Suppression,
)
from pseudonymize.runs import manifests

F = TypeVar("F", bound=Callable[..., Any])
column: Callable[..., Callable[[F], F]] = display
"""The theme's decorator of a page's field; the theme has no types."""


@register(DataSubject)
class DataSubjectAdmin(ReadOnlyAdmin):
    """Who is in the vault, as numbers. To see an identifier takes a verb that leaves an entry in the log."""

    list_display = ("number", "state", "identifiers_held", "enrolled_at", "erased_at")
    list_filter = (("erased_at", EmptyFieldListFilter),)
    fields = ("number", "state", "kinds", "enrolled_at", "erased_at", "key_state", "key_proof")
    search_fields: ClassVar[tuple[str, ...]] = ("id",)
    search_help_text = "The whole number of a subject (sub_…)"
    ordering = ("-id",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[DataSubject]:
        rows: QuerySet[DataSubject] = super().get_queryset(request)
        return rows.annotate(identifier_count=Count("identifiers"))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[DataSubject], search_term: str
    ) -> tuple[QuerySet[DataSubject], bool]:
        """By the whole opaque number; there is nothing else to search by here."""
        if not search_term:
            return queryset, False
        try:
            return queryset.filter(id=from_opaque("sub", search_term.strip())), False
        except InvalidInput:
            return queryset.none(), False

    @column(description="subject", ordering="id")
    def number(self, row: DataSubject) -> str:
        return opaque("sub", row.id)

    @column(description="state", label={"live": "success", "erased": "info"})
    def state(self, row: DataSubject) -> str:
        return "erased" if row.erased_at else "live"

    @column(description="identifiers", ordering="identifier_count")
    def identifiers_held(self, row: DataSubject) -> int:
        return int(row.identifier_count)  # type: ignore[attr-defined]  # annotated in get_queryset

    @column(description="identifiers held")
    def kinds(self, row: DataSubject) -> str:
        return ", ".join(sorted(row.identifiers.values_list("kind", flat=True))) or "none"

    @column(description="key")
    def key_state(self, row: DataSubject) -> str:
        key = row.key
        return (
            f"destroyed {key.destroyed_at:%Y-%m-%d %H:%M} UTC"
            if key.destroyed_at
            else f"live, version {key.kek_version}"
        )

    @column(description="proof of destruction (SHA-256)")
    def key_proof(self, row: DataSubject) -> str:
        return row.key.proof_sha256 or "–"


@register(KeyEncryptionKey)
class KeyEncryptionKeyAdmin(ReadOnlyAdmin):
    """Versions of the key-encryption key. When an old one wraps nothing any more, it can be destroyed."""

    list_display = ("version", "provider", "status", "created_at", "destroyed_at", "live", "wraps")
    fields = (
        "version",
        "provider",
        "reference",
        "status",
        "fingerprint",
        "created_at",
        "destroyed_at",
        "live",
        "wraps",
    )
    ordering = ("-version",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.fields

    @column(description="live keys wrapped")
    def live(self, row: KeyEncryptionKey) -> int:
        return next((s.subject_keys + s.master_keys for s in kek.states() if s.version == row.version), 0)


@register(MasterKey)
class MasterKeyAdmin(ReadOnlyAdmin):
    """Masters by name and epoch, never their material."""

    list_display = ("name", "epoch", "status", "kek_version", "created_at", "destroyed_at")
    list_filter = ("status",)
    fields = readonly_fields = list_display
    ordering = ("name", "-epoch")


class PolicyVersionInline(ReadOnlyTabularInline):
    """The policies of a domain."""

    model = PolicyVersion
    fields = ("name", "number", "sha256", "published_at", "published_by")
    ordering = ("name", "-number")
    verbose_name_plural = "policies"
    show_change_link = True


@register(Domain)
class DomainAdmin(ReadOnlyAdmin):
    """Pseudonymisation domains: what for, who receives, which epoch of keys."""

    list_display = ("key", "purpose", "join_group", "epoch", "retention_days", "created_at")
    list_filter = ("purpose",)
    search_fields = ("key", "purpose")
    fields = readonly_fields = (
        "key",
        "purpose",
        "controller",
        "recipients",
        "datasets",
        "additional_information",
        "excluded_attackers",
        "join_group",
        "canonicalisers",
        "retention_days",
        "epoch",
        "epochs",
        "created_at",
    )
    inlines = (PolicyVersionInline,)

    @column(description="epochs of its keys")
    def epochs(self, row: Domain) -> str:
        return "; ".join(
            f"{epoch.epoch}: {epoch.status}, {epoch.outputs} outputs, {epoch.remapped} moved on"
            for epoch in domains.epochs(row.key)
        )


@register(PolicyVersion)
class PolicyVersionAdmin(ReadOnlyAdmin):
    """Published policies with their text. A change is a new version."""

    list_display = ("name", "number", "domain", "published_at", "published_by")
    list_filter = ("domain",)
    search_fields = ("name", "sha256")
    fields = readonly_fields = ("name", "number", "domain", "sha256", "published_at", "published_by", "text")
    ordering = ("name", "-number")


@register(Manifest)
class ManifestAdmin(ReadOnlyAdmin):
    """What ran, with the signature checked as the page is shown."""

    list_display = ("number", "policy", "activity", "rows_in", "rows_out", "finished_at")
    list_filter = ("policy__domain", "finished_at")
    search_fields = ("activity", "policy__name")
    ordering = ("-id",)
    fields = (
        "number",
        "policy",
        "activity",
        "verdict_id",
        "actor",
        "rows_in",
        "rows_out",
        "started_at",
        "finished_at",
        "signature",
        "entry_id",
        "statement",
        "jws",
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.fields

    @column(description="manifest", ordering="id")
    def number(self, row: Manifest) -> str:
        return opaque("man", row.id)

    @column(description="signature", label={"valid": "success", "not valid": "danger"})
    def signature(self, row: Manifest) -> str:
        try:
            same = manifests.verify(row.jws) == row.statement
        except crypto.SignatureInvalid:
            same = False
        return "valid" if same else "not valid"


def _reveal_terms(row: RevealRequest) -> list[tuple[str, Any]]:
    """What an approver reads before they approve."""
    return [
        ("request", opaque("rev", row.id)),
        ("run", row.manifest),
        ("column", row.column),
        ("kind", row.kind),
        ("level", row.level),
        ("purpose", row.purpose),
        ("case", row.case),
        ("tokens", row.token_count),
        ("people at most", row.max_rows),
        ("digest of the tokens", row.tokens_sha256),
        ("asked by", row.requester),
        ("until", f"{row.expires_at:%Y-%m-%d %H:%M} UTC"),
    ]


class RevealApprovalInline(ReadOnlyTabularInline):
    """Who approved."""

    model = RevealApproval
    fields = ("approver", "approved_at", "reason")
    ordering = ("id",)
    verbose_name_plural = "approvals"


@register(RevealRequest)
class RevealRequestAdmin(ApprovingAdmin):
    """Requests to turn tokens back, with their two seats. Neither tokens nor what they revealed is kept."""

    approve = staticmethod(reidentification.approve)
    digest = staticmethod(reidentification.terms_sha256)
    terms = staticmethod(_reveal_terms)

    list_display = ("number", "kind", "token_count", "level", "case", "requester", "state", "expires_at")
    list_filter = ("kind", "level")
    fields = (
        "number",
        "state",
        "manifest",
        "column",
        "kind",
        "level",
        "purpose",
        "case",
        "token_count",
        "max_rows",
        "tokens_sha256",
        "requester",
        "opened_at",
        "expires_at",
        "approval",
    )
    ordering = ("-id",)
    inlines = (RevealApprovalInline,)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[RevealRequest]:
        rows: QuerySet[RevealRequest] = super().get_queryset(request)
        return rows.select_related("reveal").annotate(approval_count=Count("approvals"))

    @column(description="request", ordering="id")
    def number(self, row: RevealRequest) -> str:
        return opaque("rev", row.id)

    @column(description="state", label={"revealed": "info", "expired": "warning"})
    def state(self, row: RevealRequest) -> str:
        if hasattr(row, "reveal"):
            return "revealed"
        if row.expires_at <= now():
            return "expired"
        return f"{row.approval_count} of 2 approvals"  # type: ignore[attr-defined]  # annotated in get_queryset


def _bridge_terms(row: JoinGrant) -> list[tuple[str, Any]]:
    """What an approver reads before they approve."""
    return [
        ("bridge", opaque("brg", row.id)),
        ("from", f"{row.source.key} ({row.source.purpose})"),
        ("to", f"{row.target.key} ({row.target.purpose})"),
        ("recipients there", ", ".join(row.target.recipients) or "–"),
        ("classes of columns", ", ".join(row.columns)),
        ("reason", row.reason),
        ("rows at most", row.max_rows),
        ("asked by", row.requester),
        ("until", f"{row.expires_at:%Y-%m-%d %H:%M} UTC"),
    ]


class JoinGrantApprovalInline(ReadOnlyTabularInline):
    """Who approved."""

    model = JoinGrantApproval
    fields = ("approver", "approved_at", "reason")
    ordering = ("id",)
    verbose_name_plural = "approvals"


class JoinGrantUseInline(ReadOnlyTabularInline):
    """What went over the bridge: counts."""

    model = JoinGrantUse
    fields = ("used_at", "actor", "column", "rows", "translated")
    ordering = ("-id",)
    verbose_name_plural = "uses"


@register(JoinGrant)
class JoinGrantAdmin(ApprovingAdmin):
    """Bridges between domains: asked for by one, approved by two, with what went over them."""

    approve = staticmethod(bridges.approve)
    digest = staticmethod(bridges.terms_sha256)
    terms = staticmethod(_bridge_terms)
    list_display = ("number", "source", "target", "requester", "state", "left", "expires_at")
    list_select_related = ("source", "target")
    fields = (
        "number",
        "state",
        "source",
        "target",
        "columns",
        "reason",
        "max_rows",
        "left",
        "requester",
        "opened_at",
        "expires_at",
        "revoked_at",
        "approval",
    )
    ordering = ("-id",)
    inlines = (JoinGrantApprovalInline, JoinGrantUseInline)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.fields

    @column(description="bridge", ordering="id")
    def number(self, row: JoinGrant) -> str:
        return opaque("brg", row.id)

    @column(description="state", label={"ended": "warning"})
    def state(self, row: JoinGrant) -> str:
        if row.revoked_at or row.expires_at <= now():
            return "ended"
        return f"{row.approvals.count()} of 2 approvals"

    @column(description="rows left")
    def left(self, row: JoinGrant) -> int:
        return bridges.rows_left(row)


@register(Remap)
class RemapAdmin(ReadOnlyAdmin):
    """Outputs on their way to a later epoch of their domain's keys, with counts."""

    list_display = (
        "id",
        "manifest",
        "from_epoch",
        "to_epoch",
        "state",
        "rows_done",
        "rows_total",
        "mapped",
        "unmapped",
    )
    list_filter = ("state",)
    fields = readonly_fields = (*list_display, "actor", "output_sha256", "problem", "created_at", "finished_at")
    ordering = ("-id",)


@register(FileJob)
class FileJobAdmin(ReadOnlyAdmin):
    """Files that clients handed in: state and counts, never what is in them."""

    list_display = ("id", "policy", "activity", "state", "rows_done", "rows_total", "created_at", "finished_at")
    list_filter = ("state",)
    fields = readonly_fields = (*list_display, "format", "bytes_in", "actor", "manifest", "problem", "expires_at")
    ordering = ("-id",)


@register(Suppression)
class SuppressionAdmin(ReadOnlyAdmin):
    """The suppression list, without what could be compared with anything."""

    list_display = ("number", "kind", "scope", "reason", "suppressed_at")
    list_filter = ("scope", "kind", "reason")
    fields = ("number", "kind", "scope", "reason", "suppressed_at", "entry_id")
    ordering = ("-id",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.fields

    @column(description="suppression", ordering="id")
    def number(self, row: Suppression) -> str:
        return opaque("sup", row.id)
