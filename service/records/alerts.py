"""Alerts: opened once a patient and cause, kept in front of people until a named one takes them on, and never deleted.

The row says where an alert stands; `alert_events` is its history and is only ever added to.
Lock order: the patient's row, then the alert's, then messages. Whoever inserts notices holds the alert's row, and
whoever acknowledges takes it first: a notice is either there to be withdrawn, or never written.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from service.care.escalation import OfficeHours, first_look, is_loud
from service.care.lifecycle import Channel, Reason, State
from service.care.system_messages import SystemText
from service.care.urgency import Urgency
from service.records import contacts, hooks, messages, notices, patients, plans
from service.records.alert_history import EventKind, add_event, newest_said
from service.records.alert_tables import alerts
from service.records.clinics import Clinic
from service.records.ids import new_id
from service.records.messages import Extra
from service.records.patients import Patient
from service.records.plans import Sending
from service.records.sealing import Vault
from service.records.sending_tables import messages as message_rows

UNHEARD = "alert_unheard"
"""Kind of the operator's notice about an alert that everybody was told of and nobody acknowledged."""
NEWS_AFTER = timedelta(hours=1)
"""The same cause again this long after it was acknowledged rings anew. Sooner it belongs to the call being made:
an urgent alert is to be called back within the hour."""
RED_FLAG_AGAIN = timedelta(minutes=30)
"""Several alerts out of one reply or survey tell the patient once that they should call."""
_RED_FLAG_WINDOW = timedelta(hours=1)


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


class Overtaken(Exception):
    """More was said of the alert since its page was opened: it is read before anything is decided of it (P9)."""


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
    *,
    tell_patient: bool = True,
) -> int:
    """Open an alert, or add to the one that stands open for this patient and cause; returns its id.

    Call it in the transaction that stores the reply or answer, and wake the clock after the commit. `cause` is the id
    of a warning sign or rule (64 characters at most), `source` where it was said ("survey S1", "reply 123"), `details`
    what was said; only `details` may hold a patient's words. The urgency only rises. `tell_patient` False where the
    caller answers the patient itself: else an urgent alert texts them to call. Raises LookupError for an unknown
    patient.
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
    if rings:
        _announce(connection, clinic.id, alert_id, hooks.Type.ALERT_OPENED, now)
    worst = urgency if known is None or urgency.rank > known.urgency.rank else known.urgency
    if rings and tell_patient and is_loud(worst):
        _tell_patient(connection, sending, clinic, patient, alert_id, now)
    return alert_id


def acknowledge(
    connection: Connection,
    clinic_id: int,
    alert_id: int,
    by_name: str,
    how: str,
    now: datetime,
    *,
    seen: int | None = None,
) -> bool:
    """A named person takes an alert on: nobody else is told. False when somebody had before; the first name stays.

    `seen` is the newest line of what was said that they had before them, None where that is not known. Raises Overtaken
    where more was said since, LookupError when the clinic has no such alert, ValueError for a blank name.
    """
    name = by_name.strip()
    if not name:
        raise ValueError("an alert is acknowledged by a named person")
    if get(connection, clinic_id, alert_id, lock=True).acknowledged_at is not None:
        return False
    _refuse_unseen(connection, alert_id, seen)
    connection.execute(
        update(alerts)
        .where(alerts.c.id == alert_id)
        .values(acknowledged_at=now, acknowledged_by=name, acknowledged_how=how, next_notice_at=None)
    )
    add_event(connection, None, alert_id, EventKind.ACKNOWLEDGED, now, source=how, by=name)
    _withdraw_notices(connection, alert_id)
    notices.close(connection, UNHEARD, f"alert {alert_id}", now)
    _announce(connection, clinic_id, alert_id, hooks.Type.ALERT_ACKNOWLEDGED, now)
    return True


def acknowledge_by_contact(
    connection: Connection, vault: Vault, phone: str, written_at: datetime, now: datetime
) -> list[int]:
    """ACK came from this phone at `written_at`: acknowledge what its owner had been texted of and nobody took on.

    Returns those alerts. A notice that was only planned by then told nobody anything, nor did one of before the alert
    began to ring anew; one of which we do not know whether it arrived may have been read.
    """
    taken = []
    for contact in contacts.by_phone(connection, vault, phone):
        told = connection.execute(
            select(alerts.c.id)
            .where(
                alerts.c.clinic_id == contact.clinic_id,
                alerts.c.acknowledged_at.is_(None),
                alerts.c.closed_at.is_(None),
                select(message_rows.c.id)
                .where(
                    message_rows.c.cause_id == alerts.c.id,
                    message_rows.c.step.like(f"{SystemText.ALERT_NOTICE}.%.{contact.id}"),
                    message_rows.c.channel == Channel.SMS,
                    message_rows.c.handed_at.between(alerts.c.since, written_at),
                    message_rows.c.state.not_in((State.FAILED, State.UNDELIVERED)),
                )
                .exists(),
            )
            .order_by(alerts.c.id)
        ).scalars()
        taken += [one for one in told if acknowledge(connection, contact.clinic_id, one, contact.name, "sms", now)]
    return taken


def close(
    connection: Connection,
    vault: Vault,
    clinic_id: int,
    alert_id: int,
    note: str,
    by: str,
    now: datetime,
    *,
    seen: int | None = None,
) -> bool:
    """Take an alert off the worklist, with a note of what came of it. Acknowledges it too, where nobody had.

    False when it was closed already. `seen` is as for `acknowledge`: nobody closes what came in since they looked.
    Raises Overtaken, LookupError when the clinic has no such alert, ValueError for a blank note or name.
    """
    if not note.strip() or not by.strip():
        raise ValueError("closing an alert takes a note and a name")
    if get(connection, clinic_id, alert_id, lock=True).closed_at is not None:
        return False
    _refuse_unseen(connection, alert_id, seen)
    acknowledge(connection, clinic_id, alert_id, by, "closed", now)
    connection.execute(update(alerts).where(alerts.c.id == alert_id).values(closed_at=now, closed_by=by.strip()))
    add_event(connection, vault, alert_id, EventKind.CLOSED, now, details=note.strip(), by=by.strip())
    _announce(connection, clinic_id, alert_id, hooks.Type.ALERT_CLOSED, now)
    return True


_GET = select(alerts).where(alerts.c.id == bindparam("id"), alerts.c.clinic_id == bindparam("clinic_id"))


def get(connection: Connection, clinic_id: int, alert_id: int, lock: bool = False) -> Alert:
    """The clinic's alert. Raises LookupError."""
    query = _GET.with_for_update() if lock else _GET
    row = connection.execute(query, {"id": alert_id, "clinic_id": clinic_id}).one_or_none()
    if row is None:
        raise LookupError(f"no alert {alert_id}")
    return as_alert(row)


