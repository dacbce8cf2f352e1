"""Many clients on loopback in one thread: each has a connection of its own and asks again as soon as it is answered."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = b"content-length: "


@dataclass(frozen=True)
class Load:
    """What came of it: answers a second, and how long each took (seconds, in order of size)."""

    per_second: float
    took: Sequence[float]

    def quantile(self, share: float) -> float:
        """The time within which that share of the answers came."""
        return self.took[min(int(share * len(self.took)), len(self.took) - 1)]


class _Client:
    """One connection. A server may close one that was idle; then the client connects again and repeats, and the time goes on."""

    def __init__(self, port: int, requests: Iterator[bytes], selector: selectors.BaseSelector) -> None:
        self.port, self.requests, self.selector = port, requests, selector
        self.connect()

    def connect(self) -> None:
        self.socket = socket.create_connection(("127.0.0.1", self.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.selector.register(self.socket, selectors.EVENT_READ, self)

    def close(self) -> None:
        self.selector.unregister(self.socket)
        self.socket.close()

    def ask(self) -> None:
        self.request, self.answer = next(self.requests), b""
        self.begun = time.perf_counter()
        self.socket.sendall(self.request)

    def answered(self) -> bool:
        """Read what is there; whether it is the whole answer. Raises RuntimeError for anything but a 200."""
        try:
            read = self.socket.recv(65536)
        except ConnectionError:
            read = b""
        if not read:
            self.close()
            self.connect()
            self.answer = b""
            self.socket.sendall(self.request)
            return False
        self.answer += read
        head, end, body = self.answer.partition(_END_OF_HEAD)
        if not end:
            return False
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(self.answer.decode(errors="replace"))
        length = int(head.lower().partition(_LENGTH)[2].partition(b"\r\n")[0])
        return len(body) >= length


def get(path: str, **headers: str) -> bytes:
    """A request as bytes."""
    lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def load(port: int, requests: Iterator[bytes], *, clients: int, answers: int) -> Load:
    """Ask until there are that many answers, with so many clients at once."""
    took: list[float] = []
    with selectors.DefaultSelector() as selector:
        everybody = [_Client(port, requests, selector) for _ in range(clients)]
        began = time.perf_counter()
        for client in everybody:
            client.ask()
        while len(took) < answers:
            for key, _ in selector.select():
                client = key.data
                if client.answered():
                    took.append(time.perf_counter() - client.begun)
                    client.ask()
        seconds = time.perf_counter() - began
        for client in everybody:
            client.close()
    return Load(len(took) / seconds, sorted(took))
