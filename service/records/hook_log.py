"""What became of an endpoint's deliveries, and having them posted again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from service.records import hook_endpoints
from service.records.hooks import Type, fresh, webhook_id
from service.records.ids import new_id
from service.records.webhook_tables import webhook_deliveries, webhook_events

TEST = "webhook.test"
"""Of the event that somebody at the desk sends to try an endpoint out. Not one of `Type`: nobody chooses it."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one endpoint. What it tells stays sealed."""

    event_id: int
    type: str
    created_at: datetime
    state: str
    tries: int
    status: int | None
    """Of the last answer, where there was one."""
    last_error: str | None
    due_at: datetime
    """Of the next try, while it waits."""

    @property
    def name(self) -> str:
        return webhook_id(self.event_id)


def page(connection: Connection, endpoint_id: int, before: int | None, limit: int) -> list[Delivery]:
    """The endpoint's deliveries, the newest event first, from the one behind `before` on."""
    query = (
        select(
            webhook_events.c.id.label("event_id"),
            webhook_events.c.type,
            webhook_events.c.created_at,
            webhook_deliveries.c.state,
            webhook_deliveries.c.tries,
            webhook_deliveries.c.status,
            webhook_deliveries.c.last_error,
            webhook_deliveries.c.due_at,
        )
        .join(webhook_events, webhook_events.c.id == webhook_deliveries.c.event_id)
        .where(webhook_deliveries.c.endpoint_id == endpoint_id)
    )
    if before is not None:
        query = query.where(webhook_deliveries.c.event_id < before)
    rows = connection.execute(query.order_by(webhook_deliveries.c.event_id.desc()).limit(limit))
    return [Delivery(**row._mapping) for row in rows]


def resend(connection: Connection, endpoint_id: int, now: datetime, after: int = 0, only: int | None = None) -> int:
    """Put events of an endpoint's clinic in line again: one (`only`), or all after a cursor that did not arrive.

    Returns how many. Raises LookupError for an unknown endpoint, ValueError for a disabled one.
    """
    listener = hook_endpoints.get(connection, endpoint_id)
    if listener.disabled_at is not None:
        raise ValueError("the endpoint is disabled; add it anew")
    query = select(webhook_events.c.id, webhook_events.c.patient_id, webhook_events.c.type).where(
        webhook_events.c.clinic_id == listener.clinic_id
    )
    mine = select(webhook_deliveries.c.event_id, webhook_deliveries.c.state).where(
        webhook_deliveries.c.endpoint_id == endpoint_id
    )
    if only is None:
        query, mine = query.where(webhook_events.c.id > after), mine.where(webhook_deliveries.c.event_id > after)
    else:
        query, mine = query.where(webhook_events.c.id == only), mine.where(webhook_deliveries.c.event_id == only)
    wanted = [row for row in connection.execute(query) if only is not None or listener.wants(row.type)]
    known = {row.event_id: row.state for row in connection.execute(mine)}
    again = [row for row in wanted if known.get(row.id) == "abandoned" or (only is not None and row.id in known)]
    first = [fresh(row.id, endpoint_id, row.patient_id, now) for row in wanted if row.id not in known]
    for row in again:
        connection.execute(
            update(webhook_deliveries)
            .where(webhook_deliveries.c.event_id == row.id, webhook_deliveries.c.endpoint_id == endpoint_id)
            .values(state="waiting", tries=0, due_at=now, since=now, last_error=None)
        )
    if first:
        connection.execute(insert(webhook_deliveries), first)
    return len(again) + len(first)


def send_test(connection: Connection, clinic_id: int, endpoint_id: int, now: datetime) -> int:
    """Post an event that tells of nothing to this endpoint alone; returns the event's id.

    Raises LookupError where the clinic has no such endpoint, ValueError for a disabled one.
    """
    if hook_endpoints.of_clinic(connection, clinic_id, endpoint_id).disabled_at is not None:
        raise ValueError("the endpoint is disabled; add it anew")
    event_id = new_id()
    connection.execute(
        insert(webhook_events).values(
            id=event_id,
            clinic_id=clinic_id,
            type=TEST,
            facts={"endpoint": {"id": str(endpoint_id)}, "known_types": [kind.value for kind in Type]},
            created_at=now,
        )
    )
    connection.execute(insert(webhook_deliveries), [fresh(event_id, endpoint_id, None, now)])
    return event_id
