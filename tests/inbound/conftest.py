"""The desk the inbound tests work at, on either database."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from service.records import protocols
from service.records.database import open_database
from service.records.tables import metadata
from tests import servers
from tests.inbound.desk import Desk, open_desk

_load = lru_cache(maxsize=4)(protocols.load)
"""The shipped protocol is the same in every test."""


@pytest.fixture(scope="session")
def inbound_postgres(postgres_server: URL, postgres_template: str) -> Iterator[str]:
    name = f"{postgres_template}_inbound"
    yield servers.create_database(postgres_server, name, postgres_template).render_as_string(hide_password=False)
    servers.drop_database(postgres_server, name)


@pytest.fixture
def postgresql_url(inbound_postgres: str) -> Iterator[str]:
    """One database for all tests here, emptied after each: a copy of the template costs more than most of them."""
    yield inbound_postgres
    engine = open_database(inbound_postgres, pool_size=1)
    with engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
    engine.dispose()


@pytest.fixture
def desk(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    yield from _desk(database_url, tmp_path, monkeypatch)


@pytest.fixture
def sqlite_desk(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """For what the database has no part in."""
    yield from _desk(sqlite_url, tmp_path, monkeypatch)


def _desk(url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(protocols, "load", _load)
    made = open_desk(url, folder)
    yield made
    made.engine.dispose()
