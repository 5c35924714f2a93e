"""The clock: finds what is due or overdue and nudges. It decides nothing else, and any number may run.

Whatever it finds it first claims in the database (`planned → queued` with a lease, or a pushed-on `check_at`) and
commits; only then does it nudge. A nudge that is lost is repeated when the lease ends; one that is doubled finds
nothing to do.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from redis import RedisError
from sqlalchemy import Connection

from service import crashpoints, time
from service.care.lifecycle import Channel, State
from service.crashpoints import Point
from service.nudges import QueueName
from service.parts import Parts
from service.records import (
    agenda,
    erasure,
    heartbeats,
    hook_deliveries,
    imports,
    notices,
    receipts,
    replies,
    senders,
    switching,
    waiting,
)
from service.records.agenda import Lapsed
from service.records.database import reading, run
from service.records.messages import ROUTINE, URGENT
from service.records.senders import Sender
from service.records.waiting import Waiting
from workers import alerting, silence
from workers.verdicts import PROBE_MINUTES

log = logging.getLogger(__name__)

MESSAGES_PER_NUDGE = 2000
"""Enough for the send job to claim one part while another is on the wire; few enough to spread over workers."""
WEBHOOKS_PER_NUDGE = 500
IMPORTS_PER_LOOK = 20
MOST_QUEUED = 8000
"""Queued messages a sender before the clock holds back: more would only sit with their leases running out."""
LONGEST_SLEEP = 1.0
PACE_AHEAD = timedelta(seconds=2)
"""A paced sender is given work for this long at a time, so that something urgent never waits behind more."""
RETENTION_EVERY = timedelta(hours=6)


@dataclass
class Found:
    """What one look found."""

    queued: int = 0
    overdue: int = 0
    switched: int = 0
    """Sessions that went over to another version of their protocol, or were planned anew."""
    ahead: Sequence[datetime] = ()
    """When the next message of each sender and the next round of an alert are due."""

    @property
    def anything(self) -> bool:
        return bool(self.queued or self.overdue or self.switched)


@dataclass
class _Seen:
    """What the database showed at the beginning of a look, in one transaction that only reads.

    Nothing here is more than a hint: whatever follows from it asks again in a transaction of its own.
    """

    due: list[tuple[Sender, int]]
    """Senders, and the priority in which they have something due."""
    lapsed: list[Lapsed]
    waiting: Waiting
    unread: list[int]
    """Replies whose nudge was lost."""
    ahead: list[datetime]


class Clock:
    """Looks, nudges, sleeps until something is due."""

    def __init__(self, parts: Parts, name: str) -> None:
        self._parts = parts
        self._name = name
        self._beat_due = time.monotonic()
        self._retention_due = time.now()
        self._silence_due = time.now()
        self._gone_round: alerting.GoneRound = {}

    def run(self, stopped: Callable[[], bool]) -> None:
        """Look again and again until `stopped()`; a database that is away is waited for."""
        while not stopped():
            try:
                found = self.look()
                wait = 0.0 if found.queued or found.switched else _until(found.ahead)
            except Exception as error:
                log.error("the clock could not look: %s; it tries again", type(error).__name__)
                wait = LONGEST_SLEEP
            self._sleep(wait)

    def look(self) -> Found:
        """One look at everything that may be due or overdue."""
        found = Found()
        self._beat()
        # First, so that this same look queues what it inserts.
        alerting.escalate(self._parts, self._gone_round)
        now = time.now()
        seen = self._see(now)
        found.ahead = seen.ahead
        for lane, priority in seen.due:
            found.queued += self._queue_due(lane, priority, now)
        found.overdue += self._renudge_queued([one for one in seen.lapsed if one.state is State.QUEUED], now)
        for state in (State.SENDING, State.ACCEPTED, State.SENT):
            found.overdue += self._hand_to_reconcile([one.id for one in seen.lapsed if one.state is state], state, now)
        found.overdue += self._listen(seen)
        found.overdue += self._queue_hooks(now) if seen.waiting.hooks else 0
        if seen.waiting.imports:
            self._see_to_imports(now)
        found.switched = self._switch() if seen.waiting.switches else 0
        found.overdue += self._mind_silence()
        self._forget()
        return found

    def _beat(self) -> None:
        """A sign of life once a second. In a burst there are hundreds of looks, and SQLite has one write lock."""
        if time.monotonic() >= self._beat_due:
            run(self._parts.engine, lambda connection: heartbeats.beat(connection, self._name, time.real_now()))
            self._beat_due = time.monotonic() + heartbeats.EVERY.total_seconds()

    def _see(self, now: datetime) -> _Seen:
        read_by = now - _patience()
        with reading(self._parts.engine) as connection:
            due = agenda.next_due(connection)
            waits = waiting.at(connection, now, read_by)
            return _Seen(
                due=[
                    (lane, priority)
                    for lane in senders.all_of(connection)
                    for priority in (URGENT, ROUTINE)
                    if _is_past(due.get((lane.channel, lane.sender, priority)), now)
                ],
                lapsed=agenda.lapsed(connection, now, MESSAGES_PER_NUDGE),
                waiting=waits,
                unread=replies.unhandled(connection, read_by, MESSAGES_PER_NUDGE) if waits.unread else [],
                ahead=[*due.values(), *([] if waits.round_at is None else [waits.round_at])],
            )

    def _queue_due(self, lane: Sender, priority: int, now: datetime) -> int:
        """Claim what is due of one sender and nudge; returns how many."""
        if lane.closed_until is not None and now < lane.closed_until:
            return 0
        if lane.paused_at is not None:
            if now >= lane.paused_at + timedelta(minutes=PROBE_MINUTES):
                # Whatever is due tries whether the settings were mended: at night that is an answer or an alert.
                run(self._parts.engine, lambda connection: senders.resume(connection, lane.channel, lane.sender))
            elif priority == ROUTINE:
                return 0
        crashpoints.reached(Point.CLOCK_LOOKING)
        ids = run(self._parts.engine, lambda connection: self._claim(connection, lane, priority, now))
        crashpoints.reached(Point.CLOCK_QUEUED)
        self._nudge(_queue(lane.channel, priority), ids)
        crashpoints.reached(Point.CLOCK_NUDGED)
        return len(ids)

    def _claim(self, connection: Connection, lane: Sender, priority: int, now: datetime) -> list[int]:
        # The lock keeps two clocks from giving out the same seconds of a sender's pace.
        sender = senders.get(connection, lane.channel, lane.sender, lock=True)
        if sender is None:
            return []
        room = MESSAGES_PER_NUDGE
        if priority == ROUTINE:
            # Not for what is urgent: it has workers of its own, and must not wait behind a plan that nobody sends.
            room = MOST_QUEUED - agenda.queued(connection, lane.channel, lane.sender, MOST_QUEUED)
            room = senders.room(sender, now, _ahead(), room)
        if room <= 0:
            return []
        lease = time.later(self._parts.settings.queued_lease_seconds)
        claimed = agenda.queue_due(
            connection, lane.channel, lane.sender, priority, min(room, MESSAGES_PER_NUDGE), now, lease
        )
        senders.speak_for(connection, sender, sum(segments for _, segments in claimed), now)
        crashpoints.reached(Point.CLOCK_QUEUEING)
        return [one for one, _ in claimed]

    def _renudge_queued(self, lapsed: Sequence[Lapsed], now: datetime) -> int:
        """Nudge again about messages whose first nudge nobody followed."""
        if not lapsed:
            return 0
        lease = time.later(self._parts.settings.queued_lease_seconds)
        ours = set(self._push_on([one.id for one in lapsed], State.QUEUED, now, lease))
        crashpoints.reached(Point.CLOCK_REPEATING)
        for queue in (QueueName.URGENT, QueueName.SMS, QueueName.EMAIL):
            in_line = [one.id for one in lapsed if one.id in ours and _queue(one.channel, one.priority) is queue]
            self._nudge(queue, in_line)
        return len(ours)

    def _hand_to_reconcile(self, lapsed: Sequence[int], state: State, now: datetime) -> int:
        """Nudge about messages whose worker died, whose answer was lost, or whose receipt does not come."""
        if not lapsed:
            return 0
        ours = self._push_on(lapsed, state, now, time.later(self._parts.settings.sending_lease_seconds))
        crashpoints.reached(Point.CLOCK_HANDING_ON)
        self._nudge(QueueName.RECONCILE, ours)
        return len(ours)

    def _push_on(self, ids: Sequence[int], state: State, now: datetime, until: datetime) -> list[int]:
        return run(self._parts.engine, lambda connection: agenda.extend(connection, ids, state, now, until))

    def _listen(self, seen: _Seen) -> int:
        """Nudge about replies nobody has read, and apply receipts that came before their attempt was known."""
        self._nudge(QueueName.LISTEN, seen.unread)
        if seen.waiting.receipts:
            run(
                self._parts.engine,
                lambda connection: receipts.apply_waiting(
                    connection, self._parts.sending, self._parts.settings, time.now(), MESSAGES_PER_NUDGE
                ),
            )
        return len(seen.unread)

    def _queue_hooks(self, now: datetime) -> int:
        """Nudge about webhooks that are due: new, to be tried again, or left behind by a worker that died."""
        lease = time.later(self._parts.settings.queued_lease_seconds)
        ids = run(
            self._parts.engine,
            lambda connection: hook_deliveries.queue_due(connection, now, lease, WEBHOOKS_PER_NUDGE),
        )
        crashpoints.reached(Point.CLOCK_HOOKS_QUEUED)
        self._nudge(QueueName.HOOKS, ids)
        return len(ids)

    def _see_to_imports(self, now: datetime) -> None:
        """Nudge about files to check or take in: new, or left behind by a worker that died. One a nudge, since each
        is long."""
        lease = time.later(self._parts.settings.queued_lease_seconds)
        ids = run(self._parts.engine, lambda connection: imports.see_to(connection, now, lease, IMPORTS_PER_LOOK))
        for one in ids:
            self._nudge(QueueName.IMPORTS, [one])

    def _switch(self) -> int:
        """Let a few sessions go over to a version that was signed off; between parts the clock looks at everything."""
        return run(
            self._parts.engine, lambda connection: switching.next_part(connection, self._parts.sending, time.now())
        )

    def _mind_silence(self) -> int:
        """Put surveys that stay unanswered before people."""
        if time.now() < self._silence_due:
            return 0
        looked = silence.look(self._parts)
        if not looked.more:
            self._silence_due = time.now() + silence.EVERY
        return looked.noted

    def _forget(self) -> None:
        """Retention, a few rows at a time, and notices of what is over."""
        now = time.now()
        if now < self._retention_due:
            return
        days = self._parts.settings.retention_days
        if run(self._parts.engine, lambda connection: erasure.forget_old(connection, now, days)) == 0:
            run(self._parts.engine, lambda connection: notices.close_quiet(connection, now))
            self._retention_due = now + RETENTION_EVERY

    def _nudge(self, queue: QueueName, ids: Sequence[int]) -> None:
        if ids:
            self._parts.nudges.send(queue, ids)

    def _sleep(self, seconds: float) -> None:
        if seconds <= 0:
            return
        try:
            self._parts.nudges.wait_for_wake(seconds)
        except RedisError:
            time.sleep(seconds)


def _queue(channel: Channel, priority: int) -> QueueName:
    if priority == URGENT:
        return QueueName.URGENT
    return QueueName.SMS if channel is Channel.SMS else QueueName.EMAIL


def _until(moments: Sequence[datetime]) -> float:
    """Real seconds to the first of these, one at most."""
    now = time.now()
    # What is due already waits for a pace, a pause or a provider: look again soon, but not at once.
    return min([LONGEST_SLEEP, *(time.real_seconds(one - now) if one > now else 0.25 for one in moments)])


def _is_past(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment <= now


def _ahead() -> timedelta:
    return PACE_AHEAD * time.speed()


def _patience() -> timedelta:
    """How long a reply may lie before its nudge counts as lost."""
    return timedelta(seconds=2 * time.speed())
