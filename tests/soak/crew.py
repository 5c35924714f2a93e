"""The installation's processes: started, killed, started again, and weighed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time as real_time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from commands.leash import dies_with_parent
from commands.processes import PROCESSES

REDIS = "redis"
_PAUSE_SECONDS = 1.0
"""Before something that ended is started again, as a supervisor would."""


@dataclass
class Life:
    """One process from its start to its end, and what it weighed meanwhile: (seconds of the run, megabytes)."""

    name: str
    began: float
    rss: list[tuple[float, float]] = field(default_factory=list)


@dataclass
class _Post:
    """A place in the crew, whoever holds it at the moment."""

    name: str
    argv: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    start_at: float = 0.0
    life: Life | None = None
    retired: bool = False


class Crew:
    """web, two clocks, a worker for each queue, and Redis."""

    def __init__(self, env: Mapping[str, str], redis_argv: Sequence[str], logs: Path) -> None:
        self._env = dict(env)
        self._logs = logs
        self._begun = real_time.monotonic()
        self.lives: list[Life] = []
        self.ended: dict[str, int] = {}
        """How often each ended without having been asked to, kills apart."""
        self._cpu_of: dict[int, float] = {}
        program = [sys.executable, "-m", "commands.main"]
        self._posts = [_Post(REDIS, redis_argv)]
        for name, arguments in PROCESSES.items():
            self._posts.append(_Post(name, [*program, *arguments]))
        self._posts.append(_Post("clock-2", [*program, *PROCESSES["clock"]]))

    @property
    def names(self) -> list[str]:
        return [post.name for post in self._posts]

    def mind(self) -> None:
        """Start what is not there, a moment after it ended."""
        now = real_time.monotonic()
        for post in self._posts:
            if post.process is not None and post.process.poll() is not None:
                if post.process.returncode != -signal.SIGKILL and not post.retired:
                    self.ended[post.name] = self.ended.get(post.name, 0) + 1
                self._bury(post)
                post.start_at = now + _PAUSE_SECONDS
            if post.process is None and not post.retired and now >= post.start_at:
                self._start(post)

    def kill(self, name: str) -> None:
        """kill -9."""
        post = self._post(name)
        if post.process is not None:
            os.killpg(post.process.pid, signal.SIGKILL)
            post.process.wait()

    def any_of(self, dice: random.Random) -> str:
        """A process to kill; Redis is weather."""
        return dice.choice([post.name for post in self._posts if post.name != REDIS])

    def retire(self, *names: str) -> None:
        """Ask these to stop, and leave them stopped."""
        for name in names:
            post = self._post(name)
            post.retired = True
            if post.process is not None:
                post.process.terminate()
                post.process.wait(30)

    def weigh(self) -> None:
        """Note the memory of every life."""
        table = _processes()
        passed = real_time.monotonic() - self._begun
        self._cpu_of |= {pid: cpu for post in self._posts for pid, _, cpu in _tree(table, post)}
        for post in self._posts:
            rss = sum(kilobytes for _, kilobytes, _ in _tree(table, post))
            if post.life is not None and rss:
                post.life.rss.append((passed, rss / 1024))

    def cpu_seconds(self) -> float:
        """What all processes have used so far, as far as they were seen."""
        return sum(self._cpu_of.values())

    def present_rss(self) -> dict[str, float]:
        return {post.name: post.life.rss[-1][1] for post in self._posts if post.life is not None and post.life.rss}

    def dismiss(self) -> None:
        """Stop everything, Redis last."""
        self.retire(*(post.name for post in self._posts if post.name != REDIS))
        self.retire(REDIS)

    def _post(self, name: str) -> _Post:
        return next(post for post in self._posts if post.name == name)

    def _start(self, post: _Post) -> None:
        with (self._logs / f"{post.name}.log").open("ab") as log:
            post.process = subprocess.Popen(
                post.argv, env={**os.environ, **self._env}, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, preexec_fn=dies_with_parent(),
            )  # fmt: skip
        post.life = Life(post.name, real_time.monotonic() - self._begun)
        self.lives.append(post.life)

    def _bury(self, post: _Post) -> None:
        assert post.process is not None
        with suppress(ProcessLookupError):  # what it forked, if anything is left of that
            os.killpg(post.process.pid, signal.SIGKILL)
        post.process = post.life = None


_Row = tuple[int, float, float]


def _tree(table: Mapping[int, tuple[int, float, float]], post: _Post) -> list[_Row]:
    """(pid, kilobytes, CPU seconds) of a post's process and what it forked."""
    if post.process is None or post.process.pid not in table:
        return []
    top = post.process.pid
    return [(pid, rss, cpu) for pid, (parent, rss, cpu) in table.items() if top in (pid, parent)]


def _processes() -> dict[int, tuple[int, float, float]]:
    """Parent, kilobytes and CPU seconds of every process on this machine."""
    said = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,rss=,time="], capture_output=True, text=True, check=True
    ).stdout
    found = {}
    for line in said.splitlines():
        pid, parent, rss, cpu = line.split()
        found[int(pid)] = (int(parent), float(rss), _seconds(cpu))
    return found


def _seconds(cpu: str) -> float:
    """`[[days-]hours:]minutes:seconds`, as ps writes it."""
    days, _, clock = cpu.rpartition("-")
    seconds = 0.0
    for part in clock.split(":"):
        seconds = seconds * 60 + float(part)
    return seconds + 86_400 * int(days or 0)
