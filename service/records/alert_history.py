"""The history of alerts: what was said, who was told, who took it on. Lines are only ever added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from service.care.lifecycle import Channel
from service.care.urgency import Urgency
from service.records.alert_tables import alert_events, alerts
from service.records.ids import new_id
from service.records.sealing import Vault


class EventKind(StrEnum):
    """What a line of an alert's history says."""

    OPENED = "opened"
    SEEN_AGAIN = "seen_again"
    RAISED = "raised"
    REOPENED = "reopened"
    ESCALATED = "escalated"
    NOTIFIED = "notified"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """One line of an alert's history, opened."""

    kind: EventKind
    at: datetime
    source: str | None
    urgency: Urgency | None
    contact_id: int | None
    channel: Channel | None
    round: int | None
    by: str | None
    details: str | None
    id: int


SAID = (EventKind.OPENED, EventKind.SEEN_AGAIN)
"""The lines with what a patient said. Whatever makes an alert more urgent, or opens it again, writes one."""


def add_event(
    connection: Connection,
    vault: Vault | None,
    alert_id: int,
    kind: EventKind,
    at: datetime,
    source: str | None = None,
    urgency: Urgency | None = None,
    details: str | None = None,
    *,
    by: str | None = None,
    contact_id: int | None = None,
    channel: Channel | None = None,
    number: int | None = None,
) -> None:
    """Write one line of history. `details` needs the vault; `number` is the round of notices."""
    row_id = new_id()
    sealed = None if vault is None or details is None else vault.seal(details, row_id)
    connection.execute(
        insert(alert_events),
        {
            "id": row_id,
            "alert_id": alert_id,
            "kind": kind,
            "at": at,
            "source": source,
            "urgency": urgency,
            "contact_id": contact_id,
            "channel": channel,
            "round": number,
            "by": by,
            "details": sealed,
        },
    )


def history(connection: Connection, vault: Vault, alert_ids: Sequence[int]) -> dict[int, list[AlertEvent]]:
    """The histories of these alerts, each in order."""
    found: dict[int, list[AlertEvent]] = {one: [] for one in alert_ids}
    rows = connection.execute(
        select(alert_events).where(alert_events.c.alert_id.in_(alert_ids)).order_by(alert_events.c.id)
    )
    for row in rows:
        found[row.alert_id].append(_event(row, vault))
    return found


def newest(connection: Connection, vault: Vault, alert_id: int, limit: int) -> list[AlertEvent]:
    """The end of an alert's history, the newest first: one that nobody hears of grows without an end."""
    rows = connection.execute(
        select(alert_events).where(alert_events.c.alert_id == alert_id).order_by(alert_events.c.id.desc()).limit(limit)
    )
    return [_event(row, vault) for row in rows]


def newest_said(connection: Connection, alert_id: int) -> int:
    """The id of the newest line of what was said."""
    said = select(func.max(alert_events.c.id)).where(alert_events.c.alert_id == alert_id, alert_events.c.kind.in_(SAID))
    return connection.execute(said).scalar_one() or 0


def newest_in(history: Sequence[AlertEvent]) -> int:
    """The same of lines that were read: the mark of what their reader has seen."""
    return max((event.id for event in history if event.kind in SAID), default=0)


def closing_words(connection: Connection, vault: Vault, alert_id: int) -> str | None:
    """What came of it, in the words of whoever closed it; None where it is open, or they are kept no longer."""
    closed = select(alert_events.c.id, alert_events.c.details).where(
        alert_events.c.alert_id == alert_id, alert_events.c.kind == EventKind.CLOSED
    )
    row = connection.execute(closed).one_or_none()
    return None if row is None else vault.open_optional(row.details, row.id)


def of_patient(connection: Connection, vault: Vault, patient_id: int) -> list[dict[str, Any]]:
    """A patient's alerts and what was said of each, as plain data: for the export."""
    rows = connection.execute(select(alerts).where(alerts.c.patient_id == patient_id).order_by(alerts.c.id)).all()
    said = history(connection, vault, [row.id for row in rows])
    return [
        {
            "cause": row.cause,
            "urgency": row.urgency,
            "opened_at": row.opened_at.isoformat(),
            "said": [event.details for event in said[row.id] if event.details is not None],
        }
        for row in rows
    ]


def forget_patient(connection: Connection, patient_id: int) -> None:
    """Blank what a patient said and what it was about. That there was an alert, how urgent, and who took it on, stays.

    One that is open stays open: only a person takes an alert off the list (P9).
    """
    theirs = list(
        connection.execute(select(alerts.c.id).where(alerts.c.patient_id == patient_id).order_by(alerts.c.id)).scalars()
    )
    connection.execute(update(alert_events).where(alert_events.c.alert_id.in_(theirs)).values(details=None))
    for number, alert_id in enumerate(theirs, 1):  # numbered: a patient has one open alert of a cause
        connection.execute(update(alerts).where(alerts.c.id == alert_id).values(cause=f"erased {number}"))


def forget_old(connection: Connection, before: datetime, batch: int) -> int:
    """Retention: blank what was said before then; returns how many lines."""
    old = select(alert_events.c.id).where(alert_events.c.at < before, alert_events.c.details.is_not(None)).limit(batch)
    done = connection.execute(update(alert_events).where(alert_events.c.id.in_(old)).values(details=None))
    return done.rowcount


def _event(row: Row[Any], vault: Vault) -> AlertEvent:
    return AlertEvent(
        kind=EventKind(row.kind),
        at=row.at,
        source=row.source,
        urgency=None if row.urgency is None else Urgency(row.urgency),
        contact_id=row.contact_id,
        channel=None if row.channel is None else Channel(row.channel),
        round=row.round,
        by=row.by,
        details=vault.open_optional(row.details, row.id),
        id=row.id,
    )
