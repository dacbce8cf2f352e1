"""Published policies: numbered versions whose text never changes."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Max

from audit import log
from governance.kernel.actors import Actor
from governance.kernel.clock import now
from pseudonymize import domains
from pseudonymize.errors import PolicyUnknown
from pseudonymize.models import Domain, PolicyVersion
from pseudonymize.policies.parsing import parse
from pseudonymize.policies.policy import Policy

_NUMBERING = 0x5A67_6F64_6102
"""Advisory lock: two new versions of one name get two numbers."""


@dataclass(frozen=True, slots=True)
class Published:
    """A policy's place: its version's row, and the domain with the epoch that runs use now."""

    id: UUID
    name: str
    number: int
    domain: Domain


def publish(policy: Policy, *, actor: Actor) -> Published:
    """Make the policy a version, and its domain exist. Publishing the same text again is the same version.

    Raises DomainMismatch when the domain exists for another purpose.
    """
    with transaction.atomic():
        found = PolicyVersion.objects.select_related("domain").filter(sha256=policy.sha256).first()
        if found is None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_NUMBERING])
            found = PolicyVersion.objects.select_related("domain").filter(sha256=policy.sha256).first()
        return _of(found or _make(policy, actor))


def _make(policy: Policy, actor: Actor) -> PolicyVersion:
    versions = {getattr(rule, "canonical", None) for rule in policy.columns.values()}
    canonicalisers = sorted(version for version in versions if version)
    domain = domains.ensure(policy.domain, actor=actor, canonicalisers=canonicalisers)
    latest = PolicyVersion.objects.filter(name=policy.name).aggregate(number=Max("number"))["number"] or 0
    row = PolicyVersion.objects.create(
        name=policy.name,
        number=latest + 1,
        domain=domain,
        text=policy.text,
        sha256=policy.sha256,
        published_at=now(),
        published_by=str(actor),
    )
    log.emit(
        "policy.published",
        actor=actor,
        object=f"policy_version:{row.id}",
        purpose=domain.purpose,
        facts={"name": row.name, "number": row.number, "sha256": row.sha256},
    )
    return row


def current(name: str) -> Policy:
    """The latest version of that name. Raises PolicyUnknown."""
    row = PolicyVersion.objects.filter(name=name).order_by("-number").first()
    if row is None:
        raise PolicyUnknown(name=name)
    return parse(row.text)


def _of(row: PolicyVersion) -> Published:
    return Published(row.id, row.name, row.number, row.domain)
