"""A migrated database, opened."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from service.records.database import open_database


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A fresh, migrated database of each kind."""
    opened = open_database(database_url)
    yield opened
    opened.dispose()
