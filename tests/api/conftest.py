"""One counter a file: what these tests post does not disturb them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.counter import Counter, counter


@pytest.fixture(scope="module")
def clinic_counter(
    sqlite_template: Path, redis_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Counter]:
    folder = tmp_path_factory.mktemp("counter")
    shutil.copyfile(sqlite_template, folder / "aftercare.db")
    with counter(f"sqlite:///{folder / 'aftercare.db'}", redis_server, folder) as made:
        yield made
