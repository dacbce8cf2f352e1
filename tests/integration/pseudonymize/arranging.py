"""Arranging people in the vault, through its verbs."""

from __future__ import annotations

from governance.kernel.actors import Actor, ActorKind
from governance.kernel.ids import SubjectId
from governance.kernel.invariants import registered
from pseudonymize import vault
from pseudonymize.vault import IdentifierKind, Identity
from tests.people import Person

IMPORTER = Actor(ActorKind.IMPORT, "crm")


def identity_of(person: Person, *kinds: IdentifierKind) -> Identity:
    """A person of the cast as an import brings them; just these kinds when some are named."""
    values = {IdentifierKind(kind): value for kind, value in person.values().items() if value}
    return Identity({kind: value for kind, value in values.items() if not kinds or kind in kinds})


def enrolled(*people: Person) -> list[SubjectId]:
    """The people, enrolled."""
    done = vault.enrol([identity_of(person) for person in people], actor=IMPORTER, source="crm")
    assert None not in done.subjects
    return [subject for subject in done.subjects if subject is not None]


def invariants_hold() -> bool:
    """All of this package's invariants, over what a test left."""
    checks = [check for name, check in registered().items() if name.startswith("pseudonymize.")]
    return len(checks) >= 4 and all(not check().violations for check in checks)
