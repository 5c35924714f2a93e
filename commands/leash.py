"""Nothing outlives the process that started it, however that one dies.

Two holds, because neither is enough alone. On Linux the kernel signals a child when its parent dies, but not the
child's own children, and not on other systems. So a small watcher, forked at the start, waits at the end of a pipe:
when its other end closes without a goodbye, it ends every process group that was put on the leash.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress

_PR_SET_PDEATHSIG = 1
_GRACE_SECONDS = 5.0


def dies_with_parent() -> Callable[[], None] | None:
    """A `preexec_fn` after which the child gets SIGTERM when the calling *thread* ends; None off Linux.

    Start children from a thread that lives as long as they should: the kernel ties the signal to it.
    """
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl  # looked up here: after a fork, loading a library may deadlock
    parent = os.getpid()

    def hold() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return hold


class Leash:
    """Process groups that must not outlive this process. Make it before starting threads: it forks."""

    def __init__(self) -> None:
        read_end, self._pipe = os.pipe()
        self._watcher = os.fork()
        if self._watcher == 0:
            _watch(read_end)
        os.close(read_end)

    def add(self, group: int) -> None:
        self._write(f"+{group}\n")

    def drop(self, group: int) -> None:
        """Forget a group that has ended: its number may soon be somebody else's."""
        self._write(f"-{group}\n")

    def let_go(self) -> None:
        """Everything has been stopped in order; the watcher is no longer needed."""
        self._write("bye\n")
        os.close(self._pipe)
        with suppress(ChildProcessError):
            os.waitpid(self._watcher, 0)

    def _write(self, line: str) -> None:
        with suppress(BrokenPipeError):  # somebody killed the watcher: the kernel's hold is still there
            os.write(self._pipe, line.encode())


def end_groups(groups: list[int], grace: float) -> None:
    """SIGTERM to all, then SIGKILL to what is left after `grace` seconds."""
    for group in groups:
        signal_group(group, signal.SIGTERM)
    until = time.monotonic() + grace
    while any(map(group_exists, groups)) and time.monotonic() < until:
        time.sleep(0.02)
    for group in groups:
        signal_group(group, signal.SIGKILL)


def signal_group(group: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):  # macOS says "not permitted" about a group of zombies
        os.killpg(group, number)


def group_exists(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _watch(read_end: int) -> None:
    """The watcher's whole life. Never returns."""
    try:
        os.setsid()  # out of reach of the terminal's Ctrl-C, which is the parent's to handle
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        os.dup2(read_end, 0)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        os.closerange(3, 4096)  # a lock or a log held open here would outlive its owner
        groups: list[int] = []
        with os.fdopen(0) as lines:
            for line in lines:
                if line == "bye\n":
                    groups = []
                    break
                group = int(line[1:])
                if line[0] == "+":
                    groups.append(group)
                elif group in groups:
                    groups.remove(group)
        end_groups(groups, _GRACE_SECONDS)
    finally:
        os._exit(0)
