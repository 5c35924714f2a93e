"""From old keys to the current one: every sealed value sealed anew, every keyed hash made anew where its text is known.

In small transactions, each over rows of one table in the order of their ids. Nothing is lost if it is interrupted: what
is under the current key already is left alone the next time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import Connection, Engine, Row, Table, bindparam, or_, select, update

from service.care.lifecycle import Channel
from service.records import key_check
from service.records.alert_tables import alert_events, contacts
from service.records.database import reading, run
from service.records.desk_tables import import_problems, imports, notes, staff
from service.records.patients import normal
from service.records.reply_tables import conversations, replies, responses
from service.records.sealing import Vault
from service.records.sending_tables import attempts, messages, suppressions
from service.records.tables import clinic_keys, events, patients, sessions
from service.records.tables import key_check as key_check_rows
from service.records.webhook_tables import webhook_endpoints, webhook_events, webhook_old_secrets

BATCH = 500
OnProgress = Callable[[str, int], None]
"""Told the table and how many of its rows were looked at."""

SEALED: Mapping[Table, tuple[str, ...]] = {
    clinic_keys: ("secret",),
    patients: ("given_name", "phone", "email"),
    sessions: ("baseline",),
    messages: ("address", "body"),
    attempts: ("address",),
    replies: ("sender", "body", "reading"),
    responses: ("answers",),
    conversations: ("state",),
    events: ("answer",),
    contacts: ("phone", "email"),
    alert_events: ("details",),
    webhook_endpoints: ("secret",),
    webhook_old_secrets: ("secret",),
    webhook_events: ("body",),
    staff: ("email", "totp_secret"),
    notes: ("body",),
    imports: ("name", "content"),
    import_problems: ("body",),
    key_check_rows: ("sealed",),
}
"""Every sealed column. A test holds this against the tables. `key_check` is the last: as long as anything may be left
under an old key, no process starts without it."""
HASHED: Mapping[Table, Mapping[str, str]] = {
    patients: {"phone_key": "phone", "email_key": "email"},
    attempts: {"address_key": "address"},
    replies: {"sender_key": "sender"},
    contacts: {"phone_key": "phone", "email_key": "email"},
    staff: {"email_key": "email"},
}
"""Keyed hashes, each with the sealed address that it can be made of again."""
HASHED_FOR_GOOD: Mapping[Table, tuple[str, ...]] = {
    suppressions: ("address_key",),
    attempts: ("body_key",),
    patients: ("external_id",),
}
"""Keyed hashes of what is kept nowhere. Opt-outs are made anew where a patient, a reply or an attempt still has their
address; the others stay under their key, and so do erased patients' ids and the texts of attempts."""

_ERASED = "erased:"
_NOT_SETTLED = or_(attempts.c.outcome.is_(None), attempts.c.outcome == "ambiguous")


@dataclass
class Rotated:
    """What a rotation did."""

    resealed: int = 0
    """Values sealed anew."""
    rehashed: int = 0
    """Keyed hashes made anew."""
    left: dict[str, int] = field(default_factory=dict)
    """Keyed hashes that are still needed and cannot be made anew, by the id of their key."""


_Suppressed = dict[tuple[str, bytes], list[int]]


def rotate(engine: Engine, vault: Vault, on_progress: OnProgress | None = None) -> Rotated:
    """Bring everything under the current key. Raises CannotOpen when a key is missing that something is sealed with.

    Every running process must know the current key already. Goes over the tables again until a pass finds nothing, for
    what processes wrote meanwhile that had not been restarted yet.
    """
    done = Rotated()
    # Needed until it is known that they are not: a rotation may be interrupted once the last value is sealed anew.
    run(engine, partial(key_check.need_lookups, vault=vault, needed=vault.key_ids[1:]))
    for _ in range(3):
        before = (done.resealed, done.rehashed)
        stale = _stale_suppressions(engine, vault)
        for table in SEALED:
            _rotate_table(engine, vault, table, stale, done, on_progress)
        if (done.resealed, done.rehashed) == before:
            break
    done.left = _left(engine, vault)
    run(engine, partial(key_check.need_lookups, vault=vault, needed=done.left.keys() & set(vault.key_ids)))
    return done


def _rotate_table(
    engine: Engine, vault: Vault, table: Table, stale: _Suppressed, done: Rotated, on_progress: OnProgress | None
) -> None:
    after = looked = 0
    while True:
        part = run(engine, partial(_rotate_part, vault, table, stale, after))
        if part is None:
            return
        after = part.last
        looked += part.rows
        done.resealed += part.resealed
        done.rehashed += part.rehashed
        for key in part.unsuppressed:
            stale.pop(key, None)
        if on_progress is not None:
            on_progress(table.name, looked)


