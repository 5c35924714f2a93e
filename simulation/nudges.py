"""The queue between the processes, with everything that can happen to what is only a hint."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from random import Random

from redis import RedisError

from service.nudges import QueueName
from simulation.scheduler import SECOND, Actor, Scheduler
from simulation.story import Story
from simulation.weather import Weather


class SimulatedNudges:
    """What `service.nudges.Nudges` is to the product; `pop` is the worker's side of it."""

    def __init__(self, scheduler: Scheduler, dice: Random, story: Story) -> None:
        self.weather = Weather()
        self.away_until = 0
        self.payloads: set[str] = set()
        """Every kind of value that ever lay in the queue, for P8."""
        self.quiet_until: Callable[[], int] = lambda: 0
        """Before this (virtual time) a look of a clock could find nothing new."""
        self._scheduler = scheduler
        self._dice = dice
        self._story = story
        self._jobs: dict[QueueName, deque[list[int]]] = {name: deque() for name in QueueName}
        self._idle: dict[QueueName, list[Actor]] = {name: [] for name in QueueName}
        self._asleep: dict[Actor, int] = {}
        self._woken = False

    @property
    def is_away(self) -> bool:
        return self._scheduler.micros < self.away_until

    def send(self, queue: QueueName, ids: Sequence[int]) -> bool:
        self._scheduler.pause("nudge")
        if self.is_away:
            return False
        self.payloads.update(str(one) for one in ids)
        lucky = self._dice.random()
        times = 1
        if lucky < self.weather.nudge_lost:
            self._story.tell("nudge lost", queue.value, *ids)
            times = 0
        elif self._dice.random() < self.weather.nudge_doubled:
            self._story.tell("nudge doubled", queue.value, *ids)
            times = 2
        for _ in range(times):
            if self._dice.random() < self.weather.nudge_late:
                seconds = self._dice.choice((1.0, 10.0, 100.0)) * self._dice.random()
                self._scheduler.after(seconds, lambda: self._put(queue, list(ids)))
            else:
                self._put(queue, list(ids))
        return True

    def wake_clock(self) -> None:
        self._scheduler.pause("wake the clock")
        if not self.is_away:
            self._woken = True
            for actor in list(self._asleep)[:1]:
                self._scheduler.wake(actor)

    def wait_for_wake(self, seconds: float) -> bool:
        """Sleep as asked, or longer: until a look could find something.

        A clock that looks every second at a database in which nothing is due and nothing has changed is left out; any
        commit ends that, within the second that it would have taken.
        """
        if self.is_away:
            raise RedisError("simulated: no queue")
        if not self._woken:
            actor = self._scheduler.current
            assert actor is not None
            asked = self._scheduler.micros + int(seconds * SECOND)
            self._asleep[actor] = asked
            until = max(asked, self.quiet_until())
            try:
                self._scheduler.wait("the clock sleeps", (until - self._scheduler.micros) / SECOND)
            finally:
                del self._asleep[actor]
        woken, self._woken = self._woken, False
        return woken

    def something_changed(self, at_once: bool) -> None:
        """A transaction was committed: the clocks that sleep longer than they asked for look again in time."""
        if self._asleep:
            soon = self._scheduler.micros + int(self._dice.random() * SECOND)
            if not at_once:
                soon = max(self.quiet_until(), soon)
            for actor, asked in self._asleep.items():
                self._scheduler.at(max(asked, soon), lambda actor=actor: self._rouse(actor, at_once))  # type: ignore[misc]

    def pop(self, queue: QueueName) -> list[int]:
        """A worker's next job."""
        actor = self._scheduler.current
        assert actor is not None
        while self.is_away or not self._jobs[queue]:
            self._idle[queue].append(actor)
            try:
                self._scheduler.wait("a job", 300.0 if self.is_away else None)
            finally:
                if actor in self._idle[queue]:
                    self._idle[queue].remove(actor)
        return self._jobs[queue].popleft()

    def flush_all(self) -> None:
        """FLUSHALL."""
        self._story.tell("flushall", sum(len(jobs) for jobs in self._jobs.values()))
        for jobs in self._jobs.values():
            jobs.clear()
        self._woken = False

    def reachable(self) -> bool:
        return not self.is_away

    def depths(self) -> dict[str, int]:
        return {name.value: len(jobs) for name, jobs in self._jobs.items()}

    def _put(self, queue: QueueName, ids: list[int]) -> None:
        if self.is_away:
            return
        self._jobs[queue].append(ids)
        if self._idle[queue]:
            self._scheduler.wake(self._idle[queue].pop(self._dice.randrange(len(self._idle[queue]))))

    def _rouse(self, actor: Actor, at_once: bool) -> None:
        if actor not in self._asleep:
            return
        quiet_until = self.quiet_until()
        if at_once or quiet_until <= self._scheduler.micros:
            self._scheduler.wake(actor)
        else:
            # What is due was written by a machine whose clock is ahead.
            self._scheduler.at(quiet_until, lambda: self._rouse(actor, at_once))
