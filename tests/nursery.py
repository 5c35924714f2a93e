"""Processes of an installation, forked from one that has loaded the code already.

Each is a process of its own that reads its own environment and settings; only the second or two that a fresh
interpreter spends on imports is saved, and a test of a dying process starts five of them.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from commands.leash import dies_with_parent

_hold = dies_with_parent()
"""Made where this module is loaded first, in the process that forks: children die with that, and it dies with us."""
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.nursery", "commands.main"])


@dataclass(frozen=True)
class Born:
    """One process, in a session and a process group of its own."""

    arguments: tuple[str, ...]
    _process: ForkServerProcess

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Its exit status, negative for a signal; None while it runs."""
        return self._process.exitcode

    def wait(self) -> None:
        self._process.join()

    def kill(self) -> None:
        """kill -9, the whole group: gunicorn's workers would outlive their master."""
        if self.returncode is None:
            os.killpg(self.pid, signal.SIGKILL)
        self.wait()


def bear(arguments: Sequence[str], environ: Mapping[str, str], log: Path) -> Born:
    """Run `aftercare` with these arguments; its output goes to the end of `log`."""
    process = _context.Process(target=_live, args=(list(arguments), dict(environ), str(log)))
    process.start()
    return Born(tuple(arguments), process)


def _live(arguments: list[str], environ: dict[str, str], log: str) -> None:
    os.setsid()
    if _hold is not None:
        _hold()
    os.environ.clear()
    os.environ.update(environ)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    from commands.main import main

    sys.argv = ["aftercare", *arguments]
    main()
