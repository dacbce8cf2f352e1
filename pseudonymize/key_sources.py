"""Where somebody outside of a run gets a kit: from the house they stand in, or from a service over REST. No Django until it is asked for.

A source holds no secret, so it may lie in a closure, a query plan or a log; the key that speaks to the service is read from the
environment of the process that asks.
"""

from __future__ import annotations

import json
import os
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

from governance.kernel.errors import GovernanceError
from pseudonymize.errors import LeaseExpired, VaultNeeded
from pseudonymize.kits.kit import Kit, needs_the_house
from pseudonymize.policies.parsing import parse

KEY_VARIABLE = "ZGODA_CLIENT_KEY"
SECONDS = 900
_TIMEOUT = 30
_LARGEST = 64 * 1024 * 1024


class ServiceRefused(GovernanceError):
    """The service answered with a problem; `code` and `status` are its own."""

    code = "service_refused"
    title = "The service refused"


@dataclass(frozen=True)
class Signed:
    """The signed manifest of a run that was made elsewhere: its number, and the statement signed."""

    manifest: str
    jws: str


class KeySource(Protocol):
    """Gives a kit and the time (epoch seconds) until which it may be used."""

    def kit(self) -> tuple[Kit, float]: ...

    def sign(self, stated: dict[str, Any]) -> Signed:
        """Have the house sign a run that was made with the kit, as it is stated. Raises what `outside.record` raises."""


@dataclass(frozen=True)
class HouseKeys:
    """Keys from the house that this process stands in: it has the settings, the database and the key directory."""

    policy: str
    """The policy's text."""
    seconds: int = SECONDS

    def kit(self) -> tuple[Kit, float]:
        """Raises VaultNeeded, DomainMismatch."""
        import django
        from django.apps import apps

        if not apps.ready:
            django.setup()
        from datetime import timedelta

        from governance.kernel.actors import SYSTEM
        from pseudonymize.kits import leases

        lease = leases.issue(parse(self.policy), actor=SYSTEM, lasts=timedelta(seconds=self.seconds))
        return lease.kit, lease.expires_at.timestamp()

    def sign(self, stated: dict[str, Any]) -> Signed:
        from governance.kernel.actors import SYSTEM
        from governance.kernel.ids import opaque
        from pseudonymize.runs import outside

        made = outside.record(parse(self.policy), outside.OutsideRun.from_json(stated), actor=SYSTEM)
        return Signed(opaque("man", made.id), made.jws)


@dataclass(frozen=True)
class ServiceKeys:
    """Keys lent by a service: `url` is where it lives, `name` a published policy's; the client's key is in the environment."""

    url: str
    name: str
    seconds: int = SECONDS
    key_variable: str = KEY_VARIABLE

    def kit(self) -> tuple[Kit, float]:
        """Raises ServiceRefused, LeaseExpired."""
        body = json.dumps({"policy": self.name, "seconds": self.seconds}).encode()
        answer = Service(self.url, self.key_variable).ask("pseudonymize/leases", body, "application/json")
        given = json.loads(answer.body)
        expires = datetime.fromisoformat(given["expires_at"]).timestamp()
        return Kit.from_json(given), expires

    def sign(self, stated: dict[str, Any]) -> Signed:
        body = json.dumps(stated | {"policy": self.name}).encode()
        answer = json.loads(Service(self.url, self.key_variable).ask("manifests", body, "application/json").body)
        return Signed(answer["id"], answer["jws"])


@dataclass(frozen=True, repr=False)
class Answer:
    """What a service sent back."""

    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Service:
    """A Zgoda service over REST."""

    url: str
    key_variable: str = KEY_VARIABLE

    def ask(self, path: str, body: bytes, kind: str, **query: str) -> Answer:
        """POST to `/api/v1/PATH`. Plain HTTP is for loopback alone. Raises ServiceRefused with the service's code; ValueError."""
        asked = urlsplit(self.url)
        if asked.scheme != "https" and not (
            asked.scheme == "http" and asked.hostname in {"127.0.0.1", "localhost", "::1"}
        ):
            raise ValueError("A service is reached over https; over http on this machine alone.")
        key = self._key()
        parameters = f"?{urlencode(query)}" if query else ""
        request = urllib.request.Request(  # noqa: S310  the scheme was looked at
            f"{self.url.rstrip('/')}/api/v1/{path}{parameters}",
            data=body,
            headers={
                "Authorization": f"Bearer {key}",
                "Content-Type": kind,
                "Accept": f"{kind}, application/problem+json",
            },
            method="POST",
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT) as response:  # noqa: S310  as above
                return Answer(response.read(), dict(response.headers.items()))
        except urllib.error.HTTPError as error:
            raise _refused(error) from None

    def _key(self) -> str:
        """The client's key: the variable says it, or the variable with _FILE says which file holds it (a mounted secret)."""
        if key := os.environ.get(self.key_variable):
            return key
        if path := os.environ.get(f"{self.key_variable}_FILE"):
            return Path(path).read_text().strip()
        raise ValueError(
            f"The client's key is not in the environment variable {self.key_variable}, nor in a file that {self.key_variable}_FILE names."
        )


def _refused(error: urllib.error.HTTPError) -> ServiceRefused:
    try:
        problem: dict[str, Any] = json.loads(error.read(_LARGEST))
    except ValueError:
        problem = {}
    code = str(problem.get("code") or problem.get("type", "")).rpartition("/")[2]
    detail = str(problem.get("detail") or problem.get("title") or "The service gave no reason.")
    return ServiceRefused(detail, code=code, status=error.code)


_held: dict[KeySource, tuple[Kit, float]] = {}
_holding = threading.Lock()


def held(source: KeySource) -> Kit:
    """The kit of a source, asked for once in this process until it expires. Raises LeaseExpired when what is lent is over already."""
    with _holding:
        kit, expires = _held.get(source, (None, 0.0))
        if kit is None or expires <= time.time():
            kit, expires = source.kit()
            if expires <= time.time():
                raise LeaseExpired(expired_at=datetime.fromtimestamp(expires, UTC).isoformat())
            _held[source] = kit, expires
        return kit


def require_lendable(kit_policy: Any) -> None:
    """Raises VaultNeeded for a policy that only the house can run."""
    bound = needs_the_house(kit_policy)
    if bound:
        raise VaultNeeded(f"These columns need the vault's tables: {', '.join(bound)}.", columns=bound)
