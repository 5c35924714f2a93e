"""Houses to break things in: callbacks lead nowhere unless a test serves them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house import House, house
from tests.promises.installation import Installation, installed

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def h(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[House]:
    """An installation in this process, on either database."""
    with house(
        database_url,
        redis_url,
        tmp_path,
        AFTERCARE_PUBLIC_URL=NOWHERE,
        AFTERCARE_PROVIDER_TIMEOUT_SECONDS=5,
    ) as made:
        yield made


@pytest.fixture
def place(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Installation]:
    """An installation of real processes, none of which is started yet."""
    with installed(database_url, redis_url, tmp_path) as made:
        yield made
