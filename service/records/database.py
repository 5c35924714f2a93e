"""The database: one engine, two kinds of transaction, the same behaviour on SQLite and PostgreSQL."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar
from weakref import WeakSet

from sqlalchemy import BigInteger, Connection, Dialect, Engine, Table, TypeDecorator, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.engine.interfaces import ExecutionContext
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeEngine
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from service import time
from service.records.turnstile import Turnstile

_DEADLOCK, _SERIALIZATION, _UNIQUE, _LOCKED = "40P01", "40001", "23505", "55P03"
_READ = "aftercare_read"
_PLANNED_ANEW = "aftercare_planned_anew"
PLANNED_ANEW = {_PLANNED_ANEW: True}
"""Execution options of a statement that PostgreSQL plans each time, by how large the tables are by then.

It keeps the plan of what is asked often: made while a table was small it may go through all of it, until the table's
figures are next taken, which in an import's first minute is after thousands of rows.
"""
_POSTGRESQL = {
    "connect_timeout": 10,
    "options": "-c timezone=UTC -c lock_timeout=20s",
    # A server that is gone without a word (its machine, a firewall's memory) is noticed within half a minute.
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
_LONGEST_WAIT_SECONDS = 30
"""For SQLite's one lock."""
_BETWEEN_TRIES_SECONDS = 0.0002
_TURNSTILE = "aftercare_turnstile"
_PATIENT = f"PRAGMA busy_timeout={_LONGEST_WAIT_SECONDS * 1000}"


class Moment(TypeDecorator[datetime]):
    """An aware datetime, kept in UTC to the microsecond: `timestamptz` on PostgreSQL, an integer on SQLite."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(TIMESTAMP(timezone=True))
        return dialect.type_descriptor(BigInteger())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime was about to be stored")
        try:
            # Close to the years 1 and 9999 an offset leads out of what any datetime can hold when it is read again.
            moment = value.astimezone(UTC)
        except OverflowError:
            raise ValueError("a moment outside of the years 1 to 9999 was about to be stored") from None
        return moment if dialect.name == "postgresql" else to_micros(moment)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if dialect.name == "postgresql" else from_micros(value)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_micros(moment: datetime) -> int:
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def from_micros(micros: int) -> datetime:
    return datetime.fromtimestamp(micros // 1_000_000, UTC).replace(microsecond=micros % 1_000_000)


def open_database(url: str, pool_size: int = 8) -> Engine:
    """An engine with everything set that either database needs to keep our promises.

    Its errors do not quote what statements were given (P8).
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(
            parsed,
            connect_args={"timeout": _LONGEST_WAIT_SECONDS, "check_same_thread": False, "factory": _SqliteConnection},
            pool_size=pool_size,
            hide_parameters=True,
        )
        event.listen(engine, "connect", partial(_prepare_sqlite, database=parsed.database or ""))
        event.listen(engine, "close", lambda _connection, record: record.info.pop(_TURNSTILE).close())
        event.listen(engine, "checkin", lambda connection, _record: connection and connection.end_queries())
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    engine = create_engine(
        parsed,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        pool_recycle=600,
        connect_args=_POSTGRESQL,
        hide_parameters=True,
    )
    event.listen(engine, "do_execute", _execute_postgresql)
    return engine


def _execute_postgresql(cursor: Any, statement: str, parameters: Any, context: ExecutionContext) -> bool:
    """Whether it was done here: SQLAlchemy has no way of its own to say that a statement is not to be prepared."""
    if not context.execution_options.get(_PLANNED_ANEW, False):
        return False
    cursor.execute(statement, parameters, prepare=False)
    return True


class _SqliteConnection(sqlite3.Connection):
    """A connection that can end what was read from it in part.

    A query that broke off keeps its view of the database for as long as its cursor lives, be it in the traceback of an
    exception that somebody keeps. Meanwhile others write, and a connection with an old view is never let write again.
    """

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._cursors = WeakSet[sqlite3.Cursor]()

    def cursor(self, *arguments: Any) -> Any:
        made = super().cursor(*arguments)
        self._cursors.add(made)
        return made

    def end_queries(self) -> None:
        for cursor in list(self._cursors):
            cursor.close()
        self._cursors.clear()


