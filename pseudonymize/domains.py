"""Pseudonymisation domains: made once for a purpose, never changed into another; epochs of their keys."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Max, Q

from audit import log
from governance.kernel.actors import Actor
from governance.kernel.clock import now
from pseudonymize.errors import DomainMismatch, DomainUnknown
from pseudonymize.keys import masters
from pseudonymize.models import Domain
from pseudonymize.policies.policy import DomainTerms
from pseudonymize.transforms import tokens_text


def ensure(terms: DomainTerms, *, actor: Actor) -> Domain:
    """The domain of these terms, made when it is new.

    Raises DomainMismatch when it exists for another purpose or join group: data of one purpose does not slide into another
    (Art. 5(1)(b)). Recipients, retention and the description of additional information follow the latest policy.
    """
    with transaction.atomic():
        row = Domain.objects.select_for_update().filter(key=terms.id).first()
        if row is None:
            return _make(terms, actor)
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


def next_epoch(key: str, *, actor: Actor) -> int:
    """Give the domain, and everyone in its join group, new keys from now on. Returns the epoch.

    Tokens of earlier epochs do not join with new ones. Raises DomainUnknown.
    """
    with transaction.atomic():
        row = Domain.objects.filter(key=key).first()
        if row is None:
            raise DomainUnknown(domain=key)
        same_keys = Q(join_group=row.join_group) if row.join_group else Q(id=row.id)
        members = list(Domain.objects.select_for_update().filter(same_keys).order_by("id"))
        epoch = max(member.epoch for member in members) + 1
        masters.ensure(masters.space_of(row), epoch)
        Domain.objects.filter(id__in=[member.id for member in members]).update(epoch=epoch)
        for member in members:
            log.emit("domain.epoch_started", actor=actor, object=f"domain:{member.id}", facts={"epoch": epoch})
    return epoch
