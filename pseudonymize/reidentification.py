"""Re-identification under dual control: one person asks, two others approve exactly these tokens, then it is revealed once.

The requester and both approvers are three people; so says the code, and so do the tables. An approval binds the digest of the exact
set of tokens. Tokens are one-way, so a reveal computes the tokens of the vault's own identifiers and looks for these; nobody else's
identifiers leave. Each reveal is an entry in the log, with one per person who was revealed. A superuser is one person like any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from uuid import UUID

import pyarrow as pa
from django.db import transaction

from audit import log
from governance.accounts import roles
from governance.kernel.actors import Actor, ActorKind
from governance.kernel.canonical import digest
from governance.kernel.clock import now
from governance.kernel.ids import SubjectId
from pseudonymize import tokens
from pseudonymize.errors import DualControlRequired, GrantNotUsable, InvalidRequest
from pseudonymize.identity import IdentifierKind
from pseudonymize.keys import subject_keys
from pseudonymize.keys.domain_keys import working_key
from pseudonymize.models import DataSubject, Manifest, Reveal, RevealApproval, RevealLevel, RevealRequest
from pseudonymize.policies.parsing import parse
from pseudonymize.policies.policy import TokenMac
from pseudonymize.transforms import mask
from pseudonymize.vault import identifiers

MAX_TOKENS = 1_000
LONGEST = timedelta(days=7)
APPROVALS = 2
_SCOPE = "pseudonymize:reveal"
_BATCH = 5_000


@dataclass(frozen=True, repr=False, slots=True)
class Revealed:
    """What a reveal found: values by token, masked or plain as was approved. Its repr shows the number alone."""

    values: dict[str, str]

    def __repr__(self) -> str:
        return f"Revealed({len(self.values)})"


def open_request(
    manifest: UUID,
    column: str,
    kind: IdentifierKind,
    asked: Sequence[str],
    *,
    purpose: str,
    case: str,
    level: RevealLevel,
    expires_in: timedelta,
    actor: Actor,
) -> UUID:
    """Ask to have the tokens of one column of a run turned back. Returns the request's id.

    Raises DualControlRequired for anyone but staff, InvalidRequest for tokens of a column that has none, too many, or too long.
    """
    _require_staff(actor)
    row = Manifest.objects.select_related("policy").filter(id=manifest).first()
    if row is None or not isinstance(parse(row.policy.text).columns.get(column), TokenMac):
        raise InvalidRequest("The run has no column of tokens by that name.", column=column)
    if not 1 <= len(set(asked)) <= MAX_TOKENS:
        raise InvalidRequest(f"A request is for 1 to {MAX_TOKENS} tokens.")
    if not timedelta(0) < expires_in <= LONGEST or not purpose.strip() or not case.strip():
        raise InvalidRequest(f"A request names a purpose and a case, and ends within {LONGEST.days} days.")
    at = now()
    with transaction.atomic():
        request = RevealRequest.objects.create(
            manifest=row,
            column=column,
            kind=kind.value,
            level=level,
            purpose=purpose,
            case=case,
            tokens_sha256=_digest(asked),
            token_count=len(set(asked)),
            requester=str(actor),
            opened_at=at,
            expires_at=at + expires_in,
        )
        _log("reveal.requested", request, actor)
    return request.id


def approve(request: UUID, asked: Sequence[str], *, actor: Actor) -> int:
    """Approve a request for exactly these tokens; returns how many approvals it has. Approving twice is one approval.

    Raises DualControlRequired for the requester and for those who may not approve, GrantNotUsable for other tokens, an expired
    request or one that was used.
    """
    _require_approver(actor)
    with transaction.atomic():
        row = _locked(request)
        if str(actor) == row.requester:
            raise DualControlRequired("Nobody approves their own request.")
        _require_usable(row, asked)
        _, new = RevealApproval.objects.get_or_create(
            request=row,
            approver=str(actor),
            defaults={"requester": row.requester, "tokens_sha256": row.tokens_sha256, "approved_at": now()},
        )
        if new:
            _log("reveal.approved", row, actor)
        return row.approvals.count()


def reveal(request: UUID, asked: Sequence[str], *, actor: Actor) -> Revealed:
    """Turn the tokens back, once. Tokens of people who were erased since, or never enrolled, are not in the answer.

    Raises DualControlRequired without two other people's approvals that still hold, or for anyone but the requester;
    GrantNotUsable for other tokens, an expired request or one that was used.
    """
    with transaction.atomic():
        row = _locked(request)
        if str(actor) != row.requester:
            raise DualControlRequired("Only who asked may reveal.")
        _require_usable(row, asked)
        approvers = _approvers(row)
        found = dict(_matches(row, frozenset(asked)))
        entry = _log("reveal.done", row, actor, found=len(found), approvers=len(approvers))
        log.emit_many(
            [
                log.Draft(
                    action="identity.revealed",
                    actor=actor,
                    object=f"reveal_request:{row.id}",
                    subject=subject,
                    purpose=None,
                    facts={"kinds": [row.kind], "level": row.level},
                )
                for subject, _ in found.values()
            ]
        )
        Reveal.objects.create(
            request=row,
            requester=row.requester,
            first_approver=approvers[0],
            second_approver=approvers[1],
            found=len(found),
            revealed_at=now(),
            entry_id=entry,
        )
    values = {token: value for token, (_, value) in found.items()}
    return Revealed(values if row.level == RevealLevel.PLAIN else _masked(values, IdentifierKind(row.kind)))


def _require_staff(actor: Actor) -> None:
    if actor.kind is not ActorKind.STAFF:
        raise DualControlRequired("Only staff ask for re-identification.")


def _require_approver(actor: Actor) -> None:
    if not _may_approve(str(actor)):
        raise DualControlRequired("Your role does not approve re-identification.")


def _may_approve(name: str) -> bool:
    """Whether this is a member of staff whose role approves reveals, now."""
    kind, _, identifier = name.partition(":")
    try:
        return kind == ActorKind.STAFF and _SCOPE in roles.scopes_of(UUID(identifier))
    except ValueError:
        return False


def _approvers(row: RevealRequest) -> list[str]:
    """Two people whose approvals are of these tokens and who may still approve. Raises DualControlRequired."""
    given = row.approvals.filter(tokens_sha256=row.tokens_sha256).exclude(approver=row.requester).order_by("id")
    names = [name for name in given.values_list("approver", flat=True) if _may_approve(name)]
    if len(names) < APPROVALS:
        raise DualControlRequired(f"{len(names)} of {APPROVALS} approvals.", approvals=len(names))
    return names[:APPROVALS]


def _locked(request: UUID) -> RevealRequest:
    row = RevealRequest.objects.select_for_update().filter(id=request).first()
    if row is None:
        raise GrantNotUsable("There is no such request.")
    return row


def _require_usable(row: RevealRequest, asked: Sequence[str]) -> None:
    if now() >= row.expires_at:
        raise GrantNotUsable("The request has expired.")
    if Reveal.objects.filter(request=row).exists():
        raise GrantNotUsable("The request was used.")
    if _digest(asked) != row.tokens_sha256:
        raise GrantNotUsable("The request is for other tokens.")


def _digest(asked: Sequence[str]) -> str:
    return digest(sorted(set(asked)))


def _matches(row: RevealRequest, wanted: frozenset[str]) -> Iterator[tuple[str, tuple[SubjectId, str]]]:
    """(token, (subject, value)) of everybody in the vault whose token is wanted. Nobody else's value leaves this function."""
    policy = row.manifest.policy
    rule = parse(policy.text).columns[row.column]
    assert isinstance(rule, TokenMac)  # noqa: S101  checked when the request was opened
    epoch = int(row.manifest.statement["domain"]["epoch"])
    key = working_key(policy.domain, "mac", rule.column_class, epoch=epoch)
    subjects = DataSubject.objects.filter(erased_at__isnull=True).values_list("id", flat=True).iterator()
    while batch := [SubjectId(subject) for subject in islice(subjects, _BATCH)]:
        keys = subject_keys.live(batch)
        rows = [stored for stored in identifiers.stored(batch, [IdentifierKind(row.kind)]) if stored.subject in keys]
        values = identifiers.open_all(rows, keys)
        made, _ = tokens.of_column(rule, pa.array(values, pa.string()), key, policy.domain, epoch)
        for stored, value, token in zip(rows, values, made.to_pylist(), strict=True):
            if token in wanted:
                yield token, (stored.subject, value)


def _masked(values: dict[str, str], kind: IdentifierKind) -> dict[str, str]:
    column = pa.array(list(values.values()), pa.string())
    hidden = mask.mask_email(column) if kind is IdentifierKind.EMAIL else mask.mask(column, keep_last=2)
    return dict(zip(values, hidden.to_pylist(), strict=True))


def _log(action: str, row: RevealRequest, actor: Actor, **counts: int) -> UUID:
    return log.emit(
        action,
        actor=actor,
        object=f"reveal_request:{row.id}",
        purpose=None,
        facts={
            "tokens_sha256": row.tokens_sha256,
            "tokens": row.token_count,
            "level": row.level,
            "manifest": str(row.manifest_id),
            **counts,
        },
    )
