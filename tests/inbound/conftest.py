"""The desk the inbound tests work at, on either database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.records import replies
from tests.inbound.desk import Desk, open_desk


@pytest.fixture
def desk(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(replies, "SETTLING_SECONDS", -5.0)  # no other process writes here
    made = open_desk(database_url, tmp_path)
    yield made
    made.engine.dispose()


@pytest.fixture
def sqlite_desk(sqlite_url: str, tmp_path: Path) -> Iterator[Desk]:
    """For what the database has no part in."""
    made = open_desk(sqlite_url, tmp_path)
    yield made
    made.engine.dispose()
