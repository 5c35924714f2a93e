"""Many actors in one thread, one at a time, in an order and at moments that only the seed decides.

An actor is a greenlet. Wherever the real thing would wait for a disk, a network or another process, it calls `pause`,
`sleep` or `wait`: a boundary. There the next one goes on, virtual time moves, and there alone an actor can die. Virtual
time is a whole number of microseconds and costs nothing: when everybody sleeps it jumps to whoever wakes first.
"""

from __future__ import annotations

import asyncio.events
import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from greenlet import getcurrent, greenlet

from simulation.story import Story

SECOND = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Killed(SystemExit):
    """The end of a process in the middle of an instruction. Like the real SIGKILL it passes `except Exception`, and
    asyncio lets this one kind of exception through its tasks."""


@dataclass(eq=False)
class Process:
    """What dies together: the actors of one operating system process."""

    name: str
    mortal: bool = True
    """False for patients, clinics and providers: they are the world."""
    skew: int = 0
    """Microseconds by which its machine's clock is wrong."""
    dead: bool = False
    frozen_until: int = 0
    """It gets no processor before this."""
    members: list[Actor] = field(default_factory=list)


class Actor:
    """One line of execution."""

    __slots__ = ("done", "greenlet", "label", "name", "process", "result", "ticket", "waiters", "waiting", "woken")

    def __init__(self, name: str, label: int, process: Process, body: greenlet) -> None:
        self.name = name
        self.label = label
        self.process = process
        self.greenlet = body
        self.ticket = 0
        """Only the heap's entry with this number may wake it."""
        self.waiting = False
        self.woken = False
        self.done = False
        self.result: Any = None
        self.waiters: list[Actor] = []


