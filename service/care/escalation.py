"""Who hears of an alert, when, and by what: louder and wider until a named person acknowledges it (P9).

A ladder says when each further contact joins and how often everybody is told again after that. The rung an alert stands
on follows from the time that has passed, not from what was sent: after an outage the next round reaches as many people
as it would have by then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from itertools import pairwise, takewhile
from zoneinfo import ZoneInfo

from service.care.lifecycle import Channel
from service.care.localtime import first_moment
from service.care.urgency import Urgency

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = timedelta(days=1)
_OPENS_IF_UNKNOWN = time(9)
"""When a clinic without office hours is taken to look at what can wait."""
HOUSE = 0
"""Stands for the clinic's own phone and e-mail where a contact's id is expected."""

By = tuple[int, Channel]
"""A contact's id and one of their channels."""


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """When somebody is there: by weekday ("mon" …), pairs of local times "HH:MM"."""

    opening: Mapping[str, Sequence[str]]
    zone: ZoneInfo

    def is_open(self, moment: datetime) -> bool:
        local = moment.astimezone(self.zone)
        return any(opens <= local.time() < closes for opens, closes in self._of(local.weekday()))

    def openings(self, after: datetime) -> Iterator[datetime]:
        """The days' first openings later than `after`, in UTC, without end."""
        day = after.astimezone(self.zone).date()
        while True:
            hours = self._of(day.weekday())
            opens = hours[0][0] if hours else None if self._ever else _OPENS_IF_UNKNOWN
            if opens is not None and (moment := first_moment(day, opens, self.zone)) > after:
                yield moment
            day += _DAY

    def _of(self, weekday: int) -> list[tuple[time, time]]:
        moments = [time.fromisoformat(one) for one in self.opening.get(_DAYS[weekday], ())]
        return list(zip(moments[::2], moments[1::2], strict=False))

    @property
    def _ever(self) -> bool:
        return any(self._of(weekday) for weekday in range(7))


