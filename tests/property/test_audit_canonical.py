"""The fast writer of facts writes RFC 8785 for everything that it takes."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.entries import Draft, canonical_facts, commit, instant
from audit.rereading.rows import columns_flaw
from governance.kernel.actors import SYSTEM
from governance.kernel.ids import SubjectId, uuid7

_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="@"), max_size=20)
_scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | _texts
    | st.floats(allow_nan=False, allow_infinity=False)
)
_values = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=4), max_leaves=12
)


# A hundred examples take seconds, most of them to make them up.
@settings(max_examples=30)
@given(st.dictionaries(_texts, _values, max_size=6))
def test_any_facts_have_their_canonical_form(facts: dict):
    assert canonical_facts(facts).encode() == rfc8785.dumps(facts)


_names = st.from_regex(r"[^\x00-\x20\x7f@\ud800-\udfff]{0,12}", fullmatch=True)


@settings(max_examples=30)
@given(_names, _names, st.dictionaries(_texts, _values, max_size=3))
def test_any_header_is_canonical_json_and_its_frame_says_what_its_columns_say(of: str, purpose: str, facts: dict):
    draft = Draft("consent.given", SYSTEM, of, SubjectId(uuid7()), purpose, facts)
    at = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
    entry = commit(draft, entry_id=uuid7(), occurred_at=at, transaction_id=uuid7(), salts=(bytes(32), bytes(32)))
    assert entry.header.encode() == rfc8785.dumps(json.loads(entry.header, parse_int=float))
    columns = (
        entry.action,
        entry.actor,
        entry.object,
        entry.purpose,
        entry.subject_tag,
        instant(at),
        entry.transaction_id,
    )
    assert columns_flaw(entry.id, entry.header, columns) is None
    for place in range(len(columns)):
        other = [*columns[:place], "other", *columns[place + 1 :]]
        assert columns_flaw(entry.id, entry.header, other) is not None
