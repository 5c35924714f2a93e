"""What happened, in order: cheap to keep, put into words only when somebody asks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from simulation.scheduler import Actor, Scheduler

Line = tuple[int, str, str, tuple[object, ...]]
"""When (virtual microseconds), who, what kind of thing, and what it was about."""


@dataclass
class Story:
    """The lines of one run, and a hash over every step of it: two runs with the same hash were the same run."""

    whole: bool = False
    """Keep every step. Without it only what changed something is kept: a step is then no more than a hash."""
    hash: int = 0
    lines: list[Line] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    scheduler: Scheduler | None = None
    _numbers: dict[str, int] = field(default_factory=dict)

    def step(self, micros: int, actor: Actor, where: str) -> None:
        """An actor came to a boundary."""
        number = self._numbers.get(where)
        if number is None:
            # Python's own hash of a text differs from process to process; of numbers it does not.
            number = self._numbers[where] = crc32(where.encode())
        self.hash = hash((self.hash, micros, actor.label, number))
        if self.whole:
            self.lines.append((micros, actor.name, "step", (where,)))

    def tell(self, kind: str, *about: object) -> None:
        """Something happened that is worth a line."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        self.hash = hash((self.hash, crc32(repr(about).encode())))
        now = self.scheduler.micros if self.scheduler else 0
        self.lines.append((now, self.who, kind, about))

    @property
    def who(self) -> str:
        """Whose turn it is."""
        actor = self.scheduler.current if self.scheduler else None
        return "the world" if actor is None else actor.name
