"""The installation that a command works on: its settings, its migrated database, its keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from pydantic import ValidationError
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from service.parts import NotMigrated, Parts, open_parts
from service.records import clinics
from service.records.clinics import Clinic
from service.records.key_check import WrongKeys
from service.records.migrate import is_current
from service.settings import Settings

ACTOR = "command line"
"""Who the audit names: whoever may run commands on the server."""


def read_settings(**given: Any) -> Settings:
    """The settings of this environment, but for those `given`. Raises click.ClickException, without repeating a
    value."""
    try:
        return Settings(**given)
    except ValidationError as error:
        wrong = [f"{'.'.join(str(step) for step in one['loc'])}: {one['msg']}" for one in error.errors()]
        raise click.ClickException("the settings cannot be used:\n  " + "\n  ".join(wrong)) from None


def opened(settings: Settings, pool_size: int = 8) -> Parts:
    """The parts of the installation of these settings. Raises click.ClickException when they cannot be had."""
    try:
        with database_answers():
            return open_parts(settings, pool_size=pool_size)
    except (WrongKeys, NotMigrated, ValueError, OSError) as error:
        raise click.ClickException(str(error)) from None


@contextmanager
def database_answers() -> Iterator[None]:
    """For a process that begins: raises click.ClickException, a line instead of a traceback, when it does not."""
    try:
        yield
    except SQLAlchemyError as error:
        said = f"the database does not answer ({type(error).__name__}); see `aftercare doctor`"
        raise click.ClickException(said) from None


@contextmanager
def installation(pool_size: int = 2) -> Iterator[Parts]:
    """The parts of this installation, closed at the end. Raises click.ClickException when they cannot be had."""
    parts = opened(read_settings(), pool_size)
    try:
        if not is_current(parts.engine):
            raise click.ClickException("the database is not migrated; run `aftercare migrate` first")
        yield parts
    except SQLAlchemyError as error:
        # By its type: what drivers say may quote rows.
        raise click.ClickException(f"the database refused ({type(error).__name__}); see `aftercare doctor`") from None
    finally:
        parts.engine.dispose()


def clinic_of(connection: Connection, clinic_id: int) -> Clinic:
    """The clinic. Raises click.ClickException for an unknown id."""
    try:
        return clinics.get(connection, clinic_id)
    except LookupError:
        raise click.ClickException("there is no clinic of that id; see `aftercare clinic list`") from None
