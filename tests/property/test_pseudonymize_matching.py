"""Matching against a toy model: no identifier ever has two owners, and a row is one person, a refusal or a conflict."""

from __future__ import annotations

import os
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from governance.kernel.ids import SubjectId
from pseudonymize.identity import MULTIPLE_KINDS, IdentifierKind
from pseudonymize.vault.matching import Known, Matched, Row, decide

often = settings(max_examples=int(os.environ.get("ZGODA_EXAMPLES", "100")))
K = IdentifierKind
INDEXED = [K.CUSTOMER_ID, K.EMAIL, K.PHONE, K.NATIONAL_ID]
identities = st.dictionaries(st.sampled_from([*INDEXED, K.NAME]), st.integers(0, 4), min_size=1).filter(
    lambda values: any(kind in INDEXED for kind in values)
)


def rows(batch: list[dict[IdentifierKind, int]], suppressed: set[int]) -> list[Row]:
    return [
        Row(
            position,
            {kind: str(value) for kind, value in values.items()},
            {kind: bytes([value]) for kind, value in values.items() if kind in INDEXED},
            position in suppressed,
        )
        for position, values in enumerate(batch)
    ]


def run(batches: list[list[dict[IdentifierKind, int]]], suppressed: set[int]) -> tuple[dict, dict, list[Matched]]:
    """Feed batches one after the other, as the table would: returns owners, kinds held, and each batch's decision."""
    owners: dict = {}
    held: dict = {}
    number = 0

    def new_subject() -> SubjectId:
        nonlocal number
        number += 1
        return SubjectId(UUID(int=number))

    decisions = []
    for batch in batches:
        wanted = {(kind, bytes([value])) for values in batch for kind, value in values.items() if kind in INDEXED}
        known_owners = {found: owner for found, owner in owners.items() if found in wanted}
        known = Known(known_owners, {subject: set(held[subject]) for subject in known_owners.values()})
        decided = decide(rows(batch, suppressed), known, new_subject)
        for item in decided.additions:
            held.setdefault(item.subject, []).append(item.kind)
            if item.blind_index is not None:
                assert (item.kind, item.blind_index) not in owners, "an identifier has two owners"
                owners[(item.kind, item.blind_index)] = item.subject
        decisions.append(decided)
    return owners, held, decisions


@often
@given(st.lists(st.lists(identities, max_size=8), max_size=4), st.sets(st.integers(0, 7), max_size=2))
def test_every_row_is_one_subject_or_refused_or_a_problem(batches: list, suppressed: set[int]) -> None:
    owners, held, decisions = run(batches, suppressed)

    for batch, decided in zip(batches, decisions, strict=True):
        positions = [*decided.subjects, *decided.refused, *decided.problems]
        assert sorted(positions) == list(range(len(batch)))
        assert all(position in suppressed for position in decided.refused)
        for position, subject in decided.subjects.items():
            for kind, value in batch[position].items():
                if kind in INDEXED:
                    assert owners[(kind, bytes([value]))] == subject
    for kinds in held.values():
        single = [kind for kind in kinds if kind not in MULTIPLE_KINDS]
        assert len(single) == len(set(single)), "two of a kind that people have one of"


@often
@given(st.lists(identities, max_size=8))
def test_the_same_batch_again_creates_and_adds_nothing(batch: list) -> None:
    _, _, (first, second) = run([batch, batch], set())

    assert second.created == []
    assert second.subjects.keys() >= first.subjects.keys()
    assert all(second.subjects[position] == subject for position, subject in first.subjects.items())
    for item in second.additions:
        assert item.subject in first.subjects.values()


@often
@given(st.lists(identities, max_size=8), st.integers(1, 7))
def test_how_an_import_is_cut_into_batches_makes_no_difference(batch: list, cut: int) -> None:
    together = run([batch], set())
    apart = run([batch[:cut], batch[cut:]], set())

    assert together[0] == apart[0]
    assert {s: sorted(k) for s, k in together[1].items()} == {s: sorted(k) for s, k in apart[1].items()}
