"""What clinics and providers post one at a time, taken in together with whatever else is there by then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, Engine

from service import crashpoints, time
from service.api import intake
from service.api.bodies import parse_event
from service.api.lines import Applied, Line
from service.context import TakePosted
from service.crashpoints import Point
from service.nudges import Nudges, QueueName
from service.problems import Problem
from service.records import receipts, replies, wordings
from service.records.plans import Sending
from service.records.receipts import Receipt
from service.records.replies import Incoming
from service.settings import Settings
from service.together import Together


@dataclass(frozen=True, slots=True)
class _Posted:
    clinic_id: int
    line: Line


def taking_posted(engine: Engine, sending: Sending, nudges: Nudges) -> TakePosted:
    """The way in for events."""

    def work(connection: Connection, those: Sequence[_Posted]) -> Sequence[Applied | Problem]:
        found: dict[int, Applied | Problem] = {}
        # In one order for all, so that two processes never hold a clinic each and wait for the other's.
        for clinic_id in sorted({one.clinic_id for one in those}):
            places = [place for place, one in enumerate(those) if one.clinic_id == clinic_id]
            lines = [those[place].line for place in places]
            applied = intake.take_in_all(connection, sending, clinic_id, lines, time.now())
            found |= dict(zip(places, applied, strict=True))
        return [found[place] for place in range(len(those))]

    def committed(outcomes: Sequence[Applied | Problem]) -> None:
        crashpoints.reached(Point.EVENTS_COMMITTED)
        if any(isinstance(one, Applied) for one in outcomes):
            nudges.wake_clock()
        crashpoints.reached(Point.EVENTS_WOKEN)

    together = Together(engine, work, committed)

    def take_posted(clinic_id: int, key: str, raw: bytes) -> tuple[int, str]:
        outcome = together(_Posted(clinic_id, Line(key, raw, parse_event(raw, time.now()))))
        if isinstance(outcome, Problem):
            raise outcome
        return outcome.status, outcome.text

    return take_posted


def keeping_receipts(engine: Engine, sending: Sending, settings: Settings) -> Callable[[Sequence[Receipt]], object]:
    """The way in for what providers report."""

    def work(connection: Connection, posts: Sequence[Sequence[Receipt]]) -> Sequence[None]:
        receipts.take_in(connection, sending, settings, [one for post in posts for one in post], time.now())
        crashpoints.reached(Point.RECEIPTS_APPLIED)
        return [None] * len(posts)

    return Together(engine, work, lambda _: crashpoints.reached(Point.RECEIPTS_COMMITTED))


def keeping_reply(engine: Engine, sending: Sending, nudges: Nudges) -> Callable[[Incoming], object]:
    """The way in for what patients write."""

    def work(connection: Connection, those: Sequence[tuple[Incoming, datetime]]) -> Sequence[int | None]:
        kept = [
            replies.keep(connection, sending.vault, _with_subject(connection, sending, incoming), came_at)
            for incoming, came_at in those
        ]
        crashpoints.reached(Point.REPLIES_KEPT)
        return kept

    def committed(kept: Sequence[int | None]) -> None:
        crashpoints.reached(Point.REPLIES_COMMITTED)
        if fresh := [one for one in kept if one is not None]:
            nudges.send(QueueName.LISTEN, fresh)
            crashpoints.reached(Point.REPLIES_NUDGED)

    together = Together(engine, work, committed)
    return lambda incoming: together((incoming, time.now()))


def _with_subject(connection: Connection, sending: Sending, mail: Incoming) -> Incoming:
    """The subject as the first line of what was written, unless it is that of our own mail: not every mail program
    says "Re:"."""
    if not mail.subject:
        return mail
    key = mail.link_key
    if key is not None and mail.subject == wordings.subject_behind(connection, sending.vault, key):
        return mail
    # Blank lines: a quotation's "On … wrote:" is looked for over three lines, and a subject may begin with "On".
    return replace(mail, body=f"{mail.subject}\n\n\n{mail.body}" if mail.body.strip() else mail.subject)
