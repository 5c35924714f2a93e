"""Notices of alerts: messages to the clinic's own people that hold a link and nothing else.

A notice's step says which round it belongs to and whom it is for (`alert_notice.3.<contact>`), so that each goes out
once, and the page behind its link knows whose it is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, func, select, text, update

from service.care.escalation import HOUSE, AlertFacts, By, Notice, is_loud
from service.care.lifecycle import Channel, State
from service.care.own_ladders import ladders_of
from service.care.system_messages import SystemText
from service.care.urgency import Urgency
from service.records import contacts, messages, senders
from service.records.alert_history import EventKind, add_event
from service.records.alert_tables import alerts
from service.records.alerts import Alert, as_alert, hours_of
from service.records.clinics import Clinic
from service.records.contacts import Contact
from service.records.ids import new_id
from service.records.messages import Extra
from service.records.plans import Sending
from service.records.sealing import token_key
from service.records.sending_tables import LOST_NOTICES, attempts
from service.records.sending_tables import messages as message_rows

WINDOW = timedelta(minutes=30)
"""Later than this a notice is stale: the rounds after it say the same."""
STILL_NEWS = timedelta(days=1)
"""How old a notice can be whose loss is gone round. The rounds since have told whoever it could lead to, and an alert
that nobody takes on loses thousands: asked for every second, they were a quarter of a simulated clock's time."""
LINK_LIVES = timedelta(days=7)
DOWN_AFTER = 20
"""Hand-overs in a row without an answer after which a channel counts as dead: it opens the workers' breaker."""

_STEP = f"{SystemText.ALERT_NOTICE}."
_WENT_WRONG = (State.FAILED, State.UNDELIVERED, State.SKIPPED, State.EXPIRED, State.UNKNOWN)
"""What nobody can be sure to have read."""


@dataclass(frozen=True, slots=True)
class Link:
    """What a notice's link leads to."""

    alert: Alert
    contact_id: int
    expired: bool


@dataclass(frozen=True, slots=True)
class Lost:
    """The notices of a ringing alert that did not arrive. Another one makes another of these."""

    alert_id: int
    number: int
    latest: int
    """The youngest of them."""


def due(connection: Connection, now: datetime, limit: int) -> list[int]:
    """Alerts whose next round is due, the longest overdue first."""
    return list(connection.execute(_DUE, {"now": now, "limit": limit}).scalars())


# Asked every second: put together once.
_DUE = (
    select(alerts.c.id)
    .where(alerts.c.next_notice_at.is_not(None), alerts.c.next_notice_at <= bindparam("now"))
    .order_by(alerts.c.next_notice_at)
    .limit(bindparam("limit"))
)
NEXT_DUE = (
    select(alerts.c.next_notice_at)
    .where(alerts.c.next_notice_at.is_not(None))
    .order_by(alerts.c.next_notice_at)
    .limit(1)
)
_WITH_FAILURES = (
    select(message_rows.c.cause_id, func.count().label("failed"), func.max(message_rows.c.id).label("latest"))
    .where(
        text(LOST_NOTICES),
        message_rows.c.step.like(_STEP + "%"),
        message_rows.c.cause_id.in_(select(alerts.c.id).where(alerts.c.next_notice_at.is_not(None))),
        message_rows.c.due_at > bindparam("since"),
    )
    .group_by(message_rows.c.cause_id)
    .order_by(message_rows.c.cause_id.desc())
    .limit(bindparam("limit"))
)


def with_failures(connection: Connection, now: datetime, limit: int) -> list[Lost]:
    """Alerts still ringing of which a notice did not arrive lately."""
    rows = connection.execute(_WITH_FAILURES, {"since": now - STILL_NEWS, "limit": limit})
    return [Lost(row.cause_id, row.failed, row.latest) for row in rows]


_RINGING = (
    select(alerts)
    .where(alerts.c.id == bindparam("id"), alerts.c.next_notice_at.is_not(None), alerts.c.acknowledged_at.is_(None))
    .with_for_update(skip_locked=True)
)


def lock(connection: Connection, alert_id: int) -> Alert | None:
    """The alert, held until the transaction ends, if it still rings and no other clock or acknowledgement holds it."""
    row = connection.execute(_RINGING, {"id": alert_id}).one_or_none()
    return None if row is None else as_alert(row)


def facts(
    connection: Connection, sending: Sending, clinic: Clinic, alert: Alert, people: Sequence[Contact]
) -> AlertFacts:
    """What the next round of an alert rests on."""
    latest = _latest(connection, alert.id)
    return AlertFacts(
        urgency=alert.urgency,
        since=alert.since,
        contacts=[one.person for one in people],
        house=contacts.house_of(clinic).person,
        hours=hours_of(clinic),
        tried=frozenset(latest),
        failed=frozenset(by for by, state in latest.items() if state in _WENT_WRONG),
        dead=_dead(connection, sending, clinic),
        ladders=ladders_of(clinic.escalation),
    )


