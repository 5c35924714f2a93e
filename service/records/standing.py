"""Where one patient stands: the plan, the courses, what is open, and whether they can be written to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from service.care.lifecycle import WAITING, Channel, Reason
from service.care.pausing import PlanFacts, PlanState, plan_state
from service.records import alerts, consents, plans, sessions, suppressions
from service.records.alert_tables import alerts as alert_rows
from service.records.alerts import Alert
from service.records.messages import ROUTINE
from service.records.patients import Patient, normal
from service.records.plans import Sending
from service.records.sealing import Vault
from service.records.sending_tables import messages as message_rows
from service.records.sessions import Session
from service.records.suppressions import Suppression
from service.records.tables import courses

MOST_ALERTS = 20


@dataclass(frozen=True, slots=True)
class Way:
    """One channel: whether it is open, and what says so."""

    channel: Channel
    address: str | None
    closed: Reason | None
    """Why nothing can be sent this way; None where it can."""
    suppression: Suppression | None
    """What stands against the address."""
    word: Mapping[str, Any] | None
    """The line of the ledger that counts."""


@dataclass(frozen=True, slots=True)
class Course:
    """One site, and its sessions, oldest first."""

    id: int
    site: str
    sessions: tuple[Session, ...]

    @property
    def name(self) -> str:
        return self.site.replace("_", " ")


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a patient stands."""

    plan: PlanState
    since: datetime | None
    """Of a pause or a stop."""
    by: str | None
    ways: tuple[Way, ...]
    courses: tuple[Course, ...]
    open_alerts: tuple[Alert, ...]
    """The most urgent first."""


def of_patient(connection: Connection, sending: Sending, patient: Patient) -> Standing:
    theirs = sessions.of_patient(connection, patient.id)
    ways = _ways(connection, sending.vault, patient)
    ended = [one.ended_at for one in theirs if one.cancelled_at is None and one.ended_at is not None]
    plan = plan_state(
        PlanFacts(
            paused_at=patient.paused_at,
            stopped_at=patient.stopped_at,
            last_ended_at=max(ended, default=None),
            opted_out=any(way.channel is Channel.SMS and way.closed is Reason.OPTED_OUT for way in ways),
            something_waits=_something_waits(connection, theirs),
        )
    )
    since, by = {
        PlanState.PAUSED: (patient.paused_at, patient.paused_by),
        PlanState.STOPPED: (patient.stopped_at, patient.stopped_by),
    }.get(plan, (None, None))
    return Standing(plan, since, by, ways, _courses(connection, theirs), _open_alerts(connection, patient))


def _ways(connection: Connection, vault: Vault, patient: Patient) -> tuple[Way, ...]:
    closed = plans.reachable(connection, vault, patient)
    words = {Channel(line["channel"]): line for line in sorted(consents.ledger(connection, patient.id), key=_counts)}
    found = []
    for channel in Channel:
        address = patient.address(channel)
        keys = [] if address is None else vault.indexes(normal(channel, address))
        against = suppressions.against(connection, patient.clinic_id, channel, keys)
        found.append(Way(channel, address, closed[channel], against, words.get(channel)))
    return tuple(found)


def _counts(line: Mapping[str, Any]) -> tuple[datetime, str]:
    """The latest line counts; a tie goes to the revocation."""
    return line["at"], line["action"]


def _something_waits(connection: Connection, theirs: Sequence[Session]) -> bool:
    query = select(message_rows.c.id).where(
        message_rows.c.session_id.in_([one.id for one in theirs]),
        message_rows.c.state.in_(WAITING),
        message_rows.c.priority == ROUTINE,
    )
    return connection.execute(query.limit(1)).first() is not None


def _courses(connection: Connection, theirs: Sequence[Session]) -> tuple[Course, ...]:
    """The course with the latest session first."""
    ids = {one.course_id for one in theirs if one.course_id is not None}
    sites = connection.execute(select(courses.c.id, courses.c.site).where(courses.c.id.in_(ids))).all() if ids else []
    made = [Course(row.id, row.site, tuple(one for one in theirs if one.course_id == row.id)) for row in sites]
    return tuple(sorted(made, key=lambda course: course.sessions[-1].id, reverse=True))


def _open_alerts(connection: Connection, patient: Patient) -> tuple[Alert, ...]:
    rows = connection.execute(
        select(alert_rows)
        .where(alert_rows.c.patient_id == patient.id, alert_rows.c.closed_at.is_(None))
        .order_by(alert_rows.c.id.desc())
        .limit(MOST_ALERTS)
    )
    return tuple(sorted((alerts.as_alert(row) for row in rows), key=lambda one: -one.urgency.rank))
