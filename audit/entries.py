"""What an entry is: the canonical header that is hashed, and what it commits to. Pure.

The header is canonical JSON (RFC 8785) of ids, names, counts, versions and digests. Its subject stands in it only as a *tag*,
HMAC-SHA-256 of the subject's id under a salt that is made for this one entry and kept in an erasable side table: without the salt
nobody can tell whom the entry was about, not even by trying all subjects.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias
from uuid import UUID

from audit.errors import EntryNotAllowed, SubjectInEntry
from audit.merkle import leaf_hash
from governance.kernel import crypto
from governance.kernel.actors import Actor, ActorKind
from governance.kernel.canonical import canonical_json
from governance.kernel.errors import JSON
from governance.kernel.ids import SubjectId

SCHEMA: Final = 1
SALT_BYTES: Final = 32
MAX_HEADER: Final = 0xFFFF  # C2SP tlog-tiles puts the length of an entry into two bytes

_ACTION = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+")
_NAME = re.compile(r"[^\x00-\x20\x7f@]{0,200}")
_PERSONS = frozenset({ActorKind.SUBJECT, ActorKind.GUARDIAN})
_LARGEST_INTEGER = 2**53 - 1
_AN_ADDRESS = "A fact looks like an address: the log takes ids, counts, versions and digests alone."
_NOT_A_NAME = "Actor, object and purpose are opaque ids without spaces or addresses, 200 characters at most."
_SUBJECT_NAMED = "Name the subject with subject= and not in actor, object or facts: the log is never erased."
_quote = json.encoder.encode_basestring
_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


# Action, actor, object, purpose, subject tag, instant, transaction: what the columns of an entry repeat from its header.
Columns: TypeAlias = tuple[str, str, str, str, str, str, UUID | str]


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry to be. ``facts`` holds ids, counts, versions and digests; never personal data, for nobody can erase it."""

    action: str
    actor: Actor
    object: str = ""
    subject: SubjectId | None = None
    purpose: str | None = None
    facts: Mapping[str, JSON] = field(default_factory=dict)


class Link(NamedTuple):
    """What the side table keeps until an erasure: whom a tag stands for."""

    role: str
    subject: UUID
    salt: bytes


class Entry(NamedTuple):
    """An entry as it is stored: the exact text that was hashed, and columns to search by that repeat what it says."""

    id: UUID
    header: str
    leaf_hash: bytes
    action: str
    actor: str
    object: str
    purpose: str
    subject_tag: str
    occurred_at: datetime
    transaction_id: UUID
    links: Sequence[Link]


def subject_tag(salt: bytes, role: str, subject: UUID) -> str:
    """The commitment to a subject, as 64 hexadecimal digits."""
    return crypto.mac(salt, b"zgoda audit " + role.encode() + b" " + subject.bytes).hex()


def commit(
    draft: Draft, *, entry_id: UUID, occurred_at: datetime, transaction_id: UUID, salts: Sequence[bytes]
) -> Entry:
    """Make the entry of a draft. ``salts`` are two fresh random salts. Raises ``EntryNotAllowed``, ``SubjectInEntry``."""
    return Moment(occurred_at, transaction_id).commit(draft, entry_id, salts)


class Moment:
    """An instant in a transaction, at which entries are made. What they share is checked and written once: this is on the way of every
    change in the house, and a batch has few different actions, actors and purposes."""

    __slots__ = (
        "_action",
        "_actor",
        "_at",
        "_group",
        "_named",
        "_opening",
        "_purposes",
        "occurred_at",
        "transaction_id",
    )

    def __init__(self, occurred_at: datetime, transaction_id: UUID) -> None:
        """Raises ``EntryNotAllowed`` for an instant that is not in UTC."""
        self.occurred_at, self.transaction_id = occurred_at, transaction_id
        self._at, self._group = instant(occurred_at), _text(transaction_id)
        self._actor: Actor | None = None
        self._action = self._named = self._opening = ""
        self._purposes = {"": ""}

    def commit(self, draft: Draft, entry_id: UUID, salts: Sequence[bytes]) -> Entry:
        """As the function of this name."""
        action, of, purpose, subject = draft.action, draft.object, draft.purpose or "", draft.subject
        if draft.actor is not self._actor or action != self._action:
            self._open(action, draft.actor)
        if not _NAME.fullmatch(of):
            raise EntryNotAllowed(_NOT_A_NAME)
        why = self._purposes.get(purpose)
        if why is None:
            why = self._why(purpose)
        tag, opening, actor = "", self._opening, self._named
        links: Sequence[Link] = ()
        if subject is not None:
            tag = subject_tag(salts[0], "subject", subject)
            links = [Link("subject", subject, salts[0])]
        if not actor:
            actor, links = _person(draft, salts[1], links)
            opening = _opening(action, actor, self._at)
        said = f'"facts":{canonical_facts(draft.facts)},' if draft.facts else ""
        after = f'{_about(of)}{why}{_whom(tag)}"tx":"{self._group}","v":{SCHEMA}}}'
        header = f'{opening}{said}"id":"{_text(entry_id)}",{after}'
        for link in links:
            if _text(link.subject) in header or link.subject.hex in header:
                raise SubjectInEntry(_SUBJECT_NAMED)
        leaf = leaf_hash(_encoded(header))
        at, group = self.occurred_at, self.transaction_id
        return Entry(entry_id, header, leaf, action, actor, of, purpose, tag, at, group, links)

    def _open(self, action: str, actor: Actor) -> None:
        """What the headers of this action and actor begin with. A person who acts has another name in each entry: here none."""
        _check_action(action)
        self._named = "" if actor.kind in _PERSONS else _named(actor)
        self._opening = _opening(action, self._named, self._at)
        self._action, self._actor = action, actor

    def _why(self, purpose: str) -> str:
        _check_name(purpose)
        why = self._purposes[purpose] = _purpose(purpose)
        return why


