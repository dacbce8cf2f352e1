"""A second verifier, written from RFC 6962 and the C2SP pages alone: recursive where audit/verify.py is iterative, and it reads a log
through whatever fetches `checkpoint` and `tile/...` for it, so the public endpoints as well as a bundle.
"""

from __future__ import annotations

import base64
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


def signed_head(note: bytes, vkey: str) -> tuple[int, bytes]:
    name, _, encoded = vkey.split("+", 2)
    public = base64.b64decode(encoded)[1:]
    body, _, signatures = note.decode().rpartition("\n\n")
    for line in signatures.splitlines():
        dash, signer, blob = line.split(" ")
        if dash == "\u2014" and signer == name:
            Ed25519PublicKey.from_public_bytes(public).verify(base64.b64decode(blob)[4:], f"{body}\n".encode())
            origin, size, root = body.split("\n")[:3]
            if origin != name:
                raise Wrong("another log")
            return int(size), base64.b64decode(root)
    raise Wrong("not signed")


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
    size, root = signed_head(fetch("checkpoint") or b"", vkey)
    entries: list[bytes] = []
    for path in resources("tile/entries", size):
        data = fetch(path)
        while data:
            length = int.from_bytes(data[:2], "big")
            if len(data) < 2 + length:
                raise Wrong("cut short")
            entries.append(data[2 : 2 + length])
            data = data[2 + length :]
    if len(entries) != size or mth(entries) != root:
        raise Wrong("the entries do not give the signed root")
    span = 1
    level = 0
    while size // span:
        hashes = b"".join(fetch(path) or b"" for path in resources(f"tile/{level}", size // span))
        if hashes != b"".join(mth(entries[at : at + span]) for at in range(0, size - span + 1, span)):
            raise Wrong(f"tiles of level {level}")
        span, level = span * 256, level + 1
    return size, root
