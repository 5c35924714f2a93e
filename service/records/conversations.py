"""Conversations: surveys that go on by text, each with its one open question."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from service.care.textsurvey import TIMEOUT, Phase, State
from service.records.ids import new_id
from service.records.reply_tables import conversations
from service.records.sealing import Vault


@dataclass(frozen=True, slots=True)
class Conversation:
    """One conversation, opened."""

    id: int
    patient_id: int
    session_id: int
    state: State


def running(connection: Connection, vault: Vault, patient_id: int) -> Conversation | None:
    """The patient's conversation that has not ended, the last one begun. Its question may be too old to answer."""
    row = connection.execute(
        select(conversations)
        .where(conversations.c.patient_id == patient_id, conversations.c.ended_at.is_(None))
        .order_by(conversations.c.asked_at.desc(), conversations.c.id.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    return Conversation(
        row.id, row.patient_id, row.session_id, State.from_json(json.loads(vault.open(row.state, row.id)))
    )


def keep(
    connection: Connection, vault: Vault, clinic_id: int, patient_id: int, session_id: int, state: State, now: datetime
) -> None:
    """Store where the conversation about a session's survey stands; the patient must be locked.

    It ends when it asks nothing more. A patient has one at a time: any other ends here.
    """
    ended_at = None if state.phase is Phase.ASKING else now
    row_id = connection.execute(
        select(conversations.c.id).where(
            conversations.c.session_id == session_id, conversations.c.survey == state.survey
        )
    ).scalar_one_or_none()
    end(connection, patient_id, now)
    is_new = row_id is None
    row_id = new_id() if row_id is None else row_id
    values = {
        "state": vault.seal(json.dumps(state.to_json()), row_id),
        "asked_at": state.asked_at,
        "expires_at": state.asked_at + TIMEOUT,
        "ended_at": ended_at,
    }
    if is_new:
        connection.execute(
            insert(conversations).values(
                id=row_id,
                clinic_id=clinic_id,
                patient_id=patient_id,
                session_id=session_id,
                survey=state.survey,
                **values,
            )
        )
    else:
        connection.execute(update(conversations).where(conversations.c.id == row_id).values(**values))


def end(connection: Connection, patient_id: int, now: datetime) -> int:
    """Ask a patient nothing more by text; returns how many conversations that ended."""
    done = connection.execute(
        update(conversations)
        .where(conversations.c.patient_id == patient_id, conversations.c.ended_at.is_(None))
        .values(ended_at=now)
    )
    return done.rowcount
