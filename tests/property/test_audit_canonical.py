"""The fast writer of headers writes RFC 8785 for everything that it takes."""

from __future__ import annotations

import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from audit.entries import canonical_header

_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="@"), max_size=20)
_scalars = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | _texts | st.floats(allow_nan=False, allow_infinity=False)
_values = st.recursive(_scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=4), max_leaves=12)


@given(st.dictionaries(_texts, _values, max_size=6))
def test_any_header_has_its_canonical_form(header: dict):
    assert canonical_header(header) == rfc8785.dumps(header)
