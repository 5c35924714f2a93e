"""Responses: what a patient answered to one survey of one session, sealed, and still theirs to change for a while."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from service import time
from service.care.surveys import Answer, Question, Survey, validate
from service.records import hooks, messages, patients
from service.records.ids import new_id
from service.records.reply_tables import responses
from service.records.sealing import Vault

Stored = int | bool | str | list[str]


@dataclass(frozen=True, slots=True)
class Response:
    """One response, opened. `answers` is by question id, as `Answer.stored` gives it."""

    id: int
    clinic_id: int
    patient_id: int
    session_id: int
    survey: str
    started_at: datetime
    changed_at: datetime
    completed_at: datetime | None
    answers: Mapping[str, Stored]

    def read(self, survey: Survey) -> dict[str, Answer]:
        """The answers to `survey`'s present questions; what an older edition asked is left out."""
        return read_stored(survey.questions, self.answers)


def read_stored(questions: Collection[Question], stored: Mapping[str, object]) -> dict[str, Answer]:
    """Stored answers as Answers again."""
    read = (validate(question, stored[question.id]) for question in questions if question.id in stored)
    return {answer.question: answer for answer in read if isinstance(answer, Answer)}


_FIND = select(responses).where(
    responses.c.session_id == bindparam("session_id"), responses.c.survey == bindparam("survey")
)
_OF_SESSIONS = (
    select(responses)
    .where(responses.c.session_id.in_(bindparam("ids", expanding=True)))
    .order_by(responses.c.started_at, responses.c.id)
)


def find(connection: Connection, vault: Vault, session_id: int, survey: str) -> Response | None:
    """The response to a session's survey, if there is one."""
    row = connection.execute(_FIND, {"session_id": session_id, "survey": survey}).one_or_none()
    return None if row is None else as_response(row, vault)


def of_sessions(connection: Connection, vault: Vault, session_ids: Collection[int]) -> list[Response]:
    """All responses of these sessions, in the order in which they were begun."""
    return [as_response(row, vault) for row in connection.execute(_OF_SESSIONS, {"ids": list(session_ids)})]


@dataclass(frozen=True, slots=True)
class Change:
    """What a tap, a submitted page or an answer by text brings."""

    answers: Mapping[str, Answer]
    cleared: frozenset[str] = frozenset()
    """Questions whose answer was taken back."""
    finish: bool = False
    """The patient has sent the survey off, and nothing is missing."""


def save(
    connection: Connection,
    vault: Vault,
    patient_id: int,
    session_id: int,
    survey: str,
    change: Change,
    now: datetime,
) -> Response:
    """Add answers to the response, in the caller's transaction; the first `finish` completes it, once and for all.

    Locks the patient first: a survey begun on the page and by text at the same moment stays one response, and whoever
    plans for this patient waits. Completing withdraws what would still ask (P3), a queued reminder as well. Raises
    LookupError for an unknown patient or one who was erased.
    """
    patient = patients.get(connection, vault, patient_id, lock=True)
    if patient.erased_at is not None:
        raise LookupError(f"patient {patient_id} was erased")
    known = find(connection, vault, session_id, survey)
    if known is None:
        row_id = new_id()
        fresh = Response(row_id, patient.clinic_id, patient_id, session_id, survey, now, now, None, {})
        kept = _changed(fresh, change, now)
        connection.execute(insert(responses).values(**_values(kept, vault)))
    else:
        kept = _changed(known, change, now)
        values = {name: value for name, value in _values(kept, vault).items() if name != "id"}
        connection.execute(update(responses).where(responses.c.id == kept.id).values(**values))
    if kept.completed_at is not None:
        messages.withdraw_answered(connection, session_id, survey)
    if kept.completed_at is not None and (known is None or known.completed_at is None):
        hooks.announce(
            connection, vault, kept.clinic_id, patient_id, hooks.Type.SURVEY, _told(kept), now, session_id=session_id
        )
    return kept


def _told(response: Response) -> dict[str, Any]:
    """What a clinic's system hears of a survey that was sent off."""
    return {
        "id": str(response.id),
        "survey": response.survey,
        "started_at": hooks.iso(response.started_at),
        "changed_at": hooks.iso(response.changed_at),
        "completed_at": None if response.completed_at is None else hooks.iso(response.completed_at),
        "answers": dict(response.answers),
    }


def _changed(response: Response, change: Change, now: datetime) -> Response:
    answers = {name: value for name, value in response.answers.items() if name not in change.cleared}
    answers |= {name: answer.stored for name, answer in change.answers.items()}
    completed_at = response.completed_at or (now if change.finish else None)
    # Drawn with the lock in hand: whoever reads answers in the order of their last change must not pass this one by.
    return replace(response, answers=answers, changed_at=max(now, time.now()), completed_at=completed_at)


def _values(response: Response, vault: Vault) -> dict[str, Any]:
    return {
        "id": response.id,
        "clinic_id": response.clinic_id,
        "patient_id": response.patient_id,
        "session_id": response.session_id,
        "survey": response.survey,
        "started_at": response.started_at,
        "changed_at": response.changed_at,
        "completed_at": response.completed_at,
        "answers": vault.seal(json.dumps(response.answers, ensure_ascii=False), response.id),
    }


def as_response(row: Row[Any], vault: Vault) -> Response:
    values = dict(row._mapping)
    values["answers"] = json.loads(vault.open(row.answers, row.id))
    return Response(**values)
