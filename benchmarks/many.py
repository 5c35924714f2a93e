"""Many: more senders and more clocks at one database. Faster as far as the cores go, and nothing twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from benchmarks.burst import open_all_day, plan
from benchmarks.crew import busy_seconds, hands
from benchmarks.figures import Figure
from benchmarks.gateway import ask, standin
from service import time

COUNT = 40_000
CREWS = ((1, 1), (2, 1), (4, 1), (1, 2), (2, 2), (4, 2))
"""Senders and clocks."""
LATENCY = 50
FOR_A_LOOK = 0.05
"""Below this scale only the smallest and the largest crew come."""


def measure(kinds: tuple[str, ...], scale: float) -> Iterator[Figure]:
    """The rate of each crew, and what the processor did meanwhile."""
    for kind in kinds:
        first = 0.0
        for senders, clocks in CREWS if scale >= FOR_A_LOOK else (CREWS[0], CREWS[-1]):
            for figure in _together(kind, senders, clocks, max(int(COUNT * scale), 200)):
                yield figure
                if figure.unit == "messages/s":
                    first = first or figure.value
                    yield Figure("many", figure.name, figure.value / first, "times", against="one sender, one clock")


def _together(kind: str, senders: int, clocks: int, count: int) -> Iterator[Figure]:
    title = f"{kind} {senders} senders, {clocks} clocks"
    with standin() as provider, hands(kind, provider) as men:
        open_all_day(men.here, time.now())
        plan(men.here, range(count), time.now() - timedelta(minutes=1))
        for number in range(senders):
            men.start(f"sender {number}", "worker", "--queue", "deliver-sms")
        men.wait_for_workers(senders)
        ask(f"{provider}/__reset?latency={LATENCY}")
        busy, before = busy_seconds(), men.processor_seconds()
        for number in range(clocks):
            men.start(f"clock {number}", "clock")
        men.wait(lambda: ask(f"{provider}/__stats")["accepted"] >= count, 230)
        busy, used = busy_seconds() - busy, men.processor_seconds()
        stats = ask(f"{provider}/__stats")
    if (stats["unique"], stats["duplicates"]) != (count, 0):
        raise SystemExit(f"{title}: {stats['unique']:.0f} of {count} went out, {stats['duplicates']:.0f} of them twice")
    yield Figure("many", title, count / stats["seconds"], "messages/s")
    yield Figure("many", f"{title}: went out twice", stats["duplicates"], "messages")
    sending = sum(seconds - before.get(name, 0.0) for name, seconds in used.items() if name.startswith("sender"))
    timing = sum(seconds for name, seconds in used.items() if name.startswith("clock"))
    for name, seconds in (
        ("senders", sending),
        ("clocks, with their start", timing),
        ("the stand-in", stats["cpu_seconds"]),
        ("database, Redis and the rest", busy - sending - timing - stats["cpu_seconds"]),
    ):
        yield Figure("many", f"{title}: {name}", seconds / count * 1000, "CPU ms a message")
