"""What must hold of an installation that has come to rest: asked of its tables, and held against the witness's ledger.

Shared by everything that breaks an installation from outside. Each finding is a sentence; no findings is a pass.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, FromClause, Select, func, or_, select

from sandbox.ledger import Entry
from service import time
from service.care.lifecycle import ENDS, Channel, Reason, State
from service.records.alert_tables import alerts
from service.records.database import reading
from service.records.desk_tables import imports
from service.records.hooks import LIVE
from service.records.imports import AT_WORK
from service.records.reply_tables import replies
from service.records.sending_tables import attempts, messages, receipts
from service.records.webhook_tables import webhook_deliveries

_GOING = {Reason.NOT_YET_DUE, Reason.QUIET_HOURS, Reason.DAILY_CAP, Reason.PROVIDER_BUSY, Reason.CHANNEL_PAUSED,
          Reason.PLAN_PAUSED, Reason.NOT_APPROVED, Reason.REPLY_UNREAD, Reason.RETRY_LATER}  # fmt: skip
_UNDER_WAY = {Reason.HANDED_OVER, Reason.CHECKING_WITH_PROVIDER}
_TAKEN = (State.ACCEPTED, State.SENT, State.DELIVERED, State.UNDELIVERED)
_CARRIERS_CODE = re.compile(r"\d{5}")


@dataclass(frozen=True)
class Open:
    """How much is still under way."""

    receipts: int
    replies: int
    alerts: int
    messages: int
    webhooks: int
    imports: int

    @property
    def anything(self) -> bool:
        return any((self.receipts, self.replies, self.alerts, self.imports, self.messages, self.webhooks))


def still_open(engine: Engine) -> Open:
    """What is due, claimed, to be tried again, or arrived and not dealt with. What waits for its time is at rest."""
    now = time.now()
    with reading(engine) as connection:
        to_be_tried_again = messages.c.reason.in_((Reason.RETRY_LATER, Reason.PROVIDER_BUSY))
        due = (messages.c.state == State.PLANNED) & or_(messages.c.due_at <= now, to_be_tried_again)
        under_way = messages.c.state.in_((State.QUEUED, State.SENDING))
        # In the order in which one leads to another: what moves on between two counts is then seen at the later one.
        return Open(
            receipts=_count(connection, receipts, receipts.c.applied_at.is_(None)),
            replies=_count(connection, replies, replies.c.handled_at.is_(None)),
            alerts=_count(connection, alerts, alerts.c.next_notice_at <= now),
            imports=_count(connection, imports, imports.c.phase.in_(AT_WORK)),
            messages=_count(connection, messages, or_(due, under_way)),
            webhooks=_count(connection, webhook_deliveries, webhook_deliveries.c.state.in_(LIVE)),
        )


def stuck(engine: Engine, longer_than: datetime) -> list[str]:
    """Messages that somebody holds, or should have taken up, since before `longer_than`, by the leases they carry."""
    with reading(engine) as connection:
        held = messages.c.state.in_((State.QUEUED, State.SENDING)) & (messages.c.check_at <= longer_than)
        leaseless = messages.c.state.in_((State.QUEUED, State.SENDING)) & messages.c.check_at.is_(None)
        rows = connection.execute(_some().where(or_(held, leaseless))).all()
    return [f"message {row.id} ({row.step}) is stuck in {row.state}" for row in rows]


def overdue(engine: Engine, since: datetime) -> list[str]:
    """Messages that should have been taken up before `since` and were not."""
    with reading(engine) as connection:
        rows = connection.execute(_some().where(messages.c.state == State.PLANNED, messages.c.due_at <= since)).all()
    return [f"message {row.id} ({row.step}) is overdue, {row.state} because {row.reason}" for row in rows]


def held(engine: Engine) -> list[str]:
    """Messages in somebody's hands, those apart about which the provider is being asked."""
    with reading(engine) as connection:
        in_hands = messages.c.state.in_((State.QUEUED, State.SENDING))
        rows = connection.execute(_some().where(in_hands, messages.c.reason != Reason.CHECKING_WITH_PROVIDER)).all()
    return [f"message {row.id} ({row.step}) is {row.state} because {row.reason}" for row in rows]


