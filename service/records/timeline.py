"""Everything that happened about one patient, newest first: what went out and what did not, what came in, what people
did about it.

Seven kinds of things lie in as many tables. A page asks each for its newest behind the cursor and keeps the newest of
them all, so that its cost does not grow with the history.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, select, tuple_

from service.care.answers_in_words import Line, in_words
from service.care.lifecycle import Channel
from service.care.urgency import Urgency
from service.records import alert_history, audit, contacts, sent
from service.records.alert_history import AlertEvent, EventKind
from service.records.alert_tables import alerts
from service.records.clinics import Clinic
from service.records.desk_tables import notes
from service.records.library import library
from service.records.patients import Patient
from service.records.reply_tables import replies, responses
from service.records.responses import as_response
from service.records.sealing import Vault
from service.records.sent import Sent
from service.records.tables import audit as audit_rows
from service.records.tables import consents, sessions

ACTIONS: Mapping[str, str] = {
    "plan.pause": "paused the plan",
    "plan.resume": "let the plan go on",
    "plan.stop": "stopped the plan",
    "plan.start": "started the plan again",
    "patient.correct": "corrected the record",
    "consent.record": "recorded consent",
    "consent.withdraw": "recorded that consent was withdrawn",
    "patient.export": "took a copy of everything held",
}
"""What people do about a patient that shows nowhere else, by its name in the audit."""


class Kind(StrEnum):
    """What an entry is about."""

    MESSAGE = "message"
    REPLY = "reply"
    ANSWERS = "answers"
    ALERT = "alert"
    CONSENT = "consent"
    NOTE = "note"
    ACTION = "action"


@dataclass(frozen=True, slots=True)
class Reply:
    """Something that the patient sent."""

    channel: Channel
    text: str = field(repr=False)
    media: int
    automatic: bool


@dataclass(frozen=True, slots=True)
class Answers:
    """One survey, as far as it was answered."""

    survey: str
    title: str
    lines: tuple[Line, ...] = field(repr=False)
    completed: bool


@dataclass(frozen=True, slots=True)
class Told:
    """One line of an alert's history."""

    event: AlertEvent
    whom: str | None
    """Who was told."""


