"""The patient's own clock: wall time to UTC and back, local days, and the hours in which a message may go.

Two rules of the calendar hold everywhere. A wall time that a clock change skips moves forward by what was skipped
(02:30 becomes 03:30; a whole skipped day becomes the same time on the next). A wall time that happens twice means the
first. Python's `fold=0` says exactly this, so most of it costs one conversion.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """When messages may go: from `opens` up to, not including, `closes`, local time. The rest of the day is quiet.

    The default, 08:00 to 21:00 where the patient is, is what the rules of the Telephone Consumer Protection Act allow
    (47 CFR 64.1200(c)(1)); some states are stricter, hence configurable. Raises ValueError unless `opens` is earlier
    than `closes`: hours that run over midnight would let messages go at night.
    """

    opens: time = time(8)
    closes: time = time(21)

    def __post_init__(self) -> None:
        if self.opens.tzinfo is not None or self.closes.tzinfo is not None:
            raise ValueError("quiet hours are local times without a zone")
        if self.opens >= self.closes:
            raise ValueError(f"messages may go from {self.opens} to {self.closes}: that leaves no hours in one day")


def to_utc(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The moment, in UTC, at which the wall clock in `zone` shows `at` on `day`; a skipped time moves forward."""
    return datetime.combine(day, at, zone).astimezone(UTC)


def local_day(moment: datetime, zone: ZoneInfo) -> date:
    """The date on the patient's calendar at `moment`."""
    return moment.astimezone(zone).date()


def day_bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """First moment of a local day and of the next, in UTC: 23 to 25 hours apart, or none for a day that was skipped."""
    return first_moment(day, time.min, zone), first_moment(day + _DAY, time.min, zone)


def first_moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The first moment, in UTC, at which the wall clock has reached `at` on `day`.

    It differs from `to_utc` only for skipped times: there it is the clock change itself.
    """
    wall = datetime.combine(day, at, zone)
    moment = wall.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return moment
    # Read with the later offset, a skipped time lies before the change; with the earlier one, at or after it.
    before, reached = int(wall.replace(fold=1).timestamp()), int(moment.timestamp())
    while reached - before > 1:
        middle = (before + reached) // 2
        if datetime.fromtimestamp(middle, zone).replace(tzinfo=None) < wall.replace(tzinfo=None):
            before = middle
        else:
            reached = middle
    return datetime.fromtimestamp(reached, UTC)


def is_open(moment: datetime, zone: ZoneInfo, quiet: QuietHours) -> bool:
    """Whether a message may go at `moment`."""
    return quiet.opens <= moment.astimezone(zone).time() < quiet.closes


def next_opening(moment: datetime, zone: ZoneInfo, quiet: QuietHours) -> datetime:
    """`moment` itself when a message may go then, else the next opening of the patient's day."""
    local = moment.astimezone(zone)
    clock = local.time()
    if quiet.opens <= clock < quiet.closes:
        return moment
    today = local.date()
    for ahead in count(0 if clock < quiet.opens else 1):
        day = today + ahead * _DAY
        # The second passing of an opening counts when the first was before `moment`.
        again = datetime.combine(day, quiet.opens.replace(fold=1), zone).astimezone(UTC)
        for opening in (first_moment(day, quiet.opens, zone), again):
            # Not open, when a clock change skipped the whole of that day's hours.
            if opening >= moment and is_open(opening, zone, quiet):
                return opening
    raise AssertionError("count() does not end")


def closing(moment: datetime, zone: ZoneInfo, quiet: QuietHours) -> datetime:
    """When the hours that are open at `moment` close, in UTC. `moment` itself when they are closed already."""
    local = moment.astimezone(zone)
    if not quiet.opens <= local.time() < quiet.closes:
        return moment
    closes = first_moment(local.date(), quiet.closes, zone)
    if closes > moment:
        return closes
    return datetime.combine(local.date(), quiet.closes.replace(fold=1), zone).astimezone(UTC)
