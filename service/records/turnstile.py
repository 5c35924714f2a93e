"""Whoever waits for SQLite's one lock gets it next.

SQLite hands its lock to whoever asks at the right moment. Beside a writer that lets go for a fraction of a millisecond
at a time, others ask in vain for seconds, in SQLite's own way for minutes: an alert would wait as long (P9). So all
writers pass a turnstile first, one at a time. Who waits for the lock stands in it, and who has just let go cannot ask
again before them.

It is a lock on a file beside the database, which the kernel opens when its process dies.
"""

from __future__ import annotations

import fcntl
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager

from service import time

ENDING = "-turn"
"""Of the file's name, after the database's."""
_OUTSIDE_SECONDS = 0.0005, 0.0015
"""How long between two tries."""


class Turnstile:
    """One connection's way in."""

    def __init__(self, database: str) -> None:
        """`database`: the path of its file. Raises OSError where no file can be put beside it."""
        self._file: int | None = os.open(f"{database}{ENDING}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    @contextmanager
    def passed(self, until: float) -> Iterator[None]:
        """Stand in it for as long as the block takes, which asks for the lock. From `until` on (`time.monotonic`), do
        not wait for one's turn any longer: ask without."""
        while not self._entered() and time.monotonic() < until:
            time.sleep(random.uniform(*_OUTSIDE_SECONDS))  # noqa: S311 - so that those who wait do not ask in step
        try:
            yield
        finally:
            # A connection that is interrupted in the block is closed by SQLAlchemy; the lock went with the file.
            if self._file is not None:
                fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
        self._file = None

    def _entered(self) -> bool:
        assert self._file is not None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
