"""Service clients: issue, authenticate and revoke their keys.

A key reads `zg_<prefix>_<secret>`: twelve characters that find the row, and 256 random bits. Stored is
HMAC-SHA-256(secret file, prefix ‖ secret), compared in constant time; moving a digest to another row, or writing a row without the
secret file, authenticates nobody. A revoked key is refused by the next request: nothing here is remembered, and what
`recognition.py` remembers is asked about with every request.
"""

import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from audit import log
from governance.accounts import roles
from governance.accounts.errors import ClientUnknown, IssueRefused, KeyRefused
from governance.accounts.models import ServiceClient
from governance.accounts.scopes import checked
from governance.kernel import crypto, prepared, secret_files
from governance.kernel.actors import SYSTEM, Actor, ActorKind
from governance.kernel.clock import now
from governance.kernel.errors import InvalidInput
from governance.kernel.logs import get_logger

LONGEST_LIFE: Final = timedelta(days=366)
# The use of a key is noted once an hour, so that a pipeline's thousand calls are one entry in the log and cost no write each.
NOTED_EVERY: Final = timedelta(hours=1)

_PREFIX_BYTES: Final = 6
_SECRET_BYTES: Final = 32
_NO_MAC: Final = bytes(32)
_READ: Final = tuple(field.attname for field in ServiceClient._meta.concrete_fields)
_BY_PREFIX: Final = (
    f"SELECT xmin::text || ctid::text, {', '.join(_READ)} FROM {ServiceClient._meta.db_table} WHERE prefix = %s"  # noqa: S608  # names of ours
)

logger = get_logger(__name__)


@dataclass(frozen=True)
class IssuedKey:
    """A key at the only moment when it can be read; `key_text` is kept out of `repr`."""

    client_id: UUID
    prefix: str
    expires_at: datetime
    key_text: str = field(repr=False)


@dataclass(frozen=True)
class ServiceClientIdentity:
    """Who a valid key belongs to, and what it may do. Stands in for `request.user` at the API."""

    client_id: UUID
    name: str
    scopes: frozenset[str]

    @property
    def is_authenticated(self) -> bool:
        """True: this exists only for a key that was accepted."""
        return True

    @property
    def pk(self) -> str:
        """What throttles count by."""
        return f"client:{self.client_id}"


@dataclass(frozen=True, slots=True)
class Accepted:
    """A key that was good at one moment. `version` changes with any change of its row, whoever makes it."""

    identity: ServiceClientIdentity
    version: str
    expires_at: datetime


def decide_issue(scopes: frozenset[str], held: frozenset[str] | None, expires_at: datetime, at: datetime) -> None:
    """Raise IssueRefused unless the issuer holds every scope (`held=None`: no limit) and the key's life is at most a year."""
    if not scopes:
        raise IssueRefused("A key needs at least one scope.")
    if held is not None and not scopes <= held:
        raise IssueRefused("Nobody can hand out a scope that they do not hold.", scopes=sorted(scopes - held))
    if not at < expires_at <= at + LONGEST_LIFE:
        raise IssueRefused("A key expires, within 366 days.")


def issue(name: str, scopes: Iterable[str], expires_at: datetime, actor: Actor) -> IssuedKey:
    """Create a service client and return its key, which nobody can read again.

    Raises ScopeUnknown, IssueRefused (too long a life, scopes that the issuer lacks, or a client that would issue keys), InvalidInput
    for an empty name.
    """
    wanted, at = checked(scopes), now()
    if not name.strip():
        raise InvalidInput("A client has a name.", errors=[{"pointer": "/name", "detail": "Empty."}])
    with transaction.atomic():
        decide_issue(wanted, _scopes_to_give(actor), expires_at, at)
        prefix, secret = secrets.token_hex(_PREFIX_BYTES), secrets.token_urlsafe(_SECRET_BYTES)
        client = ServiceClient.objects.create(
            name=name.strip(),
            prefix=prefix,
            key_mac=_mac(prefix, secret),
            scopes=sorted(wanted),
            created_at=at,
            expires_at=expires_at,
        )
        log.emit(
            "accounts.key_issued",
            actor=actor,
            object=f"service_client:{client.pk}",
            facts={"scopes": sorted(wanted), "expires_at": expires_at.isoformat()},
        )
    return IssuedKey(client.pk, prefix, expires_at, f"zg_{prefix}_{secret}")


