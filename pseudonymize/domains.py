"""Pseudonymisation domains: made once for a purpose, never changed into another; epochs of their keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Max, Q

from audit import log
from governance.kernel.actors import Actor
from governance.kernel.clock import now
from governance.kernel.errors import JSON
from pseudonymize import locks
from pseudonymize.errors import DomainMismatch, DomainUnknown, KeyInUse
from pseudonymize.keys import masters
from pseudonymize.models import Domain, KeyStatus, Manifest, MasterKey, Remap, WorkState
from pseudonymize.policies.policy import DomainTerms
from pseudonymize.transforms import tokens_text


def ensure(terms: DomainTerms, *, actor: Actor, canonicalisers: Iterable[str] = ()) -> Domain:
    """The domain of these terms, made when it is new; `canonicalisers` are the canonical forms that a policy wants (`email@1`).

    Raises DomainMismatch when it exists for another purpose, join group or version of a canonical form: data of one purpose does
    not slide into another (Art. 5(1)(b)). Recipients, retention and the description of additional information follow the latest policy.
    """
    with transaction.atomic():
        row = Domain.objects.select_for_update().filter(key=terms.id).first()
        if row is None:
            row = _make(terms, actor)
            require_canonicalisers(row, canonicalisers)
            return row
        if (row.purpose, row.join_group) != (terms.purpose, terms.join_group):
            raise DomainMismatch("The domain exists for another purpose or join group.", domain=terms.id)
        changed = [
            name
            for name, value in _description(terms).items()
            if getattr(row, name) != value and value not in ([], "", None)
        ]
        for name in changed:
            setattr(row, name, _description(terms)[name])
        if changed:
            row.save(update_fields=changed)
        require_canonicalisers(row, canonicalisers)
        return row


def _description(terms: DomainTerms) -> dict[str, object]:
    return {
        "recipients": list(terms.recipients),
        "additional_information": terms.additional_information,
        "retention_days": terms.retention_days,
    }


def _make(terms: DomainTerms, actor: Actor) -> Domain:
    row = Domain(
        key=terms.id,
        purpose=terms.purpose,
        join_group=terms.join_group,
        recipients=list(terms.recipients),
        additional_information=terms.additional_information,
        retention_days=terms.retention_days,
        epoch=_group_epoch(terms.join_group),
        created_at=now(),
    )
    _require_own_code(row)
    row.save(force_insert=True)
    log.emit(
        "domain.created",
        actor=actor,
        object=f"domain:{row.id}",
        purpose=terms.purpose,
        facts={"key": terms.id, "join_group": terms.join_group, "epoch": row.epoch},
    )
    return row


def _require_own_code(row: Domain) -> None:
    """Tokens name their domain by a code of 25 bits; two domains must not have the same one."""
    space = masters.space_of(row)
    code = tokens_text.domain_code(space)
    others = {masters.space_of(other) for other in Domain.objects.all()} - {space}
    if any(tokens_text.domain_code(other) == code for other in others):
        raise DomainMismatch("Another domain's name has the same code in tokens: choose another name.", domain=row.key)


def _group_epoch(join_group: str) -> int:
    """A newcomer to a join group starts in the epoch that the group is in."""
    group = Domain.objects.filter(join_group=join_group) if join_group else Domain.objects.none()
    return group.aggregate(epoch=Max("epoch"))["epoch"] or 1


@dataclass(frozen=True, slots=True)
class EpochState:
    """An epoch of a domain's keys, and the outputs that were made in it: all, and those moved to a later epoch since."""

    epoch: int
    status: KeyStatus
    created_at: datetime
    outputs: int
    remapped: int


def get(key: str) -> Domain:
    """The domain's row. Raises DomainUnknown."""
    row = Domain.objects.filter(key=key).first()
    if row is None:
        raise DomainUnknown(domain=key)
    return row


def describe(
    key: str,
    *,
    actor: Actor,
    controller: str | None = None,
    datasets: Sequence[str] | None = None,
    recipients: Sequence[str] | None = None,
    additional_information: str | None = None,
    excluded_attackers: str | None = None,
    retention_days: int | None = None,
) -> Domain:
    """Say more about a domain than its policies do (EDPB Guidelines 01/2025): what is None stays. Purpose and keys never change."""
    given = {
        "controller": controller,
        "datasets": None if datasets is None else list(datasets),
        "recipients": None if recipients is None else list(recipients),
        "additional_information": additional_information,
        "excluded_attackers": excluded_attackers,
        "retention_days": retention_days,
    }
    with transaction.atomic():
        get(key)
        row = Domain.objects.select_for_update().get(key=key)
        changed = [name for name, value in given.items() if value is not None and getattr(row, name) != value]
        for name in changed:
            setattr(row, name, given[name])
        if changed:
            row.save(update_fields=changed)
            facts: dict[str, JSON] = {"changed": sorted(changed)}
            log.emit("domain.described", actor=actor, object=f"domain:{row.id}", facts=facts)
    return row


def require_canonicalisers(row: Domain, versions: Iterable[str]) -> None:
    """Fix which canonical forms the domain's tokens are made from; another version of one would make tokens that do not join.

    Call with the row locked. Raises DomainMismatch.
    """
    fixed = {version.partition("@")[0]: version for version in row.canonicalisers}
    wanted = {version.partition("@")[0]: version for version in versions}
    other = sorted(name for name, version in wanted.items() if fixed.get(name, version) != version)
    if other:
        raise DomainMismatch(
            "The domain's tokens were made from another version of a canonical form: adopt the new one first.",
            domain=row.key,
            canonicalisers=[fixed[name] for name in other],
        )
    if set(wanted) - set(fixed):
        row.canonicalisers = sorted({*fixed.values(), *wanted.values()})
        row.save(update_fields=["canonicalisers"])


