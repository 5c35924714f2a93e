"""The servers that tests may ask for. Every one is safe under pytest-xdist and costs nothing until it is asked for."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
import redis
from sqlalchemy.engine import URL, make_url

from commands import embedded
from service.records import settling
from tests import routes, servers

REQUIRED = os.environ.get("REQUIRE_POSTGRES") == "1"

_RUN = "AFTERCARE_TEST_RUN"
"""Names the folder that all workers of this run share, and no other run; and the run's main process."""


def pytest_configure(config: pytest.Config) -> None:
    routes.compile_once()
    if not hasattr(config, "workerinput"):
        # Workers inherit it with the environment. Not pytest's own folder: that one is gone before we tidy up.
        os.environ[_RUN] = f"{os.getpid()}:{tempfile.mkdtemp(prefix='aftercare-run-')}"


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        servers.end_run(this_run()[1])


def this_run() -> tuple[int, Path]:
    pid, folder = os.environ[_RUN].split(":", 1)
    return int(pid), Path(folder)


def migrate(url: str) -> None:
    """Bring an empty database to the present schema."""
    if find_spec("service.records.migrate") is None:
        return
    import_module("service.records.migrate").upgrade(url)


@pytest.fixture(scope="session", autouse=True)
def _one_clock() -> Iterator[None]:
    """Readers by cursor wait out what the clocks of several machines may differ by. Tests have one machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settling, "SKEW_SECONDS", settling.SAME_CLOCK_SECONDS)
        yield


@pytest.fixture(scope="session")
def postgres_server() -> URL:
    """The run's PostgreSQL server: the URL of its maintenance database."""
    pid, folder = this_run()
    try:
        return servers.shared_postgres(folder, pid)
    except servers.NoPostgres as error:
        if REQUIRED:
            pytest.fail(f"REQUIRE_POSTGRES=1, but {error}")
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def postgres_template(postgres_server: URL) -> Iterator[str]:
    """The name of a migrated database that nobody connects to: databases for tests are copies of it.

    One for each worker: two copies of one template at a time wait for each other.
    """
    name = f"aftercare_template_{uuid.uuid4().hex}"
    migrate(text(servers.create_database(postgres_server, name)))
    yield name
    servers.drop_database(postgres_server, name)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    migrate(f"sqlite:///{path}")
    path.touch()
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A fresh, migrated SQLite database."""
    path = tmp_path / "aftercare.db"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgresql_url(postgres_server: URL, postgres_template: str) -> Iterator[str]:
    """A fresh, migrated PostgreSQL database."""
    name = f"aftercare_{uuid.uuid4().hex}"
    yield text(servers.create_database(postgres_server, name, postgres_template))
    servers.drop_database(postgres_server, name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh, migrated database; the test runs once on each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """This worker's own Redis-compatible server. Never one that the environment names: tests empty it."""
    environ = {name: value for name, value in os.environ.items() if name != "AFTERCARE_REDIS_URL"}
    with embedded.redis(tmp_path_factory.mktemp("redis"), environ) as url:
        yield url


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """An empty Redis."""
    with redis.Redis.from_url(redis_server) as client:
        client.flushall()
    return redis_server


def text(url: URL) -> str:
    return make_url(url).render_as_string(hide_password=False)
