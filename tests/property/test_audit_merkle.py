"""The tree against a toy model that follows RFC 9162 to the letter."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import merkle, tiles


def model_root(leaves: list[bytes]) -> bytes:
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    middle = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01" + model_root(leaves[:middle]) + model_root(leaves[middle:])).digest()


@given(st.lists(st.binary(max_size=8), max_size=80), st.data())
def test_roots_and_proofs_of_any_tree(entries: list[bytes], data: st.DataObject):
    tree = merkle.Tree(merkle.leaf_hashes(entries))
    assert tree.root() == model_root(entries)
    old = data.draw(st.integers(0, len(entries)))
    proof = tree.consistency_proof(old)
    merkle.verify_consistency(old, len(entries), proof, model_root(entries[:old]), tree.root())
    if entries:
        index = data.draw(st.integers(0, len(entries) - 1))
        path = tree.inclusion_proof(index)
        merkle.verify_inclusion(merkle.leaf_hash(entries[index]), index, len(entries), path, tree.root())
        with pytest.raises(merkle.ProofInvalid):
            merkle.verify_inclusion(merkle.leaf_hash(entries[index] + b"!"), index, len(entries), path, tree.root())


@given(st.lists(st.integers(0, 700), min_size=1, max_size=6))
def test_an_edge_in_any_batches_keeps_the_trees_root(batches: list[int]):
    leaves = merkle.leaf_hashes(str(number).encode() for number in range(sum(batches)))
    edge, at = tiles.Edge(), 0
    for batch in batches:
        edge.append(leaves[at : at + batch])
        at += batch
    assert edge.root() == merkle.root_of(leaves)


@given(st.integers(0, 10**15))
def test_any_index_has_one_path(index: int):
    assert tiles.parse_index_path(tiles.index_path(index)) == index
