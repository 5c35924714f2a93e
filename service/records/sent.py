"""One patient's messages as the desk shows them: what went out, what did not and why, and what is to come."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, or_, select, tuple_

from service.care import typed
from service.care.lifecycle import SENTENCES, WAITING, Channel, Reason, State
from service.records import wordings
from service.records.clinics import Clinic
from service.records.patients import Patient
from service.records.sealing import Vault
from service.records.sending_tables import attempts, messages, receipts
from service.records.tables import sessions
from service.records.wordings import Words

_NUMBER = re.compile(r"(?<=[a-z])(?=\d)")
MOST_COMING = 200
"""More than any plan holds; several courses at once may come near it."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something the provider said of a message."""

    at: datetime
    status: str
    code: str | None


@dataclass(frozen=True, slots=True)
class Sent:
    """One message, wherever it stands."""

    id: int
    at: datetime
    """When it went, else when it was or is due."""
    step: str
    channel: Channel
    survey: str | None
    state: State
    reason: Reason
    due_at: datetime
    went: bool
    """An attempt was made that may have reached the patient."""
    by: str | None
    """Who typed it."""
    words: Words | None = field(repr=False)
    marks: tuple[Mark, ...]

    @property
    def title(self) -> str:
        """What the protocol calls it, for people: "day1.reminder" is "day 1, reminder"."""
        return _NUMBER.sub(" ", self.step).replace("_", " ").replace(".", ", ")

    @property
    def is_typed(self) -> bool:
        return self.step in typed.STEPS

    @property
    def waits(self) -> bool:
        return self.state in WAITING

    @property
    def why(self) -> str:
        """P7: in a sentence, why it was or was not sent."""
        return SENTENCES[self.reason]


_moment: ColumnElement[datetime] = func.coalesce(messages.c.handed_at, messages.c.due_at)
_IN_ORDER = (_moment.desc(), messages.c.id.desc())


def lately(
    connection: Connection,
    vault: Vault,
    clinic: Clinic,
    patient: Patient,
    before: tuple[datetime, int] | None,
    limit: int,
    now: datetime,
) -> list[Sent]:
    """What has come to an end or is on its way, the newest first, from behind `before` on."""
    query = _theirs(patient.id).where(messages.c.state.not_in(WAITING), _moment <= now)
    if before is not None:
        query = query.where(tuple_(_moment, messages.c.id) < before)
    rows = connection.execute(query.order_by(*_IN_ORDER).limit(limit)).all()
    return _shown(connection, vault, clinic, patient, rows)


def coming(
    connection: Connection, vault: Vault, clinic: Clinic, patient: Patient, now: datetime
) -> tuple[list[Sent], list[Sent]]:
    """What is still to go, the next first; and what would be, were it not ruled out already."""
    query = (
        _theirs(patient.id).where(or_(messages.c.state.in_(WAITING), _moment > now)).order_by(_moment, messages.c.id)
    )
    found = _shown(connection, vault, clinic, patient, connection.execute(query.limit(MOST_COMING)).all())
    return [one for one in found if one.waits], [one for one in found if not one.waits]


def texts(connection: Connection, vault: Vault, clinic: Clinic, patient: Patient, limit: int) -> list[Sent]:
    """The last texts that went out, and typed ones whatever became of them, the newest first."""
    is_said = or_(messages.c.handed_at.is_not(None), messages.c.step.in_(typed.STEPS))
    query = _theirs(patient.id).where(messages.c.channel == Channel.SMS, is_said)
    return _shown(connection, vault, clinic, patient, connection.execute(query.order_by(*_IN_ORDER).limit(limit)).all())


def _theirs(patient_id: int) -> Any:
    return (
        select(messages, sessions.c.protocol_id, _moment.label("at"))
        .outerjoin(sessions, sessions.c.id == messages.c.session_id)
        .where(messages.c.patient_id == patient_id)
    )


def _shown(
    connection: Connection, vault: Vault, clinic: Clinic, patient: Patient, rows: Sequence[Row[Any]]
) -> list[Sent]:
    marks = _marks(connection, [row.id for row in rows if row.handed_at is not None])
    return [
        Sent(
            id=row.id,
            at=row.at,
            step=row.step,
            channel=Channel(row.channel),
            survey=row.survey,
            state=State(row.state),
            reason=Reason(row.reason),
            due_at=row.due_at,
            went=row.handed_at is not None,
            by=row.by,
            words=wordings.of_message(connection, vault, clinic, patient, dict(row._mapping), row.protocol_id),
            marks=marks.get(row.id, ()),
        )
        for row in rows
    ]


def _marks(connection: Connection, message_ids: Sequence[int]) -> Mapping[int, tuple[Mark, ...]]:
    """What the provider reported of each, in the order in which we heard of it."""
    rows = connection.execute(
        select(attempts.c.message_id, receipts.c.id, receipts.c.received_at, receipts.c.status, receipts.c.code)
        .join(receipts, receipts.c.attempt_id == attempts.c.id)
        .where(attempts.c.message_id.in_(message_ids))
        .order_by(receipts.c.received_at, receipts.c.id)
    )
    found: dict[int, tuple[Mark, ...]] = {}
    for row in rows:
        found[row.message_id] = (*found.get(row.message_id, ()), Mark(row.received_at, row.status, row.code))
    return found
