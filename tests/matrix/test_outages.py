"""P5, P6, P2 and P10: what everything depends on goes away under real processes, and comes back."""

from __future__ import annotations

import random
import shutil
import signal
import sqlite3
import statistics
import time as real_time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from sqlalchemy import update

from sandbox.config import Delays
from sandbox.faults import Kind
from service import time
from service.records.sending_tables import messages
from tests.matrix.manners import Visitor
from tests.matrix.outages import OUTAGES, Outage
from tests.matrix.report import Record
from tests.matrix.scene import nothing_is_wrong, number_of, wait_for_rest
from tests.matrix.trouble import for_seconds, own_postgres, own_redis, small_disk
from tests.processes import wait_until
from tests.promises.installation import Installation, installed
from tests.promises.population import once_each, phone, treat, treat_many
from tests.proxy import proxied

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
TEXTS = 30
DURABLE = ("fsync=on", "synchronous_commit=on", "full_page_writes=on")
"""As a real server has it: what these tests' own servers do without is what a power cut is about."""


@pytest.fixture
def rests(record: Record) -> Rests:
    return Rests(record)


class Rests:
    """The end of every outage: it is over, and all comes to rest by itself."""

    def __init__(self, record: Record) -> None:
        self._record = record

    def after(self, place: Installation, outage: Outage, visitor: Visitor | None = None) -> None:
        """With every patient's text handed over once, those of the events that the visitor posted too."""
        self.at_rest(place, outage, visitor)
        called = [] if visitor is None else visitor.taken
        assert place.handed_over() == once_each(TEXTS) | {phone(number): 1 for number in called}

    def at_rest(self, place: Installation, outage: Outage, visitor: Visitor | None = None) -> None:
        with self._record(place, outage):
            place.supervised(60)
            wait_for_rest(place, 60)
            if visitor is not None:
                visitor.sends_again()
                place.supervised(60)
                wait_for_rest(place)
        nothing_is_wrong(place)


def busy(place: Installation) -> Visitor:
    """Everything runs, and some texts are on the wire."""
    place.serve()
    place.h.sandbox.fault(Kind.LATENCY, on="twilio.create", seconds=0.4)
    treat_many(place.h, TEXTS)
    place.clock()
    place.worker("reconcile")
    place.worker(AFTERCARE_BATCH_SIZE="10", AFTERCARE_SMS_CONCURRENCY="4")
    wait_until(lambda: len(place.handed_over()) >= 4, 40)
    return Visitor(place)


def queued(place: Installation) -> Visitor:
    """Everything but the worker runs, and some texts are queued."""
    place.serve()
    treat_many(place.h, TEXTS)
    place.clock()
    place.worker("reconcile")
    wait_until(lambda: number_of(place, "messages WHERE state = 'queued'") == TEXTS, 20)
    return Visitor(place)


# Redis


def test_p5_redis_killed(database_url: str, tmp_path: Path, rests: Rests) -> None:
    with own_redis(tmp_path / "redis") as server, installed(database_url, server.url, tmp_path) as place:
        visitor = queued(place)
        server.kill()
        for _ in for_seconds(2):
            visitor.calls()
        assert not visitor.refused
        assert visitor.away == {"redis"}
        server.start()
        place.worker()
        rests.after(place, Outage.REDIS_KILLED, visitor)


def test_p5_redis_flushed(place: Installation, rests: Rests) -> None:
    visitor = queued(place)
    place.worker()
    with redis.Redis.from_url(place.h.parts.settings.redis_url) as client:
        for _ in for_seconds(2):
            client.flushall()
            visitor.calls()
    assert not visitor.refused
    rests.after(place, Outage.REDIS_FLUSHED, visitor)


def test_p5_redis_full(database_url: str, tmp_path: Path, rests: Rests) -> None:
    with own_redis(tmp_path / "redis") as server, installed(database_url, server.url, tmp_path) as place:
        visitor = busy(place)
        server.tell("CONFIG", "SET", "maxmemory", "1")
        for _ in for_seconds(3):
            visitor.calls()
        assert not visitor.refused
        server.tell("CONFIG", "SET", "maxmemory", "0")
        rests.after(place, Outage.REDIS_FULL, visitor)


@pytest.mark.parametrize(("outage", "delay", "seconds"), [
    (Outage.REDIS_SLOW, 0.25, 3), (Outage.REDIS_HANGS, 3600, 8),
])  # fmt: skip
def test_p5_redis_slow(
    database_url: str, tmp_path: Path, rests: Rests, outage: Outage, delay: float, seconds: float
) -> None:
    with own_redis(tmp_path / "redis") as server, proxied() as wire:
        wire.target = str(server.socket)
        with installed(database_url, f"redis://{wire.address}/0", tmp_path) as place:
            visitor = busy(place)
            wire.delay = delay
            for _ in for_seconds(seconds):
                visitor.calls()
            assert max(visitor.waited) < 5, "a Redis that does not answer must not hold up a clinic"
            assert statistics.median(visitor.waited) < 1.5
            assert not visitor.refused
            assert visitor.away == ({"redis"} if outage is Outage.REDIS_HANGS else set())
            # What was held back in the wire is lost with it.
            wire.delay = 0.0
            if outage is Outage.REDIS_HANGS:
                wire.cut()
                wire.mend()
            rests.after(place, outage, visitor)


# The database


