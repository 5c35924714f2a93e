"""Looking at real processes from outside, and ports for them."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import time
from collections.abc import Callable, Iterator


def alive(pid: int) -> bool:
    """Whether the process is there and not merely unreaped."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    return bool(state) and not state.startswith("Z")


def children_of(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    return [int(child) for child, parent in map(str.split, listed.splitlines()) if int(parent) == pid]


def wait_until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.02)


def _ports() -> Iterator[int]:
    """Below those that the system gives out by itself: any connection may take one of those before a server does. Each
    worker of a run has a range of its own, and each run begins somewhere else in it."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first, count = 10_000 + worker % 10 * 2_000, 2_000
    begun = random.randrange(count)
    while True:
        for number in range(count):
            yield first + (begun + number) % count


_fresh_ports = _ports()


def free_port() -> int:
    """A port on which nobody listens, not handed out before."""
    return next(filter(_is_free, _fresh_ports))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
