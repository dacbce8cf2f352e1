#!/usr/bin/env python3
"""Verify an exported log without trusting whoever exported it.

    python verify.py BUNDLE --public-key log.vkey [--known CHECKPOINT]... [--receipt FILE]... [--decision FILE]... [--json]

One file; needs Python 3.10 and the package ``cryptography`` (for Ed25519), nothing else. It shares no code with the service.

* every entry is hashed and the Merkle tree (RFC 9162) rebuilt; the stored tree tiles must be the same;
* every checkpoint (C2SP tlog-checkpoint) must be signed by the key and have the root that the entries give at its size, so that each
  extends the one before; the same for checkpoints that you kept yourself (``--known``): they show whether history was rewritten;
* a receipt (C2SP tlog-proof) must prove its entry; a decision's receipt must prove the decision in its batch, and the batch in the log.

Get the public key from somewhere else than the bundle. Exit code: 0 verified, 1 not verified, 2 cannot read the input.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import json
import sys
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

WIDTH = 256


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


class Prefix:
    """A growing tree of which only the peaks are kept: gives the root at every size that it passes."""

    def __init__(self) -> None:
        self.size = 0
        self.peaks: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """Append a leaf hash."""
        size = self.size
        while size & 1:
            leaf = node_hash(self.peaks.pop(), leaf)
            size >>= 1
        self.peaks.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """The root over all leaves so far."""
        if not self.peaks:
            return sha256(b"")
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
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


# --- signed notes: C2SP signed-note, tlog-checkpoint ---------------------------------------------------------------


class Key:
    """An Ed25519 public key in the form ``<name>+<key id>+<base64>``."""

    def __init__(self, text: str) -> None:
        parts = text.strip().split("+", 2)
        try:
            raw = base64.b64decode(parts[2], validate=True) if len(parts) == 3 else b""
        except binascii.Error:
            raw = b""
        if len(raw) != 33 or raw[0] != 1:
            raise Unreadable("the public key is not of the form <name>+<key id>+<base64 of an Ed25519 key>")
        self.name, self.public = parts[0], raw[1:]
        self.id = sha256(self.name.encode() + b"\n" + raw)[:4]
        if self.id.hex() != parts[1]:
            raise Unreadable("the key id does not belong to the public key")

    def open(self, note: str) -> str:
        """The text of a note that this key signed."""
        text, separator, tail = note.rpartition("\n\n")
        text += "\n"
        for line in tail.splitlines() if separator else []:
            parts = line.split(" ")
            if len(parts) != 3 or parts[0] != "\u2014" or parts[1] != self.name:
                continue
            try:
                raw = base64.b64decode(parts[2], validate=True)
            except binascii.Error as error:
                raise Refused("a signature line is malformed") from error
            if raw[:4] != self.id:
                continue
            try:
                Ed25519PublicKey.from_public_bytes(self.public).verify(raw[4:], text.encode())
            except InvalidSignature as error:
                raise Refused("the signature does not fit the text") from error
            return text
        raise Refused("the note is not signed by this key")

    def checkpoint(self, note: str) -> tuple[int, bytes]:
        """The size and root of a checkpoint of this log."""
        lines = self.open(note).split("\n")
        if len(lines) < 4 or lines[0] != self.name:
            raise Refused("the checkpoint is of another log")
        try:
            size, root = int(lines[1]), base64.b64decode(lines[2], validate=True)
        except (ValueError, binascii.Error) as error:
            raise Refused("the checkpoint is malformed") from error
        if str(size) != lines[1] or size < 0 or len(root) != 32:
            raise Refused("the checkpoint is malformed")
        return size, root


# --- the bundle: the layout of C2SP tlog-tiles ---------------------------------------------------------------------


def tile_file(bundle: Path, level: object, index: int, width: int) -> Path:
    """Where a tile or an entry bundle lies."""
    digits = [f"{index % 1000:03d}"]
    while index >= 1000:
        index //= 1000
        digits.append(f"x{index % 1000:03d}")
    name = "/".join(reversed(digits)) + ("" if width == WIDTH else f".p/{width}")
    return bundle / "tile" / str(level) / name


def read_entries(bundle: Path, size: int) -> list[bytes | None]:
    """All entries in order; None where one is missing. A bundle with more entries than it should have gives them all."""
    entries: list[bytes | None] = []
    for index in range((size + WIDTH - 1) // WIDTH):
        width = min(WIDTH, size - index * WIDTH)
        file = tile_file(bundle, "entries", index, width)
        data = file.read_bytes() if file.exists() else b""
        found: list[bytes | None] = []
        at = 0
        while at + 2 <= len(data):
            end = at + 2 + int.from_bytes(data[at : at + 2], "big")
            found.append(data[at + 2 : end] if end <= len(data) else None)
            at = end
        last = index == (size - 1) // WIDTH
        found += [None] * (width - len(found)) if last or not found else []
        entries += found
    return entries


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


def verify_bundle(bundle: Path, key: Key, known: list[str], result: Result) -> None:
    """Verify the whole bundle; what is wrong goes into the result."""
    try:
        notes = read_checkpoints(bundle)
    except OSError as error:
        raise Unreadable(f"no checkpoint in {bundle}") from error
    heads: list[tuple[int, bytes]] = []
    for number, note in enumerate(notes):
        try:
            heads.append(key.checkpoint(note))
        except Refused as error:
            result.problems.append(f"checkpoint {number}: {error}")
    size = heads[-1][0] if heads else 0
    for note in known:
        head = key.checkpoint(note)
        if head[0] > size:
            result.bad(
                size, None, "removed", f"a checkpoint kept elsewhere covers {head[0]} entries, the bundle {size}"
            )
        heads.append(head)
    entries = read_entries(bundle, size)
    found = [None if entry is None else leaf_hash(entry) for entry in entries]
    good, failed = check_heads(found, heads, result)
    if failed is None and len(found) == size:
        check_tiles(bundle, [leaf for leaf in found if leaf is not None], result)
    else:
        name_first(entries, found, read_tiles(bundle, 0, size), (good, failed), result)
    result.entries, result.checkpoints = len(entries), len(notes)


def check_heads(found: list[bytes | None], heads: list[tuple[int, bytes]], result: Result) -> tuple[int, int | None]:
    """Each head must have the root that the entries give at its size; so each is a prefix of the next.

    Returns the size up to which all is well, and the size of the first head that does not fit (None: all fit).
    """
    wanted: dict[int, set[bytes]] = {}
    for size, root in heads:
        wanted.setdefault(size, set()).add(root)
    for size, roots in wanted.items():
        if len(roots) > 1:
            result.problems.append(f"two checkpoints of size {size} have different roots: the history was forked")
    tree, good = Prefix(), 0
    for size in sorted(wanted):
        for leaf in found[tree.size : size]:
            tree.add(leaf or bytes(32))
        result.root = tree.root()
        if wanted[size] != {tree.root()}:
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
        result.bad(seq, entries[seq] if seq < len(entries) else None, kind, "its hash is not the one in the tree")
        return
    good, failed = interval
    if result.first_bad is None:
        detail = f"one of the entries from {good} on is not what the checkpoint of size {failed} signed"
        result.bad(good, None, "changed", detail)


def check_tiles(bundle: Path, leaves: list[bytes], result: Result) -> None:
    """The tiles must hold the leaf hashes, and above them the roots of the full tiles below."""
    level, row = 0, leaves
    while row:
        stored = read_tiles(bundle, level, len(row))
        wrong = next((at for at, (is_, should) in enumerate(zip(stored, row, strict=True)) if is_ != should), None)
        if wrong is not None:
            result.problems.append(f"hash {wrong} of the tree's tile level {level} is not that of the entries below it")
        above = []
        for start in range(0, len(row) - WIDTH + 1, WIDTH):
            part = row[start : start + WIDTH]
            while len(part) > 1:
                part = [node_hash(part[at], part[at + 1]) for at in range(0, len(part), 2)]
            above.append(part[0])
        level, row = level + 1, above


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
    except (ValueError, binascii.Error) as error:
        raise Refused("the receipt is malformed") from error
    return entry, index, proof, note


def verify_receipt(text: str, key: Key) -> dict[str, object]:
    """The entry that a receipt proves."""
    entry, index, proof, note = read_receipt(text)
    size, root = key.checkpoint(note)
    check_inclusion(leaf_hash(entry), index, size, proof, root)
    try:
        header = json.loads(entry)
    except ValueError as error:
        raise Refused("the entry is not JSON") from error
    return dict(header)


def verify_decision(text: str, key: Key) -> dict[str, object]:
    """The log entry of the batch in which a decision's receipt proves the decision."""
    try:
        given = json.loads(text)
        record = base64.b64decode(given["record"], validate=True)
        proof = [base64.b64decode(part, validate=True) for part in given["proof"]]
        header, index, count, receipt = given["header"], int(given["index"]), int(given["count"]), given["receipt"]
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise Refused("the decision's receipt is malformed") from error
    entry = verify_receipt(receipt, key)
    facts = entry.get("facts")
    if entry.get("action") != "decision.batch_recorded" or not isinstance(facts, dict):
        raise Refused("the entry does not record a batch of decisions")
    if facts.get("header_sha256") != sha256(header.encode()).hex() or facts.get("count") != count:
        raise Refused("the batch is not the one that the log entry names")
    check_inclusion(leaf_hash(record), index, count, proof, bytes.fromhex(str(facts.get("root"))))
    return entry


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable(f"cannot read {path}") from error


