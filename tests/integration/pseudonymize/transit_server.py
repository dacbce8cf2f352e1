"""A small Vault: the transit engine's endpoints over real HTTP, with real AES-256-GCM. For tests of our client, and of nothing else."""

from __future__ import annotations

import base64
import json
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

TOKEN = "made-up-token"  # noqa: S105


class Refused(Exception):
    def __init__(self, status: int, *errors: str) -> None:
        self.status, self.errors = status, list(errors)


class Transit(ThreadingHTTPServer):
    """Keys by name. `requests` counts what was asked; `down` makes every answer a 503 (sealed)."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.keys: dict[str, bytes] = {}
        self.deletable: set[str] = set()
        self.requests: list[str] = []
        self.down = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def answer(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if path == "/v1/auth/token/lookup-self":
            return {"data": {"id": TOKEN}}
        found = re.fullmatch(r"/v1/transit/(keys|encrypt|decrypt)/([a-z0-9-]+)(/config)?", path)
        if not found:
            raise Refused(404)
        kind, name, config = found.groups()
        if kind == "keys":
            return self._keys(method, name, body, config=bool(config))
        key = self.keys.get(name)
        if key is None:
            raise Refused(400, "encryption key not found")
        associated = base64.b64decode(body.get("associated_data", ""))
        if kind == "encrypt":
            nonce = os.urandom(12)
            sealed = nonce + AESGCM(key).encrypt(nonce, base64.b64decode(body["plaintext"]), associated)
            return {"data": {"ciphertext": "vault:v1:" + base64.b64encode(sealed).decode()}}
        sealed = base64.b64decode(body["ciphertext"].removeprefix("vault:v1:"))
        try:
            opened = AESGCM(key).decrypt(sealed[:12], sealed[12:], associated)
        except InvalidTag:
            raise Refused(400, "cipher: message authentication failed") from None
        return {"data": {"plaintext": base64.b64encode(opened).decode()}}

    def _keys(self, method: str, name: str, body: dict[str, Any], *, config: bool) -> dict[str, Any]:
        if method == "GET":
            if name not in self.keys:
                raise Refused(404)
            return {"data": {"name": name, "type": "aes256-gcm96", "exportable": False}}
        if config:
            self.deletable |= {name} if body.get("deletion_allowed") else set()
        elif method == "DELETE":
            if name not in self.deletable:
                raise Refused(400, "deletion is not allowed for this key")
            self.keys.pop(name, None)
        else:
            assert body.get("exportable") is False
            self.keys.setdefault(name, os.urandom(32))
        return {}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Transit

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        self.server.requests.append(f"{self.command} {self.path}")
        status, answer = 200, {}
        if self.server.down:
            status, answer = 503, {"errors": ["Vault is sealed"]}
        elif self.headers.get("X-Vault-Token") != TOKEN:
            status, answer = 403, {"errors": ["permission denied"]}
        else:
            try:
                answer = self.server.answer(self.command, self.path, body)
            except Refused as refused:
                status, answer = refused.status, {"errors": refused.errors}
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_DELETE = _serve

    def log_message(self, *arguments: object) -> None:
        """Silent."""


@contextmanager
def transit() -> Iterator[Transit]:
    """The server, on a port of its own, until the block ends."""
    server = Transit()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
