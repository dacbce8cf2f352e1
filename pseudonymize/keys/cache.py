"""Unwrapped keys in memory, for at most a minute.

The cache is asked with the wrapped record and its binding, which the caller has just read from the table: it saves the provider's
work, never answers for a key whose row is gone, and never for a record that was moved to another row. Destroying drops the entry
here; other processes lose theirs by time.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable

from governance.kernel.canonical import sha256_hex

SECONDS = 60.0
ENTRIES = 20_000


class KeyCache:
    """A bounded map from the name of a wrapped key to the key. Its repr shows the size and nothing else."""

    def __init__(
        self, seconds: float = SECONDS, entries: int = ENTRIES, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds, self._limit, self._clock = seconds, entries, clock
        self._keys: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._lock = threading.Lock()

    def get_many(self, names: Iterable[bytes]) -> dict[bytes, bytes]:
        """The keys that are here and fresh, by name."""
        found = {}
        with self._lock:
            self._expire()
            for name in names:
                entry = self._keys.get(sha256_hex(name))
                if entry is not None:
                    found[name] = entry[1]
        return found

    def put_many(self, keys: Iterable[tuple[bytes, bytes]]) -> None:
        """Remember (name, key) pairs; the oldest make room."""
        with self._lock:
            until = self._clock() + self._seconds
            for name, key in keys:
                short = sha256_hex(name)
                self._keys.pop(short, None)
                self._keys[short] = (until, key)
            while len(self._keys) > self._limit:
                self._keys.popitem(last=False)

    def drop(self, name: bytes) -> None:
        """Forget one key now."""
        with self._lock:
            self._keys.pop(sha256_hex(name), None)

    def clear(self) -> None:
        with self._lock:
            self._keys.clear()

    def _expire(self) -> None:
        now = self._clock()
        while self._keys:
            name, (until, _) = next(iter(self._keys.items()))
            if until > now:
                return
            del self._keys[name]

    def __len__(self) -> int:
        with self._lock:
            self._expire()
            return len(self._keys)

    def __repr__(self) -> str:
        return f"KeyCache({len(self)} keys)"


keys = KeyCache()
"""Subject keys and masters in this process."""
