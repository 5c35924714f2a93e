"""Where a sender's processor time goes: claim, hand-over and record, and what each spends it on.

A thread of its own looks at the others every two milliseconds and books the processor time that each has used since
the last look on what it is at. The looking costs a few percent, so read shares, and take rates from `out`.
"""

from __future__ import annotations

import sys
import threading
import time as world
from collections import defaultdict
from collections.abc import Iterator
from types import FrameType

from benchmarks import out
from benchmarks.figures import Figure

COUNT = 20_000
_EVERY_SECONDS = 0.002
_PARTS = {"_claim": "claim", "record": "record", "run_forever": "hand over", "deliver": "claim"}
"""By the innermost of these calls; what `deliver` does itself is the commit of a claim."""
_ON = (
    ("sqlalchemy/engine/default", "do_commit", "commits"),
    ("sqlalchemy/engine/default", "do_execute", "statements"),
    ("sqlalchemy/engine/default", "do_executemany", "statements"),
    ("psycopg/", "copy", "statements"),
    ("asyncio/", "write", "writing to sockets"),
    ("asyncio/", "_read_ready__data_received", "reading from sockets"),
    ("selectors", "select", "waiting for sockets"),
    ("records/sealing", "", "sealing and hashing"),
    ("/twilio/", "", "the SDK"),
)
"""By the innermost call: a piece of its file's path, the beginning of its name."""


def measure(kinds: tuple[str, ...], scale: float) -> Iterator[Figure]:
    """Microseconds of processor time a message, by part and by what it went on, dearest first."""
    count = int(COUNT * scale)
    for kind in kinds:
        with out.due(kind, (0,), count) as (here, provider, [ids]), _Looking() as looking:
            out.drain(here, provider, 0, ids)
        for what, seconds in sorted(looking.used.items(), key=lambda one: -one[1]):
            yield Figure("where", f"{kind} {what}", seconds / count * 1e6, "CPU us a message")


class _Looking:
    """Seconds of processor time by what they went on, from `with` to its end."""

    def __init__(self) -> None:
        self.used: defaultdict[str, float] = defaultdict(float)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> _Looking:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        last: dict[int, float] = {}
        while not self._over.wait(_EVERY_SECONDS):
            for thread, frame in sys._current_frames().items():
                if thread == self._thread.ident:
                    continue
                now = world.clock_gettime(world.pthread_getcpuclockid(thread))
                used = now - last.get(thread, now)
                last[thread] = now
                if used > 0:
                    self.used[_named(frame)] += used


def _named(frame: FrameType | None) -> str:
    part = on = ""
    while frame is not None:
        code = frame.f_code
        part = part or _PARTS.get(code.co_name, "")
        on = on or next(
            (what for path, name, what in _ON if path in code.co_filename and code.co_name.startswith(name)), ""
        )
        frame = frame.f_back
    return f"{part or 'the rest'}: {on or 'Python of ours'}"
