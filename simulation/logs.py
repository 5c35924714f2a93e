"""What the product logs, for P8."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


class _Heard(logging.Handler):
    """Everything that was logged, as it was before any redaction."""

    def __init__(self, lines: set[str]) -> None:
        super().__init__(logging.DEBUG)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.add(record.getMessage())


@contextmanager
def listening_to_logs(lines: set[str]) -> Iterator[None]:
    """Collect what the product logs, and print none of it."""
    root, handler = logging.getLogger(), _Heard(lines)
    before, level = root.handlers[:], root.level
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.handlers[:] = before
        root.setLevel(level)
