"""What results are counted from: facts of a period, the newest first, and never more than a page can wait for.

Each query begins at the newest and goes down an index. What a busy clinic has beyond the most that is counted is left
out at the far end of the period; `Counted.since` says from when on the facts are.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import Column, Connection, Select, and_, null, select, text

from service.care.answering import Ask
from service.care.attending import Heard
from service.care.delivery import Fate
from service.care.lifecycle import Channel, Reason, State
from service.care.urgency import Urgency
from service.records.messages import ROUTINE
from service.records.tables import LOST_MESSAGES, alerts, attempts, messages, responses, sessions

MOST = 20_000
"""Messages, or alerts."""
_WENT = (State.ACCEPTED, State.SENT, State.DELIVERED)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose facts, and of when."""

    clinic_id: int
    since: datetime
    until: datetime
    protocols: Collection[int] | None = None
    """Only of sessions under these versions; None: whatever they are of."""


@dataclass(frozen=True, slots=True)
class Counted(Generic[T]):
    """Facts, and from when on they are."""

    facts: tuple[T, ...]
    since: datetime
    is_cut: bool = False
    """There are more in the period, from before `since`."""


def asks(connection: Connection, scope: Scope, most: int = MOST) -> Counted[Ask]:
    """The surveys that patients were asked for, by the plan's first message for each; not where it did not arrive."""
    columns = (messages.c.patient_id, messages.c.session_id, messages.c.step, messages.c.channel, messages.c.handed_at)
    its_answer = and_(responses.c.session_id == messages.c.session_id, responses.c.survey == messages.c.survey)
    query = (
        select(*columns, responses.c.completed_at)
        .outerjoin(responses, its_answer)
        .where(
            messages.c.patient_id.is_not(None),
            messages.c.survey.is_not(None),
            messages.c.priority == ROUTINE,
            messages.c.step.not_like("%.%"),
            messages.c.state.in_(_WENT),
        )
    )
    found = newest(connection, scope, query, messages.c.handed_at, messages.c.session_id, most)
    facts = (Ask(row[0], row[1], row[2], Channel(row[3]), row[4], row[5]) for row in found.facts)
    return Counted(tuple(facts), found.since, found.is_cut)


def fates(connection: Connection, scope: Scope, most: int = MOST) -> Counted[Fate]:
    """The messages to patients that went out, and those that were due and did not arrive."""
    columns = (messages.c.patient_id, messages.c.channel, messages.c.state, messages.c.reason)
    code = (
        select(attempts.c.code)
        .where(attempts.c.message_id == messages.c.id)
        .order_by(attempts.c.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    went = select(*columns, null(), messages.c.handed_at).where(
        messages.c.patient_id.is_not(None), messages.c.state.in_(_WENT)
    )
    lost = select(*columns, code, messages.c.due_at).where(text(LOST_MESSAGES))
    both = (
        newest(connection, scope, went, messages.c.handed_at, messages.c.session_id, most),
        newest(connection, scope, lost, messages.c.due_at, messages.c.session_id, most),
    )
    # From the same moment on: shares of unequal periods would mean nothing.
    since = max(one.since for one in both)
    facts = (_fate(row) for one in both for row in one.facts if row[5] >= since)
    return Counted(tuple(facts), since, any(one.is_cut for one in both))


def heard(connection: Connection, scope: Scope, most: int = MOST) -> Counted[Heard]:
    """The alerts that were opened, and when somebody took them on."""
    query = select(alerts.c.patient_id, alerts.c.urgency, alerts.c.since, alerts.c.acknowledged_at, alerts.c.opened_at)
    found = newest(connection, scope, query, alerts.c.opened_at, alerts.c.session_id, most)
    facts = (Heard(row[0], Urgency(row[1]), row[2], row[3]) for row in found.facts)
    return Counted(tuple(facts), found.since, found.is_cut)


def newest(
    connection: Connection,
    scope: Scope,
    query: Select[Any],
    at: Column[datetime],
    session_id: Column[int],
    most: int,
) -> Counted[Any]:
    """The scope's rows by the moment `at`, which the query selects."""
    query = query.where(at.table.c.clinic_id == scope.clinic_id, at >= scope.since, at < scope.until)
    if scope.protocols is not None:
        under = sessions.alias("under")
        followed = select(under.c.id).where(under.c.id == session_id, under.c.protocol_id.in_(scope.protocols))
        query = query.where(followed.exists())
    rows = connection.execute(query.order_by(at.desc()).limit(most + 1)).all()
    if len(rows) <= most:
        return Counted(tuple(rows), scope.since)
    return Counted(tuple(rows[:most]), getattr(rows[most - 1], at.name), is_cut=True)


def _fate(row: Any) -> Fate:
    return Fate(row[0], Channel(row[1]), State(row[2]), Reason(row[3]), row[4])
