"""Rows written in bulk are the rows that were given, and what goes wrong is said as everywhere else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select
from sqlalchemy.exc import IntegrityError, StatementError

from service.records import bulk
from service.records.clinics import DEFAULTS
from service.records.database import open_database, run
from service.records.tables import audit, clinics, events

AT = datetime(2026, 3, 1, 1, 30, 0, 123456, tzinfo=timezone(timedelta(hours=-5)))
BOTH = pytest.mark.parametrize("many", [True, False])


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = open_database(database_url)
    with made.begin() as connection:
        named = {"id": 1, "name": "C", "display_name": "C", "phone": "1", "created_at": AT}
        connection.execute(insert(clinics), {**DEFAULTS, **named})
    yield made
    made.dispose()


def event(row: int, key: str) -> dict[str, Any]:
    return {
        "id": row, "clinic_id": 1, "key": key, "digest": b"\x00\xff\\", "type": "t", "session_id": None, "status": 202,
        "answer": b"", "received_at": AT,
    }  # fmt: skip


@BOTH
def test_what_goes_in_comes_out(engine: Engine, many: bool) -> None:
    """Whatever the driver's own format makes of tabs, backslashes and nothing at all."""
    texts = ["plain", "tab\tline\nreturn\r", r"back\slash \N \.", "naïve 😀", "\"quoted\", 'so'", ""]

    def work(connection: Any) -> None:
        with bulk.writing(connection, many) as write:
            write(events, (event(row, text) for row, text in enumerate(texts, 1)))
            write(audit, [])

    run(engine, work)
    with engine.connect() as connection:
        rows = connection.execute(select(events).order_by(events.c.id)).all()
    assert [row.key for row in rows] == texts
    assert {(row.digest, row.session_id, row.status, row.answer) for row in rows} == {(b"\x00\xff\\", None, 202, b"")}
    assert {row.received_at for row in rows} == {AT.astimezone(UTC)}


@BOTH
def test_a_key_that_is_taken_is_an_integrity_error_and_repeated(engine: Engine, many: bool) -> None:
    """`run` must see it as it sees others', or a concurrent twin would be an error instead of a repeat."""
    tried = []

    def work(connection: Any) -> None:
        tried.append(1)
        with bulk.writing(connection, many) as write:
            write(events, [event(1, "a"), event(2, "a")])

    with pytest.raises(IntegrityError):
        run(engine, work)
    assert len(tried) == 5
    with engine.connect() as connection:
        assert connection.execute(select(events)).all() == []


@BOTH
def test_a_mistake_in_the_midst_of_the_rows_undoes_them(engine: Engine, many: bool) -> None:
    def rows() -> Iterator[dict[str, Any]]:
        yield event(1, "a")
        raise ZeroDivisionError

    def work(connection: Any) -> None:
        with bulk.writing(connection, many) as write:
            write(events, rows())

    with pytest.raises(ZeroDivisionError):
        run(engine, work)
    with engine.connect() as connection:
        assert connection.execute(select(events)).all() == []


def test_a_naive_time_is_refused(engine: Engine) -> None:
    def work(connection: Any) -> None:
        with bulk.writing(connection, many=True) as write:
            write(events, [{**event(1, "a"), "received_at": AT.replace(tzinfo=None)}])

    with pytest.raises(ValueError, match="naive"):
        run(engine, work)


@BOTH
@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_p10_a_time_that_could_not_be_read_again_is_refused(engine: Engine, many: bool, text: str) -> None:
    """Stored, it would be an error for everybody who reads the row."""

    def work(connection: Any) -> None:
        with bulk.writing(connection, many) as write:
            write(events, [{**event(1, "a"), "received_at": datetime.fromisoformat(text)}])

    with pytest.raises((ValueError, StatementError), match="years 1 to 9999"):
        run(engine, work)
