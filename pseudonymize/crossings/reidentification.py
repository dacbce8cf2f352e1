"""Re-identification under dual control: one person asks, two others approve exactly these tokens, then it is revealed once.

The requester and both approvers are three people (`dual_control.py`); so says the code, and so do the tables. An approval binds the
digest of the whole request: the exact set of tokens, the level, the limit, the purpose, the case, the end. Only people of the vault are
found, and nobody else's identifiers leave (`token_matching.py`). Each reveal is an entry in the log, with one per person who was
revealed, counts against the requester's budget and the person's, and the data protection officer is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import pyarrow as pa
from django.db import transaction

from audit import log
from audit.heads import anchors
from governance.accounts.models import User
from governance.kernel import crypto
from governance.kernel.actors import Actor
from governance.kernel.canonical import digest
from governance.kernel.errors import JSON
from governance.kernel.ids import SubjectId, opaque
from pseudonymize.crossings import dual_control, notices
from pseudonymize.crossings.token_matching import TOKENS, people
from pseudonymize.errors import DualControlRequired, GrantNotUsable, InvalidRequest, RevealBudgetSpent, RevealUnknown
from pseudonymize.identity import IdentifierKind
from pseudonymize.models import (
    DataSubject,
    Manifest,
    Reveal,
    RevealApproval,
    RevealedSubject,
    RevealLevel,
    RevealRequest,
)
from pseudonymize.policies.parsing import parse
from pseudonymize.runs import manifests
from pseudonymize.transforms import mask
from pseudonymize.transforms.errors import TransformError

MAX_TOKENS = 1_000
LONGEST = timedelta(days=7)
BUDGET_PERIOD = timedelta(days=30)
REQUESTER_BUDGET = 1_000
"""How many people one member of staff may have revealed in a period."""
PERSON_BUDGET = 10
"""How often one person may be revealed in a period."""
EVIDENCE_TYPE = "reveal-evidence+jwt"


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
    max_rows: int = MAX_TOKENS,
) -> UUID:
    """Ask to have the tokens of one column of a run turned back. Returns the request's id.

    Raises DualControlRequired for anyone but staff, InvalidRequest for tokens of a column that has none, too many, or too long.
    """
    person = dual_control.require_requester(actor)
    row = Manifest.objects.select_related("policy").filter(id=manifest).first()
    if row is None or not isinstance(parse(row.policy.text).columns.get(column), TOKENS):
        raise InvalidRequest("The run has no column of tokens by that name.", column=column)
    if not 1 <= len(set(asked)) <= MAX_TOKENS or not 1 <= max_rows <= MAX_TOKENS:
        raise InvalidRequest(f"A request is for 1 to {MAX_TOKENS} tokens.")
    if not timedelta(0) < expires_in <= LONGEST or not purpose.strip() or not case.strip():
        raise InvalidRequest(f"A request names a purpose and a case, and ends within {LONGEST.days} days.")
    at = dual_control.latest_now()
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
            max_rows=max_rows,
            requester=str(actor),
            requester_person=person.mailbox,
            opened_at=at,
            expires_at=at + expires_in,
        )
        _log("reveal.requested", request, actor)
    return request.id


def terms_of(row: RevealRequest) -> dict[str, JSON]:
    """Everything that an approval is about."""
    return {
        "request": str(row.id),
        "manifest": str(row.manifest_id),
        "column": row.column,
        "kind": row.kind,
        "level": row.level,
        "purpose": row.purpose,
        "case": row.case,
        "tokens_sha256": row.tokens_sha256,
        "tokens": row.token_count,
        "max_rows": row.max_rows,
        "requester": row.requester,
        "requester_person": row.requester_person,
        "opened_at": row.opened_at.isoformat(),
        "expires_at": row.expires_at.isoformat(),
    }


def terms_sha256(row: RevealRequest) -> str:
    """The digest that an approver approves: show it with the request, and take it back with the approval."""
    return digest(terms_of(row))


def find(request: UUID) -> RevealRequest:
    """The request's row. Raises RevealUnknown."""
    row = RevealRequest.objects.select_related("manifest__policy__domain").filter(id=request).first()
    if row is None:
        raise RevealUnknown
    return row


