"""Messages: planned, queued, withdrawn, moved. Every move is an `UPDATE … WHERE state IN (…)`: whoever comes second
changes nothing.

Lock order, so that PostgreSQL never has to break a deadlock: the patient's row, then messages, then attempts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, TextClause, bindparam, insert, or_, select, text, update

from service import time
from service.care.lifecycle import WAITING, Channel, Reason, State, sources_of
from service.care.planning import PlannedMessage
from service.care.replanning import ExistingMessage
from service.care.typed import STEPS
from service.records import hooks
from service.records.bulk import Write
from service.records.database import as_rows, listed
from service.records.ids import new_ids
from service.records.sending_tables import messages

URGENT, ROUTINE = 0, 1
"""Priorities: alerts and answers to the patient before the plan."""

STEP_ONE_SEGMENT = 1
"""The linter lets no planned text grow past one segment."""


@dataclass(frozen=True, slots=True)
class Extra:
    """A message outside any plan: an answer to a reply, a notice to the clinic's people, words a person typed."""

    clinic_id: int
    step: str
    channel: Channel
    sender: str
    due_at: datetime
    window_until: datetime
    cause_id: int
    patient_id: int | None = None
    session_id: int | None = None
    priority: int = URGENT
    segments: int = 1
    survey: str | None = None
    address: bytes | None = None
    body: bytes | None = None
    by: str | None = None
    """Who typed the body."""


def insert_planned(
    connection: Connection,
    clinic_id: int,
    patient_id: int,
    session_id: int,
    senders: Mapping[Channel, str],
    planned: Sequence[PlannedMessage],
) -> range:
    """Insert a plan; returns the ids, in order."""
    ids = new_ids(len(planned))
    if planned:
        rows = planned_rows(clinic_id, patient_id, session_id, senders, ids, planned)
        connection.execute(insert(messages), list(rows))
    return ids


def add_plans(write: Write, rows: Iterable[dict[str, Any]]) -> None:
    """Insert many plans: their `planned_rows`."""
    write(messages, rows)


def planned_rows(
    clinic_id: int,
    patient_id: int,
    session_id: int,
    senders: Mapping[Channel, str],
    ids: Iterable[int],
    planned: Iterable[PlannedMessage],
) -> Iterator[dict[str, Any]]:
    """A plan as rows."""
    for row_id, message in zip(ids, planned, strict=True):
        # Plain text for the drivers, which are slow with enums.
        yield {
            "id": row_id,
            "clinic_id": clinic_id,
            "patient_id": patient_id,
            "session_id": session_id,
            "step": message.step,
            "channel": message.channel.value,
            "survey": message.survey,
            "sender": senders[message.channel],
            "priority": ROUTINE,
            "segments": STEP_ONE_SEGMENT,
            "due_at": message.due_at,
            "window_until": message.window_until,
            "state": message.state.value,
            "reason": message.reason.value,
            "tries": 0,
        }


def insert_extra(connection: Connection, extra: Extra, row_id: int) -> int:
    """Insert a message outside any plan under an id drawn before (what is sealed in it is bound to that)."""
    connection.execute(
        insert(messages),
        {
            "id": row_id,
            "clinic_id": extra.clinic_id,
            "patient_id": extra.patient_id,
            "session_id": extra.session_id,
            "cause_id": extra.cause_id,
            "step": extra.step,
            "channel": extra.channel,
            "survey": extra.survey,
            "sender": extra.sender,
            "priority": extra.priority,
            "segments": extra.segments,
            "due_at": extra.due_at,
            "window_until": extra.window_until,
            "state": State.PLANNED,
            "reason": Reason.NOT_YET_DUE,
            "tries": 0,
            "address": extra.address,
            "body": extra.body,
            "by": extra.by,
        },
    )
    return row_id


def of_session(connection: Connection, session_id: int) -> list[dict[str, Any]]:
    """A session's messages, in order of due time."""
    rows = connection.execute(
        select(messages).where(messages.c.session_id == session_id).order_by(messages.c.due_at, messages.c.id)
    )
    return [dict(row._mapping) for row in rows]


