"""A brake on guessing tokens: 64 random bits cannot be found by trying, and nobody gets to try often."""

from __future__ import annotations

import threading
from collections import OrderedDict

from service import time

MOST_GUESSES, WITHIN_SECONDS = 20.0, 60.0
_MOST_ADDRESSES = 10_000


class Guesses:
    """Counts unknown tokens an address: `MOST_GUESSES` at once, and as many again every `WITHIN_SECONDS`.

    In the memory of one process, so that a flushed Redis forgives nobody. Known links are never held up.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def too_many(self, address: str) -> bool:
        """Note one unknown token from `address`; True when it has tried too often."""
        now = time.monotonic()
        with self._lock:
            level, at = self._levels.pop(address, (0.0, now))
            level = max(0.0, level - (now - at) * MOST_GUESSES / WITHIN_SECONDS) + 1
            self._levels[address] = (min(level, MOST_GUESSES + 1), now)
            if len(self._levels) > _MOST_ADDRESSES:
                self._levels.popitem(last=False)
        return level > MOST_GUESSES
