"""What goes wrong, and when: by a seed, so that a run can be repeated."""

from __future__ import annotations

import random
import time as real_time
from collections import Counter
from typing import Any

import redis

from sandbox.faults import Kind, Point
from sandbox.server import Handle
from service import time
from tests.soak.crew import REDIS, Crew

_SPELL_SECONDS = (3.0, 12.0)
"""How long a fault lasts, and how long the calm after it."""
_FAULTS: tuple[tuple[Kind, dict[str, Any]], ...] = (
    (Kind.LATENCY, {"seconds": 1.0}), (Kind.RATE_LIMITED, {"retry_after": 2}), (Kind.ERROR_BEFORE, {}),
    (Kind.DROP_BEFORE, {}), (Kind.ERROR_AFTER, {}), (Kind.DROP_AFTER, {}), (Kind.TRUNCATED, {}), (Kind.TORN, {}),
    (Kind.HANG, {"seconds": 5}), (Kind.FAIL, {"code": 30003}), (Kind.FAIL, {"code": 30005}), (Kind.EARLY, {}),
    (Kind.LATE, {"seconds": 5}), (Kind.DOUBLED, {}), (Kind.REVERSED, {}), (Kind.NEVER, {}), (Kind.STUCK, {}),
)  # fmt: skip
_CREATING = (Point.CREATE, Point.SEND)


class Weather:
    """Turns each time it is asked to, if the time has come."""

    def __init__(self, crew: Crew, sandbox: Handle, redis_url: str, seed: int, kill_every: float) -> None:
        self._crew = crew
        self._sandbox = sandbox
        self._redis_url = redis_url
        self._dice = random.Random(seed)
        self._kill_every = kill_every
        now = real_time.monotonic()
        self._turn_at, self._kill_at, self._redis_at = now, now + kill_every, now + kill_every
        self._calm = True
        self.happened: Counter[str] = Counter()
        """What went wrong how often; "kill web" and the like too."""
        self.journal: list[str] = []
        """The same, one after the other, each with its moment."""

    def turn(self) -> None:
        now = real_time.monotonic()
        if now >= self._turn_at:
            self._turn_at = now + self._dice.uniform(*_SPELL_SECONDS)
            self._calm = not self._calm
            self._sandbox.faults.clear()
            if not self._calm:
                self._spoil()
        if now >= self._kill_at:
            self._kill_at = now + self._kill_every * self._dice.uniform(0.5, 1.5)
            name = self._crew.any_of(self._dice)
            self._crew.kill(name)
            self._note(f"kill {name}")
        if now >= self._redis_at:
            self._redis_at = now + self._kill_every * self._dice.uniform(0.5, 1.5)
            name, what = self._dice.choice([("FLUSHALL", self._flush), ("kill redis", self._kill_redis)])
            what()
            self._note(name)

    def clear_up(self) -> None:
        """Nothing goes wrong any more."""
        self._sandbox.faults.clear()
        self._turn_at = self._kill_at = self._redis_at = float("inf")

    def _spoil(self) -> None:
        for kind, numbers in self._dice.sample(_FAULTS, self._dice.choice((1, 1, 2))):
            share = self._dice.choice((0.3, 1.0))
            self._sandbox.fault(kind, on=list(_CREATING), probability=share, **numbers)
            self._note(kind.value, share)

    def _note(self, what: str, share: float = 1.0) -> None:
        self.happened[what] += 1
        self.journal.append(f"{time.real_now():%H:%M:%S} {what}" + (f", {share:.0%}" if share < 1 else ""))

    def _flush(self) -> None:
        try:
            with redis.Redis.from_url(self._redis_url, socket_timeout=2) as client:
                client.flushall()
        except redis.RedisError:
            pass  # it is down just now, and empty enough

    def _kill_redis(self) -> None:
        self._crew.kill(REDIS)
