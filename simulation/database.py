"""The real engine over a real database, with a boundary at every begin, statement and commit.

On SQLite there is one writer, and a second would block the only thread there is: the lock is therefore held here, and
whoever wants it while another has it waits in the scheduler.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, event

from service.records.database import open_database
from simulation.history import Change, History, triggers
from simulation.scheduler import Actor, Killed, Scheduler
from simulation.story import Story

Fault = Callable[[str], bool]
"""Whether the database fails now, at "begin", "execute", "commit" or "answer" (of a commit that was done)."""


class Database:
    """One SQLite file and its engine, shared by all processes of a run."""

    def __init__(self, url: str, scheduler: Scheduler, history: History, story: Story) -> None:
        self.history = history
        self.fault: Fault = lambda _: False
        self.on_commit: Callable[[list[Change]], None] = lambda _: None
        self._scheduler = scheduler
        self._story = story
        self._holder: Actor | None = None
        self._waiting: deque[Actor] = deque()
        self._noted: list[tuple[str, int, tuple[Any, ...]]] = []
        self._commit: Callable[[Any], None]
        self.engine = self._open(url)

    def ended(self, actor: Actor) -> None:
        """An actor has ended; if it was killed inside a transaction, that is rolled back by now."""
        if self._holder is actor:
            self._release()

    def _open(self, url: str) -> Engine:
        engine = open_database(url, pool_size=100)
        event.listen(engine, "connect", self._connected)
        dialect = engine.dialect
        self._commit = dialect.do_commit
        execute, execute_many, rollback = dialect.do_execute, dialect.do_executemany, dialect.do_rollback

        def do_execute(cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
            self._before(cursor, statement)
            execute(cursor, statement, parameters, context)

        def do_executemany(cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
            self._before(cursor, statement)
            execute_many(cursor, statement, parameters, context)

        def do_rollback(connection: Any) -> None:
            rollback(connection)
            if self._holder is not None and self._holder is self._scheduler.current:
                self._release()

        dialect.do_execute = do_execute  # type: ignore[method-assign, assignment]
        dialect.do_executemany = do_executemany  # type: ignore[method-assign, assignment]
        dialect.do_commit = self._do_commit  # type: ignore[method-assign]
        dialect.do_rollback = do_rollback  # type: ignore[method-assign]
        with engine.begin() as connection:
            for statement in triggers():
                connection.exec_driver_sql(statement)
        return engine

    def _connected(self, connection: sqlite3.Connection, _record: object) -> None:
        # Only processes die here, never the machine: what the operating system was given is safe.
        connection.execute("PRAGMA synchronous=OFF")
        connection.create_function("noted", -1, self._note)

    def _note(self, table: str, row: int, *values: Any) -> None:
        self._noted.append((table, row, values))

    def _before(self, cursor: Any, statement: str) -> None:
        begins = statement.startswith("BEGIN")
        try:
            self._scheduler.pause(statement)
            if self.fault("begin" if begins else "execute"):
                raise sqlite3.OperationalError("simulated: disk I/O error")
            if statement == "BEGIN IMMEDIATE":
                self._take()
        except Killed:
            cursor.connection.rollback()
            raise

    def _take(self) -> None:
        actor = self._scheduler.current
        if actor is None:
            return
        while self._holder is not None:
            self._waiting.append(actor)
            try:
                self._scheduler.wait("the write lock")
            except Killed:
                if actor in self._waiting:
                    self._waiting.remove(actor)
                elif self._holder is None:
                    self._hand_on()
                raise
        self._holder = actor

    def _release(self) -> None:
        self._holder = None
        self._noted.clear()
        self._hand_on()

    def _hand_on(self) -> None:
        if self._waiting:
            self._scheduler.wake(self._waiting.popleft())

    def _do_commit(self, connection: Any) -> None:
        if self._holder is None or self._holder is not self._scheduler.current:
            self._commit(connection)  # a reader's, or the house's while it is being set up
            return
        try:
            self._scheduler.pause("commit")
            if self.fault("commit"):
                raise sqlite3.OperationalError("simulated: disk I/O error")
        except Killed:
            connection.dbapi_connection.rollback()
            raise
        self._commit(connection)
        noted, self._noted = self._noted, []
        if noted:
            changes = self.history.commit(self._scheduler.micros, self._story.who, noted)
            self.on_commit(changes)
        self._release()
        self._scheduler.pause("committed")
        if self.fault("answer"):
            raise sqlite3.OperationalError("simulated: the answer to a commit was lost")
