"""What a run needs besides its rows: the policy, and the working keys of its domain. No Django, and nothing of it in a repr.

A kit holds derived keys, never a master: whoever gets one can make the tokens of one policy, in one domain and epoch, and no others.
`keyring.py` makes kits in the house; executors elsewhere get one for a while (`leases.py`).
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from governance.kernel.errors import JSON
from pseudonymize.policies.parsing import parse
from pseudonymize.policies.policy import (
    DateShift,
    DetectText,
    Fpe,
    Noise,
    Policy,
    Rule,
    Synthetic,
    TokenForm,
    TokenMac,
    TokenSiv,
    TokenVault,
)
from pseudonymize.transforms import tokens_text
from pseudonymize.transforms.tokens_text import TokenFormat, TokenKind

KeyName = tuple[str, str]
"""(kind of transform, class of column): what a working key is derived for."""


@dataclass(frozen=True, repr=False)
class Kit:
    """A policy with the keys of one domain and epoch. ``space`` names where the keys come from: the domain, or its join group."""

    policy: Policy
    space: str
    epoch: int
    today: date
    keys: Mapping[KeyName, bytes] = field(default_factory=dict)

    def key(self, kind: str, column_class: str) -> bytes:
        """The working key of a kind and class."""
        return self.keys[kind, column_class]

    def siv_key(self, column_class: str) -> bytes:
        """AES-SIV's 64 bytes: one key authenticates, another encrypts."""
        return self.key("siv-mac", column_class) + self.key("siv-ctr", column_class)

    def token_format(self, kind: TokenKind, form: TokenForm) -> TokenFormat:
        """How tokens of this kit are written."""
        return token_format(self.space, self.epoch, kind, form)

    def to_json(self) -> dict[str, JSON]:
        """The kit as it is lent over the wire: the policy's text and the derived keys. To be sent over TLS and kept nowhere."""
        keys: list[JSON] = [
            {"kind": kind, "class": column_class, "key": b64encode(key).decode()}
            for (kind, column_class), key in sorted(self.keys.items())
        ]
        return {
            "policy": self.policy.text,
            "space": self.space,
            "epoch": self.epoch,
            "today": self.today.isoformat(),
            "keys": keys,
        }

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Kit:
        """What `to_json` made. Raises PolicyInvalid, KeyError or ValueError for anything else."""
        keys = {(entry["kind"], entry["class"]): b64decode(entry["key"], validate=True) for entry in given["keys"]}
        return cls(
            policy=parse(given["policy"]),
            space=given["space"],
            epoch=int(given["epoch"]),
            today=date.fromisoformat(given["today"]),
            keys=keys,
        )


def token_format(space: str, epoch: int, kind: TokenKind, form: TokenForm) -> TokenFormat:
    """How tokens of a space and epoch are written."""
    return TokenFormat(kind, tokens_text.domain_code(space), epoch, opaque=form is TokenForm.OPAQUE)


def keys_needed(policy: Policy) -> frozenset[KeyName]:
    """Which working keys the policy's rules take."""
    return frozenset(name for column, rule in policy.columns.items() for name in _needed(column, rule, policy))


def _needed(column: str, rule: Rule, policy: Policy) -> Iterator[KeyName]:
    match rule:
        case TokenMac():
            yield "mac", rule.column_class
        case TokenSiv():
            yield from (("siv-mac", rule.column_class), ("siv-ctr", rule.column_class))
        case Fpe():
            yield "ff1", rule.column_class
        case Synthetic():
            yield "synthetic", rule.column_class
        case DateShift():
            yield "date-shift", class_of(policy.columns[rule.key], rule.key)
        case Noise():
            yield "noise", column
        case DetectText():
            for nested in (*rule.each.values(), rule.otherwise):
                yield from _needed(column, nested, policy)
        case _:
            pass


def class_of(rule: Rule, name: str) -> str:
    """The class of a column by its rule; its name where the rule has none."""
    return rule.column_class if isinstance(rule, TokenMac | TokenSiv | TokenVault | Fpe | Synthetic) else name


def needs_the_house(policy: Policy) -> list[str]:
    """The columns whose tokens need the vault's tables: random tokens, and tokens with a person's secret in them."""
    return [name for name, rule in policy.columns.items() if looked_up(rule)]


def looked_up(rule: Rule) -> bool:
    """Whether a column of this rule cannot be worked from keys alone."""
    return isinstance(rule, TokenVault) or (isinstance(rule, TokenMac) and rule.shreddable)
