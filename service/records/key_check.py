"""Whether the keys at hand are those that this database is sealed with.

With other keys everything would seem to work, and STOPs would be forgotten: they are found by keyed hashes only. So the
database holds one sealed value, and nothing runs with keys that do not open it; and a proof of each former key by which
STOPs are still found, and nothing runs without those.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from sqlalchemy import Connection, Engine, delete, select

from service.records.database import reading, run, upsert
from service.records.sealing import CannotOpen, Vault, key_file
from service.records.tables import key_check, lookup_keys

_ROW = 1
_WORD = "aftercare"
_PUT_BACK = (
    "Put back the keys that it was sealed with: AFTERCARE_KEYS of the installation that made it, or its key file as"
    " {path}. Without them its patients cannot be read, and who said STOP is not known. Nothing was changed."
)
_MISSING = (
    "AFTERCARE_KEYS lacks what some STOPs and erasures are found by: {keys}. Put it back, last; `aftercare keys rotate`"
    " printed it as `id:index:…`, and says when it may go. Nothing was changed."
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
    sealed = sealed or run(engine, lambda connection: _first(connection, vault))
    if not _opens(vault, sealed):
        raise WrongKeys(f"the keys at hand do not open this database. {_PUT_BACK.format(path=path)}")
    with reading(engine) as connection:
        missing = missing_lookups(connection, vault)
    if missing:
        raise WrongKeys(_MISSING.format(keys=", ".join(missing)))
    if not vault.is_current(sealed):
        # From here on there are hashes of this key, and until a rotation the value above says nothing of it.
        run(engine, lambda connection: _note_lookup(connection, vault, vault.key_ids[0]))
    return vault


def is_opened_by(connection: Connection, vault: Vault | None) -> bool:
    """Whether `vault` opens what this database is sealed with; true where nothing is sealed yet."""
    sealed = _sealed(connection)
    return sealed is None or (vault is not None and _opens(vault, sealed))


def missing_lookups(connection: Connection, vault: Vault) -> list[str]:
    """The ids of keys that are not at hand, and by which something on record is still found."""
    return [
        row.key_id
        for row in connection.execute(select(lookup_keys).order_by(lookup_keys.c.key_id))
        if row.key_id not in vault.key_ids or vault.index_by(row.key_id, _WORD) != bytes(row.proof)
    ]


def need_lookups(connection: Connection, vault: Vault, needed: Collection[str]) -> None:
    """From now on nothing starts without these keys; without others of those at hand it does."""
    connection.execute(delete(lookup_keys).where(lookup_keys.c.key_id.in_(vault.key_ids)))
    for key in needed:
        _note_lookup(connection, vault, key)


def _note_lookup(connection: Connection, vault: Vault, key_id: str) -> None:
    row = upsert(connection.dialect.name, lookup_keys).values(key_id=key_id, proof=vault.index_by(key_id, _WORD))
    connection.execute(row.on_conflict_do_nothing())


def _opens(vault: Vault, sealed: bytes) -> bool:
    try:
        vault.open(sealed, _ROW)
    except CannotOpen:
        return False
    return True


def _first(connection: Connection, vault: Vault) -> bytes:
    """The value of a database that has none yet. Of several processes that start on it at once one puts its own there,
    and the others are given that one to try their keys on."""
    fresh = upsert(connection.dialect.name, key_check).values(id=_ROW, sealed=vault.seal(_WORD, _ROW))
    connection.execute(fresh.on_conflict_do_nothing())
    settled: bytes = connection.execute(_SEALED).scalar_one()
    return settled


def _sealed(connection: Connection) -> bytes | None:
    return connection.execute(_SEALED).scalar()


_SEALED = select(key_check.c.sealed).where(key_check.c.id == _ROW)
