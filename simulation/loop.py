"""asyncio under virtual time: an event loop whose waiting is a boundary of the actor that runs it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import CoroutineType
from typing import Any, TypeVar

from simulation.scheduler import Actor, Scheduler

T = TypeVar("T")


class VirtualLoop(asyncio.BaseEventLoop):
    """No sockets and no threads: only callbacks and timers."""

    def __init__(self, scheduler: Scheduler) -> None:
        super().__init__()
        self._scheduler = scheduler
        self._selector = self  # what BaseEventLoop waits on
        self._runner: Actor | None = None

    def __enter__(self) -> VirtualLoop:
        return self

    def __exit__(self, *_: object) -> None:
        """End what was under way while it can still be told: its process is dead."""
        for task in asyncio.all_tasks(self):
            coroutine = task.get_coro()
            if isinstance(coroutine, CoroutineType):
                coroutine.close()
        self.close()

    def time(self) -> float:
        return self._scheduler.monotonic()

    def select(self, timeout: float | None) -> tuple[()]:
        """Wait for the next timer, or for somebody to call `call_soon_threadsafe`."""
        if timeout is None or timeout > 0:
            self._runner = self._scheduler.current
            # Rounded up: a timer that is a fraction of a microsecond away would be waited for without end.
            self._scheduler.wait("loop", None if timeout is None else timeout + 1e-6)
        return ()

    def _process_events(self, event_list: tuple[()]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        if self._runner is not None:
            self._scheduler.wake(self._runner)

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        """Say nothing of tasks that died with their process."""


class VirtualLoops(asyncio.DefaultEventLoopPolicy):
    """Gives out virtual loops wherever the product asks asyncio for a new one."""

    def __init__(self, make: Callable[[], VirtualLoop]) -> None:
        super().__init__()
        self._make = make

    def new_event_loop(self) -> VirtualLoop:
        return self._make()


def give(loop: asyncio.AbstractEventLoop, coming: asyncio.Future[T], answer: T) -> None:
    """From outside a loop: what one of its futures waits for has come."""
    if not loop.is_closed():  # whoever asked may have died meanwhile
        loop.call_soon_threadsafe(_settle, coming, answer)


def _settle(coming: asyncio.Future[T], answer: T) -> None:
    if not coming.done():
        coming.set_result(answer)