def authenticate(key_text: str) -> ServiceClientIdentity:
    """The client that the key belongs to. Raises KeyRefused, the same for every reason, after the same comparison."""
    return accept(key_text).identity


def accept(key_text: str) -> Accepted:
    """The client that the key belongs to, and as of which version of its row. Raises KeyRefused as `authenticate` does."""
    prefix, secret = _parts(key_text)
    client, version = _find(prefix)
    genuine = hmac.compare_digest(_mac(prefix, secret), bytes(client.key_mac) if client else _NO_MAC)
    at = now()
    if client is None or not genuine:
        logger.warning("service_key_refused", reason="unknown")
        raise KeyRefused("The key is not valid.")
    if client.revoked_at is not None or client.expires_at <= at:
        reason = "revoked" if client.revoked_at is not None else "expired"
        _note(client, "last_refused_at", "accounts.key_refused", at, {"reason": reason})
        raise KeyRefused("The key is not valid.")
    _note(client, "last_used_at", "accounts.key_used", at, {})
    return Accepted(ServiceClientIdentity(client.pk, client.name, frozenset(client.scopes)), version, client.expires_at)


def revoke(client_id: UUID, *, actor: Actor, reason: str) -> None:
    """End a key at once. Idempotent: the first revocation counts. `reason` is a code (`leaked`, `retired`). Raises ClientUnknown."""
    with transaction.atomic():
        client = ServiceClient.objects.select_for_update().filter(pk=client_id).first()
        if client is None:
            raise ClientUnknown("No service client has this id.")
        if client.revoked_at is not None:
            return
        client.revoked_at = now()
        client.save(update_fields=["revoked_at"])
        log.emit("accounts.key_revoked", actor=actor, object=f"service_client:{client.pk}", facts={"reason": reason})


def _find(prefix: str) -> tuple[ServiceClient | None, str]:
    """The client of a prefix and the version of its row, in one prepared statement: writing the query costs more than answering it."""
    rows = prepared.fetch_all(_BY_PREFIX, [prefix])
    return (ServiceClient.from_db(None, _READ, rows[0][1:]), rows[0][0]) if rows else (None, "")


def _scopes_to_give(actor: Actor) -> frozenset[str] | None:
    if actor == SYSTEM:
        return None  # the operator at the command line, who could read the secret file anyway
    if actor.kind is ActorKind.STAFF:
        held = roles.scopes_of(UUID(actor.id))
        if "accounts:write" in held:
            return held
    raise IssueRefused("Keys are issued by staff whose role allows it.")


def _note(client: ServiceClient, column: str, action: str, at: datetime, facts: dict[str, str]) -> None:
    last: datetime | None = getattr(client, column)
    if last is not None and last > at - NOTED_EVERY:
        return
    with transaction.atomic():
        stale = Q(**{column: None}) | Q(**{f"{column}__lte": at - NOTED_EVERY})
        # The condition is repeated in the statement: of many processes that see a stale note, one writes the entry.
        if ServiceClient.objects.filter(stale, pk=client.pk).update(**{column: at}):
            log.emit(
                action,
                actor=Actor(ActorKind.CLIENT, str(client.pk)),
                object=f"service_client:{client.pk}",
                facts=facts,
            )


def _parts(key_text: str) -> tuple[str, str]:
    head, _, rest = key_text.partition("_")
    prefix, _, secret = rest.partition("_")
    if head != "zg" or len(prefix) > 16 or len(secret) > 128 or not key_text.isascii() or "\0" in key_text:
        return "", ""
    return prefix, secret


def _mac(prefix: str, secret: str) -> bytes:
    return crypto.mac(_pepper(), f"{prefix}_{secret}".encode("ascii"))


def _pepper() -> bytes:
    return secret_files.load_or_create("service-clients.key", crypto.random_key)
