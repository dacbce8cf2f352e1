"""RFC 6962 and 9162 hashing against the published vectors of the Certificate Transparency reference implementation."""

from __future__ import annotations

import random
from hashlib import sha256

import pytest

from audit import merkle

# The eight leaves, the roots of every prefix and the proofs that the CT reference implementation publishes (merkletree tests).
LEAVES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    bytes.fromhex(text)
    for text in (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
]
INCLUSION = [
    (0, 1, []),
    (
        0,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
]
CONSISTENCY = [
    (1, 1, []),
    (
        6,
        8,
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        2,
        5,
        [
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]


def naive_root(leaves: list[bytes]) -> bytes:
    """RFC 9162 2.1.1 to the letter, for comparison."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def some_leaves(count: int) -> list[bytes]:
    return merkle.leaf_hashes(str(number).encode() for number in range(count))


def test_the_published_roots_of_every_prefix():
    tree = merkle.Tree()
    assert (
        tree.root()
        == merkle.EMPTY_ROOT
        == bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    )
    for count, leaf in enumerate(LEAVES, start=1):
        tree.extend([merkle.leaf_hash(leaf)])
        assert tree.root() == ROOTS[count - 1]
        assert merkle.root_of(merkle.leaf_hashes(LEAVES[:count])) == ROOTS[count - 1]
    assert [tree.root(size) for size in range(1, 9)] == ROOTS


@pytest.mark.parametrize(("index", "size", "proof"), INCLUSION)
def test_the_published_inclusion_proofs(index: int, size: int, proof: list[str]):
    tree = merkle.Tree(merkle.leaf_hashes(LEAVES))
    assert [part.hex() for part in tree.inclusion_proof(index, size)] == proof
    assert [tree.span(*span).hex() for span in merkle.inclusion_spans(index, size)] == proof
    leaf = merkle.leaf_hash(LEAVES[index])
    assert (
        merkle.verify_inclusion(leaf, index, size, [bytes.fromhex(part) for part in proof], ROOTS[size - 1])
        == ROOTS[size - 1]
    )


@pytest.mark.parametrize(("old", "new", "proof"), CONSISTENCY)
def test_the_published_consistency_proofs(old: int, new: int, proof: list[str]):
    tree = merkle.Tree(merkle.leaf_hashes(LEAVES))
    assert [part.hex() for part in tree.consistency_proof(old, new)] == proof
    merkle.verify_consistency(old, new, [bytes.fromhex(part) for part in proof], ROOTS[old - 1], ROOTS[new - 1])


def test_every_proof_of_every_tree_up_to_70_leaves_verifies_and_no_other_index_does():
    leaves = some_leaves(70)
    tree = merkle.Tree(leaves)
    for size in range(1, 71):
        root = naive_root(leaves[:size])
        assert tree.root(size) == root
        for index in range(size):
            proof = tree.inclusion_proof(index, size)
            assert proof == [tree.span(*span) for span in merkle.inclusion_spans(index, size)]
            merkle.verify_inclusion(leaves[index], index, size, proof, root)
            if size > 1:
                with pytest.raises(merkle.ProofInvalid):
                    merkle.verify_inclusion(leaves[index], (index + 1) % size, size, proof, root)
        for old in range(size + 1):
            proof = tree.consistency_proof(old, size)
            merkle.verify_consistency(old, size, proof, tree.root(old), root)


def test_a_proof_with_any_hash_changed_missing_or_added_is_refused():
    tree = merkle.Tree(some_leaves(53))
    rng = random.Random(9)
    for _ in range(400):
        size = rng.randint(2, 53)
        index = rng.randrange(size)
        proof = tree.inclusion_proof(index, size)
        broken = list(proof)
        what = rng.choice(["flip", "drop", "add", "swap"])
        at = rng.randrange(len(broken))
        if what == "flip":
            broken[at] = bytes([broken[at][0] ^ 1]) + broken[at][1:]
        elif what == "drop":
            del broken[at]
        elif what == "add":
            broken.insert(at, bytes(32))
        else:
            other = rng.randrange(len(broken))
            broken[at], broken[other] = broken[other], broken[at]
            if broken == proof:
                continue
        with pytest.raises(merkle.ProofInvalid):
            merkle.verify_inclusion(tree.node(0, index), index, size, broken, tree.root(size))


def test_a_consistency_proof_of_another_history_is_refused():
    ours, theirs = some_leaves(20), some_leaves(20)
    theirs[3] = merkle.leaf_hash(b"forged")
    tree, fork = merkle.Tree(ours), merkle.Tree(theirs)
    for old in range(4, 20):
        proof = fork.consistency_proof(old, 20)
        with pytest.raises(merkle.ProofInvalid):
            merkle.verify_consistency(old, 20, proof, tree.root(old), fork.root(20))
    with pytest.raises(merkle.ProofInvalid):
        merkle.verify_consistency(5, 5, [], tree.root(5), fork.root(5))
    with pytest.raises(merkle.ProofInvalid):
        merkle.verify_consistency(6, 5, [], tree.root(6), tree.root(5))
    with pytest.raises(merkle.ProofInvalid):
        merkle.verify_consistency(3, 20, [], tree.root(3), tree.root(20))
    with pytest.raises(merkle.ProofInvalid):
        merkle.verify_consistency(0, 5, [bytes(32)], merkle.EMPTY_ROOT, tree.root(5))
    with pytest.raises(merkle.ProofInvalid):
        merkle.verify_consistency(1, 2, [*tree.consistency_proof(1, 2), bytes(32)], tree.root(1), tree.root(2))


def test_what_does_not_exist_cannot_be_asked_for():
    tree = merkle.Tree(some_leaves(5))
    with pytest.raises(IndexError):
        tree.inclusion_proof(5)
    with pytest.raises(IndexError):
        tree.root(6)
    with pytest.raises(IndexError):
        tree.node(2, 1)
    with pytest.raises(IndexError):
        tree.consistency_proof(2, 6)
    with pytest.raises(IndexError):
        merkle.consistency_spans(6, 5)
    with pytest.raises(IndexError):
        merkle.inclusion_spans(-1, 5)
    with pytest.raises(ValueError, match="32 bytes"):
        tree.extend([b"short"])
    assert tree.size == 5
    with pytest.raises(ValueError, match="power of two"):
        merkle.perfect_root(bytes(96))
    with pytest.raises(merkle.ProofInvalid):
        merkle.verify_inclusion(tree.node(0, 0), 5, 5, [], tree.root())


def test_a_perfect_subtree_has_the_same_root_as_the_tree():
    leaves = some_leaves(64)
    assert merkle.perfect_root(b"".join(leaves)) == merkle.root_of(leaves)
