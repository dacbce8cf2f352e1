#!/usr/bin/env python3
"""Verify an exported log without trusting whoever exported it.

    python verify.py BUNDLE --public-key log.vkey [--known CHECKPOINT]... [--receipt FILE]... [--decision FILE]...
                     [--witness VKEY]... [--tsa-root PEM]... [--json]

One file for Python 3.10 or later; it shares no code with the service. With the package ``cryptography`` signatures are checked by it;
without, by the arithmetic of RFC 8032 written out below, which is slower. Time stamps (``--tsa-root``) need the package.

* every entry is hashed and the Merkle tree (RFC 9162) rebuilt; the stored tree tiles must be the same;
* every checkpoint (C2SP tlog-checkpoint) must be signed by the key and have the root that the entries give at its size, so that each
  extends the one before; the same for checkpoints that you kept yourself (``--known``): they show whether history was rewritten;
* where the log's key was rotated, the entry that says so must be covered by a checkpoint of the old key and signed by the new one; it
  does not matter which of the keys you have;
* a witness (``--witness``, C2SP tlog-cosignature) must have cosigned what the bundle says it has; so must a time-stamp authority
  (``--tsa-root``, RFC 3161) have stamped it;
* a receipt (C2SP tlog-proof) must prove its entry; a decision's receipt must prove the decision in its batch, and the batch in the log.

Get the public key from somewhere else than the bundle. Exit code: 0 verified, 1 not verified, 2 cannot read the input.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

try:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:  # plain Python: verify_ed25519 does the arithmetic itself
    Ed25519PublicKey = None  # type: ignore[assignment,misc]

WIDTH = 256
MAX_SIGNATURES = 100
ED25519, COSIGNATURE = 1, 4  # kinds of C2SP signed-note keys
ROTATION = b'{"action":"log.key_rotated"'


class Refused(Exception):
    """Something does not verify."""


class Unreadable(Exception):
    """The input is not there or not of the expected form."""


# --- hashing and proofs: RFC 9162, section 2.1 ---------------------------------------------------------------------


def sha256(data: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(data).digest()


def leaf_hash(entry: bytes) -> bytes:
    """The hash of an entry."""
    return sha256(b"\x00" + entry)


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return sha256(b"\x01" + left + right)


class Tree:
    """The tree over leaf hashes, all its levels: gives the root at every size up to its own."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.size = len(leaves)
        self.levels = [b"".join(leaves)]
        hash_of = hashlib.sha256
        while len(self.levels[-1]) >= 64:
            row = self.levels[-1]
            above = [hash_of(b"\x01" + row[at : at + 64]).digest() for at in range(0, len(row) // 64 * 64, 64)]
            self.levels.append(b"".join(above))

    def root(self, size: int) -> bytes:
        """The root over the first ``size`` leaves."""
        if size == 0:
            return sha256(b"")
        peaks, low = [], 0
        for level in reversed(range(len(self.levels))):
            if size >> level & 1:
                place = low >> level
                peaks.append(self.levels[level][32 * place : 32 * place + 32])
                low += 1 << level
        root = peaks.pop()
        while peaks:
            root = node_hash(peaks.pop(), root)
        return root


def check_inclusion(leaf: bytes, index: int, size: int, proof: list[bytes], root: bytes) -> None:
    """RFC 9162, 2.1.3.2."""
    if not 0 <= index < size:
        raise Refused("the index lies outside the tree")
    here, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise Refused("the inclusion proof is too long")
        if here % 2 == 1 or here == last:
            found = node_hash(sibling, found)
            while here % 2 == 0 and here != 0:
                here, last = here >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        here, last = here >> 1, last >> 1
    if last != 0 or found != root:
        raise Refused("the inclusion proof does not lead to the signed root")


# --- Ed25519: RFC 8032, section 5.1.7 ------------------------------------------------------------------------------

_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P


def _recover(encoded: bytes) -> tuple[int, int, int, int]:
    """The point that 32 bytes stand for, in extended coordinates."""
    y = int.from_bytes(encoded, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= _P:
        raise Refused("a key or signature holds no point of the curve")
    square = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * pow(2, (_P - 1) // 4, _P) % _P
    if (x * x - square) % _P or (x == 0 and sign):
        raise Refused("a key or signature holds no point of the curve")
    if x & 1 != sign:
        x = _P - x
    return x, y, 1, x * y % _P


def _add(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    a = (one[1] - one[0]) * (other[1] - other[0]) % _P
    b = (one[1] + one[0]) * (other[1] + other[0]) % _P
    c = 2 * one[3] * other[3] * _D % _P
    d = 2 * one[2] * other[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(number: int, point: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    total = (0, 1, 1, 0)
    while number:
        if number & 1:
            total = _add(total, point)
        point = _add(point, point)
        number >>= 1
    return total


def plain_ed25519(public: bytes, signature: bytes, data: bytes) -> None:
    """Verify a signature with nothing but whole numbers. Raises ``Refused``."""
    if len(public) != 32 or len(signature) != 64:
        raise Refused("the signature does not fit the text")
    key, point = _recover(public), _recover(signature[:32])
    number = int.from_bytes(signature[32:], "little")
    if number >= _ORDER:
        raise Refused("the signature does not fit the text")
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + public + data).digest(), "little") % _ORDER
    base = _recover((4 * pow(5, _P - 2, _P) % _P).to_bytes(32, "little"))
    left, right = _times(number, base), _add(point, _times(challenge, key))
    if (left[0] * right[2] - right[0] * left[2]) % _P or (left[1] * right[2] - right[1] * left[2]) % _P:
        raise Refused("the signature does not fit the text")


def verify_ed25519(public: bytes, signature: bytes, data: bytes) -> None:
    """Verify a signature. Raises ``Refused``."""
    if Ed25519PublicKey is None:
        plain_ed25519(public, signature, data)
        return
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except (InvalidSignature, ValueError) as error:
        raise Refused("the signature does not fit the text") from error


# --- signed notes: C2SP signed-note, tlog-checkpoint, tlog-cosignature ---------------------------------------------


def note_parts(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """The text of a note, and its signatures as (name, key id and signature)."""
    text, separator, tail = note.rpartition("\n\n")
    if not separator or not tail.endswith("\n"):
        raise Refused("not a signed note")
    if any(char < " " and char != "\n" for char in text):
        raise Refused("a note has no control characters")
    signatures = []
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise Refused("the note has too many signatures")
    for line in lines:
        parts = line.split(" ")
        try:
            raw = base64.b64decode(parts[2], validate=True) if len(parts) == 3 and parts[0] == "\u2014" else b""
        except ValueError:
            raw = b""
        if len(raw) < 5 or base64.b64encode(raw).decode() != parts[2]:
            raise Refused("a signature line is malformed")
        signatures.append((parts[1], raw))
    return text + "\n", signatures


class Key:
    """An Ed25519 public key in the form ``<name>+<key id>+<base64>``: of a log, or of a witness."""

    def __init__(self, text: str) -> None:
        parts = text.strip().split("+", 2)
        try:
            raw = base64.b64decode(parts[2], validate=True) if len(parts) == 3 else b""
        except ValueError:
            raw = b""
        if len(raw) != 33 or raw[0] not in (ED25519, COSIGNATURE):
            raise Unreadable("the public key is not of the form <name>+<key id>+<base64 of an Ed25519 key>")
        self.text, self.name, self.kind, self.public = text.strip(), parts[0], raw[0], raw[1:]
        self.id = sha256(self.name.encode() + b"\n" + raw)[:4]
        self.timed_id = sha256(self.name.encode() + b"\n" + bytes([COSIGNATURE]) + raw[1:])[:4]
        if self.id.hex() != parts[1]:
            raise Unreadable("the key id does not belong to the public key")

    def open(self, note: str) -> str:
        """The text of a note that this key signed."""
        text, signatures = note_parts(note)
        signed = False
        for name, raw in signatures:
            if (name, raw[:4]) == (self.name, self.id) and self.kind == ED25519:
                verify_ed25519(self.public, raw[4:], text.encode())
                signed = True
        if not signed:
            others = sorted({f"{name}+{raw[:4].hex()}" for name, raw in signatures})
            raise Refused(f"it is signed by {', '.join(others)}, and not by the key {self.name}+{self.id.hex()}")
        self.cosigned(note)
        return text

    def cosigned(self, note: str) -> int | None:
        """When this key cosigned the note, in seconds since 1970; None when it did not."""
        text, signatures = note_parts(note)
        for name, raw in signatures:
            if (name, raw[:4]) == (self.name, self.timed_id):
                at = int.from_bytes(raw[4:12], "big")
                verify_ed25519(self.public, raw[12:], f"cosignature/v1\ntime {at}\n{text}".encode())
                return at
        return None

    def checkpoint(self, note: str) -> tuple[int, bytes]:
        """The size and root of a checkpoint of this log."""
        lines = self.open(note).split("\n")
        size = checkpoint_size(note)
        if lines[0] != self.name:
            raise Refused("the checkpoint is of another log")
        try:
            root = base64.b64decode(lines[2], validate=True)
        except ValueError as error:
            raise Refused("the checkpoint is malformed") from error
        if len(root) != 32 or base64.b64encode(root).decode() != lines[2] or not all(lines[:-1]):
            raise Refused("the checkpoint is malformed")
        return size, root


def checkpoint_size(note: str) -> int:
    """The size that a checkpoint says it has, whoever signed it."""
    lines = note.split("\n")
    if len(lines) < 4 or not (lines[1].isascii() and lines[1].isdigit()) or str(int(lines[1])) != lines[1]:
        raise Refused("the checkpoint is malformed")
    return int(lines[1])


class Keys:
    """The keys of a log in order, each with the size up to which it signs. Before the entries are read, the given key alone."""

    def __init__(self, given: Key) -> None:
        self.given = given
        self.rotations: list[tuple[int, Key, Key]] = []

    def at(self, size: int) -> Key:
        """The key that signs a checkpoint of that size."""
        key = self.rotations[0][1] if self.rotations else self.given
        for seq, _, new in self.rotations:
            key = new if size > seq + 1 else key
        return key

    def checkpoint(self, note: str) -> tuple[int, bytes]:
        """The size and root of a checkpoint that the key in force signed."""
        return self.at(checkpoint_size(note)).checkpoint(note)

    def follow(self, entries: list[bytes | None], result: Result) -> None:
        """Read the rotations off the entries. Each must carry the new key's signature, and start from the key before."""
        for seq, entry in enumerate(entries):
            if entry is None or not entry.startswith(ROTATION):
                continue
            try:
                old, new = rotation(entry)
                if self.rotations and self.rotations[-1][2].text != old.text:
                    raise Refused("it does not start from the key in force")
                self.rotations.append((seq, old, new))
            except (Refused, Unreadable) as error:
                result.problems.append(f"entry {seq}, a rotation of the key, does not hold: {error}")
        known = {self.given.text} | {key.text for _, old, new in self.rotations for key in (old, new)}
        if self.rotations and self.given.text not in {key.text for _, old, new in self.rotations for key in (old, new)}:
            result.problems.append(f"the given key is none of the {len(known) - 1} keys of this log")


def rotation(entry: bytes) -> tuple[Key, Key]:
    """The old and the new key that the entry of a rotation names, with the new one's consent."""
    try:
        facts = json.loads(entry)["facts"]
        old, new, proof = Key(facts["old"]), Key(facts["new"]), base64.b64decode(facts["proof"], validate=True)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused("it is malformed") from error
    verify_ed25519(new.public, proof, f"zgoda log key rotation\n{old.text}\n{new.text}\n".encode())
    return old, new


# --- the bundle: the layout of C2SP tlog-tiles ---------------------------------------------------------------------


def tile_file(bundle: Path, level: object, index: int, width: int) -> Path:
    """Where a tile or an entry bundle lies."""
    digits = [f"{index % 1000:03d}"]
    while index >= 1000:
        index //= 1000
        digits.append(f"x{index % 1000:03d}")
    name = "/".join(reversed(digits)) + ("" if width == WIDTH else f".p/{width}")
    return bundle / "tile" / str(level) / name


def unpack(data: bytes) -> list[bytes | None]:
    """The entries of a bundle file, each behind its length in two bytes; None for one that is cut short."""
    found: list[bytes | None] = []
    at = 0
    while at + 2 <= len(data):
        end = at + 2 + (data[at] << 8 | data[at + 1])
        found.append(data[at + 2 : end] if end <= len(data) else None)
        at = end
    return found


def read_entries(bundle: Path, size: int) -> list[bytes | None]:
    """All entries in order; None where one is missing. A bundle with more entries than it should have gives them all."""
    entries: list[bytes | None] = []
    for index in range((size + WIDTH - 1) // WIDTH):
        width = min(WIDTH, size - index * WIDTH)
        file = tile_file(bundle, "entries", index, width)
        found = unpack(file.read_bytes()) if file.exists() else []
        last = index == (size - 1) // WIDTH
        found += [None] * (width - len(found)) if last or not found else []
        entries += found
    return entries


def every_entry(bundle: Path) -> list[bytes | None]:
    """The entries of all files that are there, whatever the checkpoints say: to read the rotations of the key off them."""
    entries: list[bytes | None] = []
    index = 0
    while (file := tile_file(bundle, "entries", index, WIDTH)).exists():
        entries += unpack(file.read_bytes())
        index += 1
    partial = file.with_name(file.name + ".p")
    widest = max((int(part.name) for part in partial.glob("*") if part.name.isdigit()), default=0)
    return entries + (unpack((partial / str(widest)).read_bytes()) if widest else [])


def read_tiles(bundle: Path, level: int, count: int) -> list[bytes | None]:
    """The hashes of a tile level, ``count`` of them; None where they are missing."""
    hashes: list[bytes | None] = []
    for index in range((count + WIDTH - 1) // WIDTH):
        width = min(WIDTH, count - index * WIDTH)
        file = tile_file(bundle, level, index, width)
        data = file.read_bytes() if file.exists() else b""
        hashes += [data[at : at + 32] or None for at in range(0, 32 * width, 32)]
    return hashes


def read_checkpoints(bundle: Path) -> list[str]:
    """The notes of all checkpoints, in the order of the file, and the last one."""
    file = bundle / "checkpoints.jsonl"
    notes = []
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else []:
        try:
            notes.append(str(json.loads(line)["note"]))
        except (ValueError, KeyError, TypeError):
            notes.append(line)  # it will not verify, and is named for it
    return [*notes, (bundle / "checkpoint").read_text(encoding="utf-8")]


# --- verification --------------------------------------------------------------------------------------------------


class Result:
    """What was found."""

    def __init__(self) -> None:
        self.entries = self.checkpoints = self.receipts = 0
        self.root = sha256(b"")
        self.first_bad: dict[str, object] | None = None
        self.problems: list[str] = []
        self.anchors: list[dict[str, object]] = []

    def bad(self, seq: int, entry: bytes | None, kind: str, detail: str) -> None:
        """Note the first bad entry."""
        self.problems.append(f"entry {seq} was {kind}: {detail}")
        if self.first_bad is None:
            self.first_bad = {"seq": seq, "entry_id": entry_id(entry), "kind": kind, "detail": detail}


def entry_id(entry: bytes | None) -> str | None:
    """The id that an entry gives itself."""
    try:
        return str(json.loads(entry or b"")["id"])
    except (ValueError, KeyError, TypeError):
        return None


def verify_bundle(bundle: Path, keys: Keys, known: list[str], result: Result) -> None:
    """Verify the whole bundle; what is wrong goes into the result."""
    if not (bundle / "checkpoint").is_file():
        raise Unreadable(f"{bundle} is no bundle: there is no file checkpoint in it")
    notes = read_checkpoints(bundle)
    keys.follow(every_entry(bundle), result)
    heads, failures = [], []
    for number, note in enumerate(notes):
        try:
            heads.append(keys.checkpoint(note))
        except Refused as error:
            failures.append(f"checkpoint {number}: {error}")
    # With another log's key none of thousands opens: the first says why.
    result.problems += (
        failures if heads or len(failures) < 2 else [*failures[:1], "so it is with every other checkpoint"]
    )
    size = max((head[0] for head in heads), default=0)
    for note in known:
        head = keys.checkpoint(note)
        if head[0] > size:
            result.bad(
                size, None, "removed", f"a checkpoint kept elsewhere covers {head[0]} entries, the bundle {size}"
            )
        heads.append(head)
    for seq, _, _ in keys.rotations:
        if seq + 1 not in {head[0] for head in heads}:
            result.bad(seq, None, "changed", "no checkpoint of the old key covers the rotation of the key")
    entries = read_entries(bundle, size)
    found = [None if entry is None else leaf_hash(entry) for entry in entries]
    tree = Tree([leaf or bytes(32) for leaf in found])
    good, failed = check_heads(tree, heads, result)
    if failed is None and len(found) == size and None not in found:
        check_tiles(bundle, tree, result)
    else:
        name_first(entries, found, read_tiles(bundle, 0, size), (good, failed), result)
    result.entries, result.checkpoints = len(entries), len(notes)


def check_heads(tree: Tree, heads: list[tuple[int, bytes]], result: Result) -> tuple[int, int | None]:
    """Each head must have the root that the entries give at its size; so each is a prefix of the next.

    Returns the size up to which all is well, and the size of the first head that does not fit (None: all fit).
    """
    wanted: dict[int, set[bytes]] = {}
    for size, root in heads:
        wanted.setdefault(size, set()).add(root)
    for size, roots in wanted.items():
        if len(roots) > 1:
            result.problems.append(f"two checkpoints of size {size} have different roots: the history was forked")
    good = 0
    for size in sorted(wanted):
        if size > tree.size:
            return good, size
        result.root = tree.root(size)
        if wanted[size] != {result.root}:
            return good, size
        good = size
    return good, None


def name_first(
    entries: list[bytes | None],
    found: list[bytes | None],
    hashes: list[bytes | None],
    interval: tuple[int, int | None],
    result: Result,
) -> None:
    """Name the first entry whose hash is not the one in the tree's tiles; when they agree, where the signed root disagrees."""
    for seq in range(max(len(found), len(hashes))):
        is_, should = (column[seq] if seq < len(column) else None for column in (found, hashes))
        if is_ is not None and is_ == should:
            continue
        gone, foreign = should not in set(found) - {None}, is_ not in set(hashes) - {None}
        if is_ is None:
            kind = "removed" if gone else "moved"
        elif should is None:
            kind = "added" if foreign else "moved"
        else:
            kind = {(1, 1): "changed", (1, 0): "removed", (0, 1): "added", (0, 0): "moved"}[gone, foreign]
        detail = "its hash is not the one in the tree"
        if is_ is None and kind == "removed":
            detail = f"it is not in {tile_file(Path(), 'entries', seq // WIDTH, min(WIDTH, len(found) - seq // WIDTH * WIDTH))}"
        result.bad(seq, entries[seq] if seq < len(entries) else None, kind, detail)
        return
    good, failed = interval
    if result.first_bad is None:
        detail = f"one of the entries from {good} on is not what the checkpoint of size {failed} signed"
        result.bad(good, None, "changed", detail)


def check_tiles(bundle: Path, tree: Tree, result: Result) -> None:
    """The tiles must hold the leaf hashes, and above them the roots of the full tiles below."""
    for level in range(0, len(tree.levels), 8):
        row = tree.levels[level]
        for start in range(0, len(row), 32 * WIDTH):
            part = row[start : start + 32 * WIDTH]
            file = tile_file(bundle, level // 8, start // (32 * WIDTH), len(part) // 32)
            name = file.relative_to(bundle)
            if not file.exists():
                result.problems.append(f"the tile {name} of the tree is missing")
                return
            if file.read_bytes() != part:
                result.problems.append(f"the tile {name} of the tree is not that of the entries below it")
                return


def read_receipt(text: str) -> tuple[bytes, int, list[bytes], str]:
    """The entry, its index, its proof and the checkpoint's note from a C2SP tlog-proof whose extra data is the entry."""
    head, separator, note = text.partition("\n\n")
    lines = head.split("\n")
    if not separator or lines[0] != "c2sp.org/tlog-proof@v1" or len(lines) < 3:
        raise Refused("not a receipt of the form c2sp.org/tlog-proof@v1")
    try:
        entry = base64.b64decode(lines[1].removeprefix("extra "), validate=True)
        index = int(lines[2].removeprefix("index "))
        proof = [base64.b64decode(line, validate=True) for line in lines[3:]]
    except ValueError as error:
        raise Refused("the receipt is malformed") from error
    return entry, index, proof, note


def verify_receipt(text: str, keys: Keys) -> dict[str, object]:
    """The entry that a receipt proves."""
    entry, index, proof, note = read_receipt(text)
    size, root = keys.checkpoint(note)
    check_inclusion(leaf_hash(entry), index, size, proof, root)
    try:
        header = json.loads(entry)
    except ValueError as error:
        raise Refused("the entry is not JSON") from error
    return dict(header)


def verify_decision(text: str, keys: Keys) -> dict[str, object]:
    """The log entry of the batch in which a decision's receipt proves the decision."""
    try:
        given = json.loads(text)
        record = base64.b64decode(given["record"], validate=True)
        proof = [base64.b64decode(part, validate=True) for part in given["proof"]]
        header, index, count, receipt = given["header"], int(given["index"]), int(given["count"]), given["receipt"]
    except (ValueError, KeyError, TypeError) as error:
        raise Refused("the decision's receipt is malformed") from error
    entry = verify_receipt(receipt, keys)
    facts = entry.get("facts")
    if entry.get("action") != "decision.batch_recorded" or not isinstance(facts, dict):
        raise Refused("the entry does not record a batch of decisions")
    if facts.get("header_sha256") != sha256(header.encode()).hex() or facts.get("count") != count:
        raise Refused("the batch is not the one that the log entry names")
    check_inclusion(leaf_hash(record), index, count, proof, bytes.fromhex(str(facts.get("root"))))
    return entry


# --- anchors: witnesses (C2SP tlog-cosignature) and time stamps (RFC 3161) -----------------------------------------


def read_anchors(bundle: Path) -> list[dict[str, object]]:
    """What the bundle says was anchored outside: objects with kind, name, size and evidence."""
    file = bundle / "anchors.jsonl"
    anchors = []
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else []:
        try:
            given = json.loads(line)
            anchors.append({**given, "evidence": base64.b64decode(given["evidence"]), "size": int(given["size"])})
        except (ValueError, KeyError, TypeError) as error:
            raise Refused("anchors.jsonl is malformed") from error
    return anchors


def check_witness(bundle: Path, witness: Key, result: Result) -> None:
    """The witness must have cosigned what the bundle says; its newest cosignature goes into the result."""
    texts = checkpoint_texts(bundle)
    newest: tuple[int, int] | None = None
    for anchor in read_anchors(bundle):
        line = bytes(anchor["evidence"]).decode(errors="replace")  # type: ignore[call-overload]
        if anchor.get("kind") != "witness" or not line.startswith(f"\u2014 {witness.name} "):
            continue
        size = int(str(anchor["size"]))
        at = witness.cosigned(f"{texts.get(size, '')}\n{line}")
        if at is not None:
            newest = max(newest or (0, 0), (size, at))
    if newest is None:
        raise Refused(f"the witness {witness.name} has cosigned nothing here")
    result.anchors.append({"kind": "witness", "name": witness.name, "size": newest[0], "at": _time(newest[1])})


def check_timestamps(bundle: Path, roots: bytes, result: Result) -> None:
    """Every time stamp must be over its checkpoint, by an authority under the given roots."""
    if Ed25519PublicKey is None:
        raise Unreadable("time stamps need the package cryptography")
    notes = checkpoint_notes(bundle)
    newest: tuple[int, str] | None = None
    for anchor in read_anchors(bundle):
        if anchor.get("kind") == "timestamp":
            size = int(str(anchor["size"]))
            at = verify_timestamp(bytes(anchor["evidence"]), notes.get(size, "").encode(), roots)  # type: ignore[call-overload]
            newest = max(newest or (-1, ""), (size, at))
    if newest is None:
        raise Refused("nothing here was stamped by a time-stamp authority")
    result.anchors.append({"kind": "timestamp", "name": "RFC 3161", "size": newest[0], "at": newest[1]})


def checkpoint_notes(bundle: Path) -> dict[int, str]:
    """The signed notes by their size."""
    notes = {}
    for note in read_checkpoints(bundle)[:-1]:
        lines = note.split("\n")
        if len(lines) > 3 and lines[1].isdigit():
            notes[int(lines[1])] = note
    return notes


def checkpoint_texts(bundle: Path) -> dict[int, str]:
    """The texts of the checkpoints, without signatures, by their size."""
    return {size: note.rpartition("\n\n")[0] + "\n" for size, note in checkpoint_notes(bundle).items()}


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat()  # noqa: UP017 - Python 3.10 has no datetime.UTC


def der(data: bytes) -> list[tuple[int, bytes, bytes]]:
    """The DER values in a row, each as (tag, contents, all its bytes)."""
    values, at = [], 0
    while at < len(data):
        tag, length, start = data[at], data[at + 1], at + 2
        if length & 0x80:
            start += length & 0x7F
            length = int.from_bytes(data[at + 2 : start], "big")
        if start + length > len(data):
            raise Refused("a time stamp is cut short")
        values.append((tag, data[start : start + length], data[at : start + length]))
        at = start + length
    return values


_DIGESTS = {"608648016503040201": "sha256", "608648016503040202": "sha384", "608648016503040203": "sha512"}
_MESSAGE_DIGEST = "2a864886f70d010904"


def verify_timestamp(response: bytes, message: bytes, roots: bytes) -> str:
    """When the time-stamp response (RFC 3161) over a message was made. Raises ``Refused``."""
    try:
        token = der(der(response)[0][1])[1][1]
        signed = der(der(der(token)[1][1])[0][1])
        content = der(der(der(signed[2][1])[1][1])[0][2])[0][1]
        information = der(der(content)[0][1])
        imprint = der(information[2][1])
        digest = _DIGESTS[der(imprint[0][1])[0][1].hex()]
        if hashlib.new(digest, message).digest() != imprint[1][1]:
            raise Refused("a time stamp is over something else")
        certificates = [value[2] for value in der(next(part[1] for part in signed[3:] if part[0] == 0xA0))]
        signer = der(der(next(part[1] for part in signed[3:] if part[0] == 0x31))[0][1])
        hash_name = _DIGESTS[der(signer[2][1])[0][1].hex()]
        attributes = der(signer[3][1])
        wanted = [der(one[1]) for one in attributes]
        said = next(der(pair[1][1])[0][1] for pair in wanted if pair[0][1].hex() == _MESSAGE_DIGEST)
        at = datetime.strptime(information[4][1].decode()[:14] + "+0000", "%Y%m%d%H%M%S%z")
        signature, over = signer[5][1], b"\x31" + signer[3][2][1:]
    except (IndexError, KeyError, StopIteration, ValueError) as error:
        raise Refused("a time stamp is malformed") from error
    if hashlib.new(hash_name, content).digest() != said:
        raise Refused("a time stamp's contents are not what was signed")
    try:
        _signed_by_authority(certificates, roots, (signature, over, hash_name), at)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Refused("a certificate of a time stamp is malformed") from error
    return at.isoformat()


def _signed_by_authority(
    certificates: list[bytes], roots: bytes, signed: tuple[bytes, bytes, str], at: datetime
) -> None:
    """One of the certificates, made for time stamps and under one of the roots, must have signed."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
    from cryptography.x509.oid import ExtendedKeyUsageOID

    signature, over, hash_name = signed
    trusted = x509.load_pem_x509_certificates(roots)
    pool = [x509.load_der_x509_certificate(raw) for raw in certificates]
    hashing = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}[hash_name]
    for certificate in [*pool, *trusted]:
        key = certificate.public_key()
        try:
            if isinstance(key, rsa.RSAPublicKey):
                key.verify(signature, over, padding.PKCS1v15(), hashing)
            elif isinstance(key, ec.EllipticCurvePublicKey):
                key.verify(signature, over, ec.ECDSA(hashing))
            else:
                continue
            purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        except (InvalidSignature, x509.ExtensionNotFound):
            continue
        if ExtendedKeyUsageOID.TIME_STAMPING in purposes and _under(certificate, pool, trusted, at, 4):
            return
    raise Refused("no authority under the given roots made a time stamp")


def _under(certificate: Any, pool: list[Any], trusted: list[Any], at: datetime, depth: int) -> bool:
    """Whether a chain of valid certificates leads from the certificate to a trusted one."""
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        return False
    if certificate in trusted:
        return True
    for issuer in [*trusted, *pool] if depth else []:
        try:
            certificate.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature):
            continue
        if issuer is not certificate and _under(issuer, pool, trusted, at, depth - 1):
            return True
    return False


# --- the command line ----------------------------------------------------------------------------------------------


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable(f"cannot read {path}") from error


def _each(files: list[Path], what: str, check: object, keys: Keys, result: Result) -> None:
    for file in files:
        try:
            check(_read(file), keys)  # type: ignore[operator]
            result.receipts += 1
        except Refused as error:
            result.problems.append(f"{what} {file.name}: {error}")


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Verify an exported log without trusting whoever exported it.")
    parser.add_argument("bundle", nargs="?", type=Path, help="directory that export_log wrote")
    parser.add_argument(
        "--public-key", required=True, type=Path, help="file with the log's key, <name>+<key id>+<base64>"
    )
    parser.add_argument(
        "--known", action="append", default=[], type=Path, help="a checkpoint that you kept from earlier"
    )
    parser.add_argument("--receipt", action="append", default=[], type=Path, help="a receipt of one entry")
    parser.add_argument("--decision", action="append", default=[], type=Path, help="a receipt of one decision")
    parser.add_argument("--witness", action="append", default=[], type=Path, help="file with the key of a witness")
    parser.add_argument("--tsa-root", type=Path, help="certificates (PEM) of the time-stamp authority that you trust")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; returns the exit code."""
    given = _arguments(arguments)
    result = Result()
    try:
        _check_arguments(given)
        keys = Keys(Key(_read(given.public_key)))
        if given.bundle is not None:
            try:
                verify_bundle(given.bundle, keys, [_read(file) for file in given.known], result)
            except Refused as error:
                result.problems.append(f"a checkpoint given with --known: {error}")
            _check_anchors(given, result)
        _each(given.receipt, "receipt", verify_receipt, keys, result)
        _each(given.decision, "decision", verify_decision, keys, result)
    except (Unreadable, OSError) as error:
        print(f"cannot verify: {error}", file=sys.stderr)
        return 2
    _print(given, result)
    return 1 if result.problems else 0


def _check_arguments(given: argparse.Namespace) -> None:
    """Nothing is said to be verified when nothing was looked at."""
    if given.bundle is None and not given.receipt and not given.decision:
        raise Unreadable("nothing was given to verify: name a bundle, --receipt or --decision")
    if given.bundle is None and (given.known or given.witness or given.tsa_root):
        raise Unreadable("--known, --witness and --tsa-root are held against a bundle: name one")


def _not_checked(given: argparse.Namespace) -> list[str]:
    """What a bundle cannot show by itself, and how to ask for it."""
    unsaid = []
    if given.bundle is not None and not given.known:
        unsaid.append("whether history was rewritten before it was exported: --known with a checkpoint that you kept")
    if given.bundle is not None and not given.witness and given.tsa_root is None:
        unsaid.append("who else vouches for it, and since when: --witness, --tsa-root")
    return unsaid


def _check_anchors(given: argparse.Namespace, result: Result) -> None:
    try:
        for file in given.witness:
            check_witness(given.bundle, Key(_read(file)), result)
        if given.tsa_root is not None:
            check_timestamps(given.bundle, _read(given.tsa_root).encode(), result)
    except Refused as error:
        result.problems.append(f"anchors: {error}")


def _print(given: argparse.Namespace, result: Result) -> None:
    verified = not result.problems
    if given.json:
        fields: dict[str, object] = {
            "verified": verified,
            "entries": result.entries,
            "checkpoints": result.checkpoints,
            "receipts": result.receipts,
            "root_sha256": result.root.hex(),
            "anchors": result.anchors,
            "first_bad": result.first_bad,
            "problems": result.problems,
            "not_checked": _not_checked(given),
        }
        print(json.dumps(fields, indent=2))
        return
    if given.bundle is not None:
        print(f"{_many(result.entries, 'entry', 'entries')}, {_many(result.checkpoints, 'checkpoint', 'checkpoints')}")
        print(f"root {result.root.hex()}")
    if given.receipt or given.decision:
        print(_many(result.receipts, "receipt that holds", "receipts that hold"))
    for anchor in result.anchors:
        print(f"{anchor['kind']} {anchor['name']}: up to {anchor['size']} entries, {anchor['at']}")
    for problem in result.problems:
        print(f"NOT VERIFIED: {problem}")
    for unsaid in _not_checked(given) if verified else ():
        print(f"not checked: {unsaid}")
    print("verified" if verified else "not verified")


def _many(count: int, one: str, more: str) -> str:
    return f"{count} {one if count == 1 else more}"


if __name__ == "__main__":
    sys.exit(main())
