"""What an event asks of the records first: whether any of its names is known."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, text

from benchmarks.fill import fill
from benchmarks.place import START, Place
from service import time
from service.records import names
from tests.house import House, house
from tests.promises.population import treat_many

_READ = text(
    "SELECT coalesce(sum(seq_tup_read + idx_tup_fetch), 0) FROM pg_stat_xact_user_tables"
    " WHERE relname IN ('events', 'patients', 'sessions', 'suppressions')"
)


def look_up(connection: Connection, h: House, asked: list[str]) -> names.OnRecord:
    return names.look_up(connection, h.clinic.id, asked, asked, asked, [name.encode() for name in asked])


def test_a_look_up_reads_no_more_when_much_is_on_record_than_when_little_was(
    postgresql_url: str, redis_url: str, tmp_path: Path
) -> None:
    """PostgreSQL keeps one plan for all names after five times, until the tables' figures are taken again."""
    asked = ["n1", "n2"]
    with (
        time.held(START),
        house(postgresql_url, redis_url, tmp_path) as h,
        h.parts.engine.connect() as connection,
    ):
        treat_many(h, 3)
        for _ in range(10):
            look_up(connection, h, asked)
        connection.commit()
        for _ in fill(Place("postgresql", h.parts, h.clinic.id, tmp_path), range(1_000), days_ahead=30, days_ago=90):
            pass
        before = connection.execute(_READ).scalar_one()
        look_up(connection, h, asked)
        assert connection.execute(_READ).scalar_one() - before < 100