def page(connection: Connection, clinic_id: int, after: int, limit: int, closed_too: bool) -> list[Alert]:
    """A clinic's alerts by cursor, oldest first; those that are closed only when asked for."""
    query = select(alerts).where(alerts.c.clinic_id == clinic_id, alerts.c.id > after)
    if not closed_too:
        query = query.where(alerts.c.closed_at.is_(None))
    return [as_alert(row) for row in connection.execute(query.order_by(alerts.c.id).limit(limit))]


def hours_of(clinic: Clinic) -> OfficeHours:
    return OfficeHours(clinic.opening, clinic.zone)


def as_alert(row: Row[Any]) -> Alert:
    return Alert(**{**row._mapping, "urgency": Urgency(row.urgency)})


def _announce(connection: Connection, clinic_id: int, alert_id: int, kind: hooks.Type, now: datetime) -> None:
    """Tell the clinic's own systems where an alert stands. What was said they read through the API."""
    one = get(connection, clinic_id, alert_id)
    facts = {
        "id": str(one.id),
        "state": one.state,
        "urgency": one.urgency,
        "acknowledged_by": one.acknowledged_by,
        "closed_by": one.closed_by,
    }
    hooks.announce_alert(connection, clinic_id, one.patient_id, one.session_id, kind, facts, now)


def _refuse_unseen(connection: Connection, alert_id: int, seen: int | None) -> None:
    """The caller holds the alert's row, which whoever adds to what was said takes first."""
    if seen is not None and newest_said(connection, alert_id) > seen:
        raise Overtaken


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
    return patient.erased_at is None and plans.reachable(connection, sending.vault, patient)[Channel.SMS] is None


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
