import math

import pytest

from governance.kernel.canonical import canonical_json, digest
from governance.kernel.errors import InvalidInput


def test_keys_sort_by_utf_16_and_numbers_take_their_shortest_form() -> None:
    """RFC 8785 §3.2.2 and §3.2.3."""
    value = {"€": 1, "\r": 2, "1": 333333333.33333329, "ö": 1e30, "😀": [56.0, True, None]}
    assert canonical_json(value).decode() == '{"\\r":2,"1":333333333.3333333,"ö":1e+30,"€":1,"😀":[56,true,null]}'


def test_the_order_of_insertion_does_not_matter() -> None:
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})


@pytest.mark.parametrize("value", [math.nan, math.inf, 2**60, b"bytes", {1: 2}, object()])
def test_what_json_cannot_hold_is_refused(value: object) -> None:
    with pytest.raises(InvalidInput):
        canonical_json({"value": value})
