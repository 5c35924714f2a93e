"""Surveys that stay unanswered, found long enough after they were sent, and judged once each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, case, func, or_, select

from service.care.lifecycle import WAITING
from service.care.triage import Silence
from service.records.alert_tables import alerts
from service.records.database import upsert
from service.records.messages import ROUTINE
from service.records.reply_tables import responses, silences
from service.records.sending_tables import messages as message_rows
from service.records.tables import patients, sessions

LOOK_BACK = timedelta(days=10)
"""No silence is judged longer after the survey was sent: its last reminder comes on the seventh day."""
ENOUGH = timedelta(hours=24)
"""Time to answer the last text that asked, where its own window is longer."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A survey of a session that nobody began to answer."""

    session_id: int
    patient_id: int
    survey: str
    asked_at: datetime
    silence: Silence

    @property
    def cause(self) -> str:
        """What the alert is about."""
        return f"silence {self.survey}"


def find(connection: Connection, now: datetime) -> list[Unanswered]:
    """Surveys asked for lately that have been silent until their reminder or beyond, the oldest first.

    Left out: patients who were erased, stopped or may not be written to any more, cancelled sessions, silences that
    the worklist has or had, and those that were judged already and have not grown since.
    """
    found = []
    for row in connection.execute(_ASKED, {"after": now - LOOK_BACK}).all():
        silence = _silence(row, now)
        if silence.rank > Silence(row.judged or Silence.NONE).rank:
            found.append(Unanswered(row.session_id, row.patient_id, row.survey, row.asked_at, silence))
    return found


def is_noted(connection: Connection, silent: Unanswered) -> bool:
    """Whether the worklist has it, or had it since the survey was sent."""
    noted = select(alerts.c.id).where(
        alerts.c.patient_id == silent.patient_id,
        alerts.c.cause == silent.cause,
        or_(alerts.c.closed_at.is_(None), alerts.c.opened_at >= silent.asked_at),
    )
    return connection.execute(noted.limit(1)).first() is not None


def judge(connection: Connection, silent: Unanswered, now: datetime) -> bool:
    """Note that this silence is being judged; False when somebody else has, at this length, since the survey was sent.

    It is in the table and not in a clock's memory, because whoever starts a clock anew would judge them all again.
    """
    fresh = upsert(connection.dialect.name, silences).values(
        session_id=silent.session_id, survey=silent.survey, silence=silent.silence, judged_at=now
    )
    grown = and_(silences.c.silence == Silence.SOME, fresh.excluded.silence == Silence.AFTER_REMINDER)
    ours = connection.execute(
        fresh.on_conflict_do_update(
            index_elements=["session_id", "survey"],
            set_={"silence": fresh.excluded.silence, "judged_at": now},
            where=or_(grown, silences.c.judged_at < silent.asked_at),
        ).returning(silences.c.session_id)
    )
    return ours.first() is not None


def _asked() -> Any:
    asked = (
        select(
            message_rows.c.session_id,
            message_rows.c.patient_id,
            message_rows.c.survey,
            func.min(message_rows.c.handed_at).label("asked_at"),
        )
        .where(
            message_rows.c.handed_at > bindparam("after"),
            message_rows.c.survey.is_not(None),
            message_rows.c.priority == ROUTINE,
        )
        .group_by(message_rows.c.session_id, message_rows.c.patient_id, message_rows.c.survey)
        .subquery()
    )
    is_reminder = and_(message_rows.c.step.like("%.%"), message_rows.c.priority == ROUTINE)
    is_handed = and_(is_reminder, message_rows.c.handed_at.is_not(None))
    noted = select(alerts.c.id).where(
        alerts.c.patient_id == asked.c.patient_id,
        alerts.c.cause == "silence " + asked.c.survey,
        or_(alerts.c.closed_at.is_(None), alerts.c.opened_at >= asked.c.asked_at),
    )
    answered = select(responses.c.id).where(
        responses.c.session_id == asked.c.session_id, responses.c.survey == asked.c.survey
    )
    judged = (
        select(silences.c.silence)
        .where(
            silences.c.session_id == asked.c.session_id,
            silences.c.survey == asked.c.survey,
            silences.c.judged_at >= asked.c.asked_at,
        )
        .scalar_subquery()
    )
    return (
        select(
            asked,
            func.min(case((is_reminder, message_rows.c.due_at))).label("reminded_from"),
            func.sum(case((and_(is_reminder, message_rows.c.state.in_(WAITING)), 1), else_=0)).label("waiting"),
            func.max(case((is_handed, message_rows.c.handed_at))).label("reminded_at"),
            func.max(case((is_handed, message_rows.c.window_until))).label("closes_at"),
            judged.label("judged"),
        )
        .join(
            message_rows,
            and_(message_rows.c.session_id == asked.c.session_id, message_rows.c.survey == asked.c.survey),
        )
        .join(patients, patients.c.id == asked.c.patient_id)
        .join(sessions, sessions.c.id == asked.c.session_id)
        .where(
            patients.c.erased_at.is_(None),
            patients.c.stopped_at.is_(None),
            or_(patients.c.sms_consent, patients.c.email_consent),
            sessions.c.cancelled_at.is_(None),
            ~answered.exists(),
            ~noted.exists(),
        )
        .group_by(*asked.c)
        # Whose first text is out of sight is over: by its reminder alone, still in sight, it would begin anew.
        .having(func.min(case((message_rows.c.priority == ROUTINE, message_rows.c.handed_at))) > bindparam("after"))
        .order_by(asked.c.asked_at)
    )


_ASKED = _asked()


def _silence(row: Row[Any], now: datetime) -> Silence:
    if row.reminded_from is None:
        return Silence.AFTER_REMINDER if now >= row.asked_at + ENOUGH else Silence.NONE
    if row.reminded_at is None and row.reminded_from > now:
        return Silence.NONE
    if row.waiting:
        return Silence.SOME
    over = row.asked_at + ENOUGH if row.reminded_at is None else min(row.closes_at, row.reminded_at + ENOUGH)
    return Silence.AFTER_REMINDER if now >= over else Silence.SOME
