"""What results are counted from: facts of a period, the newest first, and never more than a page can wait for.

Each query begins at the newest and goes down an index. What a busy clinic has beyond the most that is counted is left
out at the far end of the period; `Counted.since` says from when on the facts are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Float,
    Select,
    and_,
    cast,
    extract,
    func,
    null,
    select,
    text,
    type_coerce,
)

from service.care.answering import Ask
from service.care.attending import Heard
from service.care.delivery import Fate
from service.care.lifecycle import Channel, Reason, State
from service.care.urgency import Urgency
from service.records.messages import ROUTINE
from service.records.tables import LOST_MESSAGES, alerts, attempts, messages, responses, sessions

MOST = 10_000
"""Messages, or alerts."""
_WENT = (State.ACCEPTED, State.SENT, State.DELIVERED)
_CHANNELS = {str(one): one for one in Channel}
T = TypeVar("T")
M = TypeVar("M")


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
    """There may be more in the period, from before `since`."""

    def of(self, made: Callable[[T], M]) -> Counted[M]:
        """The same, of what each is made into."""
        return Counted(tuple(map(made, self.facts)), self.since, self.is_cut)


def asks(connection: Connection, scope: Scope, most: int = MOST) -> Counted[Ask]:
    """The surveys that patients were asked for, by the plan's first message for each; not where it did not arrive."""
    its_answer = and_(responses.c.session_id == messages.c.session_id, responses.c.survey == messages.c.survey)
    took = minutes(connection, messages.c.handed_at, responses.c.completed_at)
    query = (
        select(messages.c.patient_id, messages.c.session_id, messages.c.step, messages.c.channel, took)
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
    return found.of(lambda row: Ask(row[0], row[1], row[2], _CHANNELS[row[3]], row[4]))


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
    went = select(*columns, null().label("code"), messages.c.handed_at.label("at")).where(
        messages.c.patient_id.is_not(None), messages.c.state.in_(_WENT)
    )
    lost = select(*columns, code.label("code"), messages.c.due_at.label("at")).where(text(LOST_MESSAGES))
    arrived = _together(connection, scope, went, messages.c.handed_at, most)
    # From the same moment on: shares of unequal periods would mean nothing.
    failed = _together(connection, replace(scope, since=arrived.since), lost, messages.c.due_at, most)
    if failed.is_cut:
        arrived = _together(connection, replace(scope, since=failed.since), went, messages.c.handed_at, most)
    return Counted((*arrived.facts, *failed.facts), failed.since, arrived.is_cut or failed.is_cut)


def heard(connection: Connection, scope: Scope, most: int = MOST) -> Counted[Heard]:
    """The alerts that were opened, and when somebody took them on."""
    query = select(alerts.c.patient_id, alerts.c.urgency, alerts.c.since, alerts.c.acknowledged_at)
    found = newest(connection, scope, query, alerts.c.opened_at, alerts.c.session_id, most)
    return found.of(lambda row: Heard(row[0], Urgency(row[1]), row[2], row[3]))


def newest(
    connection: Connection, scope: Scope, query: Select[Any], at: Column[datetime], session_id: Column[int], most: int
) -> Counted[Any]:
    """The rows of the scope by their moment `at`."""
    row_id = at.table.c.id
    within = _within(scope, query.add_columns(row_id), at, session_id).order_by(at.desc())
    rows = connection.execute(within.limit(most + 1)).all()
    if len(rows) <= most:
        return Counted(tuple(rows), scope.since)
    since = connection.execute(select(at).where(row_id == rows[most - 1][-1])).scalar_one()
    return Counted(tuple(rows[:most]), since, is_cut=True)


def minutes(connection: Connection, begin: Column[datetime], end: Column[datetime]) -> ColumnElement[Any]:
    """How many lie between two moments, reckoned by the database."""
    if connection.dialect.name == "postgresql":
        return cast(extract("epoch", end - begin) / 60, Float)
    return (type_coerce(end, BigInteger) - type_coerce(begin, BigInteger)) / 60e6


def _within(scope: Scope, query: Select[Any], at: Column[datetime], session_id: Column[int]) -> Select[Any]:
    query = query.where(at.table.c.clinic_id == scope.clinic_id, at >= scope.since, at < scope.until)
    if scope.protocols is None:
        return query
    under = sessions.alias("under")
    followed = select(under.c.id).where(under.c.id == session_id, under.c.protocol_id.in_(scope.protocols))
    return query.where(followed.exists())


def _together(
    connection: Connection, scope: Scope, query: Select[Any], at: Column[datetime], most: int
) -> Counted[Fate]:
    """Messages of the same patient with the same fate as one fact: there are many fewer of these."""
    one = _within(scope, query, at, messages.c.session_id).order_by(at.desc()).limit(most).subquery()
    alike = (one.c.patient_id, one.c.channel, one.c.state, one.c.reason, one.c.code)
    rows = connection.execute(select(*alike, func.count(), func.min(one.c.at)).group_by(*alike)).all()
    facts = tuple(Fate(row[0], Channel(row[1]), State(row[2]), Reason(row[3]), row[4], row[5]) for row in rows)
    if sum(fact.messages for fact in facts) < most:
        return Counted(facts, scope.since)
    return Counted(facts, min(row[6] for row in rows), is_cut=True)
