"""Hands batches of parcels to a gateway, many at once, from a thread of its own.

The send job submits a batch and goes on with its database work; the answers come in meanwhile. One courier per channel
lives as long as its worker process, so that connections stay open from one batch to the next.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, Protocol, TypeVar

from service import crashpoints, time
from service.crashpoints import Point
from workers.gateways.breaker import Breaker
from workers.gateways.handover import EmailParcel, Outcome, SmsParcel, Unsent, Verdict

log = logging.getLogger(__name__)
P = TypeVar("P", SmsParcel, EmailParcel)
P_contra = TypeVar("P_contra", SmsParcel, EmailParcel, contravariant=True)

HALTS: frozenset[Outcome] = frozenset({Outcome.BUSY, Outcome.CAPPED, Outcome.MISCONFIGURED})
"""True of the sender rather than of one message: the rest of the batch would only be refused as well."""
_SLOWS = HALTS | {Outcome.AMBIGUOUS, Outcome.NOT_SENT}


class Gateway(Protocol[P_contra]):
    """The part of a gateway that a courier uses."""

    async def send(self, parcel: P_contra, *, deadline: float | None = None) -> Verdict: ...

    async def close(self) -> None: ...


class Window:
    """How many hand-overs may be in flight: doubles with each round of successes, starts over at the first trouble.

    Without it a whole batch would be on the wire before the first answer could say "slow down", and a provider that
    fails would make hundreds of attempts ambiguous at once.
    """

    def __init__(self, most: int, start: int = 16) -> None:
        self._most = most
        self._start = min(start, most)
        self._size = self._start
        self._inside = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def enter(self) -> None:
        """Wait for room."""
        while self._inside >= self._size:
            room = asyncio.get_running_loop().create_future()
            self._waiting.append(room)
            try:
                await room
            except asyncio.CancelledError:
                self._wake()  # hand on the room that this one may have been given
                raise
        self._inside += 1

    def leave(self, outcome: Outcome | None) -> None:
        """Make room, and more of it after a success; None: nothing was tried."""
        self._inside -= 1
        if outcome is not None:
            self._size = self._start if outcome in _SLOWS else min(self._size + 1, self._most)
        self._wake()

    def _wake(self) -> None:
        free = self._size - self._inside
        while free > 0 and self._waiting:
            room = self._waiting.popleft()
            if not room.done():
                room.set_result(None)
                free -= 1


def _never() -> bool:
    return False


async def hand_over(
    gateway: Gateway[P],
    parcels: Sequence[P],
    *,
    deadline: float | None = None,
    window: Window | None = None,
    breaker: Breaker | None = None,
    stopped: Callable[[], bool] = _never,
) -> list[Verdict]:
    """Hand over `parcels`; their verdicts in the same order.

    Nothing is written after `deadline` (a moment of `time.monotonic()`): such parcels come back as NOT_SENT, and so do
    those not yet begun when one is answered BUSY, CAPPED or MISCONFIGURED, when the circuit opens, or when `stopped()`.
    """
    window = window or Window(512)
    verdicts: list[Verdict | None] = [None] * len(parcels)
    tasks: set[asyncio.Task[None]] = set()
    halted = False

    async def one(place: int, parcel: P) -> None:
        nonlocal halted
        outcome = Outcome.AMBIGUOUS
        try:
            verdict = verdicts[place] = await _send(gateway, parcel, deadline)
            crashpoints.reached(Point.DELIVER_ONE_ANSWERED)
            outcome = verdict.outcome
            halted = halted or outcome in HALTS
            if breaker is not None:
                _tell(breaker, verdict)
        finally:
            window.leave(outcome)

    try:
        for place, parcel in enumerate(parcels):
            await window.enter()
            if (why := _why_not(deadline, halted or stopped(), breaker)) is not None:
                window.leave(None)
                verdicts[place] = Verdict(parcel.token, Outcome.NOT_SENT, code=why)
                continue
            task = asyncio.create_task(one(place, parcel))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        while tasks:
            await asyncio.wait(tasks)
    finally:
        for task in tasks:
            task.cancel()  # only when this was cancelled itself
    return [verdict or _lost(parcel) for verdict, parcel in zip(verdicts, parcels, strict=True)]


class Courier(Generic[P]):
    """Runs `hand_over` for one gateway in a background thread. Make it after any fork."""

    def __init__(self, gateway: Gateway[P], *, in_flight: int = 512, breaker: Breaker | None = None) -> None:
        self.breaker = breaker or Breaker()
        self._gateway: Gateway[P] = gateway
        self._in_flight = in_flight
        self._window: Window | None = None
        self._stopped = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="courier", daemon=True)
        self._thread.start()

    def submit(self, parcels: Sequence[P], *, deadline: float | None = None) -> Future[list[Verdict]]:
        """Start handing over a batch; its verdicts in the order of `parcels`. See `hand_over`.

        Batches submitted while others are under way share their connections and their window.
        """
        return asyncio.run_coroutine_threadsafe(self._hand_over(parcels, deadline), self._loop)

    def stop(self) -> None:
        """Begin nothing more: what is not on the wire yet comes back as NOT_SENT. A signal handler may call it."""
        self._stopped = True

    def close(self, seconds: float = 30.0) -> None:
        """Wait at most `seconds` for what is in flight, then drop it, and end the thread.

        A batch that is dropped has its future cancelled: its attempts are on record as sending, to be looked up later.
        """
        if self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._finish(seconds), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _hand_over(self, parcels: Sequence[P], deadline: float | None) -> list[Verdict]:
        if self._window is None:
            self._window = Window(self._in_flight)
        return await hand_over(
            self._gateway,
            parcels,
            deadline=deadline,
            window=self._window,
            breaker=self.breaker,
            stopped=lambda: self._stopped,
        )

    async def _finish(self, seconds: float) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:
            _, late = await asyncio.wait(others, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._gateway.close()
        await self._loop.shutdown_default_executor()


def _why_not(deadline: float | None, halted: bool, breaker: Breaker | None) -> Unsent | None:
    """Why a parcel must not be begun now; None when it may."""
    if halted:
        return Unsent.HALTED
    if deadline is not None and time.monotonic() >= deadline:
        return Unsent.DEADLINE
    if breaker is not None and not breaker.allow():
        return Unsent.CIRCUIT_OPEN
    return None


async def _send(gateway: Gateway[P], parcel: P, deadline: float | None) -> Verdict:
    try:
        return await gateway.send(parcel, deadline=deadline)
    except Exception as mistake:
        # Ours, not the provider's. By its type only: its text may quote the parcel.
        log.error("a gateway raised %s", type(mistake).__name__)
        return _lost(parcel)


def _lost(parcel: P) -> Verdict:
    return Verdict(parcel.token, Outcome.AMBIGUOUS, code="lost")


def _tell(breaker: Breaker, verdict: Verdict) -> None:
    if verdict.outcome is Outcome.NOT_SENT and verdict.code == Unsent.DEADLINE:
        breaker.forget()
    else:
        breaker.record(verdict.outcome)
