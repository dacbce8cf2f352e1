"""Reading identifiers in the clear. There is no other way to, and it always leaves an access entry per person in the log."""

from __future__ import annotations

from collections.abc import Sequence

from audit import log
from governance.kernel.actors import Actor
from governance.kernel.ids import SubjectId
from pseudonymize.identity import IdentifierKind
from pseudonymize.keys import subject_keys
from pseudonymize.vault import identifiers


def read(
    subjects: Sequence[SubjectId], kinds: Sequence[IdentifierKind], *, purpose: str, actor: Actor
) -> dict[SubjectId, dict[IdentifierKind, str]]:
    """The identifiers of these kinds, by subject. Where someone has several (e-mail, phone) the latest one.

    Erased and unknown subjects are left out; a subject without such an identifier has an empty dictionary. Must run inside a
    transaction: the access entries are in it, and are written before anything is decrypted. Two queries beside the entries.
    """
    every = _open(subjects, kinds, purpose=purpose, actor=actor)
    return {subject: {kind: values[-1] for kind, values in found.items()} for subject, found in every.items()}


def read_all(subject: SubjectId, *, purpose: str, actor: Actor) -> dict[IdentifierKind, list[str]]:
    """Everything the vault has about one subject, oldest first: for the person's own copy (Art. 15). Empty when erased."""
    return _open([subject], list(IdentifierKind), purpose=purpose, actor=actor).get(subject, {})


def _open(
    subjects: Sequence[SubjectId], kinds: Sequence[IdentifierKind], *, purpose: str, actor: Actor
) -> dict[SubjectId, dict[IdentifierKind, list[str]]]:
    keys = subject_keys.live(subjects)
    names = sorted(kind.value for kind in kinds)
    log.emit_many(
        [
            log.Draft(
                action="identity.read",
                actor=actor,
                object="subject_identifiers",
                subject=subject,
                purpose=purpose,
                facts={"kinds": names},
            )
            for subject in keys
        ]
    )
    rows = [row for row in identifiers.stored(list(keys), kinds) if row.subject in keys]
    found: dict[SubjectId, dict[IdentifierKind, list[str]]] = {subject: {} for subject in keys}
    for row, value in zip(rows, identifiers.open_all(rows, keys), strict=True):
        found[row.subject].setdefault(row.kind, []).append(value)
    return found
