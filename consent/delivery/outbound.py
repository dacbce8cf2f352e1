"""The way out by HTTP: https, or plain on loopback; no redirects, a time limit, and answers that are not read further than needed."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from consent.errors import DeliveryFailed

TIMEOUT_SECONDS: Final = 10
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **keywords: Any) -> None:
        return None  # what was signed for one address is not for another


_opener = urllib.request.build_opener(_NoRedirects, urllib.request.ProxyHandler({}))


def fault_of(url: str) -> str:
    """What is wrong with an address to post to; empty when nothing is."""
    parts = urlsplit(url)
    if parts.username or parts.password:
        return "No password in an address: it is shown on screens."
    if parts.scheme == "https" and parts.hostname:
        return ""
    if parts.scheme == "http" and parts.hostname in _LOOPBACK:
        return ""
    return "An https address (plain http on loopback alone)."


def post(url: str, body: bytes, headers: Mapping[str, str]) -> None:
    """POST JSON; returns when it was taken (2xx). Raises DeliveryFailed otherwise, with a short reason and nothing of the answer."""
    if fault_of(url):
        raise DeliveryFailed("address")
    request = urllib.request.Request(  # noqa: S310  the scheme was checked
        url, body, {"Content-Type": "application/json", "User-Agent": "zgoda", **headers}, method="POST"
    )
    try:
        with _opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
            if not 200 <= answer.status < 300:
                raise DeliveryFailed(f"http_{answer.status}")
    except urllib.error.HTTPError as error:
        error.close()
        raise DeliveryFailed(f"http_{error.code}") from None
    except (OSError, ValueError) as error:
        raise DeliveryFailed(type(error).__name__) from None