def _prepare_sqlite(connection: Any, record: ConnectionPoolEntry, database: str) -> None:
    record.info[_TURNSTILE] = Turnstile(database)
    connection.isolation_level = None  # we say BEGIN ourselves: the driver would begin late and without the lock
    cursor = connection.cursor()
    cursor.execute(_PATIENT)
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")  # P1: a 2xx means it is on disk, also after a power cut
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA cache_size=-65536")
    cursor.execute("PRAGMA temp_store=MEMORY")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    if connection.get_execution_options().get(_READ, False):
        connection.exec_driver_sql("BEGIN")
        return
    # A writer takes the lock at once: upgrading later would fail with SQLITE_BUSY whatever the time-out.
    driver = connection.connection.driver_connection
    assert driver is not None
    until = time.monotonic() + _LONGEST_WAIT_SECONDS
    driver.execute("PRAGMA busy_timeout=0")
    with connection.connection.info[_TURNSTILE].passed(until):
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        except Exception as error:
            if not _is_locked(getattr(error, "orig", error)) or not _begun(driver, until):
                driver.execute(_PATIENT)
                raise
    # Not where this process is being ended: its connection is closed by then.
    driver.execute(_PATIENT)


def _begun(driver: Any, until: float) -> bool:
    """Ask for the lock again and again, alone in the turnstile. SQLite's own wait grows to a tenth of a second."""
    while time.monotonic() < until:
        time.sleep(_BETWEEN_TRIES_SECONDS)
        try:
            driver.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as busy:
            if not _is_locked(busy):
                raise
        else:
            return True
    return False


def _is_locked(error: object) -> bool:
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF == sqlite3.SQLITE_BUSY


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that only reads; on SQLite it does not wait for writers."""
    with engine.connect().execution_options(**{_READ: True}) as connection, connection.begin():
        yield connection


T = TypeVar("T")


def run(engine: Engine, work: Callable[[Connection], T], lock_seconds: float | None = None) -> T:
    """`work` in one transaction, repeated when the database asks for it (deadlock, serialization, a drawn id twice).

    `work` may run several times and must not act outside the database. `lock_seconds`: how long it waits at most for
    what another transaction holds a lock on, before it raises an OperationalError (`lock_was_held`); only PostgreSQL
    has such locks.
    """
    for attempt in Retrying(
        retry=retry_if_exception(_may_repeat),
        stop=stop_after_attempt(5),
        wait=wait_random_exponential(0.01, max=0.5),
        sleep=time.sleep,
        reraise=True,
    ):
        with attempt, engine.begin() as connection:
            if lock_seconds is not None and engine.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(lock_seconds * 1000)}")
            return work(connection)
    raise AssertionError("unreachable: the last attempt returns or raises")


def lock_was_held(error: OperationalError) -> bool:
    """Whether a transaction gave up because another one held a lock."""
    return getattr(error.orig, "sqlstate", None) == _LOCKED


def _may_repeat(error: BaseException) -> bool:
    if not isinstance(error, DBAPIError):
        return False
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return state in (_DEADLOCK, _SERIALIZATION, _UNIQUE)
    return isinstance(error, IntegrityError) and "UNIQUE" in str(error.orig)


def upsert(dialect: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An insert that may say what is done on a conflict: SQLAlchemy has one for each kind of database."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def listed(connection: Connection, columns: Mapping[str, str]) -> str:
    """SQL for a table of rows that travels as one JSON parameter, `:rows`.

    One constant statement serves any number of rows: no compile per batch, no limit on parameters. `columns` maps names
    to the types `bigint`, `text`, `integer` or `moment` (microseconds since 1970).
    """
    if connection.dialect.name == "postgresql":
        shapes = {"moment": "bigint"}
        names = ", ".join(
            f"to_timestamp({name} / 1000000.0) AS {name}" if kind == "moment" else name
            for name, kind in columns.items()
        )
        typed = ", ".join(f"{name} {shapes.get(kind, kind)}" for name, kind in columns.items())
        return f"(SELECT {names} FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS listed({typed}))"
    names = ", ".join(f"value ->> '{name}' AS {name}" for name in columns)
    return f"(SELECT {names} FROM json_each(:rows))"


def among_ids(column: str, dialect: str) -> str:
    """SQL: `column` is one of the ids that travel as one JSON parameter, `:ids` (`as_ids`).

    With a parameter for each, the statement would be compiled anew for every batch.
    """
    if dialect == "postgresql":
        # As an array it is a list to be looked up one by one, and never a reason to join whole tables.
        return (
            f"{column} = ANY (ARRAY(SELECT CAST(value AS bigint) FROM jsonb_array_elements_text(CAST(:ids AS jsonb))))"
        )
    return f"{column} IN (SELECT value FROM json_each(:ids))"


def as_rows(rows: Sequence[Mapping[str, Any]]) -> str:
    """The JSON for `listed`; what is None is left out, and comes to NULL."""
    return json.dumps(
        [
            {
                name: to_micros(value) if isinstance(value, datetime) else value
                for name, value in row.items()
                if value is not None
            }
            for row in rows
        ]
    )


def as_ids(ids: Iterable[int]) -> str:
    """The JSON for `among_ids`."""
    return json.dumps(list(ids))
