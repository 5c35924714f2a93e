from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.alerts.house import House, built, staff


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    """A clinic with three contacts, on each kind of database."""
    with built(database_url, tmp_path) as made:
        staff(made)
        yield made


@pytest.fixture
def light_house(sqlite_url: str, tmp_path: Path) -> Iterator[House]:
    """The same on SQLite only, for what does not depend on the database."""
    with built(sqlite_url, tmp_path) as made:
        staff(made)
        yield made
