"""The desk with two clinics, on either database: built once a worker, and copied for every test."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from sqlalchemy.engine import URL

from service import time
from service.app import create_app
from service.parts import ensure_senders
from service.records import migrate
from service.records.sealing import new_key
from service.settings import Settings
from tests import servers
from tests.chromium import chromium
from tests.desk.browser import DeskPage, serve
from tests.desk.desk import Desk
from tests.desk.practice import NOW, Practice, furnish

NO_REDIS = "redis://127.0.0.1:1/0"
PUBLIC = "https://care.example"


@dataclass(frozen=True)
class Furnished:
    """A database to copy: a file's path or a template's name, the keys it is sealed with, and what is in it."""

    database: str
    keys: str
    own: Practice
    other: Practice


def settings_for(database_url: str, keys: str, folder: Path, redis_url: str, public_url: str) -> Settings:
    return Settings(
        _env_file=None,
        AFTERCARE_VAR=folder,
        AFTERCARE_DATABASE_URL=database_url,
        AFTERCARE_REDIS_URL=redis_url,
        AFTERCARE_KEYS=keys,
        AFTERCARE_PUBLIC_URL=public_url,
        TWILIO_AUTH_TOKEN="token",
        TWILIO_FROM="+12025550199",
        SENDGRID_FROM="care@clinic.example",
    )


def _furnish(database_url: str, database: str, folder: Path) -> Furnished:
    keys = new_key()
    settings = settings_for(database_url, keys, folder, NO_REDIS, PUBLIC)
    here = create_app(settings).extensions["aftercare"]
    ensure_senders(here.engine, settings)
    try:
        with time.held(NOW):
            own = furnish(here, "Riverside Joint Care", "Rosalind", 1)
            other = furnish(here, "Lakeside Spine", "Xanthippe", 2)
    finally:
        here.engine.dispose()
    return Furnished(database, keys, own, other)


@pytest.fixture(scope="session")
def furnished_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Furnished:
    folder = tmp_path_factory.mktemp("furnished")
    url = f"sqlite:///{folder / 'aftercare.db'}"
    migrate.upgrade(url)
    return _furnish(url, str(folder / "aftercare.db"), folder)


@pytest.fixture(scope="session")
def furnished_postgresql(
    postgres_server: URL, postgres_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Furnished]:
    name = f"aftercare_furnished_{uuid.uuid4().hex}"
    url = servers.create_database(postgres_server, name, postgres_template).render_as_string(hide_password=False)
    yield _furnish(url, name, tmp_path_factory.mktemp("furnished"))
    servers.drop_database(postgres_server, name)


def opened(furnished: Furnished, url: str, folder: Path, redis_url: str = NO_REDIS, public: str = PUBLIC) -> Desk:
    app = create_app(settings_for(url, furnished.keys, folder, redis_url, public))
    return Desk(app, furnished.own, furnished.other)


@pytest.fixture
def light_desk(furnished_sqlite: Furnished, tmp_path: Path) -> Iterator[Desk]:
    """The desk on SQLite only, for what does not depend on the database. The clock is held at NOW."""
    shutil.copyfile(furnished_sqlite.database, tmp_path / "aftercare.db")
    made = opened(furnished_sqlite, f"sqlite:///{tmp_path / 'aftercare.db'}", tmp_path)
    with time.held(NOW):
        yield made
    made.engine.dispose()


@pytest.fixture
def _postgresql_desk(postgres_server: URL, furnished_postgresql: Furnished, tmp_path: Path) -> Iterator[Desk]:
    name = f"aftercare_{uuid.uuid4().hex}"
    url = servers.create_database(postgres_server, name, furnished_postgresql.database)
    made = opened(furnished_postgresql, url.render_as_string(hide_password=False), tmp_path)
    with time.held(NOW):
        yield made
    made.engine.dispose()
    servers.drop_database(postgres_server, name)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def desk(request: pytest.FixtureRequest) -> Desk:
    """The desk on both databases, the test once on each: on PostgreSQL with the slow ones, since there are hundreds.

    The clock is held at NOW.
    """
    made: Desk = request.getfixturevalue("light_desk" if request.param == "sqlite" else "_postgresql_desk")
    return made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for a module: as long as it lives no test of this thread can run an event loop of its own."""
    yield from chromium()


@pytest.fixture
def desk_page(furnished_sqlite: Furnished, tmp_path: Path, browser: Browser) -> Iterator[DeskPage]:
    """A page in a real Chromium, signed in as the owner; the app behind a port of its own. See `browser.py`."""
    shutil.copyfile(furnished_sqlite.database, tmp_path / "aftercare.db")
    url = f"sqlite:///{tmp_path / 'aftercare.db'}"
    with time.held(NOW):
        made = opened(furnished_sqlite, url, tmp_path, public="http://127.0.0.1")
        yield from serve(made, browser)
        made.engine.dispose()
