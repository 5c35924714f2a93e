"""New rows, many at a time, by the quickest way that each database has.

SQLite: one prepared statement a table. PostgreSQL: COPY, or, for the rows of an event or two, statements that are sent
without waiting for one another, so that all of them cost one round trip. Rows are asked for one by one: while
PostgreSQL stores the first, the next are still being made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple

import psycopg
from sqlalchemy import Connection, Dialect, Table
from sqlalchemy.exc import DBAPIError

Row = Mapping[str, Any]
Write = Callable[[Table, Iterable[Row]], None]
"""Inserts rows that all have the same columns. Only once `writing` is left are they, or an error, certain."""


@contextmanager
def writing(connection: Connection, many: bool) -> Iterator[Write]:
    """What to write with. Nothing may be read from the connection until this is left. Raises DBAPIError."""
    if connection.dialect.name != "postgresql":
        yield lambda table, rows: _execute(connection, table, rows)
        return
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    try:
        if many:
            yield lambda table, rows: _copy(driver, connection.dialect, table, rows)
        else:
            with driver.pipeline(), driver.cursor() as cursor:
                yield lambda table, rows: _send(cursor, connection.dialect, table, rows)
    except psycopg.Error as error:
        # As SQLAlchemy would say it, so that `database.run` knows what may be repeated.
        raise DBAPIError.instance(None, None, error, psycopg.Error, dialect=connection.dialect) from error


def _execute(connection: Connection, table: Table, rows: Iterable[Row]) -> None:
    names, rows = _names(rows)
    if names:
        shape = _shape(table, names, connection.dialect)
        connection.exec_driver_sql(shape.insert, [shape.values(row) for row in rows])


def _send(cursor: psycopg.Cursor[Any], dialect: Dialect, table: Table, rows: Iterable[Row]) -> None:
    names, rows = _names(rows)
    if names:
        shape = _shape(table, names, dialect)
        # One by one: `executemany` opens a pipeline of its own, and waits for it at both ends.
        for row in rows:
            cursor.execute(shape.insert, shape.values(row))


def _copy(driver: psycopg.Connection[Any], dialect: Dialect, table: Table, rows: Iterable[Row]) -> None:
    names, rows = _names(rows)
    if not names:
        return
    shape = _shape(table, names, dialect)
    with driver.cursor() as cursor, cursor.copy(shape.copy) as copy:
        copy.set_types(shape.types)
        for row in rows:
            copy.write_row(shape.values(row))


def _names(rows: Iterable[Row]) -> tuple[tuple[str, ...], Iterable[Row]]:
    """The columns that the rows have, and the rows."""
    rest = iter(rows)
    first = next(rest, None)
    return ((), ()) if first is None else (tuple(first), chain([first], rest))


class _Shape(NamedTuple):
    """How rows with certain columns of a table are written."""

    insert: str
    copy: str
    types: list[str]
    pick: Callable[[Row], tuple[Any, ...]]
    converted: list[tuple[int, Callable[[Any], Any]]]
    """Which values the driver cannot take as they are, and what makes them so."""

    def values(self, row: Row) -> tuple[Any, ...]:
        found = list(self.pick(row))
        for place, convert in self.converted:
            found[place] = convert(found[place])
        return tuple(found)


@lru_cache(maxsize=256)
def _shape(table: Table, names: tuple[str, ...], dialect: Dialect) -> _Shape:
    columns = [table.c[name] for name in names]
    quote = dialect.identifier_preparer.quote
    listed = f"{quote(table.name)} ({', '.join(quote(name) for name in names)})"
    mark = "%s" if dialect.paramstyle in ("format", "pyformat") else "?"
    processors = [column.type.dialect_impl(dialect).bind_processor(dialect) for column in columns]
    return _Shape(
        insert=f"INSERT INTO {listed} VALUES ({', '.join([mark] * len(names))})",
        copy=f"COPY {listed} FROM STDIN (FORMAT BINARY)",
        types=[column.type.compile(dialect).lower().partition("(")[0].strip() for column in columns],
        pick=itemgetter(*names),
        converted=[(place, convert) for place, convert in enumerate(processors) if convert is not None],
    )
