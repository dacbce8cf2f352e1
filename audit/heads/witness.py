"""A witness of transparency logs (C2SP tlog-witness): it cosigns a checkpoint after it has checked that the log only grew.

Another party runs it, with a key and a state of its own: ``manage.py witness``. It never cosigns two histories: for each log it keeps the
newest checkpoint that it cosigned, on disk before it answers, and asks for the proof that the next one extends it. It keeps nothing
else and needs no database.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import json
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any

from audit import notes
from audit.errors import NoteInvalid, WitnessBusy
from audit.merkle import EMPTY_ROOT, HASH_SIZE, ProofInvalid, verify_consistency
from governance.kernel import clock, crypto

MAX_BODY = 64 * 1024
MAX_PROOF = 63
SIZE_TYPE = "text/x.tlog.size"
_TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Reply:
    """What the witness answers over HTTP."""

    status: int
    body: bytes = b""
    content_type: str = _TEXT


class Witness:
    """The state of one witness. Calls are taken one at a time, and one process at a time has the state file."""

    def __init__(self, name: str, key: crypto.SigningKey, logs: Sequence[notes.Verifier], state: Path) -> None:
        """``logs`` are the keys of the logs it watches, several for a log that rotated. Raises ``WitnessBusy``."""
        self.name, self._key, self._state = name, key, state
        self._logs = {log.name: [one for one in logs if one.name == log.name] for log in logs}
        self._turn = threading.Lock()
        self._held = _hold(state)
        self._seen: dict[str, dict[str, Any]] = json.loads(state.read_text()) if state.exists() else {}

    @property
    def verifier(self) -> notes.Verifier:
        """What the log and its auditors need to know this witness by."""
        return notes.Verifier(self.name, self._key.public_bytes, notes.COSIGNATURE)

    def close(self) -> None:
        """Let another process have the state."""
        self._held.close()

    def size(self, origin: str) -> int:
        """The size of the newest checkpoint of a log that it cosigned."""
        return int(self._seen.get(origin, {}).get("size", 0))

    def add_checkpoint(self, body: bytes) -> Reply:
        """``POST /add-checkpoint``: the cosignature line, or why there is none."""
        try:
            old, proof, note = parse_submission(body)
            text = notes.text_of(note)
            origin, size, root = _head(text)
        except (NoteInvalid, ValueError, binascii.Error) as error:
            return Reply(400, f"malformed: {type(error).__name__}\n".encode())
        if origin not in self._logs:
            return Reply(404, b"this log is not known here\n")
        try:
            notes.open_note(note, self._logs[origin])
        except NoteInvalid:
            return Reply(403, b"no known key of the log signed this\n")
        if old > size:
            return Reply(400, b"the old size is larger than the new one\n")
        with self._turn:
            return self._decide((origin, size, root, text), old, proof, note)

    def _decide(self, head: tuple[str, int, bytes, str], old: int, proof: list[bytes], note: str) -> Reply:
        origin, size, root, text = head
        seen = self._seen.get(origin)
        last = self.size(origin)
        if old != last:
            return Reply(409, f"{last}\n".encode(), SIZE_TYPE)
        before = base64.b64decode(seen["root"]) if seen else EMPTY_ROOT
        if old == size and root != before:
            self._keep_evidence(origin, note)
            return Reply(409, f"{last}\n".encode(), SIZE_TYPE)
        try:
            if old == 0 and proof:
                raise ProofInvalid("nothing to prove from an empty tree")
            verify_consistency(old, size, proof, before, root)
        except ProofInvalid:
            self._keep_evidence(origin, note)
            return Reply(422, b"the log does not extend what was cosigned before\n")
        self._remember(origin, size, root, note)
        return Reply(200, notes.cosign(text, self.name, self._key, int(clock.now().timestamp())).encode())

    def _remember(self, origin: str, size: int, root: bytes, note: str) -> None:
        """On disk before the answer: a witness that forgets could cosign another history."""
        seen = self._seen | {origin: {"size": size, "root": base64.b64encode(root).decode(), "note": note}}
        temporary = self._state.with_name(f"{self._state.name}.new")
        with temporary.open("w", encoding="utf-8") as file:
            json.dump(seen, file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._state)
        directory = os.open(self._state.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
        self._seen = seen

    def _keep_evidence(self, origin: str, note: str) -> None:
        """A signed checkpoint that does not extend the last one proves that the log misbehaved: keep it."""
        with self._state.with_name(f"{self._state.name}.forks").open("a", encoding="utf-8") as file:
            file.write(json.dumps({"origin": origin, "note": note}, ensure_ascii=False) + "\n")


def parse_submission(body: bytes) -> tuple[int, list[bytes], str]:
    """Old size, consistency proof and note of an ``add-checkpoint`` request. Raises ``ValueError``."""
    head, separator, note = body.decode().partition("\n\n")
    first, *lines = head.split("\n")
    old = first.removeprefix("old ")
    if not separator or first == old or not (old.isascii() and old.isdigit()) or str(int(old)) != old:
        raise ValueError("no old size")
    proof = [base64.b64decode(line, validate=True) for line in lines]
    if len(proof) > MAX_PROOF or any(len(hash_) != HASH_SIZE for hash_ in proof):
        raise ValueError("not a proof")
    return int(old), proof, note


def submission(old: int, proof: Sequence[bytes], note: str) -> bytes:
    """The body of an ``add-checkpoint`` request."""
    lines = "".join(f"{base64.b64encode(hash_).decode()}\n" for hash_ in proof)
    return f"old {old}\n{lines}\n{note}".encode()


def serve(witness: Witness, host: str, port: int) -> ThreadingHTTPServer:
    """A server for a witness, bound and not yet running: call ``serve_forever``."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if self.path != "/add-checkpoint" or not length.isdigit() or int(length) > MAX_BODY:
                self.close_connection = True
                self._reply(Reply(404 if self.path != "/add-checkpoint" else 400))
                return
            self._reply(witness.add_checkpoint(self.rfile.read(int(length))))

        def _reply(self, reply: Reply) -> None:
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.content_type)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, format: str, *args: object) -> None:
            """Who asks is nobody's business."""

    return ThreadingHTTPServer((host, port), Handler)


def _head(text: str) -> tuple[str, int, bytes]:
    lines = text.split("\n")
    if len(lines) < 4 or not all(lines[:-1]) or not (lines[1].isascii() and lines[1].isdigit()):
        raise ValueError("not a checkpoint")
    root = base64.b64decode(lines[2], validate=True)
    if str(int(lines[1])) != lines[1] or len(root) != HASH_SIZE:
        raise ValueError("not a checkpoint")
    return lines[0], int(lines[1]), root


def _hold(state: Path) -> IO[bytes]:
    """Keep other processes off the state for as long as this one lives. Raises ``WitnessBusy``."""
    state.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = state.with_name(f"{state.name}.lock").open("wb")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise WitnessBusy from error
    return lock