def of_patient(connection: Connection, patient_id: int) -> list[dict[str, Any]]:
    """All of a patient's messages, in order of due time."""
    rows = connection.execute(
        select(messages).where(messages.c.patient_id == patient_id).order_by(messages.c.due_at, messages.c.id)
    )
    return [dict(row._mapping) for row in rows]


_ON_RECORD = select(
    messages.c.id,
    messages.c.step,
    messages.c.channel,
    messages.c.state,
    messages.c.reason,
    messages.c.due_at,
    messages.c.window_until,
    messages.c.survey,
).where(messages.c.session_id == bindparam("session_id"))


def on_record(connection: Connection, session_id: int) -> list[ExistingMessage]:
    """A session's messages as re-planning sees them."""
    return [
        ExistingMessage(
            id=row.id,
            step=row.step,
            channel=Channel(row.channel),
            state=State(row.state),
            reason=Reason(row.reason),
            due_at=row.due_at,
            window_until=row.window_until,
            survey=row.survey,
        )
        for row in connection.execute(_ON_RECORD, {"session_id": session_id})
    ]


def withdraw(
    connection: Connection, reason: Reason, *where: ColumnElement[bool], state: State = State.CANCELLED
) -> list[int]:
    """End whatever has not left yet among the messages that `where` names."""
    withdrawn = list(
        connection.execute(
            update(messages)
            .where(messages.c.state.in_(WAITING), *where)
            .values(state=state, reason=reason, check_at=None)
            .returning(messages.c.id)
        ).scalars()
    )
    hooks.announce_messages(connection, withdrawn, time.now())
    return withdrawn


def withdraw_of_patient(
    connection: Connection, patient_id: int, reason: Reason, channel: Channel | None = None
) -> list[int]:
    """Withdraw a patient's plan and what was typed; the house's own answers to what the patient just wrote still go."""
    typed = messages.c.step.in_(STEPS)
    where = [messages.c.patient_id == patient_id, or_(messages.c.priority == ROUTINE, typed)]
    if channel is not None:
        where.append(messages.c.channel == channel)
    return withdraw(connection, reason, *where)


def withdraw_of_session(connection: Connection, session_id: int, reason: Reason) -> list[int]:
    """Withdraw everything of a session that has not left yet."""
    return withdraw(connection, reason, messages.c.session_id == session_id)


def withdraw_answered(connection: Connection, session_id: int, survey: str) -> list[int]:
    """The survey is answered: what would still ask for it is not wanted any more (P3)."""
    return withdraw(
        connection,
        Reason.ANSWERED,
        messages.c.session_id == session_id,
        messages.c.survey == survey,
        state=State.SKIPPED,
    )


def re_time(connection: Connection, message_id: int, message: PlannedMessage) -> bool:
    """Give a waiting message other times. A worker's nudge for the old time then finds nothing."""
    done = connection.execute(
        update(messages)
        .where(messages.c.id == message_id, messages.c.state.in_(WAITING))
        .values(
            due_at=message.due_at,
            window_until=message.window_until,
            survey=message.survey,
            state=State.PLANNED,
            reason=Reason.NOT_YET_DUE,
            check_at=None,
        )
    )
    return done.rowcount == 1


def revive(connection: Connection, message_id: int, state: State, reason: Reason, message: PlannedMessage) -> bool:
    """Plan again what was ruled out and never attempted: the one move out of an end."""
    done = connection.execute(
        update(messages)
        .where(
            messages.c.id == message_id,
            messages.c.state == state,
            messages.c.reason == reason,
            messages.c.handed_at.is_(None),
        )
        .values(
            due_at=message.due_at,
            window_until=message.window_until,
            survey=message.survey,
            state=State.PLANNED,
            reason=Reason.NOT_YET_DUE,
        )
    )
    if done.rowcount:
        hooks.announce_messages(connection, [message_id], time.now())
    return done.rowcount == 1


