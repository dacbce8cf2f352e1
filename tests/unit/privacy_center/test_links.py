"""Links in letters: sealed, of one kind, and not for ever."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from governance.kernel import clock
from governance.kernel.ids import uuid7
from governance.privacy_center import links
from governance.privacy_center.links import LinkInvalid, LinkKind

HOUR = timedelta(hours=1)


def test_a_link_opens_what_it_was_made_for() -> None:
    identifier = uuid7()
    assert links.read(LinkKind.CHOICES, links.make(LinkKind.CHOICES, identifier, HOUR)) == identifier


def test_a_link_shows_nothing_of_what_it_opens() -> None:
    identifier = uuid7()
    token = links.make(LinkKind.CHOICES, identifier, HOUR)
    assert identifier.hex not in token
    assert token != links.make(LinkKind.CHOICES, identifier, HOUR)


def test_a_link_of_one_kind_opens_nothing_of_another() -> None:
    token = links.make(LinkKind.ERRAND, uuid7(), HOUR)
    with pytest.raises(LinkInvalid):
        links.read(LinkKind.CHOICES, token)


def test_a_link_expires() -> None:
    token = links.make(LinkKind.CHOICES, uuid7(), HOUR)
    with time_machine.travel(clock.now() + 2 * HOUR), pytest.raises(LinkInvalid):
        links.read(LinkKind.CHOICES, token)


@pytest.mark.parametrize("place", [*range(0, 130, 13), -1])
def test_a_changed_link_opens_nothing(place: int) -> None:
    token = links.make(LinkKind.CHOICES, uuid7(), HOUR)
    other = "A" if token[place] != "A" else "B"
    with pytest.raises(LinkInvalid):
        links.read(
            LinkKind.CHOICES, token[:place] + other + token[len(token) + place + 1 if place < 0 else place + 1 :]
        )


@pytest.mark.parametrize("text", ["", "x", "ł" * 8, "../../etc/passwd", "A" * 5000])
def test_nonsense_opens_nothing(text: str) -> None:
    with pytest.raises(LinkInvalid):
        links.read(LinkKind.CHOICES, text)
