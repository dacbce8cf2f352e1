"""The plan of an erasure: every source in order, with what it is expected to find. Immutable once written.

A plan is made over the whole registry of personal-data sources, smallest order first and the identity vault last. A
table with a subject column for which nobody answers makes planning refuse: a request can never "complete" over a store
that was not touched. A dry run writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import transaction

from audit import log
from dsar import claims, controller, rescan
from dsar.errors import ApprovalRefused, InvalidTransition, PlanIncomplete, PlanStale, RequestNotFound
from dsar.models import Plan, PlanApproval, Step, SubjectRequest
from dsar.states import RequestType, Status, StepAction
from dsar.transitions import lock, move, object_name
from governance.accounts.roles import Role, roles_of
from governance.jobs.queue import schedule
from governance.kernel import clock, personal_data
from governance.kernel.actors import SYSTEM, Actor, ActorKind
from governance.kernel.canonical import digest
from governance.kernel.errors import JSON
from governance.kernel.ids import SubjectId

VAULT_ORDER = 1000
MINIMUM_REASON = 3


@dataclass(frozen=True)
class PlanNode:
    """One source in a plan. ``expected`` counts rows per table as they were when the plan was made."""

    position: int
    source: str
    title: str
    action: StepAction
    tables: tuple[str, ...]
    categories: tuple[str, ...]
    expected: dict[str, int]

    @property
    def expected_rows(self) -> int:
        """Rows expected in this source."""
        return sum(self.expected.values())

    def as_json(self) -> dict[str, JSON]:
        """The node as it is stored, hashed and shown."""
        return {
            "position": self.position,
            "source": self.source,
            "title": self.title,
            "action": self.action.value,
            "tables": list(self.tables),
            "categories": list(self.categories),
            "expected": dict(sorted(self.expected.items())),
        }


@dataclass(frozen=True)
class ErasurePlan:
    """A plan, or the dry run of one (then ``id`` is ``None`` and ``version`` 0)."""

    id: UUID | None
    request_id: UUID
    version: int
    nodes: tuple[PlanNode, ...]
    content_sha256: str

    @property
    def expected_rows(self) -> int:
        """Rows expected over all sources."""
        return sum(node.expected_rows for node in self.nodes)


def dry_run(request_id: UUID) -> ErasurePlan:
    """What :func:`plan` would plan now; writes nothing. Raises as :func:`plan` does."""
    request = SubjectRequest.objects.filter(pk=request_id).first()
    if request is None:
        raise RequestNotFound
    nodes = _nodes(_subject_of(request))
    return ErasurePlan(None, request_id, 0, nodes, _content_sha256(nodes))


def plan(request_id: UUID, actor: Actor) -> ErasurePlan:
    """Plan the erasure of a verified request; planning again returns the same plan while the sources are the same.

    Counts may move on meanwhile (planning itself leaves entries about the person in the log): they are expectations.
    Raises :class:`~dsar.errors.PlanIncomplete` naming uncovered tables, or ``InvalidTransition``.
    """
    with transaction.atomic():
        request = lock(request_id)
        nodes = _nodes(_subject_of(request))
        if Status(request.status) is Status.PLANNED:
            row = Plan.objects.filter(request=request).order_by("-version").first()
            if row is not None and covers_registry(row):
                return _read(row)
            move(request, Status.ASSESSING, actor=actor, reason_code="plan_again")
        written = _write(request, nodes, actor)
        move(
            request,
            Status.PLANNED,
            actor=actor,
            facts={
                "version": written.version,
                "plan_sha256": written.content_sha256,
                "expected": written.expected_rows,
            },
        )
    if controller.auto_approve_rows() > 0 and written.expected_rows <= controller.auto_approve_rows():
        approve(request_id, SYSTEM, reason="small plan, approved by configuration")
    return written


def approve(request_id: UUID, actor: Actor, *, reason: str, content_sha256: str | None = None) -> None:
    """A data protection officer lets the newest plan be carried out; execution starts as a job.

    ``content_sha256`` is the digest that the approver saw, to refuse when another plan has taken its place. Raises
    :class:`~dsar.errors.ApprovalRefused`, :class:`~dsar.errors.PlanStale` or ``InvalidTransition``.
    """
    _may_approve(actor, reason)
    now = clock.now()
    with transaction.atomic():
        request = lock(request_id)
        row = Plan.objects.filter(request=request).order_by("-version").first()
        if row is None:
            raise InvalidTransition("There is no plan to approve.")
        if content_sha256 is not None and content_sha256 != row.content_sha256:
            raise PlanStale("Another plan has taken the place of the one you saw.")
        if not covers_registry(row):
            raise PlanStale("The sources of personal data changed since this plan was made. Plan again.")
        move(request, Status.APPROVED, actor=actor, facts={"version": row.version, "plan_sha256": row.content_sha256})
        PlanApproval.objects.create(
            plan=row,
            content_sha256=row.content_sha256,
            approved_by=str(actor),
            approved_at=now,
            reason_ciphertext=claims.seal(request, "approval", reason.strip().encode()),
        )
        run_after = None
        if hours := controller.cooling_off_hours():
            move(request, Status.COOLING_OFF, actor=SYSTEM)
            run_after = now + timedelta(hours=hours)
        schedule("dsar.start", {"request": str(request.pk)}, run_after=run_after, key=f"dsar.start:{row.pk}")


def replan(request: SubjectRequest, *, actor: Actor) -> None:
    """A new version for a locked request whose execution failed; it needs its own approval."""
    written = _write(request, _nodes(_subject_of(request)), actor)
    move(
        request,
        Status.PLANNED,
        actor=actor,
        reason_code="replanned",
        facts={"version": written.version, "plan_sha256": written.content_sha256},
    )


def latest(request_id: UUID) -> ErasurePlan | None:
    """The newest plan of a request."""
    row = Plan.objects.filter(request_id=request_id).order_by("-version").first()
    return None if row is None else _read(row)


def covers_registry(row: Plan) -> bool:
    """Whether a stored plan names exactly the sources and tables that are registered now."""
    planned = {(str(node["source"]), tuple(node["tables"])) for node in row.nodes}
    return planned == {(source.key, tuple(sorted(source.tables))) for source in personal_data.sources()}


def _nodes(subject: SubjectId) -> tuple[PlanNode, ...]:
    uncovered = sorted({column.table for column in rescan.subject_columns()} - personal_data.covered_tables())
    if uncovered:
        raise PlanIncomplete(f"No source answers for: {', '.join(uncovered)}.", tables=uncovered)
    return tuple(
        PlanNode(
            position=position,
            source=source.key,
            title=source.title,
            action=StepAction.SHRED if source.order >= VAULT_ORDER else StepAction.ERASE,
            tables=tuple(sorted(source.tables)),
            categories=tuple(source.categories),
            expected={table: count for table, count in source.locate(subject).counts.items() if count},
        )
        for position, source in enumerate(personal_data.sources(), start=1)
    )


def _write(request: SubjectRequest, nodes: tuple[PlanNode, ...], actor: Actor) -> ErasurePlan:
    version = Plan.objects.filter(request=request).count() + 1
    row = Plan.objects.create(
        request=request,
        version=version,
        nodes=[node.as_json() for node in nodes],
        expected_rows=sum(node.expected_rows for node in nodes),
        content_sha256=_content_sha256(nodes),
        created_at=clock.now(),
        created_by=str(actor),
    )
    Step.objects.bulk_create(
        Step(
            plan=row,
            position=node.position,
            source_key=node.source,
            title=node.title,
            action=node.action.value,
            expected_counts=node.expected,
        )
        for node in nodes
    )
    log.emit(
        "dsar.plan_written",
        actor=actor,
        object=object_name(request.pk),
        facts={"version": version, "plan_sha256": row.content_sha256, "sources": len(nodes)},
    )
    return ErasurePlan(row.pk, request.pk, version, nodes, row.content_sha256)


def _read(row: Plan) -> ErasurePlan:
    nodes = tuple(
        PlanNode(
            position=node["position"],
            source=node["source"],
            title=node["title"],
            action=StepAction(node["action"]),
            tables=tuple(node["tables"]),
            categories=tuple(node["categories"]),
            expected=dict(node["expected"]),
        )
        for node in row.nodes
    )
    return ErasurePlan(row.pk, row.request_id, row.version, nodes, row.content_sha256)


def _content_sha256(nodes: tuple[PlanNode, ...]) -> str:
    return digest([node.as_json() for node in nodes])


def _subject_of(request: SubjectRequest) -> SubjectId:
    if RequestType(request.type) is not RequestType.ERASURE:
        raise InvalidTransition("Only an erasure has a plan.")
    if request.subject_id is None:
        raise InvalidTransition("There is nobody to plan for: identity is not verified, or nothing is held.")
    return SubjectId(request.subject_id)


def _may_approve(actor: Actor, reason: str) -> None:
    """Approval is a person's act: a DPO with a reason, or the configured rule for small plans (the system)."""
    if len(reason.strip()) < MINIMUM_REASON:
        raise ApprovalRefused("An approval needs a reason.")
    if actor.kind is ActorKind.SYSTEM and controller.auto_approve_rows() > 0:
        return
    if actor.kind is not ActorKind.STAFF or Role.DPO not in roles_of(UUID(actor.id)):
        raise ApprovalRefused("Only a data protection officer can approve an erasure.")
