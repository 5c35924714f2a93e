"""Whether the keys at hand are those that this database is sealed with.

With other keys everything would seem to work, and STOPs would be forgotten: they are found by keyed hashes only. So the
database holds one sealed value, and nothing runs with keys that do not open it.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, select

from service.records.database import reading, run, upsert
from service.records.sealing import CannotOpen, Vault, key_file
from service.records.tables import key_check

_ROW = 1
_PUT_BACK = (
    "Put back the keys that it was sealed with: AFTERCARE_KEYS of the installation that made it, or its key file as"
    " {path}. Without them its patients cannot be read, and who said STOP is not known. Nothing was changed."
)


class WrongKeys(Exception):
    """The keys at hand are not this database's; the text says what to do."""


def open_vault(engine: Engine, configured: str, path: Path) -> Vault:
    """The vault over `configured`, else over the key in `path`, which is made for a database that has none yet.

    Raises WrongKeys; ValueError when the keys are none; SQLAlchemyError.
    """
    vault = Vault(configured) if configured else None
    with reading(engine) as connection:
        sealed = _sealed(connection)
    if vault is None:
        if sealed is not None and not path.exists():
            raise WrongKeys(f"this database is sealed, and there are no keys. {_PUT_BACK.format(path=path)}")
        vault = Vault(key_file(path))
    if not _opens(vault, sealed or run(engine, lambda connection: _first(connection, vault))):
        raise WrongKeys(f"the keys at hand do not open this database. {_PUT_BACK.format(path=path)}")
    return vault


def is_opened_by(connection: Connection, vault: Vault | None) -> bool:
    """Whether `vault` opens what this database is sealed with; true where nothing is sealed yet."""
    sealed = _sealed(connection)
    return sealed is None or (vault is not None and _opens(vault, sealed))


def _opens(vault: Vault, sealed: bytes) -> bool:
    try:
        vault.open(sealed, _ROW)
    except CannotOpen:
        return False
    return True


def _first(connection: Connection, vault: Vault) -> bytes:
    """The value of a database that has none yet. Of several processes that start on it at once one puts its own there,
    and the others are given that one to try their keys on."""
    fresh = upsert(connection.dialect.name, key_check).values(id=_ROW, sealed=vault.seal("aftercare", _ROW))
    connection.execute(fresh.on_conflict_do_nothing())
    settled: bytes = connection.execute(_SEALED).scalar_one()
    return settled


def _sealed(connection: Connection) -> bytes | None:
    return connection.execute(_SEALED).scalar()


_SEALED = select(key_check.c.sealed).where(key_check.c.id == _ROW)
