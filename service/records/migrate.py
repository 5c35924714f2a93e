"""Bring a database to the newest schema."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, make_url

from service.records.database import open_database

_FOLDER = Path(__file__).parent / "migrations"


def upgrade(url: str) -> None:
    """Apply every migration that `url` lacks. Safe to run at every start, and by several processes at once."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = open_database(url, pool_size=1)
    try:
        # BEGIN IMMEDIATE on SQLite and an advisory lock on PostgreSQL: a second migrator waits and finds nothing to do.
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(4276113)")
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()


def is_current(engine: Engine) -> bool:
    """Whether the database holds the newest schema."""
    with engine.connect() as connection:
        present = MigrationContext.configure(connection).get_current_revision()
    return present == ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    return config
