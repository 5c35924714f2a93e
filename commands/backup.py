"""`aftercare backup` and `aftercare restore`: a SQLite database into one file, and back."""

from __future__ import annotations

from pathlib import Path

import click
from alembic.util import CommandError
from sqlalchemy import make_url

from commands.installation import opened, read_settings
from service import time
from service.records import copies, migrate
from service.records.copies import NotWhole
from service.settings import Settings

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("file", type=_FILE)
def backup(file: Path) -> None:
    """Copy the records into FILE, while everything runs. The keys are not in it: keep them elsewhere."""
    path = _database(read_settings(), f"pg_dump --format custom --file {file} postgresql://…")
    if not path.exists():
        raise click.ClickException(f"there is no database yet in {path}")
    _copy(path, file)
    click.echo(f"{file}: {file.stat().st_size / 1e6:.1f} MB, whole")


@click.command()
@click.argument("file", type=_FILE)
def restore(file: Path) -> None:
    """Put the records in FILE in the place of this installation's, which must be stopped.

    Nothing is changed unless FILE is whole and the keys open it. What was there is kept beside it.
    """
    settings = read_settings()
    path = _database(settings, f"pg_restore --dbname postgresql://… {file}, into a new database")
    if not file.exists():
        raise click.ClickException(f"there is no {file}")
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".restoring")
    aside = path.with_name(f"{path.name}.replaced-{time.real_now():%Y%m%dT%H%M%S}")
    copies.discard(fresh)
    try:
        _copy(file, fresh)
        _try(fresh, settings)
        _stop_unless_alone(path)
        replaced = path.exists()
        copies.put_in_place(fresh, path, aside)
    finally:
        copies.discard(fresh)
    if replaced:
        click.echo(f"What was there is kept as {aside}.")
    click.echo(
        "Restored. Now `aftercare doctor --offline`. It has forgotten what went out after it was made: read what"
        " docs/go-live.md says of that before you start the clock and the workers."
    )


def _database(settings: Settings, otherwise: str) -> Path:
    """The SQLite file. Raises click.ClickException where the records are elsewhere."""
    url = make_url(settings.database_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        raise click.ClickException(f"the records are in PostgreSQL, whose own programs do this: {otherwise}")
    return Path(url.database)


def _copy(source: Path, target: Path) -> None:
    try:
        copies.copy(source, target)
    except FileExistsError:
        raise click.ClickException(f"{target} is there already; nothing was written") from None
    except NotWhole as error:
        raise click.ClickException(f"{source} cannot be used: {error}; nothing was changed") from None
    except OSError as error:
        raise click.ClickException(f"{target} cannot be written ({error.strerror})") from None


def _try(fresh: Path, settings: Settings) -> None:
    """Bring the copy to the present schema, and see that the keys open it."""
    there = settings.model_copy(update={"database_url": f"sqlite:///{fresh}"})
    try:
        migrate.upgrade(there.database_url)
    except CommandError:
        raise click.ClickException("it was made by a newer release than this one; nothing was changed") from None
    opened(there).engine.dispose()
    copies.close_up(fresh)


def _stop_unless_alone(path: Path) -> None:
    try:
        if path.exists() and not copies.close_up(path):
            raise click.ClickException("the database is open: stop web, clock and workers, and run this again")
    except NotWhole:
        click.echo("The database that is there is damaged; it is kept as it is.", err=True)
