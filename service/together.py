"""What several requests bring, in one transaction.

A commit waits for a disk, and costs more than most of what is committed. So what comes in while a transaction is under
way waits for its end and then goes into the next one, all of it together: the more comes in, the less each costs. Who
finds nobody at work begins at once, alone.

Nobody pays for another's trouble. Where a transaction would have to wait for somebody else's lock, or breaks over one
of those in it, each of them has one of its own instead; and nobody waits for long behind one that stands still.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError

from service.records.database import lock_was_held, run

log = logging.getLogger(__name__)

MOST = 50
"""Requests a transaction: as many as may wait for one lock that it holds."""
_LOCK_SECONDS = 0.1
"""How long a transaction of several waits for a lock; well before PostgreSQL looks for a deadlock (a second)."""
_WAITS_SECONDS = 2.0
"""How long a request waits for others' transaction to end; then it goes alone. A connection may hang for minutes."""

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


@dataclass(eq=False)
class _Request(Generic[Item, Outcome]):
    """One that waits. Exactly one of three ends: an outcome, an error, or neither, which is to try alone."""

    item: Item
    called: Future[bool] = field(default_factory=Future)
    """True: it is to lead the next transaction. False: it was in one."""
    outcome: list[Outcome] = field(default_factory=list)
    error: OperationalError | None = None


class Together(Generic[Item, Outcome]):
    """One process's way in for one kind of thing."""

    def __init__(
        self,
        engine: Engine,
        work: Callable[[Connection, Sequence[Item]], Sequence[Outcome]],
        committed: Callable[[Sequence[Outcome]], None],
    ) -> None:
        """`work` says what became of each item, in order; it may run several times, as in `database.run`. `committed`
        is told of the outcomes of a transaction once, before anybody is answered."""
        self._engine = engine
        self._work = work
        self._committed = committed
        self._lock = threading.Lock()  # of the two below; never held while anything is waited for
        self._waiting: deque[_Request[Item, Outcome]] = deque()
        self._at_work = False

    def __call__(self, item: Item) -> Outcome:
        """What became of `item`, which is committed. Raises what `work` raises over it alone."""
        mine = _Request[Item, Outcome](item)
        if self._begins(mine) or self._is_called(mine):
            self._lead()
        if mine.error is not None:
            try:
                raise mine.error
            finally:
                mine.error = None  # a ring of references: the error's traceback leads to this very function
        if not mine.outcome:
            self._commit([mine], lock_seconds=None)
        return mine.outcome[0]

    def _begins(self, mine: _Request[Item, Outcome]) -> bool:
        with self._lock:
            self._waiting.append(mine)
            begins, self._at_work = not self._at_work, True
            return begins

    def _is_called(self, mine: _Request[Item, Outcome]) -> bool:
        """Wait for one's turn; whether it has come, and nobody has seen to it."""
        with suppress(TimeoutError):
            return mine.called.result(_WAITS_SECONDS)
        with self._lock:
            if mine in self._waiting and not mine.called.done():
                self._waiting.remove(mine)
                return False
        return mine.called.result()  # in a transaction under way: what becomes of it, only that can tell

    def _lead(self) -> None:
        """Serve those in front, the leader first; then the next who waits is called to lead."""
        with self._lock:
            group = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST))]
        try:
            self._commit(group, _LOCK_SECONDS)
        except Exception as error:
            if isinstance(error, OperationalError) and not lock_was_held(error):
                # The database's trouble is everybody's.
                for one in group:
                    one.error = error
            else:
                # Only the type: the text may quote what was posted.
                log.info("%s requests go one by one after all: %s", len(group), type(error).__name__)
        finally:
            self._hand_on(group)

    def _hand_on(self, group: Sequence[_Request[Item, Outcome]]) -> None:
        with self._lock:
            self._at_work = bool(self._waiting)
            if self._waiting:
                self._waiting[0].called.set_result(True)
        for one in group[1:]:
            one.called.set_result(False)

    def _commit(self, group: Sequence[_Request[Item, Outcome]], lock_seconds: float | None) -> None:
        items = [one.item for one in group]
        outcomes = run(self._engine, lambda connection: self._work(connection, items), lock_seconds)
        for one, outcome in zip(group, outcomes, strict=True):
            one.outcome.append(outcome)
        self._committed(outcomes)
