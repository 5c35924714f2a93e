"""What waits for somebody at a clinic: its open alerts, what did not reach patients, and wishes that are in doubt.

Every list is bounded and goes down an index of its own, which holds what is open and nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, func, select, text, tuple_, update

from service.care import worklist
from service.care.escalation import HOUSE
from service.care.lifecycle import Channel, Reason, State
from service.care.urgency import Urgency
from service.care.worklist import LOOK_BACK, Arrived, Lost, Trouble
from service.records import contacts, notes, patients
from service.records.alert_history import SAID, EventKind
from service.records.alert_tables import alert_events, alerts
from service.records.alerts import Alert, as_alert
from service.records.clinics import Clinic
from service.records.messages import ROUTINE
from service.records.notes import Note
from service.records.patients import Patient
from service.records.plans import Sending
from service.records.sealing import Vault
from service.records.sending_tables import LOST_MESSAGES, messages
from service.records.tables import patients as patient_rows

MOST_COUNTED = 1000
"""Where counting stops."""
_MOST_LOST = 300
"""Messages looked at, the newest; of more than these somebody at the provider's is to blame."""
_MOST_SAID = 3
"""What was said of an alert, the newest: a storm says the same many times."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a patient said that opened an alert or added to it."""

    id: int
    at: datetime
    source: str | None
    words: str | None = field(repr=False)
    """None where it was erased."""


@dataclass(frozen=True, slots=True)
class Told:
    """One of the clinic's people who was told."""

    name: str
    times: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """An open alert with all that one needs to act on it."""

    alert: Alert
    patient: Patient
    said: tuple[Said, ...]
    told: tuple[Told, ...]
    notes: tuple[Note, ...]

    @property
    def seen(self) -> int:
        """What a form carries that is shown with it: the newest line of what was said."""
        return max((one.id for one in self.said), default=0)


@dataclass(frozen=True, slots=True)
class Unreached:
    """A patient whom something did not reach."""

    patient: Patient
    troubles: tuple[Trouble, ...]

    @property
    def latest(self) -> datetime:
        return max(one.latest for one in self.troubles)


@dataclass(frozen=True, slots=True)
class Coming:
    """What goes out by itself until a moment; counts stop at MOST_COUNTED."""

    messages: int = 0
    surveys: int = 0
    next_at: datetime | None = None


def open_alerts(
    connection: Connection,
    clinic_id: int,
    urgency: Urgency,
    limit: int,
    *,
    taken_on: bool,
    after: tuple[datetime, int] | None = None,
) -> list[Alert]:
    """Open alerts of one urgency, that somebody has taken on or nobody has, the oldest first.

    Asked for apart, so that however many are taken on and not done with, none that waits is pushed off the page (P9).
    `after` is the last one's `since` and `id`.
    """
    query = select(alerts).where(
        alerts.c.clinic_id == clinic_id,
        alerts.c.closed_at.is_(None),
        alerts.c.urgency == urgency,
        alerts.c.acknowledged_at.is_not(None) if taken_on else alerts.c.acknowledged_at.is_(None),
    )
    if after is not None:
        query = query.where(tuple_(alerts.c.since, alerts.c.id) > after)
    rows = connection.execute(query.order_by(alerts.c.since, alerts.c.id).limit(limit))
    return [as_alert(row) for row in rows]


def standings(connection: Connection, vault: Vault, clinic: Clinic, found: Sequence[Alert]) -> list[Standing]:
    """These alerts with their patients, what was said, who was told and what was noted."""
    ids = [one.id for one in found]
    people = patients.of_ids(connection, vault, {one.patient_id for one in found})
    said, told = _said(connection, vault, ids), _told(connection, clinic, ids)
    noted = notes.of_alerts(connection, vault, clinic.id, ids)
    return [
        Standing(
            one,
            people[one.patient_id],
            tuple(said.get(one.id, ())),
            tuple(told.get(one.id, ())),
            tuple(noted.get(one.id, ())),
        )
        for one in found
    ]


def waiting(connection: Connection, clinic_id: int, most: int) -> dict[Urgency, tuple[int, int]]:
    """By urgency, how many alerts nobody has taken on, counted up to `most`, and the id of the newest of them."""
    found: dict[Urgency, tuple[int, int]] = {}
    for urgency in Urgency:
        some = (
            select(alerts.c.id)
            .where(
                alerts.c.clinic_id == clinic_id,
                alerts.c.closed_at.is_(None),
                alerts.c.urgency == urgency,
                alerts.c.acknowledged_at.is_(None),
            )
            .limit(most)
            .subquery()
        )
        row = connection.execute(select(func.count(), func.max(some.c.id)).select_from(some)).one()
        found[urgency] = (row[0], row[1] or 0)
    return found


def _said(connection: Connection, vault: Vault, ids: Collection[int]) -> dict[int, list[Said]]:
    nth = func.row_number().over(partition_by=alert_events.c.alert_id, order_by=alert_events.c.id.desc())
    newest = (
        select(
            alert_events.c.id,
            alert_events.c.alert_id,
            alert_events.c.at,
            alert_events.c.source,
            alert_events.c.details,
            nth.label("nth"),
        )
        .where(alert_events.c.alert_id.in_(ids), alert_events.c.kind.in_(SAID))
        .subquery()
    )
    found: dict[int, dict[str | None, Said]] = {}
    for row in connection.execute(select(newest).where(newest.c.nth <= _MOST_SAID).order_by(newest.c.id.desc())):
        words = vault.open_optional(row.details, row.id)
        found.setdefault(row.alert_id, {}).setdefault(words, Said(row.id, row.at, row.source, words))
    return {alert_id: list(lines.values()) for alert_id, lines in found.items()}


