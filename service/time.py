"""The only source of time in Aftercare.

Everything asks `now()`. Four things may stand behind it:

* the real clock (the default);
* a fast clock, ``AFTERCARE_CLOCK_SPEED`` service seconds a real second, for demonstrations;
* a held clock, in tests;
* a machine's clock that is itself made up (`driven_by`), for the simulation.

All processes of one installation must agree, so a fast clock is anchored in a small file (`var/clock`) that every
process maps into memory: eight bytes each of sequence number, real anchor, service anchor and speed. Whoever moves the
clock (the demo, jumping over idle hours) rewrites the file in place and everybody sees it at the next call.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol


class Machine(Protocol):
    """What a machine knows of time."""

    def wall(self) -> datetime:
        """The date and time, aware, in UTC."""

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""

    def sleep(self, seconds: float) -> None: ...


class _ThisMachine:
    def wall(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


_LAYOUT = struct.Struct("<Qddd")
_file: mmap.mmap | None = None
_held: datetime | None = None
_machine: Machine = _ThisMachine()


def now() -> datetime:
    """The present moment, aware, in UTC."""
    if _held is not None:
        return _held
    if _file is None:
        return _machine.wall()
    real_anchor, service_anchor, speed = _read_anchor(_file)
    return datetime.fromtimestamp(service_anchor + (time.time() - real_anchor) * speed, UTC)


def later(seconds: float) -> datetime:
    """The service's moment when `seconds` of real time have passed: leases and time-outs bound what machines do."""
    return now() + timedelta(seconds=seconds * speed())


def real_now() -> datetime:
    """The world's moment, whatever the service's clock shows: what providers stamp on their records."""
    return _machine.wall()


def monotonic() -> float:
    """Real seconds for deadlines within one process: no change of the date moves them."""
    return _machine.monotonic()


def sleep(seconds: float) -> None:
    """Do nothing for so many real seconds."""
    _machine.sleep(seconds)


def real_seconds(duration: timedelta) -> float:
    """How many real seconds pass while the service's clock moves on by `duration`."""
    return duration.total_seconds() / speed()


def speed() -> float:
    """Service seconds a real second: 1.0 unless a fast clock is in use."""
    return 1.0 if _file is None else _read_anchor(_file)[2]


def use_clock_file(path: Path, speed: float, start: datetime | None = None) -> None:
    """Follow the clock in `path`; create it, running at `speed` from `start` (default: now), if there is none."""
    global _file
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        real = time.time()
        fresh = path.with_name(f"{path.name}.{os.getpid()}")
        fresh.write_bytes(_LAYOUT.pack(0, real, start.timestamp() if start else real, speed))
        with suppress(FileExistsError):
            os.link(fresh, path)  # atomic, and fails if another process was first: then we follow its anchor
        fresh.unlink()
    with path.open("r+b") as handle:
        _file = mmap.mmap(handle.fileno(), _LAYOUT.size)


def jump_to(moment: datetime) -> None:
    """Move the clock file on to `moment` for every process that follows it. Never moves backwards.

    Raises RuntimeError when no clock file is in use: real time cannot be moved.
    """
    if moment > now():
        start_at(moment)


def start_at(moment: datetime) -> None:
    """Set the clock file to `moment`, backwards too: only before anything has happened. Raises as `jump_to`."""
    if _file is None:
        raise RuntimeError("the real clock cannot jump; start with a clock file (AFTERCARE_CLOCK_SPEED)")
    sequence, _, _, current_speed = _LAYOUT.unpack(_file[: _LAYOUT.size])
    body = (time.time(), moment.timestamp(), current_speed)
    # An odd sequence number tells readers that the three numbers are being changed.
    _file[: _LAYOUT.size] = _LAYOUT.pack(sequence + 1, *body)
    _file[:8] = struct.pack("<Q", sequence + 2)


@contextmanager
def held(moment: datetime) -> Iterator[None]:
    """Hold `now()` at `moment` in this process; for tests and dry runs."""
    global _held
    if moment.tzinfo is None:
        raise ValueError("a held clock needs an aware datetime")
    before, _held = _held, moment.astimezone(UTC)
    try:
        yield
    finally:
        _held = before


@contextmanager
def driven_by(machine: Machine) -> Iterator[None]:
    """Let `machine` say what time it is in this process, and decide how long a sleep takes."""
    global _machine
    before, _machine = _machine, machine
    try:
        yield
    finally:
        _machine = before


def _read_anchor(file: mmap.mmap) -> tuple[float, float, float]:
    while True:
        sequence, real_anchor, service_anchor, clock_speed = _LAYOUT.unpack(file[: _LAYOUT.size])
        if sequence % 2 == 0 and struct.unpack("<Q", file[:8])[0] == sequence:
            return real_anchor, service_anchor, clock_speed
