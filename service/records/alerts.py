"""Alerts: opened once a patient and cause, kept in front of people until a named one takes them on, and never deleted.

The row says where an alert stands; `alert_events` is its history and is only ever added to.
Lock order: the patient's row, then the alert's, then messages. Whoever inserts notices holds the alert's row, and whoever
acknowledges takes it first: a notice is either there to be withdrawn, or never written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from service.care.escalation import OfficeHours, first_look
from service.care.lifecycle import Channel, Reason
from service.care.system_messages import SystemText
from service.care.urgency import Urgency
from service.records import contacts, messages, notices, patients, suppressions
from service.records.clinics import Clinic
from service.records.ids import new_id
from service.records.messages import Extra
from service.records.patients import Patient, normal
from service.records.plans import Sending
from service.records.sealing import Vault
from service.records.tables import alert_events, alerts
from service.records.tables import messages as message_rows

UNHEARD = "alert_unheard"
"""Kind of the operator's notice about an alert that everybody was told of and nobody acknowledged."""
NEWS_AFTER = timedelta(hours=1)
"""The same cause again this long after it was acknowledged rings anew. Sooner it belongs to the call that is being made:
an urgent alert is to be called back within the hour."""
RED_FLAG_AGAIN = timedelta(minutes=30)
"""Several alerts out of one reply or survey tell the patient once that they should call."""
_RED_FLAG_WINDOW = timedelta(hours=1)


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
class Alert:
    """Where an alert stands."""

    id: int
    clinic_id: int
    patient_id: int
    session_id: int | None
    cause: str
    urgency: Urgency
    opened_at: datetime
    since: datetime
    rounds: int
    next_notice_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    acknowledged_how: str | None
    closed_at: datetime | None
    closed_by: str | None

    @property
    def state(self) -> str:
        """open, acknowledged (still on the worklist) or closed."""
        if self.closed_at is not None:
            return "closed"
        return "open" if self.acknowledged_at is None else "acknowledged"


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


def open_alert(
    connection: Connection,
    sending: Sending,
    clinic: Clinic,
    patient_id: int,
    session_id: int | None,
    urgency: Urgency,
    cause: str,
    source: str,
    details: str,
    now: datetime,
) -> int:
    """Open an alert, or add to the one that stands open for this patient and cause; returns its id.

    Call it in the transaction that stores the reply or answer, and wake the clock after the commit. `cause` is the id of a
    warning sign or rule (64 characters at most), `source` where it was said ("survey S1", "reply 123"), `details` what was
    said; only `details` may hold a patient's words. The urgency only rises. Raises LookupError for an unknown patient.
    """
    patient = patients.get(connection, sending.vault, patient_id, lock=True)
    known = _standing(connection, patient_id, cause)
    if known is None:
        alert_id = _insert(connection, clinic, patient_id, session_id, urgency, cause, now)
        add_event(connection, sending.vault, alert_id, EventKind.OPENED, now, source, urgency, details)
        rings = True
    else:
        alert_id = known.id
        add_event(connection, sending.vault, alert_id, EventKind.SEEN_AGAIN, now, source, urgency, details)
        rings = _ring_anew(connection, sending.vault, clinic, known, urgency, now)
    if rings and max(urgency.rank, known.urgency.rank if known else 0) >= Urgency.URGENT.rank:
        _tell_patient(connection, sending, clinic, patient, alert_id, now)
    return alert_id


def acknowledge(connection: Connection, clinic_id: int, alert_id: int, by_name: str, how: str, now: datetime) -> bool:
    """A named person takes an alert on: nobody else is told. False when somebody had before; the first name stays.

    Raises LookupError when the clinic has no such alert, ValueError for a blank name.
    """
    name = by_name.strip()
    if not name:
        raise ValueError("an alert is acknowledged by a named person")
    done = connection.execute(
        update(alerts)
        .where(alerts.c.id == alert_id, alerts.c.clinic_id == clinic_id, alerts.c.acknowledged_at.is_(None))
        .values(acknowledged_at=now, acknowledged_by=name, acknowledged_how=how, next_notice_at=None)
    )
    if done.rowcount == 0:
        get(connection, clinic_id, alert_id)
        return False
    add_event(connection, None, alert_id, EventKind.ACKNOWLEDGED, now, source=how, by=name)
    _withdraw_notices(connection, alert_id)
    notices.close(connection, UNHEARD, f"alert {alert_id}", now)
    return True


