"""Working keys of pseudonymisation domains: HKDF(master of the domain and epoch; kind of transform, class of column).

Two domains have different masters, so their tokens cannot be joined; domains of one join group share theirs. Masters never leave
this process; what a transform or an executor gets is a derived key.
"""

from __future__ import annotations

from governance.kernel import crypto
from pseudonymize.errors import DomainUnknown
from pseudonymize.keys import masters
from pseudonymize.models import Domain


def domain_key(domain: str, kind: str, column_class: str = "", *, epoch: int | None = None) -> bytes:
    """The 32-byte working key for transforms of `kind` (`mac`, `date-shift`, …) over columns of that class.

    Columns of one class in one domain join, whatever they are called. Raises DomainUnknown, or KeyDestroyed for a dead epoch.
    """
    row = Domain.objects.filter(key=domain).first()
    if row is None:
        raise DomainUnknown(domain=domain)
    return working_key(row, kind, column_class, epoch=epoch)


def working_key(domain: Domain, kind: str, column_class: str = "", *, epoch: int | None = None) -> bytes:
    """`domain_key` for a domain that is at hand."""
    space, epoch = masters.space_of(domain), epoch or domain.epoch
    master = masters.ensure(space, epoch)
    return crypto.derive(master, "zgoda/domain/v1", space, kind, column_class, epoch.to_bytes(4, "big"))
