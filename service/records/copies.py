"""A SQLite database as one file: copied whole while others write to it, and closed up when nobody does.

Beside the file lies a write-ahead log (`-wal`) that holds what is committed last. It belongs to that one file: beside
another it would be played into it.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from service.records import turnstile

LOGS = ("-wal", "-shm")


class NotWhole(Exception):
    """The file cannot be used as a database of ours; the text says why."""


def copy(source: Path, target: Path) -> None:
    """Copy all that is committed in `source` into a new file, complete in itself and readable by its owner only.

    Raises NotWhole, and leaves no file; FileExistsError.
    """
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as held,
            closing(sqlite3.connect(target)) as made,
        ):
            held.backup(made)
            made.execute("PRAGMA journal_mode=DELETE")
            if made.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                raise NotWhole("it is damaged")
            if made.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone() is None:
                raise NotWhole("it holds no records of Aftercare")
    except (NotWhole, sqlite3.Error) as error:
        discard(target)
        # What SQLite itself says of a file ("file is not a database") quotes no row.
        raise error if isinstance(error, NotWhole) else NotWhole(str(error)) from None


def close_up(path: Path) -> bool:
    """Take the log into the file, so that it is whole by itself. False when somebody still has it open.

    Raises NotWhole when it is too damaged for that.
    """
    with closing(sqlite3.connect(path, timeout=1.0)) as held:
        try:
            # Only the last one who has it open may do this.
            mode: str = held.execute("PRAGMA journal_mode=DELETE").fetchone()[0]
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                return False
            raise NotWhole(str(error)) from None
    return mode == "delete"


def discard(path: Path) -> None:
    """Delete a database, if it is there, with what lies beside it."""
    for each in ("", *LOGS, turnstile.ENDING):
        Path(f"{path}{each}").unlink(missing_ok=True)


def put_in_place(fresh: Path, path: Path, aside: Path) -> None:
    """Let `fresh` take the place of the database in `path`, which is kept as `aside`, with its log if it has one."""
    if path.exists():
        os.link(path, aside)
    for log in LOGS:
        with suppress(FileNotFoundError):
            Path(f"{path}{log}").rename(f"{aside}{log}")
    fresh.replace(path)
