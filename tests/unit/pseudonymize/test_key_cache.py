"""Keys stay in memory for a minute at most."""

from __future__ import annotations

from pseudonymize.keys.cache import SECONDS, KeyCache
from pseudonymize.keys.wrapping import of_master, of_subject


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_key_is_forgotten_after_a_minute() -> None:
    clock = Clock()
    cache = KeyCache(clock=clock)
    cache.put_many([(b"name", b"key")])
    clock.now += SECONDS - 1
    assert cache.get_many([b"name", b"other"]) == {b"name": b"key"}
    clock.now += 1
    assert cache.get_many([b"name"]) == {}
    assert len(cache) == 0
    assert SECONDS <= 60


def test_reading_a_key_does_not_keep_it_longer() -> None:
    clock = Clock()
    cache = KeyCache(clock=clock)
    cache.put_many([(b"name", b"key")])
    for _ in range(7):
        clock.now += 9
        cache.get_many([b"name"])
    assert cache.get_many([b"name"]) == {}


def test_the_cache_is_bounded_and_the_oldest_make_room() -> None:
    cache = KeyCache(entries=2)
    cache.put_many([(b"1", b"a"), (b"2", b"b"), (b"1", b"a"), (b"3", b"c")])
    assert cache.get_many([b"1", b"2", b"3"]) == {b"1": b"a", b"3": b"c"}


def test_a_dropped_key_is_gone_and_a_repr_shows_no_key() -> None:
    cache = KeyCache()
    cache.put_many([(b"name", b"secret-key"), (b"more", b"other-key")])
    cache.drop(b"name")
    assert cache.get_many([b"name", b"more"]) == {b"more": b"other-key"}
    assert repr(cache) == "KeyCache(1 keys)"
    cache.clear()
    assert len(cache) == 0


def test_a_record_has_another_name_in_every_other_place() -> None:
    from uuid import UUID

    names = {
        of_subject(UUID(int=1), 1, b"record").name,
        of_subject(UUID(int=2), 1, b"record").name,
        of_master("index", 1, 1, b"record").name,
        of_master("index", 2, 1, b"record").name,
        of_master("inde", 1, 1, b"record").name,
    }
    assert len(names) == 5
