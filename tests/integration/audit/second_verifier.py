"""A second verifier, written from RFC 6962 and the C2SP pages alone: recursive where audit/verify.py is iterative, and it reads a log
through whatever fetches `checkpoint` and `tile/...` for it, so the public endpoints as well as a bundle.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class Wrong(Exception):
    pass


def mth(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1: the Merkle Tree Hash over entries."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\0" + leaves[0]).digest()
    k = 2 ** ((len(leaves) - 1).bit_length() - 1)
    return sha256(b"\1" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def public(vkey: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(base64.b64decode(vkey.split("+", 2)[2])[1:])


def key_ids(vkey: str) -> tuple[bytes, bytes]:
    """Of the log's signature over the text, and of its cosignature with the time."""
    name, _, encoded = vkey.strip().split("+", 2)
    raw = base64.b64decode(encoded)[1:]
    return tuple(sha256(f"{name}\n".encode() + kind + raw).digest()[:4] for kind in (b"\1", b"\4"))


def signed_head(note: bytes, vkey: str) -> tuple[int, bytes]:
    name = vkey.partition("+")[0]
    plain, timed = key_ids(vkey)
    body, _, signatures = note.decode().rpartition("\n\n")
    if not signatures.endswith("\n"):
        raise Wrong("cut short")
    head = None
    for line in signatures[:-1].split("\n"):
        dash, signer, blob = line.split(" ")
        raw = base64.b64decode(blob, validate=True)
        if dash != "\u2014" or base64.b64encode(raw).decode() != blob:
            raise Wrong("a signature line")
        if signer == name and raw[:4] == plain:
            public(vkey).verify(raw[4:], f"{body}\n".encode())
            origin, size, root = body.split("\n")
            if origin != name or str(int(size)) != size:
                raise Wrong("another log")
            head = int(size), base64.b64decode(root, validate=True)
        elif signer == name and raw[:4] == timed:
            at = int.from_bytes(raw[4:12], "big")
            public(vkey).verify(raw[12:], f"cosignature/v1\ntime {at}\n{body}\n".encode())
    if head is None:
        raise Wrong("not signed")
    return head


def key_in_force(entries: list[bytes], vkey: str) -> str:
    """The key that signs the newest checkpoint, by way of the rotations in the log."""
    steps = []
    for number, entry in enumerate(entries):
        if b"log.key_" in entry:
            said = json.loads(entry)
            if said["action"] == "log.key_rotated":
                old, new = said["facts"]["old"], said["facts"]["new"]
                consent = f"zgoda log key rotation\n{old}\n{new}\n".encode()
                public(new).verify(base64.b64decode(said["facts"]["proof"]), consent)
                steps.append([number, old, new, None])
            elif said["action"] == "log.key_in_use":
                steps[-1][3] = base64.b64decode(said["facts"]["signature"])
    trusted, reached = vkey, not steps
    for number, old, new, signature in steps:
        if old == trusted:  # forwards: the old key signed the head over the entry that names the new one
            text = f"{old.partition('+')[0]}\n{number + 1}\n{base64.b64encode(mth(entries[: number + 1])).decode()}\n"
            public(old).verify(signature, text.encode())
            trusted = new
        reached = reached or trusted in (old, new)
    if not reached or (steps and steps[-1][2] != trusted):
        raise Wrong("the key is none of this log's")
    return trusted


def path_of(index: int, width: int) -> str:
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    return "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]]) + (f".p/{width}" if width < 256 else "")


def resources(prefix: str, count: int) -> list[str]:
    whole, rest = divmod(count, 256)
    paths = [f"{prefix}/{path_of(index, 256)}" for index in range(whole)]
    return paths + ([f"{prefix}/{path_of(whole, rest)}"] if rest else [])


def verify(fetch: Callable[[str], bytes | None], vkey: str) -> tuple[int, bytes]:
    """The size and root of the log when entries, tiles and signature fit each other; raises otherwise."""
    note = fetch("checkpoint") or b""
    size = int(note.decode().split("\n")[1])
    entries: list[bytes] = []
    for path in resources("tile/entries", size):
        data = fetch(path)
        while data:
            length = int.from_bytes(data[:2], "big")
            if len(data) < 2 + length:
                raise Wrong("cut short")
            entries.append(data[2 : 2 + length])
            data = data[2 + length :]
    if len(entries) != size:
        raise Wrong("entries are missing")
    size, root = signed_head(note, key_in_force(entries, vkey.strip()))
    if mth(entries) != root:
        raise Wrong("the entries do not give the signed root")
    span = 1
    level = 0
    while size // span:
        hashes = b"".join(fetch(path) or b"" for path in resources(f"tile/{level}", size // span))
        if hashes != b"".join(mth(entries[at : at + span]) for at in range(0, size - span + 1, span)):
            raise Wrong(f"tiles of level {level}")
        span, level = span * 256, level + 1
    return size, root