def acknowledge_by_contact(connection: Connection, vault: Vault, phone: str, now: datetime) -> list[int]:
    """ACK came from this phone: take on whatever its owner was told of and nobody has acknowledged. Returns those alerts."""
    taken = []
    for contact in contacts.by_phone(connection, vault, phone):
        told = connection.execute(
            select(alerts.c.id)
            .where(
                alerts.c.clinic_id == contact.clinic_id,
                alerts.c.acknowledged_at.is_(None),
                alerts.c.closed_at.is_(None),
                select(alert_events.c.id)
                .where(
                    alert_events.c.alert_id == alerts.c.id,
                    alert_events.c.kind == EventKind.NOTIFIED,
                    alert_events.c.contact_id == contact.id,
                )
                .exists(),
            )
            .order_by(alerts.c.id)
        ).scalars()
        taken += [one for one in told if acknowledge(connection, contact.clinic_id, one, contact.name, "sms", now)]
    return taken


def close(
    connection: Connection, vault: Vault, clinic_id: int, alert_id: int, note: str, by: str, now: datetime
) -> bool:
    """Take an alert off the worklist, with a note of what came of it. Acknowledges it too, where nobody had.

    False when it was closed already. Raises LookupError when the clinic has no such alert, ValueError for a blank note or name.
    """
    if not note.strip() or not by.strip():
        raise ValueError("closing an alert takes a note and a name")
    acknowledge(connection, clinic_id, alert_id, by, "closed", now)
    done = connection.execute(
        update(alerts)
        .where(alerts.c.id == alert_id, alerts.c.closed_at.is_(None))
        .values(closed_at=now, closed_by=by.strip())
    )
    if done.rowcount == 0:
        return False
    add_event(connection, vault, alert_id, EventKind.CLOSED, now, details=note.strip(), by=by.strip())
    return True


def get(connection: Connection, clinic_id: int, alert_id: int) -> Alert:
    """The clinic's alert. Raises LookupError."""
    row = connection.execute(
        select(alerts).where(alerts.c.id == alert_id, alerts.c.clinic_id == clinic_id)
    ).one_or_none()
    if row is None:
        raise LookupError(f"no alert {alert_id}")
    return as_alert(row)


def page(connection: Connection, clinic_id: int, after: int, limit: int, closed_too: bool) -> list[Alert]:
    """A clinic's alerts by cursor, oldest first; those that are closed only when asked for."""
    query = select(alerts).where(alerts.c.clinic_id == clinic_id, alerts.c.id > after)
    if not closed_too:
        query = query.where(alerts.c.closed_at.is_(None))
    return [as_alert(row) for row in connection.execute(query.order_by(alerts.c.id).limit(limit))]


def history(connection: Connection, vault: Vault, alert_ids: Sequence[int]) -> dict[int, list[AlertEvent]]:
    """The histories of these alerts, each in order."""
    found: dict[int, list[AlertEvent]] = {one: [] for one in alert_ids}
    rows = connection.execute(
        select(alert_events).where(alert_events.c.alert_id.in_(alert_ids)).order_by(alert_events.c.id)
    )
    for row in rows:
        found[row.alert_id].append(
            AlertEvent(
                kind=EventKind(row.kind),
                at=row.at,
                source=row.source,
                urgency=None if row.urgency is None else Urgency(row.urgency),
                contact_id=row.contact_id,
                channel=None if row.channel is None else Channel(row.channel),
                round=row.round,
                by=row.by,
                details=vault.open_optional(row.details, row.id),
            )
        )
    return found


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
        insert(alert_events).values(
            id=row_id,
            alert_id=alert_id,
            kind=kind,
            at=at,
            source=source,
            urgency=urgency,
            contact_id=contact_id,
            channel=channel,
            round=number,
            by=by,
            details=sealed,
        )
    )


def hours_of(clinic: Clinic) -> OfficeHours:
    return OfficeHours(clinic.opening, clinic.zone)