def approve(
    request: UUID,
    asked: Sequence[str] | None = None,
    *,
    actor: Actor,
    reason: str,
    terms: str | None = None,
) -> int:
    """Approve a request as it stands; returns how many approvals it has. Approving twice is one approval.

    `asked`, where the approver has the tokens, must be exactly the request's; `terms` is the digest of the request that the approver
    was shown, and must be that of the request now. Raises DualControlRequired for the requester and for those who may not approve,
    GrantNotUsable for other tokens or terms, an expired request or one that was used, InvalidRequest without a reason.
    """
    person = dual_control.require_approver(actor)
    if not 1 <= len(reason.strip()) <= 200:
        raise InvalidRequest("An approval says why, in up to 200 characters.")
    with transaction.atomic():
        row = _locked(request)
        dual_control.require_other_people(person, row.requester, row.requester_person, row.approvals.all())
        at = _require_usable(row, asked)
        agreed = terms_sha256(row)
        if terms is not None and terms != agreed:
            raise GrantNotUsable("The request is another than the one that was shown.")
        _, new = RevealApproval.objects.get_or_create(
            request=row,
            approver=str(actor),
            defaults={
                "requester": row.requester,
                "requester_person": row.requester_person,
                "person": person.mailbox,
                "tokens_sha256": row.tokens_sha256,
                "terms_sha256": agreed,
                "reason": reason.strip(),
                "approved_at": at,
            },
        )
        if new:
            _log("reveal.approved", row, actor)
        return row.approvals.count()


def reveal(request: UUID, asked: Sequence[str], *, actor: Actor) -> Revealed:
    """Turn the tokens back, once. Tokens of people who were erased since, or never enrolled, are not in the answer.

    Raises DualControlRequired without two other people's approvals that still hold, or for anyone but the requester, who must still
    be allowed to ask; GrantNotUsable for other tokens, an expired request, one that was used or that finds more people than was
    approved; RevealBudgetSpent.
    """
    with transaction.atomic():
        row = _locked(request)
        if str(actor) != row.requester:
            raise DualControlRequired("Only who asked may reveal.")
        person = dual_control.require_requester(actor)
        at = _require_usable(row, asked)
        anchors.require_fresh()  # not while nobody outside would notice
        approvals = list(row.approvals.filter(tokens_sha256=row.tokens_sha256).order_by("id"))
        approvers = dual_control.standing(approvals, person, row.requester_person, terms_sha256(row))
        found = dict(_matches(row, sorted(set(asked))))
        people = sorted({subject for subject, _ in found.values()})
        if len(people) > row.max_rows:
            raise GrantNotUsable("It would reveal more people than was approved.", max_rows=row.max_rows)
        _spend(actor, people, at)
        entry = _log("reveal.done", row, actor, found=len(found), approvers=len(approvers))
        log.emit_many([_revealed(row, actor, subject) for subject, _ in found.values()])
        done = Reveal.objects.create(
            request=row,
            requester=row.requester,
            first_approver=approvers[0],
            second_approver=approvers[1],
            found=len(found),
            revealed_at=at,
            entry_id=entry,
        )
        RevealedSubject.objects.bulk_create(
            RevealedSubject(reveal=done, subject_id=subject, requester=str(actor), revealed_at=at) for subject in people
        )
    values = {token: value for token, (_, value) in found.items()}
    return Revealed(values if row.level == RevealLevel.PLAIN else _masked(values, IdentifierKind(row.kind)))


def _revealed(row: RevealRequest, actor: Actor, subject: SubjectId) -> log.Draft:
    return log.Draft(
        action="identity.revealed",
        actor=actor,
        object=f"reveal_request:{row.id}",
        subject=subject,
        purpose=None,
        facts={"kinds": [row.kind], "level": row.level},
    )


