"""Segments select by a closed language of rules."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from engine.events.ingestion import ingest
from engine.profiles import projection, segments
from engine.profiles.errors import RuleMalformed, SegmentUnknown
from tests.integration.engine.shopping import IMPORTER, OPENED, customers, other, purchase, table

pytestmark = pytest.mark.django_db
FRESH = {"field": "last_purchase_at", "op": "within_days", "value": 28}


def test_members_are_those_whose_profile_fits() -> None:
    often, once, never = customers(3)
    rows = [purchase(often, OPENED + timedelta(days=day), f"o{day}") for day in (0, 10, 60)]
    rows += [purchase(once, OPENED, "x")]
    rows += [other("campaign_received", never, OPENED, b"m" * 16, campaign="c1")]
    ingest(table(rows), source="till", actor=IMPORTER)
    projection.absorb_waiting()
    at = OPENED + timedelta(days=70)

    def members(rule: dict[str, Any]) -> set[object]:
        segments.define("test", title="Test", rule=rule)
        found = segments.members("test", at=at)
        assert segments.size("test", at=at) == len(found)
        return set(found)

    assert members({"field": "baskets", "op": ">=", "value": 2}) == {often}
    assert members(FRESH) == {often}
    assert members({"not": FRESH}) == {once, never}
    assert members({"all": [{"not": FRESH}, {"field": "lines", "op": "=", "value": 1}]}) == {once}
    assert members({"any": [FRESH, {"field": "campaigns_received", "op": "!=", "value": 0}]}) == {often, never}


@pytest.mark.parametrize(
    ("rule", "pointer"),
    [
        ({"field": "subject_id", "op": "=", "value": 1}, "/rule/field"),
        ({"field": "baskets; DROP TABLE engine_profile", "op": "=", "value": 1}, "/rule/field"),
        ({"field": "baskets", "op": "OR 1=1", "value": 1}, "/rule/op"),
        ({"field": "baskets", "op": "within_days", "value": 1}, "/rule/op"),
        ({"field": "baskets", "op": "=", "value": "1"}, "/rule/value"),
        ({"field": "baskets", "op": "=", "value": True}, "/rule/value"),
        ({"field": "last_event_at", "op": "within_days", "value": 0}, "/rule/value"),
        ({"all": []}, "/rule"),
        ({"all": [FRESH], "any": [FRESH]}, "/rule"),
        ({"all": [FRESH, {"not": 7}]}, "/rule/all/1/not"),
        ({"not": {"not": {"not": {"not": {"not": {"not": FRESH}}}}}}, "/rule/not/not/not/not/not/not"),
        ([], "/rule"),
    ],
)
def test_what_is_not_of_the_language_is_refused(rule: Any, pointer: str) -> None:
    with pytest.raises(RuleMalformed) as refused:
        segments.define("test", title="Test", rule=rule)

    assert refused.value.fields["errors"][0]["pointer"] == pointer  # type: ignore[index, call-overload]
    with pytest.raises(SegmentUnknown):
        segments.members("test")
