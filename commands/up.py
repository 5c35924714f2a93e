"""`aftercare up`: a whole installation on this machine, with its own Redis if it was given none."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from commands import embedded
from commands.processes import MIGRATE, PROCESSES
from commands.supervisor import Child, Supervisor

AFTERCARE = (sys.executable, "-m", "commands.main")
"""Not the `aftercare` script: that one may be another installation's, further up the PATH."""

_STOP_ORDER = {"web": 1, "clock": 2}
"""Workers (0) first, while the rest still serves them; Redis (100) last."""


def up(var: Path, environ: Mapping[str, str] = os.environ, program: Sequence[str] = AFTERCARE) -> int:
    """Migrate, then run everything until a signal; returns the exit status. `var` holds what the embedded Redis keeps.

    Raises embedded.NoServer, embedded.InUse, subprocess.CalledProcessError (migration) or supervisor.NotReady.
    """
    subprocess.run([*program, *MIGRATE], env=dict(environ), check=True)
    given = environ.get("AFTERCARE_REDIS_URL")
    if given:
        return Supervisor(children(given, program, environ)).run()
    server = embedded.prepare(var, environ)
    try:
        return Supervisor([server.child(), *children(server.url, program, environ)]).run()
    finally:
        server.release()


def children(redis_url: str, program: Sequence[str], environ: Mapping[str, str]) -> list[Child]:
    """Everything in `PROCESSES`, in its order."""
    env = {**environ, "AFTERCARE_REDIS_URL": redis_url, "PYTHONUNBUFFERED": "1"}
    return [
        Child(name, [*program, *arguments], env=env, stop_order=_STOP_ORDER.get(name, 0))
        for name, arguments in PROCESSES.items()
    ]
