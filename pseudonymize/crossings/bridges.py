"""Bridges: tokens of one domain become those of another, by a grant of three people, and nobody sees who they stand for.

Domains cannot be joined unless they share a join group. Where a purpose needs it once, somebody asks for a grant (from, to, which
classes of columns, what for, how many rows, until when), two others approve exactly that (`dual_control.py`), and then pipelines
translate: a token is opened and the value's token in the target is made, in memory, and only that leaves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import pyarrow as pa
from django.db import transaction
from django.db.models import Sum

from audit import log
from governance.kernel.actors import Actor, ActorKind
from governance.kernel.canonical import digest
from governance.kernel.errors import JSON
from pseudonymize import domains
from pseudonymize.crossings import dual_control, notices, reversal
from pseudonymize.crossings.rotation import living_epochs
from pseudonymize.crossings.token_matching import identified_by, people, tokens_of
from pseudonymize.errors import (
    BridgeNotUsable,
    BridgeUnknown,
    DualControlRequired,
    InvalidRequest,
    TokensNotTranslatable,
    TooManyTranslations,
)
from pseudonymize.keys import masters
from pseudonymize.models import Domain, JoinGrant, JoinGrantApproval, JoinGrantUse, PolicyVersion
from pseudonymize.policies.parsing import parse
from pseudonymize.policies.policy import Fpe, Rule, TokenMac, TokenSiv, TokenVault
from pseudonymize.transforms import tokens_text
from pseudonymize.transforms.errors import TransformError
from pseudonymize.transforms.tokens_text import TokenFormat, TokenKind

LONGEST = timedelta(days=90)
MOST_ROWS = 1_000_000
ROWS_PER_CALL = 10_000
CALLS_PER_MINUTE = 60
_PREFIX = 2 + tokens_text.DOMAIN_CHARACTERS + tokens_text.EPOCH_CHARACTERS


def open_bridge(
    source: str,
    target: str,
    columns: Sequence[str],
    *,
    reason: str,
    max_rows: int,
    expires_in: timedelta,
    actor: Actor,
) -> UUID:
    """Ask for a bridge for these classes of columns. Returns its id.

    Raises DualControlRequired for anyone but staff who work with pseudonyms, DomainUnknown, InvalidRequest for a bridge that is too
    long, too large, of a domain to itself, or for a class that the source has no tokens of which there is a way across.
    """
    person = dual_control.require_requester(actor)
    start, end = domains.get(source), domains.get(target)
    if start.id == end.id or not columns or not reason.strip():
        raise InvalidRequest("A bridge leads from one domain to another, for some columns, and says why.")
    if not 1 <= max_rows <= MOST_ROWS or not timedelta(0) < expires_in <= LONGEST:
        raise InvalidRequest(f"A bridge is for 1 to {MOST_ROWS} rows and ends within {LONGEST.days} days.")
    for name in columns:
        _rules(start, end, name)
    at = dual_control.latest_now()
    with transaction.atomic():
        row = JoinGrant.objects.create(
            source=start,
            target=end,
            columns=sorted(set(columns)),
            reason=reason.strip(),
            max_rows=max_rows,
            requester=str(actor),
            requester_person=person.mailbox,
            opened_at=at,
            expires_at=at + expires_in,
        )
        _log("bridge.requested", row, actor)
    return row.id


def find(bridge: UUID) -> JoinGrant:
    """The bridge's row. Raises BridgeUnknown."""
    row = JoinGrant.objects.select_related("source", "target").filter(id=bridge).first()
    if row is None:
        raise BridgeUnknown
    return row


def terms_sha256(row: JoinGrant) -> str:
    """The digest that an approver approves: everything that the bridge permits."""
    return digest(
        {
            "bridge": str(row.id),
            "source": str(row.source_id),
            "target": str(row.target_id),
            "columns": list(row.columns),
            "reason": row.reason,
            "max_rows": row.max_rows,
            "requester": row.requester,
            "requester_person": row.requester_person,
            "opened_at": row.opened_at.isoformat(),
            "expires_at": row.expires_at.isoformat(),
        }
    )


def approve(bridge: UUID, *, actor: Actor, reason: str, terms: str | None = None) -> int:
    """Approve a bridge as it stands; returns how many approvals it has. Raises as `reidentification.approve`, of bridges."""
    person = dual_control.require_approver(actor)
    if not 1 <= len(reason.strip()) <= 200:
        raise InvalidRequest("An approval says why, in up to 200 characters.")
    with transaction.atomic():
        row = _locked(bridge)
        dual_control.require_other_people(person, row.requester, row.requester_person, row.approvals.all())
        at = _require_open(row)
        agreed = terms_sha256(row)
        if terms is not None and terms != agreed:
            raise BridgeNotUsable("The bridge is another than the one that was shown.")
        _, new = JoinGrantApproval.objects.get_or_create(
            grant=row,
            approver=str(actor),
            defaults={
                "requester": row.requester,
                "requester_person": row.requester_person,
                "person": person.mailbox,
                "terms_sha256": agreed,
                "reason": reason.strip(),
                "approved_at": at,
            },
        )
        if new:
            _log("bridge.approved", row, actor)
        return row.approvals.count()


def revoke(bridge: UUID, *, actor: Actor) -> None:
    """End a bridge at once: the requester may, and whoever approves. Idempotent."""
    if str(actor) != find(bridge).requester:
        dual_control.require_approver(actor)
    with transaction.atomic():
        row = _locked(bridge)
        if row.revoked_at is None:
            row.revoked_at = dual_control.latest_now()
            row.save(update_fields=["revoked_at"])
            _log("bridge.revoked", row, actor)


