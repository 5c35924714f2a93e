"""Out: from due rows to recorded acceptance, by one sender process as `aftercare worker` wires it."""

from __future__ import annotations

import os
import time as world
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.gateway import ask, standin
from benchmarks.place import START, Place, place, treat
from service import time
from service.api import inside
from service.care.lifecycle import Channel, State
from service.nudges import QueueName
from service.records import agenda, messages
from service.records.database import run
from workers import jobs
from workers.clock import MESSAGES_PER_NUDGE

COUNT, WARM_UP = 10_000, 500
"""Messages that are measured at each latency, and before that for a worker that has been at work for a while."""
LATENCIES = (0, 50, 100)
"""Milliseconds that the provider takes to answer."""
_STAT = Path("/proc/stat")


def measure(kinds: tuple[str, ...], scale: float) -> Iterator[Figure]:
    """Rates and processor time of claim, gate, render, seal, SDK and record together."""
    for kind in kinds:
        with due(kind, LATENCIES, int(COUNT * scale)) as (here, provider, batches):
            for latency, ids in zip(LATENCIES, batches, strict=True):
                busy = busy_ms()
                rate, cpu = drain(here, provider, latency, ids)
                everybody = busy_ms() - busy
                yield Figure("out", f"{kind} {latency} ms", rate, "messages/s")
                yield Figure("out", f"{kind} {latency} ms processor time", cpu, "CPU ms a message")
                if everybody:
                    yield Figure(
                        "out", f"{kind} {latency} ms, the whole machine's", everybody / len(ids), "CPU ms a message"
                    )


@contextmanager
def due(kind: str, latencies: Sequence[int], count: int) -> Iterator[tuple[Place, str, list[list[int]]]]:
    """A place where this process is a worker that has warmed up, the provider, and due messages for each latency."""
    with standin() as provider, time.held(START), place(kind, provider) as here:
        treat(here, range(WARM_UP + count * len(latencies)))
        with time.held(START + timedelta(minutes=16)):
            jobs.wire(QueueName.SMS, here.parts, inside.Rows(here.parts.sending))
            try:
                jobs.deliver([str(one) for one in _queue(here, WARM_UP)])
                yield here, provider, [_queue(here, count) for _ in latencies]
            finally:
                jobs.close()


def drain(here: Place, provider: str, latency: int, ids: Sequence[int]) -> tuple[float, float]:
    """Deliver these, in jobs as the clock nudges them: messages a second, processor milliseconds a message."""
    ask(f"{provider}/__reset?latency={latency}")
    names = [str(one) for one in ids]
    cpu, begun = world.process_time(), world.perf_counter()
    for start in range(0, len(names), MESSAGES_PER_NUDGE):
        jobs.deliver(names[start : start + MESSAGES_PER_NUDGE])
    took, cpu = world.perf_counter() - begun, world.process_time() - cpu
    stats = ask(f"{provider}/__stats")
    if (stats["accepted"], stats["duplicates"]) != (len(ids), 0):
        raise SystemExit(f"the provider took {stats['accepted']:.0f} of {len(ids)}, {stats['duplicates']:.0f} twice")
    _check_recorded(here, ids)
    return len(ids) / took, cpu / len(ids) * 1000


def busy_ms() -> float:
    """Processor time that all the cores have spent since they started, database server and stand-in included.

    What a message takes of it is the machine's own ceiling: no sender makes more than its cores divided by that.
    0 where the system does not tell.
    """
    if not _STAT.exists():
        return 0.0
    user, nice, system, _, _, irq, softirq = map(int, _STAT.read_text().split()[1:8])
    return (user + nice + system + irq + softirq) * 1000 / os.sysconf("SC_CLK_TCK")


def _check_recorded(here: Place, ids: Sequence[int]) -> None:
    states = run(here.parts.engine, lambda connection: messages.states_of(connection, ids))
    if set(states.values()) != {State.ACCEPTED}:
        raise SystemExit(f"not all is on record as accepted: {set(states.values())}")


def _queue(here: Place, limit: int) -> list[int]:
    parts = here.parts
    found = run(
        parts.engine,
        lambda connection: agenda.queue_due(
            connection, Channel.SMS, parts.sending.sms_sender, messages.ROUTINE, limit, time.now(), time.later(600)
        ),
    )
    return [one for one, _ in found]
