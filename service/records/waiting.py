"""What may wait for a clock besides messages: asked in one statement, since every clock asks it every second."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from service.records import alert_notices, hook_deliveries, imports, receipts, replies, switching


@dataclass(frozen=True, slots=True)
class Waiting:
    """Hints: whoever follows one asks again in a transaction of its own."""

    unread: bool
    """Replies that have lain for longer than their nudge should take."""
    receipts: bool
    """Receipts whose attempt has become known, or never will."""
    hooks: bool
    imports: bool
    switches: bool
    round_at: datetime | None
    """When the next round of an alert is due."""


def at(connection: Connection, now: datetime, unread_before: datetime) -> Waiting:
    """What waits now."""
    moments = {"now": now, "unread_before": unread_before, "unknown_before": now - receipts.WAITS}
    row = connection.execute(_WAITING, moments).one()
    return Waiting(row.unread, row.receipts, row.hooks, row.imports, row.switches, row.round_at)


_WAITING = select(
    replies.UNREAD.exists().label("unread"),
    receipts.ANY_DUE.exists().label("receipts"),
    hook_deliveries.ANY_DUE.exists().label("hooks"),
    imports.ANY_DUE.exists().label("imports"),
    switching.WAITS.exists().label("switches"),
    alert_notices.NEXT_DUE.scalar_subquery().label("round_at"),
)
