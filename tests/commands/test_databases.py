"""The tests' own servers: every test starts from an empty database, on both kinds."""

from __future__ import annotations

import uuid

import pytest
import redis
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from tests import servers


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_gets_a_fresh_database(database_url: str, turn: int) -> None:
    engine = create_engine(database_url)
    with engine.begin() as connection:
        assert "left_behind" not in inspect(connection).get_table_names()
        connection.execute(text("CREATE TABLE left_behind (n integer)"))
        connection.execute(text("INSERT INTO left_behind VALUES (1)"))
        assert connection.scalar(text("SELECT count(*) FROM left_behind")) == 1
    engine.dispose()


def test_a_database_can_be_dropped_while_somebody_is_connected(postgres_server: URL) -> None:
    name = f"aftercare_{uuid.uuid4().hex}"
    engine = create_engine(servers.create_database(postgres_server, name))
    connection = engine.connect()
    assert connection.scalar(text("SELECT 1")) == 1
    servers.drop_database(postgres_server, name)
    with pytest.raises(DBAPIError):
        connection.scalar(text("SELECT 1"))
    connection.close()
    engine.dispose()


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_gets_an_empty_redis(redis_url: str, turn: int) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("left", "behind")