@pytest.mark.parametrize(("outage", "how"), [
    (Outage.POSTGRESQL_RESTARTED, signal.SIGINT), (Outage.POSTGRESQL_CRASHED, signal.SIGQUIT),
])  # fmt: skip
def test_p6_postgresql_restarted(
    redis_url: str, tmp_path: Path, rests: Rests, outage: Outage, how: signal.Signals
) -> None:
    with own_postgres(*DURABLE) as server, installed(server.url, redis_url, tmp_path) as place:
        visitor = busy(place)
        server.stop(how)
        for _ in for_seconds(1):
            visitor.calls()
        assert visitor.refused
        assert not visitor.taken
        assert "database" in visitor.away
        server.start()
        rests.after(place, outage, visitor)
        place.close()  # before its server goes


def test_p6_postgresqls_connections_used_up(redis_url: str, tmp_path: Path, rests: Rests) -> None:
    with own_postgres("max_connections=24") as server, installed(server.url, redis_url, tmp_path) as place:
        visitor = busy(place)
        with server.used_up():
            for process in list(place.running):
                if process.arguments[0] in ("web", "worker"):
                    place.kill(process)
                    place.running.remove(process)
            server.take_all()
            place.serve()
            place.worker()
            place.worker("reconcile")
            for _ in for_seconds(3):
                visitor.calls()
            assert visitor.refused
            assert not visitor.taken
            assert "database" in visitor.away
        rests.after(place, Outage.POSTGRESQL_FULL, visitor)
        place.close()


def test_p6_sqlites_disk_full(sqlite_url: str, redis_url: str, tmp_path: Path, rests: Rests) -> None:
    with small_disk(tmp_path / "disk", 16) as disk:
        moved = shutil.copy(sqlite_url.removeprefix("sqlite:///"), disk.folder / "aftercare.db")
        with installed(f"sqlite:///{moved}", redis_url, tmp_path) as place:
            visitor = busy(place)
            disk.fill()
            for _ in for_seconds(20, every=0):
                # The log is written over from its beginning for a while: that takes no room.
                if len(visitor.refused) == 5:
                    break
                visitor.calls()
                disk.fill()
            assert visitor.refused
            disk.free()
            rests.after(place, Outage.SQLITE_DISK_FULL, visitor)


def test_p6_sqlite_locked(sqlite_url: str, redis_url: str, tmp_path: Path, rests: Rests) -> None:
    with installed(sqlite_url, redis_url, tmp_path) as place:
        visitor = busy(place)
        other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        real_time.sleep(3)
        other.execute("COMMIT")
        other.close()
        visitor.calls()
        assert not visitor.refused
        rests.after(place, Outage.SQLITE_LOCKED, visitor)


# The provider


def test_p2_provider_slow(place: Installation, rests: Rests) -> None:
    place.clock()
    place.worker("reconcile")
    place.h.sandbox.fault(Kind.LATENCY, seconds=2)
    treat_many(place.h, TEXTS)
    place.worker()
    wait_until(lambda: len(place.handed_over()) >= 1, 30)
    rests.after(place, Outage.PROVIDER_SLOW)


def test_p4_provider_down(
    database_url: str, redis_url: str, tmp_path: Path, rests: Rests, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a fast clock, so that hours pass: what is still useful goes out late, the rest says why it did not."""
    monkeypatch.setattr(time, "_file", None)
    with proxied() as wire:
        fast: dict[str, Any] = {"AFTERCARE_CLOCK_SPEED": 720, "AFTERCARE_TWILIO_URL": f"http://{wire.address}"}
        with installed(database_url, redis_url, tmp_path, **fast) as place:
            wire.target = place.h.sandbox.url.removeprefix("http://")
            wire.cut()
            for number in range(6):
                treat(place.h, number)
            for number in (4, 5):
                closes_in(place, f"session-{number}", timedelta(minutes=30))
            place.clock()
            place.worker()
            place.worker("reconcile")
            real_time.sleep(12)
            assert place.handed_over() == {}
            wire.mend()
            rests.at_rest(place, Outage.PROVIDER_DOWN)
            ends = [place.h.states(f"session-{number}")["welcome", "sms"] for number in range(6)]
            assert ends == [("accepted", "handed_over")] * 4 + [("expired", "window_closed")] * 2
            place.close()


def closes_in(place: Installation, session: str, length: timedelta) -> None:
    """The window of this session's first text is nearly over."""
    welcome = (messages.c.session_id == place.h.session_id(session)) & (messages.c.step == "welcome")
    with place.h.parts.engine.begin() as connection:
        connection.execute(update(messages).where(welcome).values(window_until=time.now() + length))


def test_p2_provider_flaps(database_url: str, redis_url: str, tmp_path: Path, rests: Rests) -> None:
    dice = random.Random(7)
    with installed(database_url, redis_url, tmp_path, delays=Delays(sent=0, delivered=0.02)) as place:
        place.clock()
        place.worker(AFTERCARE_BATCH_SIZE="10", AFTERCARE_SMS_CONCURRENCY="4")
        place.worker("reconcile")
        for number in range(12):
            place.h.sandbox.faults.clear()
            kind = dice.choice([Kind.DROP_BEFORE, Kind.DROP_AFTER, Kind.ERROR_AFTER, Kind.TRUNCATED, None])
            if kind is not None:
                place.h.sandbox.fault(kind, on="twilio.create")
            if number < TEXTS / 3:
                treat_many(place.h, 3, first=number * 3)
            real_time.sleep(0.5)
        place.h.sandbox.faults.clear()
        rests.after(place, Outage.PROVIDER_FLAPS)


def test_every_outage_is_in_the_table() -> None:
    assert [one.outage for one in OUTAGES] == list(Outage)
