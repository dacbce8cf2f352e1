"""Which key signs the log from which size on. A rotation is an entry of the log, and verifiers follow it without being told.

The entry ``log.key_rotated`` names the old and the new key and carries a signature of the new one over both; it is the last entry under
the last checkpoint that the old key signs. So whoever trusts any key of the log can trust them all: forwards, because the old key signed
the checkpoint over the entry that names the new one; backwards, because the new key signed the statement that names the old one.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection

from audit import keys
from audit.errors import NoteInvalid
from audit.notes import Verifier
from governance.kernel import crypto
from governance.kernel.errors import JSON

ACTION: Final = "log.key_rotated"


@dataclass(frozen=True, slots=True)
class Rotation:
    """The entry ``seq`` put ``new`` in the place of ``old``."""

    seq: int
    old: Verifier
    new: Verifier


@dataclass(frozen=True, slots=True)
class KeyHistory:
    """The log's keys in order. ``flaws`` are rotations that do not hold, as (number of the entry, what is wrong)."""

    first: Verifier
    rotations: tuple[Rotation, ...] = ()
    flaws: tuple[tuple[int, str], ...] = ()

    @property
    def last(self) -> Verifier:
        """The key in force now."""
        return self.rotations[-1].new if self.rotations else self.first

    def at(self, size: int) -> Verifier:
        """The key that signs a checkpoint of that size."""
        verifier = self.first
        for rotation in self.rotations:
            if size > rotation.seq + 1:
                verifier = rotation.new
        return verifier


def statement(old: Verifier, new: Verifier) -> bytes:
    """What the new key signs, to prove that whoever holds it meant to follow the old one."""
    return f"zgoda log key rotation\n{old}\n{new}\n".encode()


def facts(old: Verifier, new: Verifier, key: crypto.SigningKey) -> dict[str, JSON]:
    """The facts of the entry of a rotation; ``key`` is the new one."""
    proof = base64.b64encode(key.sign(statement(old, new))).decode()
    return {"old": str(old), "new": str(new), "proof": proof}


def read() -> KeyHistory:
    """The history as the numbered entries of the log tell it, held against the key that this service has."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT l.seq, e.header FROM audit_entry e JOIN audit_leaf l ON l.entry_id = e.id
            WHERE e.action = %s ORDER BY l.seq
            """,
            [ACTION],
        )
        found = cursor.fetchall()
    rotations: list[Rotation] = []
    flaws: list[tuple[int, str]] = []
    for seq, header in found:
        try:
            rotation = _rotation(seq, json.loads(header)["facts"])
        except (ValueError, KeyError, TypeError, NoteInvalid, crypto.SignatureInvalid):
            flaws.append((seq, "the rotation of the key does not hold"))
            continue
        if rotations and rotations[-1].new != rotation.old:
            flaws.append((seq, "the rotation does not start from the key in force"))
            continue
        rotations.append(rotation)
    ours = keys.verifier()
    if rotations and ours not in (rotations[-1].new, rotations[-1].old):
        flaws.append((rotations[-1].seq, "the log's key was rotated to another than this service has"))
    return KeyHistory(rotations[0].old if rotations else ours, tuple(rotations), tuple(flaws))


def _rotation(seq: int, said: Mapping[str, Any]) -> Rotation:
    old, new = Verifier.parse(said["old"]), Verifier.parse(said["new"])
    crypto.verify(new.public_bytes, base64.b64decode(said["proof"], validate=True), statement(old, new))
    return Rotation(seq, old, new)
