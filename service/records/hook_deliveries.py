"""Deliveries of webhooks: who is due, who holds which, what came of it.

`waiting → queued → posting → delivered | abandoned`. While a delivery is queued or posting, `due_at` is the end of
its lease: whatever outlives it is due again, and is posted again under the same webhook-id (at least once). Of one
patient's events an endpoint gets the next only when the one before was delivered or given up.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Update, and_, bindparam, exists, func, literal, select, update

from service import time
from service.records import hook_endpoints, hook_secrets, hooks, notices
from service.records.database import Moment
from service.records.hooks import LIVE
from service.records.webhook_tables import webhook_deliveries, webhook_endpoints, webhook_events

RETRY_SECONDS = (5, 30, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600)
"""Waits after the first, second … failure, the schedule that Standard Webhooks recommends; then the last again and
again."""
JITTER = 0.1
GIVE_UP = timedelta(days=3)
LONGEST_RETRY_AFTER = 10 * 3600.0
CLOSES_AFTER, STAYS_CLOSED_SECONDS = 5, 30.0
"""After so many failures in a row an endpoint rests for so long, so that a dead one does not hold up the others."""
PAUSE_LOOK_SECONDS = 86400.0
"""How often what waits for a paused endpoint is looked at, each for itself; resuming it looks at once."""
GONE = 410

_rows = webhook_deliveries.c
_before = webhook_deliveries.alias("before")
_IN_LINE = and_(
    _before.c.endpoint_id == _rows.endpoint_id,
    _before.c.patient_id == _rows.patient_id,
    _before.c.event_id < _rows.event_id,
    _before.c.state.in_(LIVE),
)


@dataclass(frozen=True, slots=True)
class Post:
    """One delivery in a worker's hands."""

    event_id: int
    endpoint_id: int
    patient_id: int | None
    tries: int
    since: datetime
    lease: datetime
    url: str
    secret: bytes = field(repr=False)
    old_secrets: Sequence[Any] = field(repr=False)
    """The rows of `webhook_old_secrets` that sign too."""
    event: Any = field(repr=False)
    """The row of `webhook_events`: opened only where it is posted, so that one that does not open hurts no other."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a post came to: a status, or the word for why there was none. Only a 2xx is a success."""

    status: int | None
    error: str | None = None
    retry_after: float | None = None
    """Seconds, as the endpoint asked."""

    @property
    def arrived(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


_IS_DUE = and_(_rows.state.in_(LIVE), _rows.due_at <= bindparam("now"), _rows.due_at.is_not(None))
ANY_DUE = select(_rows.event_id).where(_IS_DUE)


def queue_due(connection: Connection, now: datetime, lease: datetime, limit: int) -> list[int]:
    """The clock's side: put what is due, and not behind another, in the queue under a lease; returns event ids.

    What is behind another, or whose endpoint rests, is put off until that is over: it would otherwise be looked at
    every second for as long as an endpoint is down.
    """
    queued, later, paused = [], [], []
    for row in connection.execute(_DUE, {"now": now, "limit": limit}):
        key = {"event": row.event_id, "endpoint": row.endpoint_id}
        if row.paused_at is not None:
            paused.append({**key, "due": time.later(PAUSE_LOOK_SECONDS)})
        elif row.ahead is not None:
            later.append({**key, "due": row.ahead if row.ahead > now else lease})
        elif row.closed_until is not None and row.closed_until > now:
            later.append({**key, "due": row.closed_until})
        else:
            queued.append({**key, "due": lease})
    _set(connection, _SET, queued, state="queued")
    _set(connection, _SET, later, state="waiting")
    _set(connection, _SET_WHILE_PAUSED, paused, state="waiting")
    return sorted({row["event"] for row in queued})


_DUE = (
    select(
        _rows.event_id,
        _rows.endpoint_id,
        webhook_endpoints.c.closed_until,
        webhook_endpoints.c.paused_at,
        select(func.max(_before.c.due_at)).where(_IN_LINE).scalar_subquery().label("ahead"),
    )
    .join(webhook_endpoints, webhook_endpoints.c.id == _rows.endpoint_id)
    .where(_IS_DUE)
    .order_by(_rows.due_at, _rows.event_id)
    .limit(bindparam("limit"))
    .with_for_update(of=webhook_deliveries, skip_locked=True)
)


def _set(connection: Connection, statement: Update, rows: list[dict[str, Any]], state: str) -> None:
    if rows:
        connection.execute(statement, [{**row, "into": state} for row in rows])


_THIS = and_(_rows.event_id == bindparam("event"), _rows.endpoint_id == bindparam("endpoint"))
_SET = update(webhook_deliveries).where(_THIS).values(state=bindparam("into"), due_at=bindparam("due"))
# An endpoint that was resumed since it was read has made its deliveries due: they must not be put off for a day.
_SET_WHILE_PAUSED = _SET.where(
    _rows.endpoint_id.in_(select(webhook_endpoints.c.id).where(webhook_endpoints.c.paused_at.is_not(None)))
)


def claim(
    connection: Connection, event_ids: Collection[int], in_flight: Counter[int], each: int, most: int, lease: datetime
) -> list[Post]:
    """Take queued deliveries of these events (`queued → posting`), up to `most`, and `each` an endpoint with what is
    in flight."""
    taken: list[Any] = []
    busy = Counter(in_flight)
    for row in connection.execute(_QUEUED, {"events": list(event_ids)}):
        if len(taken) < most and busy[row.endpoint_id] < each:
            busy[row.endpoint_id] += 1
            taken.append(row)
    if not taken:
        return []
    connection.execute(
        _POSTING, [{"event": row.event_id, "endpoint": row.endpoint_id, "lease": lease} for row in taken]
    )
    events = connection.execute(_EVENTS, {"ids": sorted({row.event_id for row in taken})})
    by_id = {event.id: event for event in events}
    old = hook_secrets.old_of(connection, {row.endpoint_id for row in taken}, time.now())
    return [
        Post(
            event_id=row.event_id,
            endpoint_id=row.endpoint_id,
            patient_id=row.patient_id,
            tries=row.tries + 1,
            since=row.since,
            lease=lease,
            url=row.url,
            secret=row.secret,
            old_secrets=old.get(row.endpoint_id, ()),
            event=by_id[row.event_id],
        )
        for row in taken
    ]


_QUEUED = (
    select(webhook_deliveries, webhook_endpoints.c.url, webhook_endpoints.c.secret)
    .join(webhook_endpoints, webhook_endpoints.c.id == _rows.endpoint_id)
    .where(
        _rows.event_id.in_(bindparam("events", expanding=True)),
        _rows.state == "queued",
        # Paused after it was queued: its lease runs out, and it is put off.
        webhook_endpoints.c.paused_at.is_(None),
        ~exists().where(_IN_LINE),
    )
    .order_by(_rows.event_id)
    .with_for_update(of=webhook_deliveries, skip_locked=True)
)
_POSTING = (
    update(webhook_deliveries).where(_THIS).values(state="posting", tries=_rows.tries + 1, due_at=bindparam("lease"))
)
_EVENTS = select(webhook_events).where(webhook_events.c.id.in_(bindparam("ids", expanding=True)))


def release(connection: Connection, event_ids: Collection[int], now: datetime) -> None:
    """Leave to others what was queued for us and not begun."""
    connection.execute(
        update(webhook_deliveries)
        .where(_rows.event_id.in_(event_ids), _rows.state == "queued")
        .values(state="waiting", due_at=now)
    )


def record(connection: Connection, post: Post, answer: Answer, now: datetime) -> None:
    """Write down what came of a post, for the delivery and for its endpoint."""
    if answer.arrived:
        _arrived(connection, post, answer, now)
    elif answer.status == GONE:
        hook_endpoints.disable(connection, post.endpoint_id, now)
        _note(connection, "webhook_gone", post, "it answered 410 and gets nothing more", now)
    else:
        _failed(connection, post, answer, now)


def next_in_line(connection: Connection, post: Post, lease: datetime) -> list[int]:
    """Queue what waited behind a post that is done, if it was never tried; returns its event id, if any."""
    if post.patient_id is None:
        return []
    first = connection.execute(_FIRST, {"endpoint": post.endpoint_id, "patient": post.patient_id}).one_or_none()
    if first is None or first.tries or first.state == "posting":
        return []
    done = connection.execute(_NEXT, {"event": first.event_id, "endpoint": post.endpoint_id, "lease": lease})
    return [first.event_id] if done.rowcount else []


_FIRST = (
    select(_rows.event_id, _rows.tries, _rows.state)
    .where(_rows.endpoint_id == bindparam("endpoint"), _rows.patient_id == bindparam("patient"), _rows.state.in_(LIVE))
    .order_by(_rows.event_id)
    .limit(1)
)
_NEXT = (
    update(webhook_deliveries)
    .where(_THIS, _rows.state.in_(("waiting", "queued")))
    .values(state="queued", due_at=bindparam("lease"))
)


def _arrived(connection: Connection, post: Post, answer: Answer, now: datetime) -> None:
    # Whoever holds it by now: it has arrived.
    connection.execute(_DELIVERED, {"event": post.event_id, "endpoint": post.endpoint_id, "answer": answer.status})
    if connection.execute(_MENDED, {"endpoint": post.endpoint_id}).rowcount:
        notices.close(connection, hook_endpoints.FAILING, f"endpoint {post.endpoint_id}", now)


_DELIVERED = (
    update(webhook_deliveries)
    .where(_THIS, _rows.state.in_(LIVE))
    .values(state="delivered", status=bindparam("answer"), last_error=None)
)
_MENDED = (
    update(webhook_endpoints)
    .where(webhook_endpoints.c.id == bindparam("endpoint"), webhook_endpoints.c.failing_since.is_not(None))
    .values(failing_since=None, failures=0, closed_until=None)
)


def _failed(connection: Connection, post: Post, answer: Answer, now: datetime) -> None:
    due = time.later(_wait(post.tries, answer))
    over = time.real_seconds(due - post.since) > GIVE_UP.total_seconds()
    connection.execute(
        _FAILED,
        {
            "event": post.event_id,
            "endpoint": post.endpoint_id,
            "lease": post.lease,
            "into": "abandoned" if over else "waiting",
            "due": due,
            "answer": answer.status,
            "error": answer.error or f"status_{answer.status}",
        },
    )
    _note_failure(connection, post, answer, now)


_FAILED = (
    update(webhook_deliveries)
    # Only while it is ours: a worker that was paused must not put back what another has taken over since.
    .where(_THIS, _rows.state == "posting", _rows.due_at == bindparam("lease"))
    .values(state=bindparam("into"), due_at=bindparam("due"), status=bindparam("answer"), last_error=bindparam("error"))
)


def _note_failure(connection: Connection, post: Post, answer: Answer, now: datetime) -> None:
    after = connection.execute(
        update(webhook_endpoints)
        .where(webhook_endpoints.c.id == post.endpoint_id)
        .values(
            failures=webhook_endpoints.c.failures + 1,
            failing_since=func.coalesce(webhook_endpoints.c.failing_since, literal(now, Moment())),
        )
        .returning(webhook_endpoints.c.failures, webhook_endpoints.c.failing_since)
    ).one()
    rest = max(answer.retry_after or 0.0, STAYS_CLOSED_SECONDS if after.failures >= CLOSES_AFTER else 0.0)
    if rest:
        connection.execute(
            update(webhook_endpoints)
            .where(webhook_endpoints.c.id == post.endpoint_id)
            .values(closed_until=time.later(min(rest, LONGEST_RETRY_AFTER)))
        )
    if time.real_seconds(now - after.failing_since) >= GIVE_UP.total_seconds():
        _note(
            connection, hook_endpoints.FAILING, post, f"nothing has arrived since {hooks.iso(after.failing_since)}", now
        )


def _wait(tries: int, answer: Answer) -> float:
    """Seconds to the next try: the schedule's, with jitter so that a batch does not come back as one, or what was
    asked for."""
    base = RETRY_SECONDS[min(tries, len(RETRY_SECONDS)) - 1]
    spread = base * random.uniform(1.0, 1.0 + JITTER)  # noqa: S311  (spreads load, guards nothing)
    return max(spread, min(answer.retry_after or 0.0, LONGEST_RETRY_AFTER))


def _note(connection: Connection, kind: str, post: Post, detail: str, now: datetime) -> None:
    notices.raise_notice(connection, kind, f"endpoint {post.endpoint_id}", detail, now)


def states(connection: Connection, endpoint_id: int) -> list[dict[str, Any]]:
    """Every delivery to an endpoint, oldest event first."""
    rows = connection.execute(
        select(webhook_deliveries).where(_rows.endpoint_id == endpoint_id).order_by(_rows.event_id)
    )
    return [dict(row._mapping) for row in rows]


def counts(connection: Connection, endpoint_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """How many deliveries each endpoint has in each state."""
    rows = connection.execute(
        select(_rows.endpoint_id, _rows.state, func.count().label("number"))
        .where(_rows.endpoint_id.in_(endpoint_ids))
        .group_by(_rows.endpoint_id, _rows.state)
    )
    found: dict[int, dict[str, int]] = {one: {} for one in endpoint_ids}
    for row in rows:
        found[row.endpoint_id][row.state] = row.number
    return found
