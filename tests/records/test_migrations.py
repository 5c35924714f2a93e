"""The schema that migrations build from nothing is the one the code speaks of, on both databases."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from service.records.database import open_database
from service.records.migrate import is_current, upgrade
from service.records.schema import metadata


def test_migrations_and_tables_agree(database_url: str) -> None:
    engine = open_database(database_url)
    try:
        assert is_current(engine)
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, metadata) == []
    finally:
        engine.dispose()


def test_migrating_again_changes_nothing(database_url: str) -> None:
    upgrade(database_url)
    engine = open_database(database_url)
    try:
        assert is_current(engine)
    finally:
        engine.dispose()
