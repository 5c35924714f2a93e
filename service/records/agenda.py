"""Messages that are due or overdue: what a clock asks of them, and what it claims."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import Connection, ScalarSelect, TextClause, bindparam, func, select, text, true, update

from service.care.lifecycle import Channel, State
from service.records.database import Moment
from service.records.messages import ROUTINE, URGENT
from service.records.sending_tables import QUEUED_MESSAGES, messages, senders


def queue_due(
    connection: Connection, channel: Channel, sender: str, priority: int, limit: int, now: datetime, lease: datetime
) -> list[tuple[int, int]]:
    """Take up to `limit` due messages of one sender (`planned → queued`); returns ids and their segments."""
    rows = connection.execute(
        _queue(connection.dialect.name),
        {
            "lease": lease,
            "now": now,
            "channel": channel,
            "sender": sender,
            "priority": priority,
            "limit": limit,
        },
    )
    return [(row.id, row.segments) for row in rows]


@cache
def _queue(dialect: str) -> TextClause:
    due = (
        "SELECT id FROM messages WHERE state = 'planned' AND channel = :channel AND sender = :sender"
        " AND priority = :priority AND due_at <= :now ORDER BY due_at LIMIT :limit"
    )
    # As an array it is a list of ids to PostgreSQL, looked up one by one, and never a reason to join whole tables.
    claimed = f"= ANY (ARRAY({due} FOR UPDATE SKIP LOCKED))" if dialect == "postgresql" else f"IN ({due})"
    return text(
        f"UPDATE messages SET state = 'queued', check_at = :lease WHERE id {claimed}"
        " AND state = 'planned' RETURNING id, segments"
    ).bindparams(bindparam("lease", type_=Moment), bindparam("now", type_=Moment))


@dataclass(frozen=True, slots=True)
class Lapsed:
    """A message at which somebody must look again."""

    id: int
    state: State
    channel: Channel
    priority: int


def lapsed(connection: Connection, now: datetime, limit: int) -> list[Lapsed]:
    """Messages whose `check_at` has passed, the longest overdue first: only those on their way have one."""
    rows = connection.execute(_LAPSED, {"now": now, "limit": limit})
    return [Lapsed(row.id, State(row.state), Channel(row.channel), row.priority) for row in rows]


# Statements that are asked every second are put together once: that takes longer than asking them.
_LAPSED = (
    select(messages.c.id, messages.c.state, messages.c.channel, messages.c.priority)
    .where(
        messages.c.check_at <= bindparam("now"),
        messages.c.check_at.is_not(None),
    )
    .order_by(messages.c.check_at)
    .limit(bindparam("limit"))
)


def extend(connection: Connection, ids: Collection[int], state: State, now: datetime, until: datetime) -> list[int]:
    """Push `check_at` on for those still in `state` and overdue; returns the ones this call got."""
    found = connection.execute(_EXTEND, {"ids": list(ids), "known": state, "now": now, "until": until})
    return list(found.scalars())


_EXTEND = (
    update(messages)
    .where(
        messages.c.id.in_(bindparam("ids", expanding=True)),
        messages.c.state == bindparam("known"),
        # Said like this it is no reason to go through all that is overdue, where PostgreSQL thinks that is nothing.
        (messages.c.check_at <= bindparam("now")).is_(true()),
    )
    .values(check_at=bindparam("until"))
    .returning(messages.c.id)
)


def next_due(connection: Connection) -> dict[tuple[Channel, str, int], datetime]:
    """When the next message of each sender and priority is due: those that have one."""
    return {
        (Channel(row.channel), row.sender, priority): due_at
        for row in connection.execute(_NEXT_DUE)
        for priority, due_at in ((URGENT, row.urgent), (ROUTINE, row.routine))
        if due_at is not None
    }


def _first_due(priority: int) -> ScalarSelect[datetime]:
    return (
        select(messages.c.due_at)
        .where(
            messages.c.state == State.PLANNED,
            messages.c.channel == senders.c.channel,
            messages.c.sender == senders.c.sender,
            messages.c.priority == priority,
        )
        .order_by(messages.c.due_at)
        .limit(1)
        .scalar_subquery()
    )


_NEXT_DUE = select(
    senders.c.channel,
    senders.c.sender,
    _first_due(URGENT).label("urgent"),
    _first_due(ROUTINE).label("routine"),
)


def queued(connection: Connection, channel: Channel, sender: str, most: int) -> int:
    """How many messages of a sender are queued, counted up to `most`."""
    return connection.execute(_QUEUED, {"channel": channel, "sender": sender, "most": most}).scalar_one()


_QUEUED = select(func.count()).select_from(
    select(messages.c.id)
    .where(
        text(QUEUED_MESSAGES),
        messages.c.channel == bindparam("channel"),
        messages.c.sender == bindparam("sender"),
    )
    .limit(bindparam("most"))
    .subquery()
)