def wake_held(connection: Connection, reason: Reason, now: datetime, *where: ColumnElement[bool]) -> int:
    """Make messages that were held for `reason` due at once: what held them is gone."""
    done = connection.execute(
        update(messages)
        .where(messages.c.state == State.PLANNED, messages.c.reason == reason, messages.c.due_at > now, *where)
        .values(due_at=now, reason=Reason.NOT_YET_DUE)
    )
    return done.rowcount


@dataclass(frozen=True, slots=True)
class Move:
    """One message to one state."""

    id: int
    state: State
    reason: Reason
    due_at: datetime | None = None
    """A new due time; None keeps the old one."""
    check_at: datetime | None = None
    unhanded: bool = False
    """True when the attempt is proven never to have arrived: the message counts as not handed over."""
    attempt: int | None = None
    """The number of the attempt that this follows from: made only while the message has had none since. A worker that
    stood still knows nothing of the attempt that another has begun meanwhile, and must not take it back."""


_MOVE_COLUMNS = {
    "id": "bigint",
    "reason": "text",
    "due_at": "moment",
    "check_at": "moment",
    "unhanded": "integer",
    "attempt": "integer",
}


def move(connection: Connection, moves: Iterable[Move], only_from: Collection[State] | None = None) -> int:
    """Make these moves, each only from a state that allows it (or from `only_from`); returns how many were made."""
    by_state: dict[State, list[Move]] = {}
    for one in moves:
        by_state.setdefault(one.state, []).append(one)
    made = 0
    for state, same in by_state.items():
        sources = only_from if only_from is not None else sources_of(state)
        made += _move_to(connection, state, same, sources)
    return made


def _move_to(connection: Connection, state: State, moves: list[Move], sources: Collection[State]) -> int:
    told = state in hooks.TOLD and hooks.anyone_listens(connection)
    # Sorted, so that two bulk moves take their row locks in the same order.
    rows = as_rows(
        [
            {
                "id": one.id,
                "reason": one.reason,
                "due_at": one.due_at,
                "check_at": one.check_at,
                "unhanded": 1 if one.unhanded else None,
                "attempt": one.attempt,
            }
            for one in sorted(moves, key=lambda one: one.id)
        ]
    )
    statement = _moving(listed(connection, _MOVE_COLUMNS), frozenset(sources), told)
    done = connection.execute(statement, {"state": state, "rows": rows})
    if not told:
        return done.rowcount
    moved = list(done.scalars())
    hooks.announce_messages(connection, moved, time.now())
    return len(moved)


@cache
def _moving(rows: str, sources: frozenset[State], told: bool) -> TextClause:
    allowed = ", ".join(f"'{source}'" for source in sorted(sources))
    return text(
        f"UPDATE messages SET state = :state, reason = listed.reason, check_at = listed.check_at,"
        f" due_at = COALESCE(listed.due_at, messages.due_at),"
        f" handed_at = CASE WHEN listed.unhanded = 1 THEN NULL ELSE messages.handed_at END"
        f" FROM {rows} AS listed"
        f" WHERE messages.id = listed.id AND messages.state IN ({allowed})"
        f" AND (listed.attempt IS NULL OR messages.tries = listed.attempt)" + (" RETURNING messages.id" if told else "")
    )


def states_of(connection: Connection, ids: Collection[int]) -> dict[int, State]:
    """The present state of each."""
    return {row.id: State(row.state) for row in connection.execute(_STATES_OF, {"ids": list(ids)})}


def look_later(connection: Connection, message_id: int, at: datetime | None) -> bool:
    """When the provider should be asked again about an accepted message; None: not any more."""
    return connection.execute(_LOOK_LATER, {"message_id": message_id, "at": at}).rowcount == 1


# Asked about every message: put together once.
_STATES_OF = select(messages.c.id, messages.c.state).where(messages.c.id.in_(bindparam("ids", expanding=True)))
_LOOK_LATER = (
    update(messages)
    .where(messages.c.id == bindparam("message_id"), messages.c.state.in_((State.ACCEPTED, State.SENT)))
    .values(check_at=bindparam("at"))
)