@dataclass(frozen=True, slots=True)
class Ladder:
    """The first contact is told at once, one more at each of `joins`, and everybody again every `repeat` after that."""

    joins: tuple[timedelta, ...]
    repeat: timedelta

    def rung(self, elapsed: timedelta) -> int:
        """How many steps up: 0 at once, `len(joins) + 1` or more once everybody is told."""
        joined = sum(join <= elapsed for join in self.joins)
        if joined < len(self.joins):
            return joined
        return joined + max(elapsed - self._top, timedelta(0)) // self.repeat

    def next_after(self, elapsed: timedelta) -> timedelta:
        """When the next round is, later than `elapsed`."""
        for join in self.joins:
            if join > elapsed:
                return join
        return self._top + self.repeat * ((elapsed - self._top) // self.repeat + 1)

    @property
    def _top(self) -> timedelta:
        return self.joins[-1] if self.joins else timedelta(0)


def _minutes(*minutes: int) -> tuple[timedelta, ...]:
    return tuple(timedelta(minutes=one) for one in minutes)


@dataclass(frozen=True, slots=True)
class Ladders:
    """One ladder an urgency that cannot wait. The defaults are drafts for a clinic's clinician to sign off."""

    emergency: Ladder = Ladder(_minutes(5, 10), timedelta(minutes=10))
    """The care plan's table of warning signs: the on-call contact is paged at once. Nobody stays the only one who knows
    for longer than five minutes."""
    urgent: Ladder = Ladder(_minutes(20, 40), timedelta(hours=1))
    """The same table: call back within an hour when open; goes to the second contact if nobody acknowledges. So three
    people know before the hour is over."""

    def __post_init__(self) -> None:
        for ladder in (self.emergency, self.urgent):
            if ladder.repeat <= timedelta(0) or any(a >= b for a, b in pairwise((timedelta(0), *ladder.joins))):
                raise ValueError("a ladder must climb: its times grow, and it repeats")


@dataclass(frozen=True, slots=True)
class Person:
    """A contact as escalation sees them."""

    id: int
    channels: frozenset[Channel]
    on_call: bool = False
    """Told at once, before their turn, of an emergency at any hour and of what is urgent while the clinic is closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFacts:
    """What the next round rests on."""

    urgency: Urgency
    since: datetime
    """When it became this urgent: opened, raised or opened again."""
    contacts: Sequence[Person]
    """In the clinic's order. May be empty: then the clinic itself is told."""
    house: Person
    """The clinic's own phone and e-mail."""
    hours: OfficeHours
    tried: frozenset[By] = frozenset()
    """Whom earlier rounds told, and by what."""
    failed: frozenset[By] = frozenset()
    """Where the latest notice is known, or suspected, not to have arrived."""
    dead: frozenset[Channel] = frozenset()
    """Channels whose provider is down or refuses us."""
    ladders: Ladders = field(default_factory=Ladders)


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice to one contact."""

    contact_id: int
    channel: Channel


@dataclass(frozen=True, slots=True)
class Round:
    """Who is told now, and when to look again (None: never)."""

    notices: tuple[Notice, ...]
    next_at: datetime | None
    nobody: bool = False
    """The clinic has no contact, or none of them can be reached: the operator must know."""
    everybody: bool = False
    """Everyone was told before and nobody has answered: the operator must know."""


def is_loud(urgency: Urgency) -> bool:
    """Whether it may not wait for the clinic to open: people are paged and the patient is told to call."""
    return urgency in (Urgency.EMERGENCY, Urgency.URGENT)


def first_look(urgency: Urgency, since: datetime, hours: OfficeHours) -> datetime | None:
    """When the first notice of an alert is due; None: it only stands on the worklist."""
    if is_loud(urgency):
        return since
    return next(hours.openings(since)) if urgency is Urgency.NEXT_BUSINESS_DAY else None


def schedule(facts: AlertFacts, now: datetime) -> Round:
    """The round that is due at `now`. Ask no earlier than the last one's `next_at`."""
    match facts.urgency:
        case Urgency.WATCH:
            return Round((), None)
        case Urgency.NEXT_BUSINESS_DAY:
            return _at_opening(facts, now)
        case Urgency.EMERGENCY:
            return _on_ladder(facts, facts.ladders.emergency, now)
        case Urgency.URGENT:
            return _on_ladder(facts, facts.ladders.urgent, now)


def detour(facts: AlertFacts, now: datetime) -> Round:
    """What a notice that did not arrive calls for before the next round: the people and channels not tried so far."""
    due = schedule(facts, now)
    return replace(due, notices=tuple(one for one in due.notices if (one.contact_id, one.channel) not in facts.tried))


def _on_ladder(facts: AlertFacts, ladder: Ladder, now: datetime) -> Round:
    elapsed = max(now - facts.since, timedelta(0))
    rung = ladder.rung(elapsed)
    everybody = rung > len(ladder.joins)
    on_call_too = facts.urgency is Urgency.EMERGENCY or not facts.hours.is_open(now)
    told = _told(facts, len(facts.contacts) if everybody else rung + 1, on_call_too=on_call_too)
    return Round(
        notices=tuple(Notice(person.id, channel) for person in told for channel in sorted(person.channels)),
        next_at=facts.since + ladder.next_after(elapsed),
        nobody=_nobody(facts),
        everybody=everybody,
    )


def _at_opening(facts: AlertFacts, now: datetime) -> Round:
    """One more contact with every opening: by e-mail where that works, since it can wait for a reader."""
    # One more than there are contacts decides nothing, so an alert of last year costs no more than a new one.
    most = len(facts.contacts) + 1
    passed = sum(1 for _ in takewhile(lambda opening: opening <= now, _first(most, facts.hours.openings(facts.since))))
    told = _told(facts, passed, on_call_too=False) if passed else []
    return Round(
        notices=tuple(Notice(person.id, channel) for person in told for channel in _quietly(person, facts)),
        next_at=next(facts.hours.openings(now)),
        nobody=bool(passed) and _nobody(facts),
        everybody=passed > len(facts.contacts),
    )


def _first(most: int, openings: Iterator[datetime]) -> Iterator[datetime]:
    for _ in range(most):
        yield next(openings)


def _told(facts: AlertFacts, number: int, *, on_call_too: bool) -> list[Person]:
    """The first `number` contacts that can be reached, any before them, whoever knows already, and who is on call."""
    knows = {contact for contact, _ in facts.tried}
    told, reached = [], 0
    for person in facts.contacts:
        if reached < number or person.id in knows or (on_call_too and person.on_call):
            told.append(person)
        reached += _reachable(person, facts)
    return [*told, facts.house] if _nobody(facts) or HOUSE in knows else told


def _nobody(facts: AlertFacts) -> bool:
    return not any(_reachable(person, facts) for person in facts.contacts)


def _reachable(person: Person, facts: AlertFacts) -> bool:
    return any(True for _ in _working(person, facts))


def _working(person: Person, facts: AlertFacts) -> Iterable[Channel]:
    return (one for one in sorted(person.channels) if one not in facts.dead and (person.id, one) not in facts.failed)


def _quietly(person: Person, facts: AlertFacts) -> list[Channel]:
    """E-mail; the other channel when e-mail does not work; both when nothing seems to."""
    working = list(_working(person, facts))
    return working[:1] or sorted(person.channels)
