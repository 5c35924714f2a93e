"""Where the product asks the machine for chance, it gets the seed's instead; and a future is waited for virtually.

Time needs nothing of this: `service.time.driven_by` is made for it.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, tzinfo
from random import Random
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import standardwebhooks.webhooks
import tenacity.wait

from service import time
from service.pages import alert, closed
from service.pages.guesses import Guesses
from service.records import clinics, hook_deliveries, hook_endpoints, ids, protocols, sealing, switching, turnstile
from simulation.loop import VirtualLoop, VirtualLoops
from simulation.scheduler import Scheduler
from workers import deliver, importing, verdicts

_result = concurrent.futures.Future.result


class Chance:
    """`secrets`, `random` and `os.urandom`, out of one seed."""

    def __init__(self, dice: Random) -> None:
        self.randbits = dice.getrandbits
        self.uniform = dice.uniform
        self.random = dice.random
        self.token_bytes = dice.randbytes
        self.urandom = dice.randbytes

    def token_urlsafe(self, size: int) -> str:
        return urlsafe_b64encode(self.token_bytes(size)).rstrip(b"=").decode()

    def token_hex(self, size: int) -> str:
        return self.token_bytes(size).hex()


@contextmanager
def seeded(scheduler: Scheduler, dice: Random) -> Iterator[None]:
    """Run the product on virtual time and seeded chance."""
    chance = Chance(dice)

    def result(future: concurrent.futures.Future[Any], timeout: float | None = None) -> Any:
        actor = scheduler.current
        if actor is not None and not future.done():
            future.add_done_callback(lambda _: scheduler.wake(actor))
            until = None if timeout is None else scheduler.monotonic() + timeout
            while not future.done():
                left = None if until is None else until - scheduler.monotonic()
                if left is not None and left <= 0:
                    raise TimeoutError
                scheduler.wait("result", left)
        return _result(future, timeout)

    places: list[tuple[Any, str, Any]] = [
        (ids, "secrets", chance),
        (ids, "time", SimpleNamespace(time_ns=lambda: int(time.real_now().timestamp() * 1e6) * 1000)),
        (ids, "_last", 0),
        (sealing, "secrets", chance),
        (sealing, "os", chance),
        (clinics, "secrets", chance),
        (hook_endpoints, "secrets", chance),
        (hook_deliveries, "random", chance),
        (turnstile, "random", chance),
        (deliver, "random", chance),
        (verdicts, "random", chance),
        # Small enough that there is something between two parts.
        (importing, "TAKEN_AT_ONCE", 3),
        (switching, "PART", 3),
        (tenacity.wait, "random", chance),
        (standardwebhooks.webhooks, "datetime", SimpleNamespace(now=_now, fromtimestamp=datetime.fromtimestamp)),
        # What a process remembers: each run begins without.
        (protocols, "_parsed", {}),
        (closed, "_guesses", Guesses()),
        (alert, "_guesses", Guesses()),
        (concurrent.futures.Future, "result", result),
    ]
    policy = asyncio.get_event_loop_policy()
    with ExitStack() as stack:
        for owner, name, instead in places:
            stack.enter_context(patch.object(owner, name, instead))
        stack.enter_context(time.driven_by(scheduler))
        asyncio.set_event_loop_policy(VirtualLoops(_loops(scheduler)))
        stack.callback(asyncio.set_event_loop_policy, policy)
        yield


def _now(tz: tzinfo) -> datetime:
    return time.real_now().astimezone(tz)


def _loops(scheduler: Scheduler) -> Callable[[], VirtualLoop]:
    return lambda: VirtualLoop(scheduler)
