"""P9: whoever wants SQLite's one lock gets it soon, however busy another writer is."""

from __future__ import annotations

import sqlite3
import threading
import time as world
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from service.records import database
from service.records.database import open_database, reading, run

TURNS = 10


def test_p9_a_writer_that_hardly_lets_go_does_not_keep_others_waiting(tmp_path: Path) -> None:
    """Beside somebody who waits in SQLite's own way, since how many turns there are in a second is the machine's."""
    path = tmp_path / "turns.db"
    engine = open_database(f"sqlite:///{path}", pool_size=2)
    run(engine, lambda connection: connection.execute(text("CREATE TABLE t (x)")))
    done = threading.Event()
    of_sqlite: list[float] = []

    def hold(connection: Connection) -> None:
        connection.execute(text("INSERT INTO t VALUES (1)"))
        world.sleep(0.03)

    def hog() -> None:
        while not done.is_set():
            run(engine, hold)

    def wait_as_sqlite_does() -> None:
        other = sqlite3.connect(path, isolation_level=None, timeout=60)
        while not done.is_set():
            other.execute("BEGIN IMMEDIATE")
            other.execute("INSERT INTO t VALUES (3)")
            other.execute("COMMIT")
            of_sqlite.append(world.monotonic())
            world.sleep(0.05)
        other.close()

    others = [threading.Thread(target=hog), threading.Thread(target=wait_as_sqlite_does)]
    for one in others:
        one.start()
    world.sleep(0.5)
    begun = world.monotonic()
    for _ in range(TURNS):
        run(engine, lambda connection: connection.execute(text("INSERT INTO t VALUES (2)")))
        world.sleep(0.05)
    ended = world.monotonic()
    done.set()
    for one in others:
        one.join()
    engine.dispose()
    assert len([one for one in of_sqlite if begun <= one <= ended]) <= TURNS / 2


def test_a_lock_that_is_never_let_go_is_an_error_in_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And readers never wait for it."""
    monkeypatch.setattr(database, "_LONGEST_WAIT_SECONDS", 0.3)
    path = tmp_path / "held.db"
    engine = open_database(f"sqlite:///{path}", pool_size=1)
    run(engine, lambda connection: connection.execute(text("CREATE TABLE t (x)")))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(OperationalError, match="locked"):
        run(engine, lambda connection: connection.execute(text("INSERT INTO t VALUES (1)")))
    with reading(engine) as connection:
        assert connection.execute(text("SELECT count(*) FROM t")).scalar_one() == 0
    other.execute("ROLLBACK")
    run(engine, lambda connection: connection.execute(text("INSERT INTO t VALUES (1)")))
    with reading(engine) as connection:
        assert connection.execute(text("SELECT count(*) FROM t")).scalar_one() == 1
        assert connection.execute(text("PRAGMA busy_timeout")).scalar_one() == 30_000
    engine.dispose()
