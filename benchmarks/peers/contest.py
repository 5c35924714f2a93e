"""Peers: the same texts to the same stand-in, by whatever else could send them, in one run.

None of them keeps a record of what it did, asks whether a message is still wanted, or knows after a crash what went
out. Their jobs are in Redis before the clock starts; ours are rows that have yet to be claimed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from redis import Redis
from rq import Queue

from benchmarks import gateway, out
from benchmarks.crew import processor_seconds
from benchmarks.figures import Figure
from benchmarks.gateway import ask, standin
from benchmarks.peers import bare, celery_app, texts
from commands import embedded
from commands.leash import dies_with_parent

LATENCIES = (0, 50)
OURS = "Aftercare, 1 sender, everything on record"
_PATIENCE = 200.0
"""Seconds that a peer may take for its count."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One way to send. `count` is how many it gets at each latency: as many as it can send in some ten seconds."""

    name: str
    enqueue: Callable[[str, int], None]
    worker: Callable[[str], Sequence[str]]
    count: tuple[int, int]
    processes: int = 2


def measure(kinds: tuple[str, ...], scale: float) -> Iterator[Figure]:
    """Rates, processor time, and how many times as fast we are."""
    best: dict[int, float] = {}
    for kind in kinds:
        with out.due(kind, LATENCIES, int(out.COUNT * scale)) as (here, provider, batches):
            for latency, ids in zip(LATENCIES, batches, strict=True):
                rate, cpu = out.drain(here, provider, latency, ids)
                best[latency] = max(rate, best.get(latency, 0.0))
                yield from _figures(f"{OURS}, {kind}", latency, rate, cpu)
    with standin() as provider:
        for latency in LATENCIES:
            for name, drained in (("our gateway, the SDK in it", gateway.drain), ("bare sockets, no SDK", bare.drain)):
                ask(f"{provider}/__reset?latency={latency}")
                rate, cpu = drained(provider, int(out.COUNT * scale))
                yield from _figures(f"ceiling: {name}", latency, rate, cpu)
        with (
            tempfile.TemporaryDirectory(prefix="aftercare-bench-") as folder,
            embedded.redis(Path(folder), {}) as redis,
        ):
            for peer in PEERS:
                for latency, most in zip(LATENCIES, peer.count, strict=True):
                    rate, cpu = _compete(peer, redis, provider, latency, max(int(most * scale), 20))
                    yield from _figures(f"{peer.name}, no record", latency, rate, cpu)
                    yield Figure("peers", f"{peer.name}, {latency} ms", best[latency] / rate, "times", "our best rate")


def _figures(name: str, latency: int, rate: float, cpu: float) -> Iterator[Figure]:
    yield Figure("peers", f"{name}, {latency} ms", rate, "messages/s")
    yield Figure("peers", f"{name}, {latency} ms", cpu, "CPU ms a message")


def _compete(peer: Peer, redis: str, provider: str, latency: int, count: int) -> tuple[float, float]:
    """Messages a second, and processor time a message, once the workers have begun: their start does not count."""
    Redis.from_url(redis).flushall()
    ask(f"{provider}/__reset?latency={latency}")
    env = {**os.environ, texts.PROVIDER: provider, celery_app.BROKER: _celery_url(redis)}
    peer.enqueue(redis, count)
    workers = [_start(peer.worker(redis), env) for _ in range(peer.processes)]
    try:
        until = time.monotonic() + _PATIENCE
        while not (begun_with := ask(f"{provider}/__stats")["accepted"]):
            if time.monotonic() > until:
                raise SystemExit(f"{peer.name} sent nothing in {_PATIENCE:.0f} s")
            time.sleep(0.1)
        pids = {worker.pid for worker in workers}
        used = processor_seconds(pids, with_ended=True)
        while ask(f"{provider}/__stats")["accepted"] < count:
            if time.monotonic() > until:
                raise SystemExit(f"{peer.name} did not send {count} texts in {_PATIENCE:.0f} s")
            time.sleep(0.1)
        stats, used = ask(f"{provider}/__stats"), processor_seconds(pids, with_ended=True) - used
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.wait(20)
    return count / stats["seconds"], used / max(count - begun_with, 1) * 1000


def _start(command: Sequence[str], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    quiet = subprocess.DEVNULL
    return subprocess.Popen(
        [sys.executable, "-m", *command], env=env, stdin=quiet, stdout=quiet, stderr=quiet,
        start_new_session=True, preexec_fn=dies_with_parent(),
    )  # fmt: skip


def _celery_url(redis: str) -> str:
    return redis.replace("unix://", "redis+socket://").replace("?db=", "?virtual_host=")


def _by_rq(job: Callable[[int], str]) -> Callable[[str, int], None]:
    def enqueue(redis: str, count: int) -> None:
        queue = Queue("texts", connection=Redis.from_url(redis))
        queue.enqueue_many([Queue.prepare_data(job, args=(number,), result_ttl=0) for number in range(count)])

    return enqueue


def _by_celery(redis: str, count: int) -> None:
    with celery_app.app.connection_for_write(_celery_url(redis)) as connection:
        for number in range(count):
            celery_app.send.apply_async((number,), connection=connection)


def _celery(*options: str) -> Callable[[str], Sequence[str]]:
    command = ("celery", "-A", "benchmarks.peers.celery_app", "worker", "--loglevel", "ERROR", *options)
    return lambda _redis: command


_RQ = ("rq.cli", "worker", "--quiet", "texts", "--url")

PEERS = (
    Peer("RQ, a job a message, as its docs show, x2", _by_rq(texts.send), lambda redis: (*_RQ, redis), (200, 160)),
    Peer(
        "RQ, libraries imported before the fork, x2",
        _by_rq(texts.send),
        lambda redis: ("benchmarks.peers.rq_worker", redis),
        (1_200, 400),
    ),
    Peer(
        "RQ SimpleWorker, one client kept, x2",
        _by_rq(texts.send_pooled),
        lambda redis: (*_RQ, redis, "--worker-class", "rq.worker.SimpleWorker"),
        (5_000, 400),
    ),
    Peer("Celery prefork, 2 processes", _by_celery, _celery("--concurrency", "2"), (5_000, 400), processes=1),
    Peer(
        "Celery, 64 threads in 2 processes",
        _by_celery,
        _celery("--pool", "threads", "--concurrency", "32"),
        (5_000, 5_000),
    ),
    Peer(
        "Celery gevent, 256 in 2 processes",
        _by_celery,
        _celery("--pool", "gevent", "--concurrency", "128"),
        (5_000, 5_000),
    ),
)
