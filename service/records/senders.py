"""Senders: their pace, their pauses, and the circuit breaker that all workers share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, or_, select, update

from service.care.lifecycle import Channel
from service.records.sending_tables import senders


@dataclass(frozen=True, slots=True)
class Sender:
    """One number, messaging service or mail address that we send from."""

    channel: Channel
    sender: str
    segments_per_second: float
    """0: unlimited."""
    paced_until: datetime | None
    paused_at: datetime | None
    paused_code: str | None
    closed_until: datetime | None
    failures: int


def ensure(connection: Connection, channel: Channel, sender: str, segments_per_second: float) -> None:
    """Make sure the sender is on record, with this pace."""
    same = (senders.c.channel == channel, senders.c.sender == sender)
    known = connection.execute(select(senders.c.segments_per_second).where(*same)).scalar_one_or_none()
    if known is None:
        connection.execute(
            insert(senders).values(channel=channel, sender=sender, segments_per_second=segments_per_second, failures=0)
        )
    elif known != segments_per_second:
        connection.execute(update(senders).where(*same).values(segments_per_second=segments_per_second))


def all_of(connection: Connection) -> list[Sender]:
    return [_sender(row) for row in connection.execute(_ALL)]


_ALL = select(senders).order_by(senders.c.channel, senders.c.sender)


_GET = select(senders).where(senders.c.channel == bindparam("channel"), senders.c.sender == bindparam("sender"))
_LOCK = _GET.with_for_update()


def get(connection: Connection, channel: Channel, sender: str, lock: bool = False) -> Sender | None:
    """The sender; `lock` makes other clocks wait while its pace is spoken for."""
    row = connection.execute(_LOCK if lock else _GET, {"channel": channel, "sender": sender}).one_or_none()
    return None if row is None else _sender(row)


def speak_for(connection: Connection, sender: Sender, segments: int, now: datetime) -> None:
    """Note that `segments` more are on their way: the pace is used up for as long as they take."""
    if sender.segments_per_second <= 0 or segments == 0:
        return
    start = max(sender.paced_until or now, now)
    until = start + timedelta(seconds=segments / sender.segments_per_second)
    connection.execute(_of(sender.channel, sender.sender).values(paced_until=until))


def room(sender: Sender, now: datetime, ahead: timedelta, most: int) -> int:
    """How many segments may be started now so that all are out by `now + ahead`; one where the last is out, however
    long it takes."""
    if sender.segments_per_second <= 0:
        return most
    start = max(sender.paced_until or now, now)
    free = (now + ahead - start).total_seconds() * sender.segments_per_second
    return max(0, min(most, max(int(free), 1 if start == now else 0)))


def pause(connection: Connection, channel: Channel, sender: str, code: str, now: datetime) -> bool:
    """Stop a sender whose settings the provider refuses. False when it was paused already."""
    done = connection.execute(
        _of(channel, sender).where(senders.c.paused_at.is_(None)).values(paused_at=now, paused_code=code)
    )
    return done.rowcount == 1


def resume(connection: Connection, channel: Channel, sender: str) -> bool:
    """Its settings are mended."""
    done = connection.execute(
        _of(channel, sender).where(senders.c.paused_at.is_not(None)).values(paused_at=None, paused_code=None)
    )
    return done.rowcount == 1


def close_until(connection: Connection, channel: Channel, sender: str, until: datetime) -> None:
    """Send nothing from it before `until`: the provider said so, or the breaker opened."""
    connection.execute(
        _of(channel, sender)
        .where(or_(senders.c.closed_until.is_(None), senders.c.closed_until < until))
        .values(closed_until=until)
    )


def count_failures(connection: Connection, channel: Channel, sender: str, failed: int, succeeded: int) -> Sender | None:
    """Keep the count of hand-overs in a row that came to nothing; returns the sender with it."""
    values = {"failures": 0} if succeeded else {"failures": senders.c.failures + failed}
    if failed or succeeded:
        statement = _of(channel, sender)
        if succeeded:
            statement = statement.where(senders.c.failures != 0)
        connection.execute(statement.values(**values))
    return get(connection, channel, sender)


def _of(channel: Channel, sender: str) -> Any:
    return update(senders).where(senders.c.channel == channel, senders.c.sender == sender)


def _sender(row: Row[Any]) -> Sender:
    return Sender(**{**row._mapping, "channel": Channel(row.channel)})
