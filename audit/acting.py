"""Who is acting right now, for changes that are noticed rather than announced: configuration objects saved in the console.

A context variable and one permanent receiver; django-auditlog's own ``set_actor`` leaks a signal receiver for each nested use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse

from governance.kernel.actors import SYSTEM, Actor, ActorKind

_provider: ContextVar[Callable[[], Actor] | None] = ContextVar("audit_acting", default=None)


def current() -> Actor:
    """The actor of the running code; the system itself when nobody was named."""
    provider = _provider.get()
    return SYSTEM if provider is None else provider()


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """Name the actor for a block."""
    token = _provider.set(lambda: actor)
    try:
        yield
    finally:
        _provider.reset(token)


class ActingStaff:
    """Middleware: changes made while a request is answered are the logged-in member of staff's.

    It asks for the user when a change happens and not before, so that late authentication counts too.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        def who() -> Actor:
            user = getattr(request, "user", None)
            return Actor(ActorKind.STAFF, str(user.pk)) if user is not None and user.is_authenticated else SYSTEM

        token = _provider.set(who)
        try:
            return self.get_response(request)
        finally:
            _provider.reset(token)