def _each(files: list[Path], what: str, check: object, key: Key, result: Result) -> None:
    for file in files:
        try:
            check(_read(file), key)  # type: ignore[operator]
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
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; returns the exit code."""
    given = _arguments(arguments)
    result = Result()
    try:
        key = Key(_read(given.public_key))
        if given.bundle is not None:
            try:
                verify_bundle(given.bundle, key, [_read(file) for file in given.known], result)
            except Refused as error:
                result.problems.append(f"a checkpoint given with --known: {error}")
        _each(given.receipt, "receipt", verify_receipt, key, result)
        _each(given.decision, "decision", verify_decision, key, result)
    except Unreadable as error:
        print(f"cannot verify: {error}", file=sys.stderr)
        return 2
    verified = not result.problems
    if given.json:
        fields: dict[str, object] = {
            "verified": verified,
            "entries": result.entries,
            "checkpoints": result.checkpoints,
            "receipts": result.receipts,
            "root_sha256": result.root.hex(),
            "first_bad": result.first_bad,
            "problems": result.problems,
        }
        print(json.dumps(fields, indent=2))
    else:
        print(f"{result.entries} entries, {result.checkpoints} checkpoints, {result.receipts} receipts")
        print(f"root {result.root.hex()}")
        for problem in result.problems:
            print(f"NOT VERIFIED: {problem}")
        print("verified" if verified else "not verified")
    return 0 if verified else 1


if __name__ == "__main__":
    sys.exit(main())
