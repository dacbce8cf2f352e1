from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.kernel import ids
from governance.kernel.errors import InvalidInput


def test_identifiers_ascend_within_a_process() -> None:
    made = ids.uuid7_many(10_000)
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert all(identifier.version == 7 for identifier in made)


@given(st.uuids())
def test_opaque_text_reads_back(identifier: UUID) -> None:
    assert ids.from_opaque("dec", ids.opaque("dec", identifier)) == identifier


@pytest.mark.parametrize(
    "text", ["", "dec", "dec_", "sub_00000000000000000000000000", "dec_0", "dec_" + "U" * 26, "dec_" + "Z" * 26]
)
def test_what_is_not_an_identifier_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        ids.from_opaque("dec", text)
