"""Random tokens: a value's token is drawn, not computed, and only a sealed row leads back, until it expires.

For what a key alone must never give away: a leaked working key opens no token here. Each distinct value of a class has one token in its
domain while that lives, so joins within the domain hold; expiry, or erasing the person, ends it for good.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import pyarrow as pa
from django.db import connection, transaction
from django.db.models import Q

from governance.jobs.handlers import every
from governance.kernel import crypto
from governance.kernel.clock import now
from governance.kernel.ids import SubjectId, uuid7_many
from pseudonymize.identity import IdentifierKind
from pseudonymize.keys import subject_keys
from pseudonymize.keys.domain_keys import working_key
from pseudonymize.models import Domain, VaultToken
from pseudonymize.transforms import canonical, mac
from pseudonymize.transforms.errors import NoCanonicalForm
from pseudonymize.vault import identifiers, lookup

TOKEN_BYTES = 16
_CHUNK = 20_000
_VERSIONS: Mapping[IdentifierKind, tuple[str, ...]] = {
    IdentifierKind.CUSTOMER_ID: ("customer_id@1",),
    IdentifierKind.EMAIL: ("email@1", "email@2"),
    IdentifierKind.PHONE: ("phone@1",),
    IdentifierKind.NATIONAL_ID: ("national_id@1", "pesel@1", "ssn@1", "nip@1"),
}
_KEY_EPOCH = 1
"""Rows outlive the epochs of computed tokens: a random token does not change when the domain's keys do."""


def tokens_of(
    forms: Sequence[str],
    domain: Domain,
    column_class: str,
    *,
    lives: timedelta,
    identifies: IdentifierKind | None = None,
) -> list[bytes]:
    """The 16 random bytes of each distinct canonical form, aligned; drawn for those that have none, or an expired one.

    `identifies`: what kind of identifier the forms are, so that a token of somebody in the vault is sealed under their own key and dies
    with it (Art. 17). A live token keeps its expiry. A few queries per 20,000 forms.
    """
    found: list[bytes] = []
    for low in range(0, len(forms), _CHUNK):
        found += _chunk(forms[low : low + _CHUNK], domain, column_class, lives, identifies)
    return found


def _chunk(
    forms: Sequence[str], domain: Domain, column_class: str, lives: timedelta, identifies: IdentifierKind | None
) -> list[bytes]:
    indexes = _indexes(forms, domain, column_class)
    with transaction.atomic():
        at = now()
        known = _live(indexes, domain, column_class, at)
        missing = {index: form for index, form in zip(indexes, forms, strict=True) if index not in known}
        if missing:
            _draw(missing, domain, column_class, lifetime=(at, at + lives), identifies=identifies)
            known = _live(indexes, domain, column_class, at)
    return [known[index] for index in indexes]


def _indexes(forms: Sequence[str], domain: Domain, column_class: str) -> list[bytes]:
    key = working_key(domain, "vault-index", column_class, epoch=_KEY_EPOCH)
    indexes: list[bytes] = mac.tags(pa.array(forms, pa.string()), key).to_pylist()
    return indexes


def _live(indexes: Sequence[bytes], domain: Domain, column_class: str, at: datetime) -> dict[bytes, bytes]:
    rows = VaultToken.objects.filter(
        domain=domain,
        column_class=column_class,
        blind_index__in=set(indexes),
        expires_at__gt=at,
        subject__erased_at__isnull=True,  # without a subject, too
    )
    return {bytes(index): bytes(token) for index, token in rows.values_list("blind_index", "token")}


