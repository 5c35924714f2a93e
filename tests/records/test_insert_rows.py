"""Rows inserted in bulk are under the same rules as any others, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection, select

from service.records.database import insert_rows, open_database, run, stored
from service.records.tables import receipts

AT = datetime(2026, 3, 3, 15, 0, 0, 123456, tzinfo=UTC)
COLUMNS = ("id", "event_key", "channel", "status", "code", "received_at")


def test_every_kind_of_value_comes_back_as_it_went_in(database_url: str) -> None:
    engine = open_database(database_url)
    try:
        with engine.begin() as connection:
            at = stored(connection, AT)
            insert_rows(connection, receipts, COLUMNS, [(1, "tab\tline\nback\\N ñ", "sms", "sent", None, at)])
        with engine.connect() as connection:
            row = connection.execute(select(receipts)).one()
        assert (row.event_key, row.code, row.received_at) == ("tab\tline\nback\\N ñ", None, AT)
    finally:
        engine.dispose()


def test_p6_an_id_that_two_processes_drew_is_drawn_again(database_url: str) -> None:
    engine = open_database(database_url)
    ids = iter([1, 1, 2])

    def work(connection: Connection) -> None:
        row_id = next(ids)
        rows = [(row_id, f"event {row_id}", "sms", "sent", None, stored(connection, AT))]
        insert_rows(connection, receipts, COLUMNS, rows)

    try:
        run(engine, work)
        run(engine, work)
        with engine.connect() as connection:
            assert connection.execute(select(receipts.c.id).order_by(receipts.c.id)).scalars().all() == [1, 2]
    finally:
        engine.dispose()
