"""P5: Redis is disposable. Emptied, killed, or full of doubled jobs: nothing is lost or doubled, only seconds late."""

from __future__ import annotations

import shlex
import signal
import subprocess
import time as real_time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from sqlalchemy.engine import URL

from commands import embedded
from sandbox.faults import Kind
from service.nudges import Nudges, QueueName, connect
from service.records.migrate import upgrade
from tests import servers
from tests.conftest import text
from tests.processes import wait_until
from tests.promises.installation import Installation, installed
from tests.promises.population import once_each, treat_many

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def queued(place: Installation) -> int:
    return int(place.h.sql("SELECT count(*) FROM messages WHERE state = 'queued'")[0][0])


def test_p5_flushall_with_messages_queued(place: Installation) -> None:
    treat_many(place.h, 20)
    place.clock()
    wait_until(lambda: queued(place) == 20, 20)
    with redis.Redis.from_url(place.h.parts.settings.redis_url) as client:
        client.flushall()
        place.worker()
        for _ in range(10):
            real_time.sleep(0.2)
            client.flushall()
    place.comes_to_rest(30)
    assert place.handed_over() == once_each(20)


def test_p5_the_same_job_over_and_over(place: Installation) -> None:
    """The ids of everything, twenty times over, in two orders, to two workers at once."""
    place.h.sandbox.fault(Kind.LATENCY, on="twilio.create", seconds=0.05)
    treat_many(place.h, 60)
    ids = place.h.queue_due()
    nudges = Nudges(connect(place.h.parts.settings.redis_url))
    for _ in range(10):
        nudges.send(QueueName.SMS, ids)
        nudges.send(QueueName.SMS, ids[::-1])
    for _ in range(2):
        place.worker(AFTERCARE_BATCH_SIZE="9")
    place.comes_to_rest(40)
    assert place.handed_over() == once_each(60)


@contextmanager
def own_redis(folder: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]], embedded.Server]]:
    server = embedded.prepare(folder, {})
    running = [subprocess.Popen(server.argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)]
    try:
        wait_until(server.ready, 20)
        yield server.url, running, server
    finally:
        for process in running:
            process.kill()
            process.wait()
        server.release()


def test_p5_redis_killed_and_back(database_url: str, tmp_path: Path) -> None:
    """kill -9 under a working installation. Events are taken in while it is away; what is due goes once it is back."""
    with own_redis(tmp_path / "redis") as (url, running, server), installed(database_url, url, tmp_path) as place:
        place.serve()
        place.clock()
        place.worker()
        assert place.post(0).status == 202
        wait_until(lambda: place.handed_over() == once_each(1), 30)

        running[0].kill()
        running[0].wait()
        begun = real_time.monotonic()
        for number in range(1, 6):
            assert place.post(number).status == 202
        assert real_time.monotonic() - begun < 10, "a dead Redis must not hold up a clinic"
        real_time.sleep(1.5)
        running.append(subprocess.Popen(server.argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        wait_until(server.ready, 20)
        place.supervised(90)
        place.comes_to_rest(30)
        assert place.handed_over() == once_each(6)


def test_p6_postgresql_restarted_in_mid_run(redis_url: str, tmp_path: Path) -> None:
    """Every connection breaks and new ones are refused for a moment, with texts on the wire."""
    try:
        binaries = servers.find_binaries()
    except servers.NoPostgres as error:
        pytest.skip(str(error))
    with servers.postgres(binaries) as server:
        url = text(servers.create_database(server, "aftercare"))
        upgrade(url)
        data = Path(str(server.query["host"])) / "data"
        with installed(url, redis_url, tmp_path) as place:
            place.h.sandbox.fault(Kind.LATENCY, on="twilio.create", seconds=0.3)
            treat_many(place.h, 60)
            place.clock()
            place.worker(AFTERCARE_BATCH_SIZE="10", AFTERCARE_SMS_CONCURRENCY="4")
            place.worker("reconcile")
            wait_until(lambda: len(place.handed_over()) >= 8, 40)
            with restarted(server, data):
                place.supervised(90)
                place.comes_to_rest(30)
                assert place.handed_over() == once_each(60)
                place.close()  # before the server goes


@contextmanager
def restarted(server: URL, data: Path) -> Iterator[None]:
    """Stop the server of this folder as its administrator would, and run it again as it was until the block ends."""
    pid = int((data / "postmaster.pid").read_text().split()[0])
    argv = shlex.split((data / "postmaster.opts").read_text())
    subprocess.run(["kill", "-INT", str(pid)], check=True)
    wait_until(lambda: not (data / "postmaster.pid").exists(), 30)
    real_time.sleep(1.0)
    process = subprocess.Popen(
        argv,
        cwd=data,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **servers._as(servers._unprivileged_user()),
    )
    try:
        wait_until(lambda: servers._answers(server), 30)
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)