def _draw(
    missing: Mapping[bytes, str],
    domain: Domain,
    column_class: str,
    *,
    lifetime: tuple[datetime, datetime],
    identifies: IdentifierKind | None,
) -> None:
    """Rows for values that have none. Who draws the same at the same time gets the first one's: the index is unique."""
    at, until = lifetime
    VaultToken.objects.filter(
        Q(expires_at__lte=at) | Q(subject__erased_at__isnull=False),
        domain=domain,
        column_class=column_class,
        blind_index__in=list(missing),
    ).delete()
    forms = list(missing.values())
    subjects = lookup.resolve(identifies, forms) if identifies else [None] * len(forms)
    # Erased people have no key any more, and no new row under another one.
    keys = subject_keys.live([subject for subject in subjects if subject is not None])
    domain_key = working_key(domain, "vault-seal", column_class, epoch=_KEY_EPOCH)
    rows = []
    for identifier, (index, form), subject in zip(uuid7_many(len(forms)), missing.items(), subjects, strict=True):
        owner = subject if subject in keys else None
        key = keys[owner] if owner is not None else domain_key
        rows.append(
            VaultToken(
                id=identifier,
                domain=domain,
                column_class=column_class,
                blind_index=index,
                token=os.urandom(TOKEN_BYTES),
                sealed=crypto.seal(key, form.encode(), _bound_to(identifier)),
                subject_id=owner,
                created_at=at,
                expires_at=until,
            )
        )
    VaultToken.objects.bulk_create(rows, ignore_conflicts=True)


def _bound_to(identifier: UUID) -> list[bytes]:
    return [b"zgoda/vault-token", identifier.bytes]


def values_of(tokens: Sequence[bytes], domain: Domain, column_class: str) -> list[str | None]:
    """The values behind tokens, aligned; None for one that expired, was erased, or never was. For re-identification only."""
    rows = list(
        VaultToken.objects.filter(domain=domain, column_class=column_class, token__in=set(tokens), expires_at__gt=now())
    )
    keys = subject_keys.live([SubjectId(row.subject_id) for row in rows if row.subject_id is not None])
    domain_key = working_key(domain, "vault-seal", column_class, epoch=_KEY_EPOCH)
    opened = {}
    for row in rows:
        key = domain_key if row.subject_id is None else keys.get(SubjectId(row.subject_id))
        if key is not None:
            opened[bytes(row.token)] = crypto.unseal(key, bytes(row.sealed), _bound_to(row.id)).decode()
    return [opened.get(token) for token in tokens]


def erase(subject: SubjectId) -> int:
    """Delete a person's tokens, also those that were drawn before the vault knew whose they are. Returns how many."""
    with transaction.atomic():
        return int(VaultToken.objects.filter(_of(subject)).delete()[0])


def count(subject: SubjectId) -> int:
    """How many tokens of this person there are."""
    return VaultToken.objects.filter(_of(subject)).count()


def _of(subject: SubjectId) -> Q:
    """The person's tokens: by their id, and by the index of each identifier in every class that has tokens."""
    mine = Q(subject=subject)
    forms = _forms(subject)
    places = VaultToken.objects.filter(subject=None).order_by().values_list("domain", "column_class").distinct()
    for domain_id, column_class in places:
        domain = Domain.objects.get(id=domain_id)
        indexes = _indexes(forms, domain, column_class) if forms else []
        mine |= Q(domain=domain, column_class=column_class, blind_index__in=indexes)
    return mine


def _forms(subject: SubjectId) -> list[str]:
    """Everything that the person's identifiers may have been written as before a token was drawn."""
    keys = subject_keys.live([subject])
    rows = identifiers.stored(list(keys), list(_VERSIONS))
    found = set()
    for row, value in zip(rows, identifiers.open_all(rows, keys), strict=True):
        found.add(value)
        for version in _VERSIONS[row.kind]:
            with contextlib.suppress(NoCanonicalForm):
                found.add(canonical.form(version)(value))
    return sorted(found)


@every(seconds=3600, name="pseudonymize.expired_tokens")
def purge_expired() -> int:
    """Delete what has expired; nothing leads from those tokens to anybody after that. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM pseudonymize_vault_token WHERE expires_at <= %s", [now()])
        return int(cursor.rowcount)