def _spend(actor: Actor, people: Sequence[SubjectId], at: datetime) -> None:
    """Take the people out of both budgets, or raise RevealBudgetSpent. The requester's and the people's rows are locked for it."""
    User.objects.select_for_update().get(pk=UUID(actor.id))
    list(DataSubject.objects.select_for_update().filter(id__in=people).order_by("id").values_list("id", flat=True))
    recent = RevealedSubject.objects.filter(revealed_at__gt=at - BUDGET_PERIOD)
    spent = recent.filter(requester=str(actor)).count()
    if spent + len(people) > REQUESTER_BUDGET:
        raise RevealBudgetSpent("You had as many people revealed as one may in 30 days.", left=REQUESTER_BUDGET - spent)
    times = Counter(recent.filter(subject__in=people).values_list("subject_id", flat=True))
    if any(count >= PERSON_BUDGET for count in times.values()):
        raise RevealBudgetSpent("Somebody among them was revealed as often as one may be in 30 days.")


def evidence(request: UUID, *, actor: Actor) -> dict[str, JSON]:
    """A request with its approvals and its reveal as one signed document (JWS), for a supervisory authority or an audit.

    It names accounts, digests and times, and neither tokens nor people. Exporting it is an entry in the log. Raises RevealUnknown.
    """
    row = find(request)
    done = Reveal.objects.filter(request=row).first()
    document: dict[str, JSON] = {
        "number": opaque("rev", row.id),
        "terms": terms_of(row),
        "terms_sha256": terms_sha256(row),
        "approvals": [
            {
                "approver": given.approver,
                "approved_at": given.approved_at.isoformat(),
                "reason": given.reason,
                "terms_sha256": given.terms_sha256,
            }
            for given in row.approvals.order_by("id")
        ],
        "reveal": {
            "approvers": [done.first_approver, done.second_approver],
            "found": done.found,
            "people": done.people.count(),
            "revealed_at": done.revealed_at.isoformat(),
            "entry": str(done.entry_id),
        }
        if done
        else None,
    }
    with transaction.atomic():
        _log("reveal.exported", row, actor)
    return {"evidence": document, "jws": crypto.jws_sign(manifests.signing_key(), document, EVIDENCE_TYPE)}


def _locked(request: UUID) -> RevealRequest:
    row = RevealRequest.objects.select_for_update().filter(id=request).first()
    if row is None:
        raise RevealUnknown
    return row


def _require_usable(row: RevealRequest, asked: Sequence[str] | None) -> datetime:
    """The time that it is, or GrantNotUsable."""
    at = dual_control.latest_now()
    if at >= row.expires_at:
        raise GrantNotUsable("The request has expired.")
    if Reveal.objects.filter(request=row).exists():
        raise GrantNotUsable("The request was used.")
    if asked is not None and _digest(asked) != row.tokens_sha256:
        raise GrantNotUsable("The request is for other tokens.")
    return at


def _digest(asked: Sequence[str]) -> str:
    return digest(sorted(set(asked)))


def _matches(row: RevealRequest, wanted: Sequence[str]) -> Iterator[tuple[str, tuple[SubjectId, str]]]:
    """(token, (subject, value)) of everybody in the vault whose token is wanted. Nobody else's value leaves this function."""
    policy = row.manifest.policy
    epoch = int(row.manifest.statement["domain"]["epoch"])
    rule = parse(policy.text).columns[row.column]
    try:
        for token, subject, value in people(rule, IdentifierKind(row.kind), wanted, policy.domain, epoch):
            yield token, (subject, value)
    except TransformError as error:
        raise InvalidRequest("Some of these are no tokens of that column.", column=row.column) from error


def _masked(values: dict[str, str], kind: IdentifierKind) -> dict[str, str]:
    column = pa.array(list(values.values()), pa.string())
    hidden = mask.mask_email(column) if kind is IdentifierKind.EMAIL else mask.mask(column, keep_last=2)
    return dict(zip(values, hidden.to_pylist(), strict=True))


def _log(action: str, row: RevealRequest, actor: Actor, **counts: int) -> UUID:
    notices.notify(action, "rev", row.id, str(actor))
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
