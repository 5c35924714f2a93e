"""P6: whether a clock is alive is seen by all, whichever machine it runs on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, func, select

from service.records import heartbeats
from service.records.database import reading, run
from service.records.tables import heartbeats as rows

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def age(engine: Engine, name: str, now: datetime) -> float | None:
    with reading(engine) as connection:
        return heartbeats.age_seconds(connection, name, now)


def beat(engine: Engine, name: str, at: datetime) -> None:
    run(engine, lambda connection: heartbeats.beat(connection, name, at))


def test_the_liveliest_of_a_name_counts(engine: Engine) -> None:
    assert age(engine, "clock", NOON) is None
    beat(engine, "clock", NOON)
    beat(engine, "clock two 2", NOON + timedelta(seconds=5))
    beat(engine, "clocktower", NOON + timedelta(seconds=9))
    assert age(engine, "clock", NOON + timedelta(seconds=10)) == 5
    beat(engine, "clock", NOON + timedelta(seconds=8))
    assert age(engine, "clock", NOON + timedelta(seconds=10)) == 2
    assert age(engine, "clock", NOON) == 0  # another machine's time may be ahead


def test_beating_at_every_turn_writes_once_a_second_and_never_goes_back(engine: Engine) -> None:
    for tenth in range(21):
        beat(engine, "clock", NOON + timedelta(seconds=tenth / 10))
    beat(engine, "clock", NOON - timedelta(seconds=30))
    assert age(engine, "clock", NOON + timedelta(seconds=2)) == 0
    with reading(engine) as connection:
        assert connection.execute(select(func.count()).select_from(rows)).scalar() == 1


def test_names_long_gone_are_forgotten(engine: Engine) -> None:
    beat(engine, "clock old 1", NOON - timedelta(days=8))
    beat(engine, "clock new 1", NOON)
    with reading(engine) as connection:
        assert connection.execute(select(rows.c.name)).scalars().all() == ["clock new 1"]