def adopt_canonicaliser(key: str, version: str, *, actor: Actor) -> int:
    """Go over to another version of a canonical form. Its tokens do not join with those before, so it starts an epoch: returned."""
    with transaction.atomic():
        get(key)
        row = Domain.objects.select_for_update().get(key=key)
        name = version.partition("@")[0]
        row.canonicalisers = sorted({*(v for v in row.canonicalisers if v.partition("@")[0] != name), version})
        row.save(update_fields=["canonicalisers"])
        return next_epoch(key, actor=actor)


def _members(row: Domain) -> list[Domain]:
    """Everybody who shares the domain's keys, locked."""
    same_keys = Q(join_group=row.join_group) if row.join_group else Q(id=row.id)
    return list(Domain.objects.select_for_update().filter(same_keys).order_by("id"))


def prepare_epoch(key: str, *, actor: Actor) -> int:
    """Make the keys of the next epoch without using them yet. Returns the epoch; a second time the same. Raises DomainUnknown."""
    with transaction.atomic():
        row = get(key)
        epoch = max(member.epoch for member in _members(row)) + 1
        space = masters.space_of(row)
        if not MasterKey.objects.filter(name=space, epoch=epoch).exists():
            masters.ensure(space, epoch)
            MasterKey.objects.filter(name=space, epoch=epoch).update(status=KeyStatus.NEXT)
            log.emit("domain.epoch_prepared", actor=actor, object=f"domain:{row.id}", facts={"epoch": epoch})
    return epoch


def next_epoch(key: str, *, actor: Actor) -> int:
    """Give the domain, and everyone in its join group, new keys from now on. Returns the epoch.

    Tokens of earlier epochs do not equal new ones: look values up in all living epochs (`rotation.tokens_by_epoch`), and move outputs
    over (`rotation.remap`). Raises DomainUnknown.
    """
    with transaction.atomic():
        row = get(key)
        members = _members(row)
        space, before = masters.space_of(row), max(member.epoch for member in members)
        epoch = before + 1
        masters.ensure(space, epoch)
        MasterKey.objects.filter(name=space, epoch=epoch).update(status=KeyStatus.ACTIVE)
        MasterKey.objects.filter(name=space, epoch__lt=epoch, status=KeyStatus.ACTIVE).update(
            status=KeyStatus.DECRYPT_ONLY
        )
        Domain.objects.filter(id__in=[member.id for member in members]).update(epoch=epoch)
        for member in members:
            log.emit("domain.epoch_started", actor=actor, object=f"domain:{member.id}", facts={"epoch": epoch})
    return epoch


def leave_epoch(space: str, epoch: int, *, actor: Actor) -> None:
    """Start the next epoch for the domains of this space, when they still are in that one. Idempotent: for jobs."""
    kind, _, name = space.partition(":")
    with transaction.atomic():
        same = Domain.objects.filter(join_group=name) if kind == "group" else Domain.objects.filter(key=name)
        row = same.order_by("id").first()
        if row is not None and max(member.epoch for member in _members(row)) == epoch:
            next_epoch(row.key, actor=actor)


def epochs(key: str) -> list[EpochState]:
    """The epochs of the domain's keys that were ever used or prepared, oldest first. Raises DomainUnknown."""
    row = get(key)
    outputs, remapped = _outputs(row)
    return [
        EpochState(
            epoch=made.epoch,
            status=KeyStatus(made.status),
            created_at=made.created_at,
            outputs=outputs.get(made.epoch, 0),
            remapped=remapped.get(made.epoch, 0),
        )
        for made in MasterKey.objects.filter(name=masters.space_of(row)).order_by("epoch")
    ]


def _outputs(row: Domain) -> tuple[Counter[int], Counter[int]]:
    same_keys = Q(policy__domain__join_group=row.join_group) if row.join_group else Q(policy__domain=row)
    made = Manifest.objects.filter(same_keys)
    epochs = Counter(int(epoch) for epoch in made.values_list("statement__domain__epoch", flat=True) if epoch)
    moved = Remap.objects.filter(manifest__in=made, state=WorkState.DONE).values_list("manifest_id", "from_epoch")
    return epochs, Counter(epoch for _, epoch in set(moved))


def destroy_epoch(key: str, epoch: int, *, actor: Actor, abandon: bool = False) -> None:
    """Destroy the keys of an old epoch: its tokens cannot be made again, turned back or translated by anyone.

    Raises KeyInUse for the current epoch, and while outputs of that epoch were not moved, unless they are to be abandoned; KeyDestroyed
    never: a second time does nothing. Raises DomainUnknown.
    """
    with transaction.atomic():
        locks.own_vault()
        row = get(key)
        if epoch >= max(member.epoch for member in _members(row)):
            raise KeyInUse("This is the domain's current epoch: start the next one first.", epoch=epoch)
        made = MasterKey.objects.select_for_update().filter(name=masters.space_of(row), epoch=epoch).first()
        if made is None or made.status == KeyStatus.DESTROYED:
            return
        outputs, remapped = _outputs(row)
        left = outputs[epoch] - remapped[epoch]
        if left and not abandon:
            raise KeyInUse("Outputs of this epoch were not moved to a later one.", epoch=epoch, outputs=left)
        masters.destroy(made, now())
        log.emit(
            "domain.epoch_destroyed", actor=actor, object=f"domain:{row.id}", facts={"epoch": epoch, "abandoned": left}
        )
