"""Runs an installation's processes as one: starts them in order, restarts what crashes, stops them in order.

One thread and one selector, on purpose: children are forked with a `preexec_fn`, which is safe only without threads.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, TextIO

from commands.leash import Leash, dies_with_parent, group_exists, signal_group

_BACKOFF = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_HEALTHY_SECONDS = 30.0
"""A child that ran this long is taken to have been well: its next crash starts from the first backoff."""


@dataclass(frozen=True, slots=True)
class Child:
    """One process to run."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    """Added to this process's environment."""
    stop_order: int = 0
    """Lower stops earlier; equal stop together."""
    ready: Callable[[], bool] | None = None
    """Asked until true before the next child starts. Must not block for long."""
    restarts: bool = True
    """Start it again when it ends by itself. If not, its end is the end of all."""
    grace: float = 30.0
    """Seconds between SIGTERM and SIGKILL: what is on the wire takes up to the provider's time-out, 15 seconds if
    nobody set another."""


class NotReady(Exception):
    """A child did not become ready in time, or ended before it did."""


@dataclass(slots=True)
class _Running:
    child: Child
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    crashes: int = 0
    restart_at: float | None = None
    rest: bytes = b""
    """The beginning of a line whose end has not come yet."""


class Supervisor:
    """Holds the children of one installation for as long as `run()` lasts."""

    def __init__(
        self, children: Sequence[Child], *, output: TextIO | None = None, ready_timeout: float = 30.0,
        on_ready: Callable[[], None] | None = None,
    ) -> None:  # fmt: skip
        """`on_ready` is called once all are up. `ready_timeout`: seconds each child has to become ready."""
        self._all = [_Running(child) for child in children]
        self._output = output or sys.stdout
        self._ready_timeout = ready_timeout
        self._on_ready = on_ready
        self._width = max((len(child.name) for child in children), default=0)
        self._stopping = False
        self._status = 0

    def run(self) -> int:
        """Start, watch, stop. 0 after a signal, else the exit status of the child whose end was the end of all.

        Raises NotReady, after stopping everything again.
        """
        self._selector = selectors.DefaultSelector()
        self._leash = Leash()
        wakeup_read, wakeup_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC) if hasattr(os, "pipe2") else _pipe()
        self._selector.register(wakeup_read, selectors.EVENT_READ)
        # SIGCHLD wakes the selector through the same pipe, so a crash is seen at once and not at the next poll.
        before_wakeup = signal.set_wakeup_fd(wakeup_write, warn_on_full_buffer=False)
        before = {number: signal.signal(number, self._asked_to_stop) for number in _stop_signals()}
        before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        try:
            try:
                self._start_all()
                while not self._stopping:
                    self._look()
            finally:
                self._stop_all()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(before_wakeup)
            self._leash.let_go()
            self._selector.close()
            os.close(wakeup_read)
            os.close(wakeup_write)
        return self._status

    def _asked_to_stop(self, *_: object) -> None:
        self._stopping = True

    def _start_all(self) -> None:
        for running in self._all:
            self._start(running)
            until = time.monotonic() + self._ready_timeout
            while running.child.ready is not None and not self._stopping and not running.child.ready():
                if running.process is not None and running.process.poll() is not None:
                    self._drain(running)
                    raise NotReady(f"{running.child.name} ended with status {running.process.returncode} as it started")
                if time.monotonic() > until:
                    raise NotReady(f"{running.child.name} was not ready after {self._ready_timeout:g} s")
                self._look(at_most=0.05, restart=False)
            if self._stopping:
                return
        if self._on_ready is not None:
            self._on_ready()

    def _start(self, running: _Running) -> None:
        running.started, running.restart_at = time.monotonic(), None
        running.process = subprocess.Popen(
            list(running.child.argv), env={**os.environ, **running.child.env}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=dies_with_parent(),
        )  # fmt: skip
        self._leash.add(running.process.pid)
        os.set_blocking(_output_of(running).fileno(), False)
        self._selector.register(_output_of(running), selectors.EVENT_READ, running)

    def _look(self, at_most: float = 1.0, restart: bool = True) -> None:
        """Wait for output, an ended child or a signal, `at_most` seconds, and deal with it."""
        due = [running.restart_at for running in self._all if running.restart_at is not None]
        wait = min([at_most, *(max(0.0, moment - time.monotonic()) for moment in due)])
        for key, _ in self._selector.select(wait):
            if isinstance(key.data, _Running):
                self._read(key.data)
            else:
                with suppress(BlockingIOError):
                    os.read(key.fd, 4096)
        if not restart or self._stopping:
            return
        for running in self._all:
            if running.restart_at is not None and time.monotonic() >= running.restart_at:
                self._restart(running)
            elif running.process is not None and running.process.poll() is not None:
                self._ended(running, running.process.returncode)

    def _restart(self, running: _Running) -> None:
        try:
            self._start(running)
        except (OSError, subprocess.SubprocessError) as error:  # its program is gone, or there is no room for it
            self._again_later(running, f"could not be started ({error})")

    def _ended(self, running: _Running, status: int) -> None:
        self._clear_away(running)
        if not running.child.restarts:
            self._say(running, f"ended with status {status}; stopping everything")
            self._stopping, self._status = True, status if status >= 0 else 128 - status
            return
        self._again_later(running, f"ended with status {status}")

    def _again_later(self, running: _Running, what: str) -> None:
        if time.monotonic() - running.started > _HEALTHY_SECONDS:
            running.crashes = 0
        pause = _BACKOFF[min(running.crashes, len(_BACKOFF) - 1)]
        running.crashes += 1
        running.restart_at = time.monotonic() + pause
        self._say(running, f"{what}; starting it again in {pause:g} s")

    def _clear_away(self, running: _Running) -> None:
        """Take in the last words of a child that ended, and end what it left behind in its group."""
        process = running.process
        if process is None:
            return
        signal_group(process.pid, signal.SIGKILL)
        process.wait()
        self._drain(running)
        with suppress(KeyError):  # it closed its output before it ended
            self._selector.unregister(_output_of(running))
        _output_of(running).close()
        self._leash.drop(process.pid)
        running.process = None

    def _stop_all(self) -> None:
        self._stopping = True
        for order in sorted({running.child.stop_order for running in self._all}):
            together = [r for r in self._all if r.child.stop_order == order and r.process is not None]
            for running in together:
                if running.process is not None:
                    signal_group(running.process.pid, signal.SIGTERM)
            began = time.monotonic()
            while waiting := [r for r in together if _alive(r) and time.monotonic() - began < r.child.grace]:
                left = min(r.child.grace for r in waiting) - (time.monotonic() - began)
                self._look(at_most=max(0.0, min(0.1, left)), restart=False)
            for running in together:
                if _alive(running):
                    self._say(running, f"did not stop within {running.child.grace:g} s: killed")
                self._clear_away(running)

    def _read(self, running: _Running) -> bool:
        """Pass on what the child wrote, whole lines at a time. False when there was nothing."""
        try:
            chunk = os.read(_output_of(running).fileno(), 65536)
        except BlockingIOError:
            return False
        if not chunk:
            # Closed by a child that may still live: stop listening, or the selector would spin on it.
            with suppress(KeyError):
                self._selector.unregister(_output_of(running))
            return False
        *lines, running.rest = (running.rest + chunk).split(b"\n")
        for line in lines:
            self._say(running, line.decode(errors="replace"))
        return True

    def _drain(self, running: _Running) -> None:
        while self._read(running):
            pass
        if running.rest:
            self._say(running, running.rest.decode(errors="replace"))
            running.rest = b""

    def _say(self, running: _Running, line: str) -> None:
        with suppress(OSError, ValueError):  # a closed terminal must not keep us from stopping the children
            print(f"{running.child.name:<{self._width}} | {line}", file=self._output, flush=True)


def _alive(running: _Running) -> bool:
    """Whether the child, or anything it started in its group, still runs."""
    if running.process is None:
        return False
    # poll() first: it reaps, and a zombie leader would keep its group in existence.
    return running.process.poll() is None or group_exists(running.process.pid)


def _output_of(running: _Running) -> IO[bytes]:
    assert running.process is not None
    assert running.process.stdout is not None
    return running.process.stdout


def _stop_signals() -> list[signal.Signals]:
    """A closed terminal stops us too, unless whoever started us (nohup) said that it should not."""
    hangup = [] if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else [signal.SIGHUP]
    return [signal.SIGINT, signal.SIGTERM, *hangup]


def _pipe() -> tuple[int, int]:
    """macOS has no pipe2()."""
    ends = os.pipe()
    for end in ends:
        os.set_blocking(end, False)
    return ends
