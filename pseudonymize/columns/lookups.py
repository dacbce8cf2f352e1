"""Columns that keys alone do not work: random tokens of the vault, and tokens with a person's own secret in them.

The house looks their values up, each distinct one once, before the rest of a table is worked. Two ways of shredding (design page):
with a secret of the person in it (`shreddable: true`), a token dies with the person's key, for nobody can compute it any more; a token
from the domain's key alone is faster, and erasing a person means deleting their rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from governance.kernel import crypto
from governance.kernel.ids import SubjectId
from pseudonymize import vault
from pseudonymize.columns.tokens import KINDS, tokenised
from pseudonymize.columns.transformer import check, one_array
from pseudonymize.columns.worked import UNKNOWN_PERSON, Worked, flags, per_distinct, text_of
from pseudonymize.identity import IdentifierKind
from pseudonymize.keys import subject_keys
from pseudonymize.kits.kit import Kit, looked_up
from pseudonymize.models import Domain
from pseudonymize.policies.policy import Policy, TokenMac, TokenVault
from pseudonymize.transforms import mac
from pseudonymize.vault import random_tokens

_REMEMBERED = 500_000
_SECRET_BYTES = 16


@dataclass(repr=False)
class Lookups:
    """The house's side of a run. What was looked up in one batch is remembered for the next ones, up to half a million values."""

    policy: Policy
    domain: Domain
    _known: dict[tuple[str, str], bytes | None] = field(default_factory=dict)

    def prepare(self, table: pa.Table, kit: Kit) -> dict[str, Worked]:
        """The columns of a table that have to be looked up, worked. A few queries per column; none without such columns."""
        names = [name for name, rule in self.policy.columns.items() if looked_up(rule)]
        if not names:
            return {}
        check(kit, table)
        return {
            name: per_distinct(text_of(one_array(table[name])), partial(self._worked, name, kit))
            for name in names
            if name in table.column_names
        }

    def _worked(self, name: str, kit: Kit, text: pa.Array) -> Worked:
        rule = self.policy.columns[name]
        assert isinstance(rule, TokenMac | TokenVault)  # noqa: S101  looked_up says so
        unknown = np.zeros(len(text), dtype=np.bool_)

        def tags(forms: pa.Array) -> pa.Array:
            found = self._tags(name, rule, forms, kit)
            unknown[flags(pc.and_(found.is_null(), forms.is_valid()))] = True
            return found

        written = kit.token_format(KINDS[type(rule)], rule.form)
        done = tokenised(rule, text, tags, written, idempotent=self.policy.idempotent)
        return done.with_failure(UNKNOWN_PERSON, unknown)

    def _tags(self, name: str, rule: TokenMac | TokenVault, forms: pa.Array, kit: Kit) -> pa.Array:
        encoded = forms.cast(pa.string()).dictionary_encode()
        distinct: list[str] = encoded.dictionary.to_pylist()
        missing = [form for form in distinct if (name, form) not in self._known]
        if len(self._known) + len(missing) > _REMEMBERED:
            self._known.clear()
            missing = distinct
        if missing:
            fresh = self._drawn(rule, missing) if isinstance(rule, TokenVault) else shredded(rule, missing, kit)
            self._known.update({(name, form): tag for form, tag in zip(missing, fresh, strict=True)})
        tags = pa.array([self._known[name, form] for form in distinct], pa.binary())
        return tags.take(encoded.indices)

    def _drawn(self, rule: TokenVault, forms: Sequence[str]) -> list[bytes]:
        lives = timedelta(days=rule.expires_days)
        return random_tokens.tokens_of(forms, self.domain, rule.column_class, lives=lives, identifies=rule.identifies)


def shredded(rule: TokenMac, forms: Sequence[str], kit: Kit) -> list[bytes | None]:
    """The MAC of each canonical form and the secret of its person; None for who is not in the vault, or not any more."""
    kind = rule.identifies
    assert kind is not None  # noqa: S101  a policy with `shreddable` says what it identifies
    secrets = secrets_of(kind, forms, kit.space, kit.epoch)
    key = kit.key("mac", rule.column_class)
    inner = mac.tags(pa.array(forms, pa.string()), key).to_pylist()
    mixed = [None if secret is None else tag + secret for tag, secret in zip(inner, secrets, strict=True)]
    tags: list[bytes | None] = mac.tags(pa.array(mixed, pa.binary()), key).to_pylist()
    return tags


def secrets_of(kind: IdentifierKind, forms: Sequence[str], space: str, epoch: int) -> list[bytes | None]:
    """The secret of each form's person for tokens of a space and epoch, from the person's own random key."""
    subjects = vault.resolve(kind, list(forms))
    keys = subject_keys.live(list({subject for subject in subjects if subject is not None}))
    made: dict[SubjectId, bytes] = {subject: _secret(key, space, epoch) for subject, key in keys.items()}
    return [made.get(subject) if subject is not None else None for subject in subjects]


def _secret(key: bytes, space: str, epoch: int) -> bytes:
    return crypto.derive(key, "zgoda/token-secret/v1", space, epoch.to_bytes(4, "big"), length=_SECRET_BYTES)
