"""What the operator of this installation must know: one open notice a kind and subject, counted, never repeated."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from service.records.ids import new_id
from service.records.tables import notices

QUIET = timedelta(days=3)
"""After so long without a word, what happened is over; it is news if it happens again. Longer than a weekend."""
NOBODY_REACHED = "alert_nobody_reached"
_HAPPENED = ("daily_cap", "blocked", "not_allowed", "webhook_gone", NOBODY_REACHED)
"""What happens rather than lasts: no later success says that it is over."""

log = logging.getLogger(__name__)


def raise_notice(connection: Connection, kind: str, subject: str, detail: str, at: datetime) -> bool:
    """Open a notice, or count one more on the open one. True when it is new."""
    again = connection.execute(
        update(notices)
        .where(notices.c.kind == kind, notices.c.subject == subject, notices.c.closed_at.is_(None))
        .values(count=notices.c.count + 1, last_at=at, detail=detail)
    )
    if again.rowcount:
        return False
    log.error("notice: %s, %s: %s", kind, subject, detail)
    connection.execute(
        insert(notices).values(
            id=new_id(), kind=kind, subject=subject, detail=detail, count=1, opened_at=at, last_at=at
        )
    )
    return True


def close(connection: Connection, kind: str, subject: str, at: datetime) -> None:
    """The cause is gone."""
    connection.execute(_CLOSE, {"of_kind": kind, "about": subject, "at": at})


_CLOSE = (
    update(notices)
    .where(
        notices.c.kind == bindparam("of_kind"), notices.c.subject == bindparam("about"), notices.c.closed_at.is_(None)
    )
    .values(closed_at=bindparam("at"))
)


def close_quiet(connection: Connection, now: datetime) -> None:
    """What happened, and has not happened again for `QUIET`."""
    connection.execute(
        update(notices)
        .where(notices.c.kind.in_(_HAPPENED), notices.c.closed_at.is_(None), notices.c.last_at < now - QUIET)
        .values(closed_at=now)
    )


def open_ones(connection: Connection) -> list[dict[str, Any]]:
    rows = connection.execute(select(notices).where(notices.c.closed_at.is_(None)).order_by(notices.c.id))
    return [dict(row._mapping) for row in rows]
