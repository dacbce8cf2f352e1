"""Vectors and probes that others published, held against the log's own code and against the verifier that shares none of it.

Proofs: github.com/transparency-dev/merkle, proof/verify_test.go and testonly/constants.go (Apache-2.0). Notes: golang.org/x/mod,
sumdb/note/note_test.go (BSD-3-Clause). Cosignatures: the example of C2SP tlog-cosignature and github.com/transparency-dev/formats,
note/note_cosigv1_test.go (BSD-3-Clause).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator

import pytest

from audit import merkle, notes, verify
from audit.errors import NoteInvalid
from tests.unit.audit.test_merkle import LEAVES, ROOTS
from tests.unit.audit.test_notes import LINE, NOTE, TEXT, VKEY

SOME_HASH = bytes.fromhex("abacaba000000000000000000000000000000000000000000060061e00123456")
NODES = [  # of every perfect subtree over the eight leaves, by level
    [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        "07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
        "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
        "46f6ffadd3d06a09ff3c5860d2755c8b9819db7df44251788c7d8e3180de8eb1",
    ],
    [
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    ],
    [
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    ["5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"],
]
INCLUSION = [  # index, size, and the proof as nodes (level, index)
    (0, 1, []),
    (0, 8, [(0, 1), (1, 1), (2, 1)]),
    (5, 8, [(0, 4), (1, 3), (2, 0)]),
    (2, 3, [(1, 0)]),
    (1, 5, [(0, 0), (1, 1), (0, 4)]),
]
CONSISTENCY = [
    (1, 1, []),
    (1, 8, [(0, 1), (1, 1), (2, 1)]),
    (6, 8, [(1, 2), (1, 3), (2, 0)]),
    (2, 5, [(1, 1), (0, 4)]),
    (6, 7, [(1, 2), (0, 6), (2, 0)]),
]
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
ENOCH_LINE = (
    "\u2014 EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
)

Inclusion = tuple[int, int, list[bytes], bytes, bytes]  # index, size, proof, root, leaf hash
Consistency = tuple[int, int, list[bytes], bytes, bytes]  # sizes, proof, roots


def nodes(places: list[tuple[int, int]]) -> list[bytes]:
    return [bytes.fromhex(NODES[level][index]) for level, index in places]


def flipped(proof: list[bytes], place: int, bit: int) -> list[bytes]:
    changed = bytes([proof[place][0] ^ bit]) + proof[place][1:]
    return [*proof[:place], changed, *proof[place + 1 :]]


def spoilt_inclusions(index: int, size: int, proof: list[bytes], root: bytes, leaf: bytes) -> Iterator[Inclusion]:
    for wrong in (index - 1, index + 1, index ^ 2):
        yield wrong, size, proof, root, leaf
    for wrong in (size * 2, size // 2):
        yield index, wrong, proof, root, leaf
    yield index, size, proof, root, b"WrongLeaf"
    for wrong_root in (merkle.EMPTY_ROOT, SOME_HASH):
        yield index, size, proof, wrong_root, leaf
    for garbage in (b"", root):
        yield index, size, [*proof, garbage], root, leaf
        yield index, size, [garbage, *proof], root, leaf
    for place in range(len(proof)):
        yield index, size, flipped(proof, place, 8), root, leaf
    if proof:
        yield index, size, proof[:-1], root, leaf
    if len(proof) > 1:
        yield index, size, [proof[0], SOME_HASH, *proof[1:]], root, leaf


def spoilt_consistencies(old: int, new: int, proof: list[bytes], one: bytes, two: bytes) -> Iterator[Consistency]:
    for wrong in (old - 1, old + 1, old ^ 2):
        yield wrong, new, proof, one, two
    for wrong in (new * 2, new // 2):
        yield old, wrong, proof, one, two
    yield old, new, proof, b"WrongRoot", two
    yield old, new, proof, one, b"WrongRoot"
    yield old, new, proof, two, one
    yield old, new, [], one, two
    for garbage in (b"", one, two):
        yield old, new, [*proof, garbage], one, two
        yield old, new, [garbage, *proof], one, two
    yield old, new, [proof[0], *proof], one, two
    yield old, new, proof[:-1], one, two
    for place in range(len(proof)):
        yield old, new, flipped(proof, place, 16), one, two


def by_the_log(index: int, size: int, proof: list[bytes], root: bytes, leaf: bytes) -> None:
    merkle.verify_inclusion(leaf, index, size, proof, root)


def by_the_verifier(index: int, size: int, proof: list[bytes], root: bytes, leaf: bytes) -> None:
    verify.check_inclusion(leaf, index, size, proof, root)


BOTH = pytest.mark.parametrize("check", [by_the_log, by_the_verifier])
REFUSALS = (merkle.ProofInvalid, verify.Refused)


def test_every_published_node_of_the_tree():
    tree = merkle.Tree(merkle.leaf_hashes(LEAVES))
    for level, row in enumerate(NODES):
        assert [tree.node(level, index).hex() for index in range(len(row))] == row
    alone = verify.Tree([verify.leaf_hash(leaf) for leaf in LEAVES])
    assert [row.hex() for row in alone.levels] == ["".join(row) for row in NODES]
    assert [alone.root(size) for size in range(1, 9)] == ROOTS


@BOTH
@pytest.mark.parametrize(("index", "size", "places"), INCLUSION)
def test_the_published_inclusion_proofs_hold_and_no_probe_of_them_does(
    check: Callable[..., None], index: int, size: int, places: list[tuple[int, int]]
):
    proof, root, leaf = nodes(places), ROOTS[size - 1], merkle.leaf_hash(LEAVES[index])
    assert merkle.Tree(merkle.leaf_hashes(LEAVES)).inclusion_proof(index, size) == proof
    check(index, size, proof, root, leaf)
    for probe in spoilt_inclusions(index, size, proof, root, leaf):
        with pytest.raises(REFUSALS):
            check(*probe)


@BOTH
@pytest.mark.parametrize(("index", "size"), [(0, 0), (0, 1), (1, 0), (2, 1)])
def test_the_published_probes_of_an_empty_proof(check: Callable[..., None], index: int, size: int):
    for leaf, root in ((SOME_HASH, b""), (b"", merkle.EMPTY_ROOT), (SOME_HASH, merkle.EMPTY_ROOT)):
        with pytest.raises(REFUSALS):
            check(index, size, [], root, leaf)


@BOTH
def test_the_published_probes_of_a_single_entry(check: Callable[..., None]):
    leaf = merkle.leaf_hash(b"data")
    check(0, 1, [], leaf, leaf)
    for root, given in ((leaf, b""), (b"", leaf)):
        with pytest.raises(REFUSALS):
            check(0, 1, [], root, given)


@pytest.mark.parametrize(("old", "new", "places"), CONSISTENCY)
def test_the_published_consistency_proofs_hold_and_no_probe_of_them_does(
    old: int, new: int, places: list[tuple[int, int]]
):
    proof, one, two = nodes(places), ROOTS[old - 1], ROOTS[new - 1]
    assert merkle.Tree(merkle.leaf_hashes(LEAVES)).consistency_proof(old, new) == proof
    merkle.verify_consistency(old, new, proof, one, two)
    for probe in spoilt_consistencies(old, new, proof, one, two) if proof else ():
        with pytest.raises(merkle.ProofInvalid):
            merkle.verify_consistency(*probe)


@pytest.mark.parametrize(
    ("old", "new", "one", "two", "proof"),
    [
        (0, 0, b"one", b"two", []),
        (1, 1, b"one", b"two", []),
        (1, 0, b"one", b"two", []),
        (2, 1, b"one", b"two", []),
        (1, 2, b"one", b"two", []),
        (0, 0, merkle.EMPTY_ROOT, b"two", []),
        (1, 1, merkle.EMPTY_ROOT, b"two", []),
        (0, 0, merkle.EMPTY_ROOT, merkle.EMPTY_ROOT, [merkle.EMPTY_ROOT]),
        (0, 1, merkle.EMPTY_ROOT, merkle.EMPTY_ROOT, [merkle.EMPTY_ROOT]),
        (1, 1, merkle.EMPTY_ROOT, merkle.EMPTY_ROOT, [merkle.EMPTY_ROOT]),
    ],
)
def test_the_published_probes_of_sizes_that_need_no_proof(
    old: int, new: int, one: bytes, two: bytes, proof: list[bytes]
):
    with pytest.raises(merkle.ProofInvalid):
        merkle.verify_consistency(old, new, proof, one, two)


def mangled(vkey: str) -> Iterator[str]:
    """Every part of a key but the whole, and every key with one character moved on."""
    for start in range(len(vkey)):
        for end in range(start + 1, len(vkey) + 1):
            if (start, end) != (0, len(vkey)):
                yield vkey[start:end]
    for place, char in enumerate(vkey):
        yield f"{vkey[:place]}{chr(ord(char) + 1)}{vkey[place + 1 :]}"


def test_no_mangling_of_the_published_key_is_taken():
    for vkey in mangled(VKEY):
        with pytest.raises(NoteInvalid):
            notes.Verifier.parse(vkey)
        with pytest.raises(verify.Unreadable):
            verify.Key(vkey)


def test_the_published_note_of_two_signers_opens_under_either_key_and_under_both():
    peter, enoch = notes.Verifier.parse(VKEY), notes.Verifier.parse(ENOCH)
    both = NOTE + ENOCH_LINE
    for verifiers in ([peter], [enoch], [peter, enoch]):
        assert notes.open_note(both, verifiers) == TEXT
    for vkey in (VKEY, ENOCH):
        assert verify.Key(vkey).open(both) == TEXT
    doubled = NOTE + LINE + ENOCH_LINE * 2 + ENOCH_LINE[:60] + "ABCD" + ENOCH_LINE[60:]
    assert notes.open_note(doubled, [peter]) == verify.Key(VKEY).open(doubled) == TEXT


@pytest.mark.parametrize(
    "note",
    [
        TEXT,
        f"{TEXT}\n",
        NOTE[:-1],
        f"\x01{NOTE}",
        f"{TEXT}\n\u2014 Bad Name {LINE.split()[2]}",
        f"{NOTE}Unexpected line.\n",
        f"{TEXT}\n{LINE[:60]}ABCD{LINE[60:]}",
        f"{TEXT}\n{LINE.replace('PeterNeumann', 'CarmenSandiego')}",
        f"{TEXT}\n{LINE.replace('x08g', 'xxxx')}",
        f"{TEXT}\n{ENOCH_LINE}",
        f"{TEXT}\n{LINE * 101}",
    ],
)
def test_no_published_malformed_note_opens(note: str):
    with pytest.raises(NoteInvalid):
        notes.open_note(note, [notes.Verifier.parse(VKEY)])
    with pytest.raises(verify.Refused):
        verify.Key(VKEY).open(note)


def test_the_published_cosignature_says_when():
    body = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    signature = base64.b64decode(
        "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA=="
    )
    assert len(signature) == 4 + 8 + 64
    at = int.from_bytes(signature[4:12], "big")
    assert at == 1679315147
    assert notes._timed(body, at) == f"cosignature/v1\ntime 1679315147\n{body}".encode()


@pytest.mark.parametrize(
    "vkey",
    [
        "TEST+7997405c+AQcC+FTVKf0jlTdHDY3rbevmnKxxPjigCXlVtGe6RIr6",
        "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
    ],
)
def test_published_keys_of_witnesses_are_read(vkey: str):
    assert str(notes.Verifier.parse(vkey)) == vkey
    assert verify.Key(vkey).text == vkey


@pytest.mark.parametrize(
    "vkey",
    [
        "bananas.sigstore.dev+12344556",
        "rekor.sigstore.dev+12345678+THIS_IS_NOT_BASE64!",
        "rekor.sigstore.dev+12345678+AwEB",
        "remora.n621.de+NOT_A_NUMBER+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
        "remora.n621.de+00000000+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
    ],
)
def test_published_malformed_keys_of_witnesses_are_refused(vkey: str):
    with pytest.raises(NoteInvalid):
        notes.Verifier.parse(vkey)
    with pytest.raises(verify.Unreadable):
        verify.Key(vkey)
