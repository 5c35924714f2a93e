"""Reading by cursor without losing anything.

A row's place is drawn before its transaction commits, so that of two rows the later may become visible first; a
reader that moved its cursor past it would never see the other. So a page that ends in something fresh waits, a second
at most, and reads again what has joined it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from service import time

SETTLES_SECONDS = 1.0

T = TypeVar("T")


def settled(read: Callable[[], list[T]], drawn_at: Callable[[T], datetime], place: Callable[[T], Any]) -> list[T]:
    """What `read` finds, once all that could still come before its last row is there."""
    found = read()
    if not found:
        return found
    fresh = SETTLES_SECONDS - time.real_seconds(time.now() - drawn_at(found[-1]))
    if fresh <= 0:
        return found
    time.sleep(min(fresh, SETTLES_SECONDS))
    last = place(found[-1])
    return [one for one in read() if place(one) <= last]