def _told(connection: Connection, clinic: Clinic, ids: Collection[int]) -> dict[int, list[Told]]:
    """Of the present round of telling: since the alert became this urgent, or was opened again."""
    rows = connection.execute(
        select(
            alert_events.c.alert_id,
            alert_events.c.contact_id,
            func.count(alert_events.c.round.distinct()).label("times"),
            func.min(alert_events.c.at).label("first_at"),
            func.max(alert_events.c.at).label("last_at"),
        )
        .join(alerts, alerts.c.id == alert_events.c.alert_id)
        .where(
            alert_events.c.alert_id.in_(ids),
            alert_events.c.kind == EventKind.NOTIFIED,
            alert_events.c.at >= alerts.c.since,
        )
        .group_by(alert_events.c.alert_id, alert_events.c.contact_id)
        .order_by(func.min(alert_events.c.at), alert_events.c.contact_id)
    ).all()
    names = told_names(connection, clinic) if rows else {}
    found: dict[int, list[Told]] = {}
    for row in rows:
        line = Told(names.get(row.contact_id, "somebody"), row.times, row.first_at, row.last_at)
        found.setdefault(row.alert_id, []).append(line)
    return found


def told_names(connection: Connection, clinic: Clinic) -> dict[int, str]:
    """Whom a notice went to, by the contact's id."""
    return contacts.names_of(connection, clinic.id) | {HOUSE: clinic.name}


def unreached(connection: Connection, vault: Vault, clinic_id: int, now: datetime, limit: int) -> list[Unreached]:
    """The patients whom something of the last days did not reach, and why; those a person can mend come first."""
    lost = _lost(connection, clinic_id, now)
    arrived = _arrived(connection, {one.patient_id for one in lost}, now)
    grouped: dict[int, list[Trouble]] = {}
    for one in worklist.troubles(lost, arrived):
        grouped.setdefault(one.patient_id, []).append(one)
    some = dict(list(grouped.items())[:limit])
    people = patients.of_ids(connection, vault, some)
    return [
        Unreached(people[patient_id], tuple(troubles))
        for patient_id, troubles in some.items()
        if people[patient_id].erased_at is None
    ]


def settle_unreached(connection: Connection, patient_id: int, upto: datetime) -> bool:
    """Somebody knows what did not arrive up to then. False when somebody did before."""
    seen = patient_rows.c.failures_seen_at
    done = connection.execute(
        update(patient_rows)
        .where(patient_rows.c.id == patient_id, seen.is_(None) | (seen < upto))
        .values(failures_seen_at=upto)
    )
    return done.rowcount == 1


def _lost(connection: Connection, clinic_id: int, now: datetime) -> list[Lost]:
    newest = (
        select(messages)
        .where(text(LOST_MESSAGES), messages.c.clinic_id == clinic_id, messages.c.due_at > now - LOOK_BACK)
        .order_by(messages.c.due_at.desc())
        .limit(_MOST_LOST)
        .subquery()
    )
    seen = patient_rows.c.failures_seen_at
    rows = connection.execute(
        select(newest)
        .join(patient_rows, patient_rows.c.id == newest.c.patient_id)
        .where(seen.is_(None) | (seen < newest.c.due_at))
        .order_by(newest.c.due_at.desc())
    )
    return [
        Lost(
            row.patient_id,
            row.session_id,
            row.step,
            Channel(row.channel),
            State(row.state),
            Reason(row.reason),
            row.due_at,
        )
        for row in rows
    ]


def _arrived(connection: Connection, patient_ids: Collection[int], now: datetime) -> list[Arrived]:
    if not patient_ids:
        return []
    columns = (
        messages.c.patient_id,
        messages.c.session_id,
        messages.c.step,
        messages.c.channel,
        messages.c.handed_at,
        messages.c.state,
    )
    rows = connection.execute(
        select(*columns).where(
            messages.c.patient_id.in_(patient_ids),
            messages.c.handed_at.is_not(None),
            messages.c.handed_at > now - LOOK_BACK,
            messages.c.state.in_((State.ACCEPTED, State.SENT, State.DELIVERED)),
        )
    )
    return [
        Arrived(
            row.patient_id, row.session_id, row.step, Channel(row.channel), row.handed_at, row.state == State.DELIVERED
        )
        for row in rows
    ]


def coming(connection: Connection, sending: Sending, clinic: Clinic, now: datetime, until: datetime) -> Coming:
    """What the plan sends to the clinic's patients between `now` and `until`.

    Goes down the index that the clock uses, and so never looks further than `until`.
    """
    found = Coming()
    for channel, sender in sending.of(clinic).items():
        due = (
            select(messages.c.due_at, messages.c.survey)
            .where(
                text("state = 'planned'"),
                messages.c.channel == channel,
                messages.c.sender == sender,
                messages.c.priority == ROUTINE,
                messages.c.due_at > now,
                messages.c.due_at <= until,
                messages.c.clinic_id == clinic.id,
            )
            .order_by(messages.c.due_at)
            .limit(MOST_COUNTED)
            .subquery()
        )
        row = connection.execute(
            select(func.count(), func.count(due.c.survey), func.min(due.c.due_at)).select_from(due)
        ).one()
        found = Coming(found.messages + row[0], found.surveys + row[1], _earlier(found.next_at, row[2]))
    return found


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((each for each in (one, other) if each is not None), default=None)
