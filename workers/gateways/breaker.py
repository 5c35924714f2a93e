"""A circuit breaker: after several failures running, leave the provider alone for a while, then try one message.

Not pybreaker: that wraps calls and counts exceptions, one call at a time, while here verdicts come back from hundreds
of hand-overs at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from service import time
from workers.gateways.handover import Outcome

FAILURES: frozenset[Outcome] = frozenset({Outcome.AMBIGUOUS, Outcome.NOT_SENT})
"""A 5xx, a lost answer or no connection. A refusal is not a failure: the provider was there and said why."""


class Breaker:
    """One per channel and process. Safe to share between threads."""

    def __init__(
        self, *, failures: int = 10, seconds: float = 15.0, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Opens after `failures` running; lets one message through `seconds` later."""
        self._most = failures
        self._seconds = seconds
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._running = 0
        self._closed_again_at: float | None = None
        self._probe_until: float | None = None

    def allow(self) -> bool:
        """May one message be handed over now? After True, `record` or `forget` has to follow."""
        with self._lock:
            if self._closed_again_at is None:
                return True
            now = self._monotonic()
            if self._is_open(now):
                return False
            # A probe whose outcome never comes (its task was killed) must not keep the circuit open for ever.
            self._probe_until = now + max(self._seconds, 60.0)
            return True

    def record(self, outcome: Outcome) -> None:
        """Count what a hand-over that was allowed came to."""
        with self._lock:
            if outcome not in FAILURES:
                self._running = 0
                self._closed_again_at = self._probe_until = None
                return
            self._running += 1
            if self._running >= self._most or self._probe_until is not None:
                self._closed_again_at = self._monotonic() + self._seconds
                self._probe_until = None

    def forget(self) -> None:
        """The hand-over that was allowed never took place, so it says nothing about the provider."""
        with self._lock:
            self._probe_until = None

    def room(self) -> int | None:
        """How many messages are worth taking on now: no limit (None), one to try with, or none."""
        with self._lock:
            if self._closed_again_at is None:
                return None
            return 0 if self._is_open(self._monotonic()) else 1

    def _is_open(self, now: float) -> bool:
        held = (self._closed_again_at, self._probe_until)
        return any(until is not None and now < until for until in held)

    def seconds_left(self) -> float:
        """Seconds until a message may be tried again; 0.0 when it may be now."""
        with self._lock:
            if self._closed_again_at is None:
                return 0.0
            return max(0.0, max(self._closed_again_at, self._probe_until or 0.0) - self._monotonic())
