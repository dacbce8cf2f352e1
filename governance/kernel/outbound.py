"""The one module that asks others over HTTP: no redirects, a limit to time and size, nothing but http and https.

What goes out is the caller's business; what comes back is bytes of a stranger.
"""

from __future__ import annotations

import http.client
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from email.message import Message
from typing import IO

from governance.kernel.errors import Unavailable

TIMEOUT_SECONDS = 10.0
MAX_ANSWER = 1024 * 1024


class OutsideUnavailable(Unavailable):
    """Somebody outside did not answer, or not in a way that can be read."""

    code = "outside_unavailable"
    title = "A service outside does not answer"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, the type that it claims to be, and the bytes."""

    status: int
    content_type: str
    body: bytes


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(  # noqa: PLR0917 - the library's signature
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        return None


def post(url: str, body: bytes, content_type: str, *, timeout: float = TIMEOUT_SECONDS) -> Answer:
    """POST to an address. Any status is an answer. Raises ``OutsideUnavailable``."""
    if not url.startswith(("https://", "http://")):
        raise OutsideUnavailable("An address outside starts with https:// or http://.")
    request = urllib.request.Request(url, data=body, headers={"Content-Type": content_type}, method="POST")  # noqa: S310
    opener = urllib.request.build_opener(
        _NoRedirects, urllib.request.HTTPSHandler(context=ssl.create_default_context())
    )
    try:
        with opener.open(request, timeout=timeout) as response:
            return _answer(response)
    except urllib.error.HTTPError as error:
        with error:
            return _answer(error)
    except (OSError, http.client.HTTPException) as error:
        raise OutsideUnavailable(f"No answer: {type(error).__name__}.") from error


def _answer(response: http.client.HTTPResponse | urllib.error.HTTPError) -> Answer:
    body = response.read(MAX_ANSWER + 1)
    if len(body) > MAX_ANSWER:
        raise OutsideUnavailable("The answer is too long.")
    return Answer(int(response.status or 0), response.headers.get("Content-Type", ""), body)