class Scheduler:
    """The one thread. `Scheduler.run` is the only place that knows whose turn it is."""

    def __init__(self, dice: Random, story: Story, start: datetime) -> None:
        self.micros = 0
        """True virtual time since the beginning, which no actor ever sees."""
        self.offset = 0
        """Microseconds by which every machine's clock is wrong."""
        self.steps = 0
        self.current: Actor | None = None
        self.on_boundary: Callable[[Actor, str], None] | None = None
        """Called at every boundary of a mortal actor: faults are decided there. May raise `Killed`."""
        self.on_end: Callable[[Actor], None] | None = None
        """Called when an actor has ended, however it did."""
        self.story = story
        story.scheduler = self
        self._dice = dice
        self._start = (start - _EPOCH) // timedelta(microseconds=1)
        self._heap: list[tuple[int, float, int, Actor | Callable[[], None], int]] = []
        self._entries = 0
        self._until = 0
        self._actors = 0
        self._hub = getcurrent()
        self._doomed: list[Process] = []
        self.world = Process("world", mortal=False)

    # time, as `service.time` asks for it

    def wall(self) -> datetime:
        """What the clock of the machine shows on which the current actor runs."""
        skew = 0 if self.current is None else self.current.process.skew
        return _EPOCH + timedelta(microseconds=self._start + self.micros + self.offset + skew)

    def true(self, micros: int | None = None) -> datetime:
        """The moment that a clock without any fault shows."""
        return _EPOCH + timedelta(microseconds=self._start + (self.micros if micros is None else micros))

    def at_moment(self, moment: datetime) -> int:
        """Virtual time at that moment."""
        return (moment - _EPOCH) // timedelta(microseconds=1) - self._start

    def monotonic(self) -> float:
        return self.micros / SECOND

    # actors

    def spawn(self, name: str, work: Callable[[], Any], process: Process | None = None, delay: float = 0.0) -> Actor:
        """Start an actor after so many seconds."""
        self._actors += 1
        home = process or self.world
        actor = Actor(name, self._actors, home, greenlet(lambda: self._live(actor, work), self._hub))
        home.members.append(actor)
        self._push(self.micros + int(delay * SECOND), actor)
        return actor

    def at(self, micros: int, what: Callable[[], None]) -> None:
        """Have something happen in the world then; it must not pause."""
        self._entries += 1
        heapq.heappush(self._heap, (max(micros, self.micros), self._dice.random(), self._entries, what, 0))

    def after(self, seconds: float, what: Callable[[], None]) -> None:
        self.at(self.micros + int(seconds * SECOND), what)

    def kill(self, process: Process) -> None:
        """End a process now. Raises `Killed` when the current actor belongs to it."""
        if process.dead:
            return
        process.dead = True
        self.story.tell("death", process.name)
        self._doomed.append(process)
        if self.current is not None and self.current.process is process:
            raise Killed

    # boundaries, called by actors

    def pause(self, where: str) -> None:
        """Something that takes a moment: others may run meanwhile."""
        actor = self._boundary(where)
        if actor is not None:
            # Mostly a fraction of a millisecond, now and then a hundred times that: a disk, a full core, a lost packet.
            lucky = self._dice.random()
            self._sleep(actor, int(200 / (lucky + 0.001)))

    def sleep(self, seconds: float) -> None:
        """Do nothing for so long."""
        actor = self._boundary("sleep")
        if actor is not None:
            self._sleep(actor, int(seconds * SECOND))

    def wait(self, where: str, seconds: float | None = None) -> bool:
        """Sleep until `wake`, so many seconds at most. True when it was woken."""
        actor = self._boundary(where)
        if actor is None:
            raise RuntimeError(f"{where}: only an actor can wait")
        if not actor.woken:
            actor.waiting = True
            try:
                self._sleep(actor, None if seconds is None else int(seconds * SECOND))
            finally:
                actor.waiting = False
        woken, actor.woken = actor.woken, False
        return woken

    def wake(self, actor: Actor) -> None:
        """Let a waiting actor go on, or its next wait end at once."""
        if not actor.woken and not actor.done:
            actor.woken = True
            if actor.waiting:
                self._push(self.micros, actor)

    def join(self, other: Actor) -> Any:
        """Wait for an actor's end; what it returned, or `Killed` when it died."""
        while not other.done:
            assert self.current is not None
            other.waiters.append(self.current)
            self.wait("join")
        return other.result

    # the hub

    def run(self, until: int) -> None:
        """Let everything happen up to then."""
        self._until = until
        self._hub = getcurrent()
        heap = self._heap
        while heap and heap[0][0] <= until:
            micros, _, _, target, ticket = heapq.heappop(heap)
            if not isinstance(target, Actor):
                self.micros = max(self.micros, micros)
                target()
            elif ticket == target.ticket and not target.done:
                self.micros = max(self.micros, micros)
                if target.process.frozen_until > self.micros:
                    self._push(target.process.frozen_until, target)
                    continue
                self._resume(target)
            while self._doomed:
                self._bury(self._doomed.pop())
        self.micros = max(self.micros, until)

    def end(self) -> None:
        """Let go of everything, at once."""
        self._doomed.clear()
        self.on_boundary = None
        for entry in list(self._heap):
            target = entry[3]
            if isinstance(target, Actor) and not target.done:
                target.process.dead = True
                self._throw(target)
        self._heap.clear()

    def _live(self, actor: Actor, work: Callable[[], Any]) -> None:
        try:
            actor.result = work()
        except Killed:
            actor.result = Killed
        finally:
            actor.done = True
            actor.process.members.remove(actor)
            if self.on_end is not None:
                self.on_end(actor)
            for waiter in actor.waiters:
                self.wake(waiter)

    def _boundary(self, where: str) -> Actor | None:
        actor = self.current
        if actor is None or getcurrent() is not actor.greenlet:
            return None  # while the house is being set up or looked at
        if actor.process.dead:
            raise Killed
        self.steps += 1
        self.story.step(self.micros, actor, where)
        if self.on_boundary is not None and actor.process.mortal:
            self.on_boundary(actor, where)
        return actor

    def _sleep(self, actor: Actor, micros: int | None) -> None:
        heap = self._heap
        if micros is not None:
            wakes = max(self.micros + micros, actor.process.frozen_until)
            if wakes <= self._until and (not heap or heap[0][0] > wakes) and not self._doomed:
                self.micros = wakes  # nobody else has anything to do before: no need to change places
                return
            self._push(wakes, actor)
        else:
            actor.ticket += 1
        # Each greenlet may be inside an event loop of its own, of which asyncio keeps only one a thread.
        loop = asyncio.events._get_running_loop()
        asyncio.events._set_running_loop(None)
        try:
            self._hub.switch()
        finally:
            asyncio.events._set_running_loop(loop)
        if actor.process.dead:
            raise Killed

    def _push(self, micros: int, actor: Actor) -> None:
        actor.ticket += 1
        self._entries += 1
        heapq.heappush(self._heap, (micros, self._dice.random(), self._entries, actor, actor.ticket))

    def _resume(self, actor: Actor) -> None:
        self.current = actor
        try:
            actor.greenlet.switch()
        finally:
            self.current = None

    def _throw(self, actor: Actor) -> None:
        self.current = actor
        try:
            actor.greenlet.throw(Killed)
        except Killed:
            pass  # a greenlet that had not begun passes it on to us
        finally:
            self.current = None
        if not actor.done:
            actor.done = True
            actor.result = Killed
            if actor in actor.process.members:
                actor.process.members.remove(actor)

    def _bury(self, process: Process) -> None:
        for actor in list(process.members):
            if not actor.done:
                self._throw(actor)