def _person(draft: Draft, salt: bytes, links: Sequence[Link]) -> tuple[str, Sequence[Link]]:
    """A person who acts stands in the header as a tag too: the subject as ``self``, anybody else under a link of their own."""
    actor = draft.actor
    if draft.subject is not None and actor.id == str(draft.subject):
        return f"{actor.kind}:self", links
    try:
        person = UUID(actor.id)
    except ValueError:
        return _named(actor), links
    return f"{actor.kind}:~{subject_tag(salt, 'actor', person)}", [*links, Link("actor", person, salt)]


def instant(at: datetime) -> str:
    """``2026-11-21T09:30:00.123456Z``: always UTC, always microseconds."""
    text = at.isoformat(timespec="microseconds")
    if not text.endswith("+00:00"):
        raise EntryNotAllowed("The instant of an entry is aware and in UTC.")
    return f"{text[:-6]}Z"


def _encoded(header: str) -> bytes:
    if "@" in header:
        raise EntryNotAllowed(_AN_ADDRESS)
    try:
        raw = header.encode()
    except UnicodeEncodeError as error:
        raise EntryNotAllowed("A fact is not valid Unicode.") from error
    if len(raw) > MAX_HEADER:
        raise EntryNotAllowed("An entry has at most 65,535 bytes.")
    return raw


def frame(entry_id: UUID | str, columns: Columns) -> tuple[str, str]:
    """What a header says besides its facts: the text before them and the text after them."""
    action, actor, of, purpose, tag, at, transaction_id = columns
    after = f'"id":"{entry_id}",{_about(of)}{_purpose(purpose)}{_whom(tag)}"tx":"{transaction_id}","v":{SCHEMA}}}'
    return _opening(action, actor, at), after


def _opening(action: str, actor: str, at: str) -> str:
    return f'{{"action":{_quote(action)},"actor":{_quote(actor)},"at":"{at}",'


def _about(of: str) -> str:
    return f'"object":{_quote(of)},' if of else ""


def _purpose(purpose: str) -> str:
    return f'"purpose":{_quote(purpose)},' if purpose else ""


def _whom(tag: str) -> str:
    return f'"subject":"{tag}",' if tag else ""


def _text(identifier: UUID) -> str:
    """A UUID as ``str`` writes it, in half the time."""
    digits = identifier.hex
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def canonical_facts(facts: Mapping[str, object]) -> str:
    """RFC 8785 of facts. ``json`` writes the same text ten times faster when there is no float and no unusual key.

    A few texts and whole numbers, as most facts are, are written in even less time than ``json`` takes to begin.
    """
    if brief := _brief(facts):
        return brief
    if _plain(facts, 0):
        return _encode(facts)
    return canonical_json(facts).decode()


def _brief(facts: Mapping[str, object]) -> str:
    """Texts and whole numbers under plain names; empty when there is anything else."""
    if len(facts) > 8:
        return ""
    for key in facts:
        if type(key) is not str or not key.isascii():
            return ""
    written = []
    for key, value in sorted(facts.items()):
        if type(value) is str and "@" not in value:
            written.append(f"{_quote(key)}:{_quote(value)}")
        elif type(value) is int and -_LARGEST_INTEGER <= value <= _LARGEST_INTEGER:
            written.append(f"{_quote(key)}:{value}")
        else:
            return ""
    return f"{{{','.join(written)}}}" if written else ""


def _plain(value: object, depth: int) -> bool:
    """Whether ``json`` and RFC 8785 agree on the value. Raises ``EntryNotAllowed`` for what no fact may be."""
    if depth > 8:
        raise EntryNotAllowed("Facts are nested too deeply.")
    if value is None or value is True or value is False:
        return True
    if isinstance(value, str):
        if "@" in value:
            raise EntryNotAllowed(_AN_ADDRESS)
        return True
    if isinstance(value, int):
        if not -_LARGEST_INTEGER <= value <= _LARGEST_INTEGER:
            raise EntryNotAllowed("A whole number in a fact has at most 53 bits.")
        return type(value) is int
    if isinstance(value, Mapping):
        plain = type(value) is dict
        for key, inner in value.items():
            if not isinstance(key, str):
                raise EntryNotAllowed("The names of facts are short texts.")
            plain = _plain(inner, depth + 1) and key.isascii() and plain
        return plain
    if isinstance(value, (list, tuple)):
        plain = True
        for inner in value:  # to the end: what comes after a float is checked too
            plain = _plain(inner, depth + 1) and plain
        return plain
    if isinstance(value, float):
        return False
    raise EntryNotAllowed("A fact is text, a number, true, false, null, a list or an object of these.")


@lru_cache(maxsize=1024)
def _check_action(action: str) -> None:
    if not _ACTION.fullmatch(action):
        raise EntryNotAllowed("An action is a dotted name such as consent.withdrawn.")


@lru_cache(maxsize=1024)
def _named(actor: Actor) -> str:
    _check_name(actor.id)
    return str(actor)


def _check_name(text: str) -> None:
    if not _NAME.fullmatch(text):
        raise EntryNotAllowed(_NOT_A_NAME)
