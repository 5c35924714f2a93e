"""Moments at which a process may be told to die, so that tests can show that no moment matters (P6).

Nothing happens unless AFTERCARE_CRASH_AT names the moment; then it is as if somebody had pulled the plug: no handler
runs, nothing is flushed, no transaction is ended.
"""

from __future__ import annotations

import os
import signal

_CRASH_AT = os.environ.get("AFTERCARE_CRASH_AT", "")


def reached(moment: str) -> None:
    """Die here, if this is the moment."""
    if _CRASH_AT and moment == _CRASH_AT:
        os.kill(os.getpid(), signal.SIGKILL)