def put(
    connection: Connection,
    sending: Sending,
    clinic: Clinic,
    alert: Alert,
    people: Collection[Contact],
    planned: Sequence[Notice],
    next_at: datetime | None,
    now: datetime,
) -> int:
    """Insert a round's notices and set the next; the alert must be locked. Returns how many notices."""
    number = alert.rounds + 1
    by_id = {one.id: one for one in (*people, contacts.house_of(clinic))}
    if planned:
        add_event(connection, None, alert.id, EventKind.ESCALATED, now, urgency=alert.urgency, number=number)
    for notice in planned:
        _insert(connection, sending, clinic, alert, by_id[notice.contact_id], notice.channel, number, now)
    connection.execute(
        update(alerts)
        .where(alerts.c.id == alert.id)
        .values(rounds=number if planned else alert.rounds, next_notice_at=next_at)
    )
    return len(planned)


def follow_ladders(connection: Connection, clinic: Clinic, now: datetime) -> int:
    """Bring the clinic's ringing alerts under its ladders as they are now; returns how many ring sooner.

    A round is only ever brought forward: whoever changes the times must not silence what rings.
    """
    ladders = ladders_of(clinic.escalation)
    rows = connection.execute(
        select(alerts)
        .where(alerts.c.clinic_id == clinic.id, alerts.c.next_notice_at > now, alerts.c.acknowledged_at.is_(None))
        .order_by(alerts.c.id)
        .with_for_update()
    )
    sooner = 0
    for alert in (as_alert(row) for row in rows.all()):
        if alert.next_notice_at is None or not is_loud(alert.urgency):
            continue
        ladder = ladders.emergency if alert.urgency is Urgency.EMERGENCY else ladders.urgent
        due = max(alert.since + ladder.next_after(now - alert.since), now)
        if due < alert.next_notice_at:
            connection.execute(update(alerts).where(alerts.c.id == alert.id).values(next_notice_at=due))
            sooner += 1
    return sooner


def behind_link(connection: Connection, token: str, now: datetime) -> Link | None:
    """The alert that a notice's token leads to; None for a token that is no notice's."""
    row = connection.execute(
        select(message_rows.c.step, message_rows.c.cause_id, message_rows.c.due_at)
        .join(attempts, attempts.c.message_id == message_rows.c.id)
        .where(attempts.c.link_key == token_key(token), message_rows.c.step.like(_STEP + "%"))
    ).one_or_none()
    if row is None:
        return None
    alert = connection.execute(select(alerts).where(alerts.c.id == row.cause_id)).one()
    return Link(as_alert(alert), _contact_of(row.step), now >= row.due_at + LINK_LIVES)


def is_to_house(step: str) -> bool:
    """Whether a message's step is of a notice to the clinic itself rather than to one of its people."""
    return step.startswith(_STEP) and _contact_of(step) == HOUSE


def _insert(
    connection: Connection,
    sending: Sending,
    clinic: Clinic,
    alert: Alert,
    contact: Contact,
    channel: Channel,
    number: int,
    now: datetime,
) -> None:
    row_id = new_id()
    extra = Extra(
        clinic_id=clinic.id,
        step=f"{_STEP}{number}.{contact.id}",
        channel=channel,
        sender=sending.of(clinic)[channel],
        due_at=now,
        window_until=now + WINDOW,
        cause_id=alert.id,
        address=sending.vault.seal_optional(contact.address(channel), row_id),
    )
    messages.insert_extra(connection, extra, row_id)
    add_event(
        connection, None, alert.id, EventKind.NOTIFIED, now, contact_id=contact.id, channel=channel, number=number
    )


def _latest(connection: Connection, alert_id: int) -> dict[By, State]:
    """What became of the latest notice to each contact on each channel."""
    rows = connection.execute(
        select(message_rows.c.step, message_rows.c.channel, message_rows.c.state)
        .where(message_rows.c.cause_id == alert_id, message_rows.c.step.like(_STEP + "%"))
        .order_by(message_rows.c.due_at, message_rows.c.id)
    )
    return {(_contact_of(row.step), Channel(row.channel)): State(row.state) for row in rows}


def _contact_of(step: str) -> int:
    return int(step.rpartition(".")[2])


def _dead(connection: Connection, sending: Sending, clinic: Clinic) -> frozenset[Channel]:
    lanes = [(channel, senders.get(connection, channel, name)) for channel, name in sending.of(clinic).items()]
    return frozenset(
        channel
        for channel, sender in lanes
        if sender is None or sender.paused_at is not None or sender.failures >= DOWN_AFTER
    )
