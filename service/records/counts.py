"""How the installation stands, in numbers cheap enough to be asked for every few seconds.

No count scans a table: each goes down a partial index or the newest end of a primary key, and stops at `MOST`. With ten
million messages planned it costs the same as with ten.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Table, func, select

from service.care.lifecycle import Channel, Reason, State
from service.records import ids, senders
from service.records.messages import ROUTINE, URGENT
from service.records.reply_tables import replies
from service.records.sending_tables import attempts, messages, receipts
from service.records.tables import events, notices

MOST = 10_000
"""Where counting stops: more than this is a matter for a person, however many more."""
LATELY = timedelta(minutes=1)
_KIND = re.compile(r"[a-z][a-z_]{0,31}")


@dataclass(frozen=True, slots=True)
class Standing:
    """One reading. Counts stop at MOST; seconds are None where nothing waits."""

    overdue: Mapping[tuple[Channel, str], int]
    """Messages past their due time that nobody has queued, by channel and "urgent" or "routine"."""
    overdue_seconds: Mapping[Channel, float]
    """How long the oldest of them has waited, in the service's seconds."""
    in_flight: Mapping[tuple[Channel, State], int]
    """Messages between their due time and their end: queued, sending, accepted, sent."""
    checking: int
    """Messages whose hand-over had no clear answer: the provider is being asked."""
    unhandled_replies: int
    unhandled_seconds: float | None
    unapplied_receipts: int
    unapplied_seconds: float | None
    notices: Mapping[str, int]
    """Open notices to the operator, by kind."""
    paused_senders: Mapping[Channel, int]
    closed_senders: Mapping[Channel, int]
    lately: Mapping[str, int] = field(default_factory=dict)
    """Rows made within the last real minute: events, attempts, receipts, replies."""


def read(connection: Connection, now: datetime, real_now: datetime) -> Standing:
    """The present standing; `now` is the service's time, `real_now` the real one."""
    overdue: Counter[tuple[Channel, str]] = Counter()
    oldest: dict[Channel, float] = dict.fromkeys(Channel, 0.0)
    paused, closed = Counter(dict.fromkeys(Channel, 0)), Counter(dict.fromkeys(Channel, 0))
    for lane in senders.all_of(connection):
        paused[lane.channel] += lane.paused_at is not None
        closed[lane.channel] += lane.closed_until is not None and lane.closed_until > now
        for priority, name in ((URGENT, "urgent"), (ROUTINE, "routine")):
            # The whole key of ix_messages_due but for the time: one step down the index.
            due = (
                messages.c.state == State.PLANNED,
                messages.c.channel == lane.channel,
                messages.c.sender == lane.sender,
                messages.c.priority == priority,
                messages.c.due_at <= now,
            )
            overdue[lane.channel, name] += _count(connection, messages, *due)
            first = connection.execute(select(func.min(messages.c.due_at)).where(*due)).scalar()
            if first is not None:
                oldest[lane.channel] = max(oldest[lane.channel], (now - first).total_seconds())
    in_flight, checking = _in_flight(connection)
    unhandled, unhandled_since = _waiting(connection, replies, replies.c.handled_at, replies.c.received_at)
    unapplied, unapplied_since = _waiting(connection, receipts, receipts.c.applied_at, receipts.c.received_at)
    return Standing(
        overdue=overdue,
        overdue_seconds=oldest,
        in_flight=in_flight,
        checking=checking,
        unhandled_replies=unhandled,
        unhandled_seconds=None if unhandled_since is None else (now - unhandled_since).total_seconds(),
        unapplied_receipts=unapplied,
        unapplied_seconds=None if unapplied_since is None else (now - unapplied_since).total_seconds(),
        notices=_notices(connection),
        paused_senders=paused,
        closed_senders=closed,
        lately={
            table.name: _since(connection, table, real_now - LATELY) for table in (events, attempts, receipts, replies)
        },
    )


def _in_flight(connection: Connection) -> tuple[dict[tuple[Channel, State], int], int]:
    """Whatever has a `check_at`: only messages on their way do, and a partial index holds just them."""
    some = (
        select(messages.c.channel, messages.c.state, messages.c.reason)
        .where(messages.c.check_at.is_not(None))
        .order_by(messages.c.check_at)
        .limit(MOST)
        .subquery()
    )
    rows = connection.execute(
        select(some.c.channel, some.c.state, some.c.reason, func.count().label("number")).group_by(
            some.c.channel, some.c.state, some.c.reason
        )
    )
    found: Counter[tuple[Channel, State]] = Counter()
    checking = 0
    for row in rows:
        found[Channel(row.channel), State(row.state)] += row.number
        checking += row.number if row.reason == Reason.CHECKING_WITH_PROVIDER else 0
    return found, checking


def _waiting(
    connection: Connection, table: Table, done_at: ColumnElement[datetime], came_at: ColumnElement[datetime]
) -> tuple[int, datetime | None]:
    waits = done_at.is_(None), came_at.is_not(None)
    first = connection.execute(select(came_at).where(*waits).order_by(came_at).limit(1)).scalar()
    return (0, None) if first is None else (_count(connection, table, *waits), first)


def _notices(connection: Connection) -> dict[str, int]:
    rows = connection.execute(
        select(notices.c.kind, func.count().label("number"))
        .where(notices.c.closed_at.is_(None))
        .group_by(notices.c.kind)
    )
    found: Counter[str] = Counter()
    for row in rows:
        found[row.kind if _KIND.fullmatch(row.kind) else "other"] += row.number
    return found


def _since(connection: Connection, table: Table, moment: datetime) -> int:
    return _count(connection, table, table.c.id >= ids.first_at(moment))


def _count(connection: Connection, table: Table, *where: ColumnElement[bool]) -> int:
    some = select(table.c.id).where(*where).limit(MOST).subquery()
    return connection.execute(select(func.count()).select_from(some)).scalar_one()
