"""Making what everything depends on fail, and mending it."""

from __future__ import annotations

import shlex
import shutil
import signal
import subprocess
import time as real_time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
import redis
from sqlalchemy.engine import URL

from commands import embedded
from service.records.migrate import upgrade
from tests import servers
from tests.conftest import text
from tests.processes import wait_until


class Redis:
    """A Redis of one's own, which may be killed."""

    def __init__(self, server: embedded.Server) -> None:
        self._server = server
        self.url = server.url
        self.socket = server.socket
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._server.argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self._server.ready, 20)

    def kill(self) -> None:
        """kill -9, and what it had on disk is gone."""
        self._process.kill()
        self._process.wait()
        for kept in self.socket.parent.rglob("appendonlydir"):
            shutil.rmtree(kept)

    def tell(self, *command: str) -> None:
        with redis.Redis.from_url(self.url) as client:
            client.execute_command(*command)


@contextmanager
def own_redis(folder: Path) -> Iterator[Redis]:
    server = embedded.prepare(folder, {})
    made = Redis(server)
    try:
        yield made
    finally:
        with suppress(OSError):
            made.kill()
        server.release()


class Postgres:
    """A PostgreSQL of one's own, which may be stopped."""

    def __init__(self, server: URL) -> None:
        self._server = server
        self._data = Path(str(server.query["host"])) / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self.url = text(servers.create_database(server, "aftercare"))
        upgrade(self.url)

    def stop(self, how: signal.Signals) -> None:
        """SIGINT: "fast"; SIGQUIT: "immediate", as if the power failed."""
        argv = shlex.split((self._data / "postmaster.opts").read_text())
        pid = int((self._data / "postmaster.pid").read_text().split()[0])
        subprocess.run(["kill", f"-{how.value}", str(pid)], check=True)
        wait_until(lambda: not (self._data / "postmaster.pid").exists(), 30)
        self._argv = argv

    def start(self) -> None:
        user = servers._as(servers._unprivileged_user())
        self._process = subprocess.Popen(
            self._argv, cwd=self._data, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **user
        )
        wait_until(lambda: servers._answers(self._server), 30)

    def close(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(20)

    @contextmanager
    def used_up(self) -> Iterator[None]:
        """Hold every connection that there is."""
        held: list[psycopg.Connection[object]] = []

        def take_all() -> None:
            with suppress(psycopg.OperationalError):
                while True:
                    held.append(servers._connect(self._server))

        try:
            take_all()
            self.take_all = take_all
            yield
        finally:
            for connection in held:
                connection.close()


@contextmanager
def own_postgres(*options: str) -> Iterator[Postgres]:
    try:
        binaries = servers.find_binaries()
    except servers.NoPostgres as error:
        pytest.skip(str(error))
    with servers.postgres(binaries, (*servers.OPTIONS, *options)) as server:
        made = Postgres(server)
        try:
            yield made
        finally:
            made.close()


class Disk:
    """A small disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self) -> None:
        with self._filler.open("ab", buffering=0) as file, suppress(OSError):
            while True:
                file.write(b"\0" * 512)

    def free(self) -> None:
        self._filler.unlink()


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Disk]:
    """A file system in memory: the only way to a real ENOSPC, which SQLite tells as SQLITE_FULL.

    A limit on file sizes would only be an I/O error to it, and PRAGMA max_page_count holds for one connection.
    """
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=700", "aftercare-test", str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if made.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {made.stderr.strip()}")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def for_seconds(seconds: float, every: float = 0.2) -> Iterator[float]:
    """Count the seconds that pass, until `seconds` have."""
    begun = real_time.monotonic()
    while (passed := real_time.monotonic() - begun) < seconds:
        yield passed
        real_time.sleep(every)