def translate(bridge: UUID, column: str, tokens: Sequence[str], *, actor: Actor) -> list[str | None]:
    """The target domain's tokens of these of the source, aligned; None for what nobody knows any more.

    Every call is in the log with its counts and takes its rows from the bridge's, whatever it finds. Raises BridgeUnknown,
    BridgeNotUsable, DualControlRequired, TooManyTranslations, TokensNotTranslatable.
    """
    if actor.kind not in (ActorKind.STAFF, ActorKind.CLIENT):
        raise DualControlRequired("Only staff and pipelines cross a bridge.")
    if not 1 <= len(tokens) <= ROWS_PER_CALL:
        raise TokensNotTranslatable(f"A call is for 1 to {ROWS_PER_CALL} tokens.")
    with transaction.atomic():
        row = _locked(bridge)
        at = _require_open(row)
        asking = dual_control.Person(row.requester, row.requester_person, "")
        dual_control.standing(list(row.approvals.order_by("id")), asking, row.requester_person, terms_sha256(row))
        if column not in row.columns:
            raise BridgeNotUsable("The bridge is not for this class of columns.", column=column)
        _require_left(row, len(tokens), at)
        rules = _rules(row.source, row.target, column)
        try:
            done = _crossed(rules, tokens, row.source, row.target)
        except TransformError as error:
            raise TokensNotTranslatable("Some of these are no tokens of the bridge's source.") from error
        found = sum(token is not None for token in done)
        entry = _log("bridge.crossed", row, actor, rows=len(tokens), translated=found)
        JoinGrantUse.objects.create(
            grant=row, actor=str(actor), column=column, rows=len(tokens), translated=found, used_at=at, entry_id=entry
        )
    return done


def rows_left(row: JoinGrant) -> int:
    """How many rows the bridge still has."""
    return row.max_rows - (row.uses.aggregate(rows=Sum("rows"))["rows"] or 0)


def _require_left(row: JoinGrant, count: int, at: datetime) -> None:
    if row.uses.filter(used_at__gt=at - timedelta(minutes=1)).count() >= CALLS_PER_MINUTE:
        raise TooManyTranslations(f"At most {CALLS_PER_MINUTE} calls a minute.", retry_after=60)
    left = rows_left(row)
    if count > left:
        raise BridgeNotUsable("The bridge's rows are used up.", left=left)


def _require_open(row: JoinGrant) -> datetime:
    at = dual_control.latest_now()
    if row.revoked_at is not None or at >= row.expires_at:
        raise BridgeNotUsable("The bridge has ended.")
    return at


def _locked(bridge: UUID) -> JoinGrant:
    if JoinGrant.objects.select_for_update().filter(id=bridge).first() is None:
        raise BridgeUnknown
    return find(bridge)


def _rules(source: Domain, target: Domain, column_class: str) -> tuple[Rule, Rule]:
    """The latest rules for a class of columns on both sides. Raises InvalidRequest where there is no way across."""
    before, after = _rule(source, column_class), _rule(target, column_class)
    crossable = reversal.reversible(before) if before else False
    if isinstance(before, TokenMac):
        crossable = identified_by(before) is not None
    if before is None or after is None or not crossable or isinstance(after, Fpe):
        raise InvalidRequest(
            "One of the domains has no tokens of this class that a bridge can cross.", column=column_class
        )
    return before, after


def _rule(domain: Domain, column_class: str) -> Rule | None:
    for version in PolicyVersion.objects.filter(domain=domain).order_by("-published_at", "-number"):
        for rule in parse(version.text).columns.values():
            if isinstance(rule, TokenMac | TokenSiv | TokenVault | Fpe) and rule.column_class == column_class:
                return rule
    return None


def _crossed(rules: tuple[Rule, Rule], tokens: Sequence[str], source: Domain, target: Domain) -> list[str | None]:
    before, after = rules
    values: dict[str, str] = {}
    for epoch, some in _by_epoch(tokens, source).items():
        kind = identified_by(before) if isinstance(before, TokenMac) else None
        if kind is not None:
            values |= {token: value for token, _, value in people(before, kind, some, source, epoch)}
        else:
            opened = reversal.values(before, pa.array(some, pa.string()), source, epoch).to_pylist()
            values |= {token: value for token, value in zip(some, opened, strict=True) if value is not None}
    made: list[str | None] = tokens_of(
        after, pa.array([values.get(token) for token in tokens], pa.string()), target, target.epoch
    ).to_pylist()
    return made


def _by_epoch(tokens: Sequence[str], domain: Domain) -> dict[int, list[str]]:
    """Distinct tokens by the epoch that they name, where they name a living one; the current one otherwise."""
    code = tokens_text.domain_code(masters.space_of(domain))
    named = {TokenFormat(kind, code, epoch).prefix: epoch for kind in TokenKind for epoch in living_epochs(domain)}
    found: dict[int, list[str]] = defaultdict(list)
    for token in dict.fromkeys(tokens):
        found[named.get(token[:_PREFIX], domain.epoch)].append(token)
    return found


def _log(action: str, row: JoinGrant, actor: Actor, **counts: int) -> UUID:
    notices.notify(action, "brg", row.id, str(actor))
    facts: dict[str, JSON] = {
        "source": row.source.key,
        "target": row.target.key,
        "columns": list(row.columns),
        "max_rows": row.max_rows,
        **counts,
    }
    return log.emit(action, actor=actor, object=f"join_grant:{row.id}", purpose=row.target.purpose, facts=facts)