def _some() -> Select[tuple[int, str, str, str]]:
    return select(messages.c.id, messages.c.step, messages.c.state, messages.c.reason)


def unexplained(engine: Engine) -> list[str]:
    """Messages whose state and reason do not fit each other, or whose attempts say otherwise."""
    with reading(engine) as connection:
        pairs = connection.execute(
            select(messages.c.state, messages.c.reason, func.count()).group_by("state", "reason")
        )
        found = [f"{number} messages are {state}, because {reason}" for state, reason, number in pairs
                 if not _fits(State(state), Reason(reason))]  # fmt: skip
        taken = select(attempts.c.id).where(attempts.c.message_id == messages.c.id, attempts.c.provider_id.is_not(None))
        # SendGrid says yes by the status alone: its id is in a header, which a torn answer may lack.
        orphans = connection.execute(
            select(messages.c.id).where(
                messages.c.channel == Channel.SMS, messages.c.state.in_(_TAKEN), ~taken.exists()
            )
        ).scalars()
        found += [f"message {one} counts as taken, and no attempt has the provider's id" for one in orphans]
    return found


def doubled(engine: Engine, entries: Sequence[Entry]) -> list[str]:
    """Messages that the provider took more than once, and things it took that we have no attempt of.

    `entries` may be older than what is read here, never younger: an attempt is on record before it leaves.
    """
    taken, strangers = _taken(engine, entries)
    return strangers + [
        f"message {message} was handed over {len(tries)} times"
        for message, tries in taken.items()
        if not all(_came_back(one) for one in tries[:-1])
    ]


def against_the_ledger(engine: Engine, entries: Sequence[Entry]) -> list[str]:
    """Where our records and what the provider took do not agree, once nothing is under way."""
    found = doubled(engine, entries)
    taken, _ = _taken(engine, entries)
    with reading(engine) as connection:
        states = {row.id: State(row.state) for row in connection.execute(select(messages.c.id, messages.c.state))}
    found += [
        f"message {message} was handed over, and is on record as {states[message]}"
        for message, tries in taken.items()
        if states[message] in (State.CANCELLED, State.SKIPPED, State.EXPIRED) and not _came_back(tries[-1])
    ]
    found += [
        f"message {message} counts as {state}, and the provider never took it"
        for message, state in states.items()
        if state in _TAKEN and message not in taken
    ]
    return found


def _taken(engine: Engine, entries: Sequence[Entry]) -> tuple[dict[int, list[Any]], list[str]]:
    """By message, the attempts that the provider took, in its order; and what it took that is none of ours."""
    with reading(engine) as connection:
        rows = connection.execute(select(attempts.c.token, attempts.c.message_id, attempts.c.outcome, attempts.c.code))
        known = {row.token: row for row in rows}
    taken: dict[int, list[Any]] = defaultdict(list)
    strangers = []
    for entry in entries:
        token = token_of(entry)
        if token in known:
            taken[known[token].message_id].append(known[token])
        elif token is not None:  # None: the provider's own words
            strangers.append(f"the provider took {entry.id}, of which we have no attempt")
    return taken, strangers


def _came_back(attempt: Any) -> bool:
    """Whether the provider took it and said later that it never arrived: only then may it be handed over again."""
    return attempt.outcome == "accepted" and bool(_CARRIERS_CODE.fullmatch(attempt.code or ""))


def token_of(entry: Entry) -> str | None:
    """The attempt's token in what the provider took; None where it is no message of ours."""
    if entry.status_callback:
        return entry.status_callback.rpartition("a=")[2]
    return entry.custom_args.get("aftercare_attempt")


def _fits(state: State, reason: Reason) -> bool:
    if state is State.PLANNED:
        return reason in _GOING
    if state is State.QUEUED:
        return True
    if state in (State.SENDING, State.ACCEPTED, State.SENT):
        return reason in _UNDER_WAY
    if state is State.DELIVERED:
        return reason is Reason.CONFIRMED
    return state in ENDS and reason not in _GOING | _UNDER_WAY | {Reason.CONFIRMED}


def _count(connection: Connection, table: FromClause, where: ColumnElement[bool]) -> int:
    return connection.execute(select(func.count()).select_from(table).where(where)).scalar_one()