@dataclass
class _Part:
    last: int
    rows: int
    resealed: int = 0
    rehashed: int = 0
    unsuppressed: list[tuple[str, bytes]] = field(default_factory=list)


def _rotate_part(
    vault: Vault, table: Table, stale: Mapping[tuple[str, bytes], list[int]], after: int, connection: Connection
) -> _Part | None:
    rows = connection.execute(_rows_after(table, after)).all()
    if not rows:
        return None
    part = _Part(rows[-1].id, len(rows))
    changes = []
    for row in rows:
        change = _resealed(vault, table, row)
        part.resealed += len(change)
        hashes = _rehashed(vault, table, row)
        part.rehashed += len(hashes)
        if change or hashes:
            changes.append(
                {"row_id": row.id, **{name: getattr(row, name) for name in _columns(table)}, **change, **hashes}
            )
        if stale:
            _rehash_suppressions(connection, vault, table, row, stale, part)
    if changes:
        statement = update(table).where(table.c.id == bindparam("row_id"))
        connection.execute(statement.values({name: bindparam(name) for name in _columns(table)}), changes)
    return part


def _columns(table: Table) -> tuple[str, ...]:
    return (*SEALED[table], *HASHED.get(table, {}))


def _rows_after(table: Table, after: int) -> Any:
    columns = [table.c.id, *(table.c[name] for name in _columns(table))]
    filled = or_(*(table.c[name].is_not(None) for name in SEALED[table]))
    if table is replies:
        columns.append(table.c.channel)
    if table is attempts:
        columns.append(messages.c.channel)
    query = select(*columns).where(table.c.id > after, filled).order_by(table.c.id).limit(BATCH)
    if table is attempts:
        query = query.join(messages, messages.c.id == attempts.c.message_id)
    return query.with_for_update(of=table)


def _resealed(vault: Vault, table: Table, row: Row[Any]) -> dict[str, bytes]:
    found = {}
    for name in SEALED[table]:
        blob = getattr(row, name)
        if blob and not vault.is_current(blob):
            found[name] = vault.seal_bytes(vault.open_bytes(blob, row.id), row.id)
    return found


def _rehashed(vault: Vault, table: Table, row: Row[Any]) -> dict[str, bytes]:
    found = {}
    for name, source in HASHED.get(table, {}).items():
        hashed, blob = getattr(row, name), getattr(row, source)
        if hashed and blob and not vault.is_current_index(hashed):
            found[name] = vault.index(normal(_channel(row, name), vault.open(blob, row.id)))
    return found


def _channel(row: Row[Any], name: str) -> Channel:
    if name in ("phone_key", "email_key"):
        return Channel.SMS if name == "phone_key" else Channel.EMAIL
    return Channel(row.channel)


def _rehash_suppressions(
    connection: Connection,
    vault: Vault,
    table: Table,
    row: Row[Any],
    stale: Mapping[tuple[str, bytes], list[int]],
    part: _Part,
) -> None:
    """Opt-outs of this row's addresses: the only moment at which their text is known."""
    for name, source in HASHED.get(table, {}).items():
        blob = getattr(row, source)
        if not blob:
            continue
        channel = _channel(row, name)
        current, *older = vault.indexes(normal(channel, vault.open(blob, row.id)))
        for key in older:
            ids = stale.get((channel, key))
            if ids:
                connection.execute(update(suppressions).where(suppressions.c.id.in_(ids)).values(address_key=current))
                part.rehashed += len(ids)
                part.unsuppressed.append((channel, key))


def _stale_suppressions(engine: Engine, vault: Vault) -> _Suppressed:
    """Opt-outs under older keys. They are few beside messages: all of them are held in memory."""
    found: _Suppressed = {}
    with reading(engine) as connection:
        for row in connection.execute(select(suppressions.c.id, suppressions.c.channel, suppressions.c.address_key)):
            key = bytes(row.address_key)
            if not vault.is_current_index(key):
                found.setdefault((row.channel, key), []).append(row.id)
    return found


def _left(engine: Engine, vault: Vault) -> dict[str, int]:
    left: Counter[str] = Counter()
    with reading(engine) as connection:
        hashes = [bytes(key) for key in connection.execute(select(suppressions.c.address_key)).scalars()]
        hashes += [bytes(key) for key in connection.execute(select(attempts.c.body_key).where(_NOT_SETTLED)).scalars()]
        erased = select(patients.c.external_id).where(patients.c.erased_at.is_not(None))
        hashes += [
            bytes.fromhex(name.removeprefix(_ERASED))
            for name in connection.execute(erased).scalars()
            if name.startswith(_ERASED)
        ]
    for hashed in hashes:
        if not vault.is_current_index(hashed):
            left[vault.key_of_index(hashed) or "?"] += 1
    return dict(left)
