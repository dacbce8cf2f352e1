"""Calling the API as a service client, and as staff with a session."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.test import Client

from governance.accounts import clients
from governance.accounts.models import User
from governance.kernel.actors import SYSTEM, Actor
from governance.kernel.clock import now

API = "/api/v1/"
EVERY_SCOPE = tuple(f"pseudonymize:{verb}" for verb in ("read", "write", "run", "reveal"))


class Caller:
    """Somebody who calls: a service client with these scopes, or a member of staff."""

    def __init__(self, *scopes: str, staff: Actor | None = None) -> None:
        self._client = Client(raise_request_exception=False)
        self._headers: dict[str, str] = {}
        if staff is not None:
            user = User.objects.get(pk=UUID(staff.id))
            self._client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        elif scopes:
            key = clients.issue("pipeline", list(scopes), now() + timedelta(days=1), actor=SYSTEM).key_text
            self._headers = {"Authorization": f"Bearer {key}"}

    def send(self, method: str, path: str, data: bytes, kind: str = "application/json", **headers: str) -> HttpResponse:
        """The answer as it is."""
        return self._client.generic(
            method,
            API + path,
            data,
            content_type=kind,
            headers=self._headers | headers,  # type: ignore[arg-type]
        )

    def __call__(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and JSON of an answer."""
        answer = self.send(method, path, b"" if body is None else json.dumps(body).encode())
        return answer.status_code, json.loads(answer.content or b"null")
