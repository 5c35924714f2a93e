"""Receipts: what providers report after they took a message. Kept first, once each, never changed; then applied.

Neither order nor number nor delivery of them is promised, and one can come before the create call has answered. So a
double stops at the unique event key, and one whose attempt is not known yet waits on record until it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Connection, Insert, Row, bindparam, or_, select, update

from service.care.lifecycle import Channel, State
from service.records import outcomes
from service.records.database import upsert
from service.records.ids import new_id
from service.records.outcomes import Report
from service.records.plans import Sending
from service.records.sending_tables import attempts, messages, receipts
from service.settings import Settings

WAITS = timedelta(days=3)
"""After this nothing can make a receipt's attempt known any more: it was never ours."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """One report, as a provider posted it. `token` is the attempt's, where it came back to us."""

    event_key: str
    channel: Channel
    status: str
    provider_id: str | None = None
    token: str | None = None
    code: str | None = None
    occurred_at: datetime | None = None


def take_in(
    connection: Connection, sending: Sending, settings: Settings, reported: Sequence[Receipt], now: datetime
) -> int:
    """Keep receipts and apply those whose attempt is known; returns how many were new."""
    once = {receipt.event_key: receipt for receipt in reported}
    # In one order for all, so that two posts with the same events wait for each other instead of dead-locking.
    ordered = [once[key] for key in sorted(once)]
    attempt_of = _attempts_of(connection, ordered)
    fresh = _insert(connection, ordered, attempt_of, now)
    known = [
        _report(receipt.channel, receipt.status, receipt.code, receipt.provider_id, attempt_of[key])
        for key, receipt in once.items()
        if key in fresh and key in attempt_of
    ]
    if known:
        outcomes.apply(connection, sending, settings, known, now)
    return len(fresh)


def settle(
    connection: Connection,
    sending: Sending,
    settings: Settings,
    attempt_id: int,
    state: State,
    code: str | None,
    now: datetime,
    provider_id: str | None = None,
) -> None:
    """Apply what the provider answered when it was asked about an attempt."""
    report = Report(attempt_id, state, status=state.value, code=code, provider_id=provider_id)
    outcomes.apply(connection, sending, settings, [report], now)


def apply_waiting(connection: Connection, sending: Sending, settings: Settings, now: datetime, limit: int) -> int:
    """Apply receipts whose attempt has become known since they came; returns how many."""
    rows = connection.execute(
        _waiting().where(attempts.c.id.is_not(None)).order_by(receipts.c.received_at, receipts.c.id).limit(limit)
    ).all()
    ours = [row for row in rows if _mark(connection, row, now)]
    reports = [_report(Channel(row.channel), row.status, row.code, row.provider_id, row.attempt_id) for row in ours]
    if reports:
        outcomes.apply(connection, sending, settings, reports, now)
    connection.execute(
        update(receipts)
        .where(receipts.c.applied_at.is_(None), receipts.c.received_at < now - WAITS)
        .values(applied_at=now)
    )
    return len(ours)


def _waiting() -> Any:
    """Receipts that wait, with the attempt that has their provider id, if there is one by now."""
    return (
        select(
            receipts.c.id,
            receipts.c.channel,
            receipts.c.status,
            receipts.c.code,
            receipts.c.provider_id,
            attempts.c.id.label("attempt_id"),
        )
        .select_from(receipts)
        .outerjoin(attempts, attempts.c.provider_id == receipts.c.provider_id)
        .where(receipts.c.applied_at.is_(None))
    )


ANY_DUE = _waiting().where(or_(attempts.c.id.is_not(None), receipts.c.received_at < bindparam("unknown_before")))
"""Where this is not empty, `apply_waiting` finds something to do."""


def _mark(connection: Connection, row: Row[Any], now: datetime) -> bool:
    done = connection.execute(
        update(receipts)
        .where(receipts.c.id == row.id, receipts.c.applied_at.is_(None))
        .values(applied_at=now, attempt_id=row.attempt_id)
    )
    return done.rowcount == 1


def _report(channel: Channel, status: str, code: str | None, provider_id: str | None, attempt_id: int) -> Report:
    return Report(attempt_id, outcomes.state_of(channel, status), status, code, provider_id)


_ATTEMPTS = (
    select(attempts.c.id, attempts.c.token, attempts.c.provider_id, messages.c.channel)
    .join(messages, messages.c.id == attempts.c.message_id)
    .where(
        or_(
            attempts.c.token.in_(bindparam("tokens", expanding=True)),
            attempts.c.provider_id.in_(bindparam("provider_ids", expanding=True)),
        )
    )
)


def _attempts_of(connection: Connection, ordered: Sequence[Receipt]) -> dict[str, int]:
    """The attempt each receipt is about, by event key. The token wins: it is known before the provider's own id is."""
    tokens = {receipt.token for receipt in ordered if receipt.token}
    provider_ids = {receipt.provider_id for receipt in ordered if receipt.provider_id}
    rows = connection.execute(_ATTEMPTS, {"tokens": list(tokens), "provider_ids": list(provider_ids)}).all()
    by_token = {(row.channel, row.token): row.id for row in rows}
    by_provider_id = {(row.channel, row.provider_id): row.id for row in rows if row.provider_id is not None}
    found = {
        receipt.event_key: by_token.get((receipt.channel, receipt.token or ""))
        or by_provider_id.get((receipt.channel, receipt.provider_id or ""))
        for receipt in ordered
    }
    return {key: attempt_id for key, attempt_id in found.items() if attempt_id is not None}


def _insert(connection: Connection, ordered: Sequence[Receipt], attempt_of: dict[str, int], now: datetime) -> set[str]:
    """Insert what is not on record; returns the keys of those."""
    if not ordered:
        return set()
    rows = [
        {
            "id": new_id(),
            "event_key": receipt.event_key,
            "channel": receipt.channel,
            "provider_id": receipt.provider_id,
            "attempt_id": attempt_of.get(receipt.event_key),
            "status": receipt.status,
            "code": receipt.code,
            "occurred_at": receipt.occurred_at,
            "received_at": now,
            "applied_at": now if receipt.event_key in attempt_of else None,
        }
        for receipt in ordered
    ]
    return set(connection.execute(_inserting(connection.dialect.name), rows).scalars())


@cache
def _inserting(dialect: str) -> Insert:
    return (
        upsert(dialect, receipts).on_conflict_do_nothing(index_elements=["event_key"]).returning(receipts.c.event_key)
    )
