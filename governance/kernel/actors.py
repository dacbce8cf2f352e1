"""Who acts. Every consent, decision, access and change names its actor; an act of staff never passes for the person's own."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ActorKind(StrEnum):
    STAFF = "staff"
    CLIENT = "client"
    SUBJECT = "subject"
    GUARDIAN = "guardian"
    AGENT = "agent"
    SYSTEM = "system"
    IMPORT = "import"


@dataclass(frozen=True, slots=True)
class Actor:
    """An actor as an opaque id: `staff:<uuid>`, `client:<uuid>`, `subject:<uuid>`, `system:jobs`; never a name or an address."""

    kind: ActorKind
    id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


SYSTEM = Actor(ActorKind.SYSTEM, "zgoda")
