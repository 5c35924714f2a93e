"""What is seen of the installation while it runs, from its tables, its queues and the provider's ledger."""

from __future__ import annotations

import time as real_time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from redis import RedisError
from sqlalchemy import func, select

from sandbox.ledger import Entry
from service import time
from service.care.lifecycle import State
from service.parts import Parts
from service.records.database import reading
from service.records.sending_tables import messages
from tests import audit
from tests.soak.crew import Crew

STUCK_SECONDS = 60.0
"""Real seconds. The leases of these runs are ten at most, and every clock looks once a second."""


@dataclass(frozen=True)
class Sample:
    """One minute."""

    seconds: float
    at: datetime
    """By the service's clock."""
    rss: Mapping[str, float]
    states: Mapping[str, int]
    queues: Mapping[str, int]
    handed_over: int
    doubles: Sequence[str]
    stuck: Sequence[str]
    lag: float
    """Real seconds that the oldest due message has waited to be queued."""
    cpu: float
    """Percent of one core, of all processes since the sample before."""

    def line(self) -> str:
        """For the terminal."""
        waiting = ", ".join(f"{name} {number}" for name, number in self.queues.items() if number) or "empty"
        rss = " ".join(f"{name} {value:.0f}" for name, value in self.rss.items())
        states = " ".join(f"{name} {number}" for name, number in sorted(self.states.items()))
        return (
            f"[{self.seconds / 60:5.1f} min, {self.at:%d %b %H:%M}] handed over {self.handed_over}, "
            f"doubles {len(self.doubles)}, stuck {len(self.stuck)}, lag {self.lag:.1f} s, CPU {self.cpu:.0f} %\n"
            f"    rows: {states}\n    queues: {waiting}\n    RSS MB: {rss}"
        )


@dataclass
class Watch:
    """Looks once a minute."""

    parts: Parts
    crew: Crew
    begun: float = field(default_factory=real_time.monotonic)
    samples: list[Sample] = field(default_factory=list)
    _cpu: float = 0.0
    _cpu_at: float = 0.0

    def sample(self, entries: Sequence[Entry]) -> Sample:
        """`entries`: the provider's ledger, read before this was called."""
        passed = real_time.monotonic() - self.begun
        now = time.now()
        with reading(self.parts.engine) as connection:
            rows = connection.execute(select(messages.c.state, func.count().label("number")).group_by(messages.c.state))
            states = {row.state: row.number for row in rows}
            oldest = connection.execute(select(func.min(messages.c.due_at)).where(messages.c.state == State.PLANNED))
            due = oldest.scalar_one()
        made = Sample(
            seconds=passed,
            at=now,
            rss=self.crew.present_rss(),
            states=states,
            queues=self._queues(),
            handed_over=len(entries),
            doubles=audit.doubled(self.parts.engine, entries),
            stuck=audit.stuck(self.parts.engine, now - timedelta(seconds=STUCK_SECONDS * time.speed())),
            lag=0.0 if due is None else max(time.real_seconds(now - due), 0.0),
            cpu=self._percent(passed),
        )
        self.samples.append(made)
        return made

    def _queues(self) -> dict[str, int]:
        try:
            return self.parts.nudges.depths()
        except RedisError:
            return {}

    def _percent(self, passed: float) -> float:
        used = self.crew.cpu_seconds()
        percent = 100 * (used - self._cpu) / max(passed - self._cpu_at, 1.0)
        self._cpu, self._cpu_at = used, passed
        return percent
