"""Reading by cursor without losing anything: nothing is shown while something in front of it may still appear."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine

from service import time
from service.records import settling
from service.records.database import reading

MOST_SECONDS = 10.0
"""How long a reader waits for who writes; then it gets what is certain, and the rest the next time."""
_LOOK_AGAIN_SECONDS = 0.1

T = TypeVar("T")


def settled(
    engine: Engine, read: Callable[[Connection], list[T]], age: Callable[[T], float], place: Callable[[T], Any]
) -> list[T]:
    """What `read` finds in order of `place`, once everything that belongs in between is there.

    `age`: real seconds since a row's place was drawn.
    """
    certain, found = _read(engine, settling.settled_age), _read(engine, read)
    if not found or age(found[-1]) > certain:
        return found
    last, until = found[-1], time.monotonic() + MOST_SECONDS
    while age(last) <= (certain := _read(engine, settling.settled_age)) and (left := until - time.monotonic()) > 0:
        time.sleep(min(max(certain - age(last), 0.001), _LOOK_AGAIN_SECONDS, left))
    return [one for one in _read(engine, read) if place(one) <= place(last) and age(one) > certain]


def _read(engine: Engine, what: Callable[[Connection], T]) -> T:
    """In a transaction of its own: what is asked first must not see less than what is asked after it."""
    with reading(engine) as connection:
        return what(connection)