@dataclass(frozen=True, slots=True)
class AlertEntry:
    """An alert, with what was done about it."""

    id: int
    cause: str
    urgency: Urgency
    history: tuple[Told, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ConsentLine:
    """A line of the ledger."""

    channel: Channel
    action: str
    wording: str
    source: str


@dataclass(frozen=True, slots=True)
class Noted:
    """What somebody wrote down or did."""

    by: str
    words: str = field(repr=False)


What = Sent | Reply | Answers | AlertEntry | ConsentLine | Noted


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened. (at, id) is its place, and the cursor of what is older."""

    at: datetime
    id: int
    kind: Kind
    what: What


@dataclass(frozen=True, slots=True)
class _Asked:
    """What every kind is asked for."""

    connection: Connection
    vault: Vault
    clinic: Clinic
    patient: Patient
    before: tuple[datetime, int] | None
    limit: int
    now: datetime

    def rows(self, table: Table, at: ColumnElement[datetime], *where: ColumnElement[bool]) -> Sequence[Any]:
        """The newest rows of a table behind the cursor."""
        query: Select[Any] = select(table).where(*where)
        if self.before is not None:
            query = query.where(tuple_(at, table.c.id) < self.before)
        return self.connection.execute(query.order_by(at.desc(), table.c.id.desc()).limit(self.limit)).all()


def page(
    connection: Connection,
    vault: Vault,
    clinic: Clinic,
    patient: Patient,
    before: tuple[datetime, int] | None,
    limit: int,
    now: datetime,
) -> list[Entry]:
    """The newest `limit` entries behind `before`."""
    asked = _Asked(connection, vault, clinic, patient, before, limit, now)
    sources: tuple[Callable[[_Asked], list[Entry]], ...] = (
        _messages, _replies, _answers, _alerts, _consents, _notes, _actions,
    )  # fmt: skip
    found = [entry for source in sources for entry in source(asked)]
    return sorted(found, key=lambda entry: (entry.at, entry.id), reverse=True)[:limit]


def _messages(asked: _Asked) -> list[Entry]:
    found = sent.lately(
        asked.connection, asked.vault, asked.clinic, asked.patient, asked.before, asked.limit, asked.now
    )
    return [Entry(one.at, one.id, Kind.MESSAGE, one) for one in found]


def _replies(asked: _Asked) -> list[Entry]:
    rows = asked.rows(replies, replies.c.received_at, replies.c.patient_id == asked.patient.id)
    return [
        Entry(
            row.received_at,
            row.id,
            Kind.REPLY,
            Reply(
                Channel(row.channel), asked.vault.open(row.body, row.id) if row.body else "", row.media, row.automatic
            ),
        )
        for row in rows
    ]


def _answers(asked: _Asked) -> list[Entry]:
    theirs = select(sessions.c.id).where(sessions.c.patient_id == asked.patient.id)
    rows = asked.rows(responses, responses.c.changed_at, responses.c.session_id.in_(theirs))
    return [Entry(row.changed_at, row.id, Kind.ANSWERS, _answered(asked.vault, row)) for row in rows]


def _answered(vault: Vault, row: Any) -> Answers:
    response = as_response(row, vault)
    survey = library().surveys.get(response.survey)
    title = "" if survey is None else survey.title["en"]
    return Answers(response.survey, title, in_words(survey, response.answers), response.completed_at is not None)


def _alerts(asked: _Asked) -> list[Entry]:
    rows = asked.rows(alerts, alerts.c.opened_at, alerts.c.patient_id == asked.patient.id)
    histories = {
        row.id: alert_history.newest(asked.connection, asked.vault, row.id, MOST_HISTORY)[::-1] for row in rows
    }
    names = _names(asked, [event for those in histories.values() for event in those])
    return [
        Entry(
            row.opened_at,
            row.id,
            Kind.ALERT,
            AlertEntry(
                row.id,
                row.cause,
                Urgency(row.urgency),
                tuple(Told(event, names.get(event.contact_id or 0)) for event in histories[row.id]),
            ),
        )
        for row in rows
    ]


MOST_HISTORY = 30
"""Lines shown of an alert's history: one that nobody hears of grows without an end."""


def _names(asked: _Asked, events: Sequence[AlertEvent]) -> dict[int, str]:
    told = {event.contact_id for event in events if event.kind is EventKind.NOTIFIED and event.contact_id}
    named = {one: contacts.name_of(asked.connection, asked.clinic.id, one) for one in told}
    return {0: asked.clinic.name} | {one: name for one, name in named.items() if name is not None}


def _consents(asked: _Asked) -> list[Entry]:
    rows = asked.rows(consents, consents.c.at, consents.c.patient_id == asked.patient.id)
    return [
        Entry(row.at, row.id, Kind.CONSENT, ConsentLine(Channel(row.channel), row.action, row.wording, row.source))
        for row in rows
    ]


def _notes(asked: _Asked) -> list[Entry]:
    mine = (notes.c.patient_id == asked.patient.id, notes.c.clinic_id == asked.clinic.id)
    rows = asked.rows(notes, notes.c.at, *mine)
    return [Entry(row.at, row.id, Kind.NOTE, Noted(row.by, asked.vault.open(row.body, row.id))) for row in rows]


def _actions(asked: _Asked) -> list[Entry]:
    rows = asked.rows(
        audit_rows,
        audit_rows.c.at,
        audit_rows.c.clinic_id == asked.clinic.id,
        audit_rows.c.subject == f"patient {asked.patient.id}",
        audit_rows.c.action.in_(ACTIONS),
    )
    return [Entry(row.at, row.id, Kind.ACTION, Noted(audit.name_of(row.actor), ACTIONS[row.action])) for row in rows]
