"""Attempts: written before a message leaves the house, settled by the provider's word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, TextClause, bindparam, select, text, update

from service.records.bulk import writing
from service.records.database import Moment, as_rows, listed
from service.records.ids import new_ids
from service.records.sealing import Vault, token_key
from service.records.sending_tables import attempts, messages

_FEW = 10
"""Attempts up to which statements of their own are as quick as COPY."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An attempt about to be made."""

    message_id: int
    number: int
    token: str
    link_token: str | None
    address: str
    address_key: bytes
    body: str


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of an attempt."""

    id: int
    outcome: str
    provider_id: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Open:
    """An attempt nobody knows the end of, with what is needed to ask the provider about it."""

    id: int
    message_id: int
    number: int
    channel: str
    clinic_id: int
    address: str | None
    body_key: bytes
    started_at: datetime
    settled_at: datetime | None
    """None while it is in a worker's hands."""
    outcome: str | None
    provider_id: str | None
    checks: int


def write(connection: Connection, vault: Vault, drafts: Sequence[Draft], started_at: datetime) -> range:
    """Put attempts on record before anything is handed over; returns their ids, in order."""
    ids = new_ids(len(drafts))
    with writing(connection, many=len(drafts) > _FEW) as insert:
        insert(
            attempts,
            (
                {
                    "id": row_id,
                    "message_id": draft.message_id,
                    "number": draft.number,
                    "token": draft.token,
                    "link_key": None if draft.link_token is None else token_key(draft.link_token),
                    "address": vault.seal(draft.address, row_id),
                    "address_key": draft.address_key,
                    "body_key": vault.index(draft.body),
                    "started_at": started_at,
                    "checks": 0,
                }
                for row_id, draft in zip(ids, drafts, strict=True)
            ),
        )
    return ids


def settle(connection: Connection, settled: Sequence[Settled], at: datetime) -> None:
    """Record how attempts ended, unless a receipt was quicker and has said more."""
    if not settled:
        return
    rows = as_rows(
        [
            {"id": one.id, "outcome": one.outcome, "provider_id": one.provider_id, "code": one.code}
            for one in sorted(settled, key=lambda one: one.id)
        ]
    )
    connection.execute(_settling(listed(connection, _SETTLED)), {"rows": rows, "at": at})


_SETTLED = {"id": "bigint", "outcome": "text", "provider_id": "text", "code": "text"}


@cache
def _settling(rows: str) -> TextClause:
    return text(
        "UPDATE attempts SET outcome = listed.outcome, settled_at = :at,"
        " provider_id = COALESCE(attempts.provider_id, listed.provider_id),"
        " code = COALESCE(listed.code, attempts.code)"
        f" FROM {rows} AS listed"
        " WHERE attempts.id = listed.id AND (attempts.outcome IS NULL OR attempts.outcome = 'ambiguous')"
    ).bindparams(bindparam("at", type_=Moment))


def last_of(connection: Connection, vault: Vault, message_ids: Sequence[int]) -> list[Open]:
    """The latest attempt of each message."""
    return [_open(row, vault) for row in connection.execute(_LAST_OF, {"ids": list(message_ids)})]


_newer = attempts.alias("newer")
_LAST_OF = (
    select(
        attempts.c.id,
        attempts.c.message_id,
        attempts.c.number,
        messages.c.channel,
        messages.c.clinic_id,
        attempts.c.address,
        attempts.c.body_key,
        attempts.c.started_at,
        attempts.c.settled_at,
        attempts.c.outcome,
        attempts.c.provider_id,
        attempts.c.checks,
    )
    .join(messages, messages.c.id == attempts.c.message_id)
    .where(
        attempts.c.message_id.in_(bindparam("ids", expanding=True)),
        ~select(_newer.c.id)
        .where(_newer.c.message_id == attempts.c.message_id, _newer.c.number > attempts.c.number)
        .exists(),
    )
)


def is_free(connection: Connection, attempt_id: int, provider_id: str) -> bool:
    """Whether no attempt before this one brought the provider this message."""
    owner = connection.execute(
        select(attempts.c.id).where(attempts.c.provider_id == provider_id).order_by(attempts.c.id).limit(1)
    ).scalar_one_or_none()
    return owner in (None, attempt_id)


def own(connection: Connection, attempt_id: int, provider_id: str) -> bool:
    """Whether this attempt may be said to have brought it, until the transaction ends. SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        # Two texts with the same words may be looked for at once, and must not be found in the same place.
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:id))"), {"id": provider_id})
    return is_free(connection, attempt_id, provider_id)


def count_check(connection: Connection, attempt_id: int) -> None:
    """One more question was put to the provider."""
    connection.execute(update(attempts).where(attempts.c.id == attempt_id).values(checks=attempts.c.checks + 1))


def _open(row: Any, vault: Vault) -> Open:
    return Open(
        id=row.id,
        message_id=row.message_id,
        number=row.number,
        channel=row.channel,
        clinic_id=row.clinic_id,
        address=vault.open(row.address, row.id) if row.address else None,
        body_key=bytes(row.body_key),
        started_at=row.started_at,
        settled_at=row.settled_at,
        outcome=row.outcome,
        provider_id=row.provider_id,
        checks=row.checks,
    )
