"""The ceiling: the very rows that events leave, inserted again by the database's driver and nothing else.

Same tables, same indexes, same values, same transactions; in the two ways that are quickest on each database, of which
the quicker one counts. SQLite: a prepared statement a table, and statements of many rows. PostgreSQL: statements sent
in one pipeline, and binary COPY.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Table, select
from sqlalchemy.dialects import postgresql

from benchmarks.place import Place
from service.records.database import reading
from service.records.sending_tables import messages
from service.records.tables import consents, courses, events, patients, sessions

TABLES = (patients, consents, courses, sessions, messages, events)

Rows = dict[str, list[tuple[Any, ...]]]
_VALUES = 500
"""Rows a statement."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What one event left, by table."""

    rows: Rows


def traces(here: Place) -> list[Trace]:
    """What each event left, if all were first sessions. The rows are as the driver gives and takes them."""
    with reading(here.parts.engine) as connection:
        found = {table.name: [tuple(row) for row in connection.exec_driver_sql(_select(table))] for table in TABLES}
        patient_of = dict(connection.execute(select(sessions.c.id, sessions.c.patient_id)).tuples().all())
    by_patient: dict[int, Rows] = {}
    for table in TABLES:
        names = [column.name for column in table.columns]
        for row in found[table.name]:
            values = dict(zip(names, row, strict=True))
            owner = _owner(table, values, patient_of)
            by_patient.setdefault(owner, {one.name: [] for one in TABLES})[table.name].append(row)
    return [Trace(rows) for rows in by_patient.values()]


def _owner(table: Table, values: dict[str, Any], patient_of: dict[int, int | None]) -> int:
    if table is patients:
        return int(values["id"])
    owner = patient_of[values["session_id"]] if table is events else values["patient_id"]
    assert owner is not None
    return int(owner)


def clear(here: Place) -> None:
    """Take it all away again."""
    with here.parts.engine.begin() as connection:
        if here.kind == "postgresql":
            names = ", ".join(table.name for table in TABLES)
            connection.exec_driver_sql(f"TRUNCATE {names} CASCADE")
        else:
            for table in reversed(TABLES):
                connection.execute(table.delete())


def again(here: Place, table: Table) -> float:
    """Rows a second, one a transaction: those that are in the table, taken away and inserted anew."""
    with here.parts.engine.begin() as connection:
        rows = [tuple(row) for row in connection.exec_driver_sql(_select(table))]
        connection.execute(table.delete())
    statement = _statement(table, "?" if here.kind == "sqlite" else "%s")
    raw = here.parts.engine.raw_connection()
    driver: Any = raw.driver_connection
    try:
        begun = time.perf_counter()
        for row in rows:
            if here.kind == "sqlite":  # psycopg begins by itself
                driver.execute("BEGIN IMMEDIATE")
            driver.execute(statement, row)
            driver.commit()
        return len(rows) / (time.perf_counter() - begun)
    finally:
        raw.close()


def insert(here: Place, those: Sequence[Trace], at_a_time: int) -> float:
    """Events a second, `at_a_time` a transaction, by the quickest way."""
    return max(_rate(here, way, those, at_a_time) for way in _WAYS[here.kind])


def _rate(here: Place, way: Callable[[Any, Rows], None], those: Sequence[Trace], at_a_time: int) -> float:
    clear(here)
    parts = list(_parts(those, at_a_time))
    raw = here.parts.engine.raw_connection()
    try:
        begun = time.perf_counter()
        for part in parts:
            way(raw.driver_connection, part)
        return len(those) / (time.perf_counter() - begun)
    finally:
        raw.close()


def _parts(those: Sequence[Trace], at_a_time: int) -> Iterator[Rows]:
    for start in range(0, len(those), at_a_time):
        some = those[start : start + at_a_time]
        yield {table.name: [row for one in some for row in one.rows[table.name]] for table in TABLES}


def _prepared(raw: Any, rows: Rows) -> None:
    raw.execute("BEGIN IMMEDIATE")
    for table in TABLES:
        raw.executemany(_statement(table, "?"), rows[table.name])
    raw.execute("COMMIT")


def _values(raw: Any, rows: Rows) -> None:
    raw.execute("BEGIN IMMEDIATE")
    for table in TABLES:
        for start in range(0, len(rows[table.name]), _VALUES):
            some = rows[table.name][start : start + _VALUES]
            raw.execute(_statement(table, "?", len(some)), [value for row in some for value in row])
    raw.execute("COMMIT")


def _pipeline(raw: Any, rows: Rows) -> None:
    cursor = raw.cursor()
    with raw.pipeline():
        for table in TABLES:
            cursor.executemany(_statement(table, "%s"), rows[table.name])
        raw.commit()


def _copy(raw: Any, rows: Rows) -> None:
    cursor = raw.cursor()
    for table in TABLES:
        with cursor.copy(f"COPY {table.name} ({_names(table)}) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(_TYPES[table.name])
            for row in rows[table.name]:
                copy.write_row(row)
    raw.commit()


def _names(table: Table) -> str:
    return ", ".join(column.name for column in table.columns)


def _select(table: Table) -> str:
    return f"SELECT {_names(table)} FROM {table.name} ORDER BY id"


def _statement(table: Table, mark: str, rows: int = 1) -> str:
    row = f"({', '.join([mark] * len(table.columns))})"
    return f"INSERT INTO {table.name} ({_names(table)}) VALUES {', '.join([row] * rows)}"


def _type(column: Column[Any]) -> str:
    return str(column.type.compile(postgresql.dialect())).lower().partition("(")[0].strip()  # type: ignore[no-untyped-call]


_TYPES = {table.name: [_type(column) for column in table.columns] for table in TABLES}
_WAYS: dict[str, tuple[Callable[[Any, Rows], None], ...]] = {
    "sqlite": (_prepared, _values),
    "postgresql": (_pipeline, _copy),
}