def as_alert(row: Row[Any]) -> Alert:
    return Alert(**{**row._mapping, "urgency": Urgency(row.urgency)})


def _standing(connection: Connection, patient_id: int, cause: str) -> Alert | None:
    row = connection.execute(
        select(alerts)
        .where(alerts.c.patient_id == patient_id, alerts.c.cause == cause, alerts.c.closed_at.is_(None))
        .with_for_update()
    ).one_or_none()
    return None if row is None else as_alert(row)


def _insert(
    connection: Connection,
    clinic: Clinic,
    patient_id: int,
    session_id: int | None,
    urgency: Urgency,
    cause: str,
    now: datetime,
) -> int:
    alert_id = new_id()
    connection.execute(
        insert(alerts).values(
            id=alert_id,
            clinic_id=clinic.id,
            patient_id=patient_id,
            session_id=session_id,
            cause=cause,
            urgency=urgency,
            opened_at=now,
            since=now,
            rounds=0,
            next_notice_at=first_look(urgency, now, hours_of(clinic)),
        )
    )
    return alert_id


def _ring_anew(
    connection: Connection, vault: Vault, clinic: Clinic, known: Alert, urgency: Urgency, now: datetime
) -> bool:
    """Start the ladder again when it became worse, or came back after somebody had dealt with it."""
    raised = urgency.rank > known.urgency.rank
    reopened = known.acknowledged_at is not None and (raised or now - known.acknowledged_at >= NEWS_AFTER)
    if not raised and not reopened:
        return False
    worst = urgency if raised else known.urgency
    changes: dict[str, Any] = {
        "urgency": worst,
        "since": now,
        "next_notice_at": first_look(worst, now, hours_of(clinic)),
    }
    if raised:
        add_event(connection, vault, known.id, EventKind.RAISED, now, urgency=worst)
    if reopened:
        changes |= {"acknowledged_at": None, "acknowledged_by": None, "acknowledged_how": None}
        add_event(connection, vault, known.id, EventKind.REOPENED, now, urgency=worst)
    connection.execute(update(alerts).where(alerts.c.id == known.id).values(**changes))
    return True


def _tell_patient(
    connection: Connection, sending: Sending, clinic: Clinic, patient: Patient, alert_id: int, now: datetime
) -> None:
    """The text that asks the patient to call, where they may be texted and were not told a moment ago."""
    if not _may_be_texted(connection, sending, patient) or _told_lately(connection, patient.id, now):
        return
    before = connection.execute(
        select(func.count())
        .select_from(message_rows)
        .where(message_rows.c.cause_id == alert_id, message_rows.c.patient_id == patient.id)
    ).scalar_one()
    # Of no session: two alerts of one session may each need it, and a session has every step once.
    extra = Extra(
        clinic_id=clinic.id,
        patient_id=patient.id,
        step=f"{SystemText.RED_FLAG}.{before}" if before else SystemText.RED_FLAG,
        channel=Channel.SMS,
        sender=sending.of(clinic)[Channel.SMS],
        due_at=now,
        window_until=now + _RED_FLAG_WINDOW,
        cause_id=alert_id,
    )
    messages.insert_extra(connection, extra, new_id())


def _may_be_texted(connection: Connection, sending: Sending, patient: Patient) -> bool:
    if patient.phone is None or not patient.sms_consent or patient.erased_at is not None:
        return False
    keys = sending.vault.indexes(normal(Channel.SMS, patient.phone))
    return suppressions.of_address(connection, patient.clinic_id, Channel.SMS, keys) is None


def _told_lately(connection: Connection, patient_id: int, now: datetime) -> bool:
    return (
        connection.execute(
            select(message_rows.c.id)
            .where(
                message_rows.c.patient_id == patient_id,
                message_rows.c.step.like(f"{SystemText.RED_FLAG}%"),
                message_rows.c.due_at > now - RED_FLAG_AGAIN,
            )
            .limit(1)
        ).first()
        is not None
    )


def _withdraw_notices(connection: Connection, alert_id: int) -> None:
    messages.withdraw(
        connection,
        Reason.ALERT_ACKNOWLEDGED,
        message_rows.c.cause_id == alert_id,
        message_rows.c.step.like(f"{SystemText.ALERT_NOTICE}.%"),
    )
