"""One phone a test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pages.patients_phone import Phone, phone

NO_REDIS = "redis://127.0.0.1:1/0"


@pytest.fixture
def pages(sqlite_url: str, tmp_path: Path) -> Iterator[Phone]:
    with phone(sqlite_url, NO_REDIS, tmp_path) as made:
        yield made


@pytest.fixture
def pages_anywhere(database_url: str, tmp_path: Path) -> Iterator[Phone]:
    """The same on both databases."""
    with phone(database_url, NO_REDIS, tmp_path) as made:
        yield made
