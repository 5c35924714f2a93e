"""What results are counted from: facts of a period, and never more rows than a page can wait for.

How far back a query reaches is decided first, by a walk down its index that stops at the most that are looked at: so
neither a year nor a filter that few rows pass makes it longer. What a busy clinic has beyond that is left out at the
far end of the period; `Counted.since` says from when on the facts are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Float,
    Select,
    TextClause,
    and_,
    cast,
    extract,
    func,
    literal_column,
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
from service.records.alert_tables import alerts
from service.records.messages import ROUTINE
from service.records.reply_tables import responses
from service.records.sending_tables import LOST_MESSAGES, attempts, messages
from service.records.tables import sessions

MOST = 10_000
"""Messages, or alerts, that are looked at."""
_WENT = (State.ACCEPTED, State.SENT, State.DELIVERED)
_ALIKE = (messages.c.patient_id, messages.c.channel, messages.c.state, messages.c.reason)
_HANDED = and_(messages.c.patient_id.is_not(None), messages.c.tries > literal_column("0"))
"""To patients. As the index says it, without a parameter; by column, since answers have patients too."""
_CHANNELS = {str(one): one for one in Channel}
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose facts, and of when."""

    clinic_id: int
    since: datetime
    until: datetime
    protocols: Collection[int] | None = None
    """Only of sessions under these versions; None: whatever they are of."""

    def counted(self, asked: Scope, facts: Iterable[T]) -> Counted[T]:
        """The facts of this scope, where `asked` is what was asked for."""
        return Counted(tuple(facts), self.since, self.since > asked.since)


@dataclass(frozen=True, slots=True)
class Counted(Generic[T]):
    """Facts, and from when on they are."""

    facts: tuple[T, ...]
    since: datetime
    is_cut: bool = False
    """There are more in the period, from before `since`."""


def asks(connection: Connection, scope: Scope, most: int = MOST) -> Counted[Ask]:
    """The surveys that patients were asked for, by the plan's first message for each; not where it did not arrive."""
    reach = within_reach(connection, scope, messages.c.handed_at, most, _HANDED)
    its_answer = and_(responses.c.session_id == messages.c.session_id, responses.c.survey == messages.c.survey)
    took = _minutes(connection, messages.c.handed_at, responses.c.completed_at)
    query = (
        select(messages.c.patient_id, messages.c.session_id, messages.c.step, messages.c.channel, took)
        .outerjoin(responses, its_answer)
        .where(
            _HANDED,
            messages.c.survey.is_not(None),
            messages.c.priority == ROUTINE,
            messages.c.step.not_like("%.%"),
            messages.c.state.in_(_WENT),
        )
    )
    rows = connection.execute(of_scope(query, reach, messages.c.handed_at, messages.c.session_id))
    return reach.counted(scope, (Ask(row[0], row[1], row[2], _CHANNELS[row[3]], row[4]) for row in rows))


def fates(connection: Connection, scope: Scope, most: int = MOST) -> Counted[Fate]:
    """The messages to patients that went out, and those that were due and did not arrive."""
    lost = text(LOST_MESSAGES)
    # Both from the same moment on: shares of unequal periods would mean nothing.
    reach = within_reach(connection, scope, messages.c.handed_at, most, _HANDED)
    reach = within_reach(connection, reach, messages.c.due_at, most, lost)
    code = (
        select(attempts.c.code)
        .where(attempts.c.message_id == messages.c.id)
        .order_by(attempts.c.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    went = select(*_ALIKE, null().label("code")).where(_HANDED, messages.c.state.in_(_WENT))
    failed = select(*_ALIKE, code.label("code")).where(lost)
    found = (
        *_together(connection, of_scope(went, reach, messages.c.handed_at, messages.c.session_id)),
        *_together(connection, of_scope(failed, reach, messages.c.due_at, messages.c.session_id)),
    )
    return reach.counted(scope, found)


def heard(connection: Connection, scope: Scope, most: int = MOST) -> Counted[Heard]:
    """The alerts that were opened, and when somebody took them on."""
    reach = within_reach(connection, scope, alerts.c.opened_at, most)
    query = select(alerts.c.patient_id, alerts.c.urgency, alerts.c.since, alerts.c.acknowledged_at)
    rows = connection.execute(of_scope(query, reach, alerts.c.opened_at, alerts.c.session_id))
    return reach.counted(scope, (Heard(row[0], Urgency(row[1]), row[2], row[3]) for row in rows))


def within_reach(
    connection: Connection, scope: Scope, at: Column[datetime], most: int, *where: ColumnElement[bool] | TextClause
) -> Scope:
    """The scope, begun so late that it has no more than `most` rows by the moment `at`."""
    theirs = (at.table.c.clinic_id == scope.clinic_id, at >= scope.since, at < scope.until, *where)
    beyond = connection.execute(select(at).where(*theirs).order_by(at.desc()).offset(most).limit(1)).scalar()
    return scope if beyond is None else replace(scope, since=beyond + timedelta(microseconds=1))


def of_scope(query: Select[Any], scope: Scope, at: Column[datetime], session_id: Column[int]) -> Select[Any]:
    """The query's rows of the scope, by the moment `at`."""
    query = query.where(at.table.c.clinic_id == scope.clinic_id, at >= scope.since, at < scope.until)
    if scope.protocols is None:
        return query
    under = sessions.alias("under")
    followed = select(under.c.id).where(under.c.id == session_id, under.c.protocol_id.in_(scope.protocols))
    return query.where(followed.exists())


def _together(connection: Connection, query: Select[Any]) -> Iterator[Fate]:
    """Messages of one patient with the same fate as one fact: there are many fewer of these."""
    one = query.subquery()
    row: Any
    for row in connection.execute(select(*one.c, func.count()).group_by(*one.c)):
        yield Fate(row[0], Channel(row[1]), State(row[2]), Reason(row[3]), row[4], row[5])


def _minutes(connection: Connection, begin: Column[datetime], end: Column[datetime]) -> ColumnElement[Any]:
    """How many lie between two moments, reckoned by the database: ten thousand moments are slow to read."""
    if connection.dialect.name == "postgresql":
        return cast(extract("epoch", end - begin) / 60, Float)
    return (type_coerce(end, BigInteger) - type_coerce(begin, BigInteger)) / 60e6
