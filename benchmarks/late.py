"""Late: a hundred thousand texts due at the same moment, and warning signs that are tapped while they go out."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

import urllib3
from sqlalchemy import Connection, func, select

from benchmarks.burst import invite, open_all_day, plan, retime
from benchmarks.crew import Crew, hands
from benchmarks.figures import Figure
from benchmarks.gateway import ask, standin
from benchmarks.place import Place
from service import time
from service.care.lifecycle import State
from service.care.system_messages import SystemText
from service.records import contacts
from service.records.alert_tables import alerts
from service.records.database import reading, run
from service.records.sending_tables import attempts, messages

COUNT, TAPS = 100_000, 20
LATENCY = 50
"""Milliseconds that the provider takes to answer."""
_RETIMED = 10_000
"""Messages a second that the database can give another due time: the burst must be whole before it begins."""


def measure(kinds: tuple[str, ...], scale: float) -> Iterator[Figure]:
    """Lateness of the burst, and of the alerts in the middle of it."""
    for kind in kinds:
        yield from _burst(kind, max(int(COUNT * scale), 200), max(int(TAPS * scale), 3))


def _burst(kind: str, count: int, taps: int) -> Iterator[Figure]:
    with standin() as provider, hands(kind, provider) as men:
        here, now = men.here, time.now()
        open_all_day(here, now)
        run(here.parts.engine, lambda c: _take_on_somebody(c, here))
        before = now - timedelta(hours=1)
        tokens = list(invite(here, plan(here, range(taps), before), before))
        tomorrow = now + timedelta(days=1)
        plan(here, range(taps, taps + count), tomorrow)
        men.start("clock", "clock")
        men.start("sender", "worker", "--queue", "deliver-sms")
        men.start("urgent", "worker", "--queue", "urgent")
        web = men.serve()
        men.wait_for_workers(2)
        ask(f"{provider}/__reset?latency={LATENCY}")
        due = time.now() + timedelta(seconds=count / _RETIMED + 3)
        retime(here, tomorrow, due)
        if time.now() > due:
            raise SystemExit("the burst began before it was whole: lower _RETIMED for this machine")
        tapped = _tap(men, f"{provider}/__stats", web, tokens, count)
        # Each alert makes a text to the patient and, at a clock's next look, a notice to the clinic.
        men.wait(lambda: _unfinished(here) == 0, 230)
        yield from _lateness(here, due, count)
        yield from _alerts(here, tapped)


def _take_on_somebody(connection: Connection, here: Place) -> None:
    vault, now = here.parts.sending.vault, time.now()
    contacts.add(connection, vault, here.clinic_id, "Dr Ann", "+12025550177", None, now, on_call=True)


def _tap(men: Crew, stats: str, web: str, tokens: list[str], count: int) -> list[tuple[datetime, float]]:
    """Tap a warning sign at even distances through the burst; when each was, and how long its answer took."""
    http = urllib3.PoolManager(retries=False, timeout=60.0)
    tapped = []
    for number, token in enumerate(tokens):
        men.wait(partial(_has_taken, stats, count * (number + 0.5) / len(tokens)), 230)
        at = time.now()
        answer = http.request("POST", f"{web}/s/{token}/tap", fields={"question": "signs", "signs": "breathing"})
        if answer.status != 200 or not answer.json()["emergency"]:
            raise SystemExit(f"the tap was answered with {answer.status}: {men.log()}")
        tapped.append((at, (time.now() - at).total_seconds()))
    return tapped


def _has_taken(stats: str, enough: float) -> bool:
    return ask(stats)["accepted"] >= enough


def _unfinished(here: Place) -> int:
    """Counted at the rare ends of indexes: asking must not disturb what is measured."""
    with reading(here.parts.engine) as connection:
        under_way = select(messages.c.id).where(
            messages.c.check_at.is_not(None), messages.c.state.in_((State.QUEUED, State.SENDING))
        )
        due = select(messages.c.id).where(messages.c.state == State.PLANNED, messages.c.due_at <= time.now())
        unheard = select(alerts.c.id).where(alerts.c.next_notice_at <= time.now())
        return sum(connection.execute(one.limit(1)).first() is not None for one in (under_way, due, unheard))


def _lateness(here: Place, due: datetime, count: int) -> Iterator[Figure]:
    """Until the acceptance was on record, which is a little later than the acceptance."""
    query = (
        select(attempts.c.settled_at)
        .join(messages, messages.c.id == attempts.c.message_id)
        .where(messages.c.due_at == due, attempts.c.outcome == "accepted")
        .order_by(attempts.c.settled_at)
    )
    with reading(here.parts.engine) as connection:
        late = [(one - due).total_seconds() for one in connection.execute(query).scalars()]
    if len(late) != count:
        raise SystemExit(f"{len(late)} of {count} messages were accepted")
    title = f"{here.kind} {count:,} due at once"
    yield Figure("late", f"{title}: rate", count / late[-1], "messages/s")
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        at = late[int(count * share)]
        yield Figure("late", f"{title}: {name}", at, "s")
        yield Figure("late", f"{title}: {name}", at / (late[-1] * share), "times", against="an even rate")


def _alerts(here: Place, tapped: list[tuple[datetime, float]]) -> Iterator[Figure]:
    """From the tap until the provider's acceptance was on record."""
    query = (
        select(alerts.c.opened_at, messages.c.step, func.min(attempts.c.settled_at).label("at"))
        .join(messages, messages.c.cause_id == alerts.c.id)
        .join(attempts, attempts.c.message_id == messages.c.id)
        .group_by(alerts.c.id, alerts.c.opened_at, messages.c.step)
        .order_by(alerts.c.opened_at)
    )
    with reading(here.parts.engine) as connection:
        rows = connection.execute(query).all()
    taken = {"answer to the tap": [seconds for _, seconds in tapped]}
    for name, step in (("notice to the clinic", SystemText.ALERT_NOTICE), ("text to the patient", SystemText.RED_FLAG)):
        out = [row.at for row in rows if row.step.partition(".")[0] == step]
        if len(out) != len(tapped):
            raise SystemExit(f"{len(tapped)} warning signs were tapped, and {len(out)} went out as {step}")
        taken[name] = [(at - begun).total_seconds() for at, (begun, _) in zip(out, tapped, strict=True)]
    for name, seconds in taken.items():
        for title, value in (
            ("p50", statistics.median(seconds)),
            ("p99", sorted(seconds)[math.ceil(len(seconds) * 0.99) - 1]),
            ("most", max(seconds)),
        ):
            yield Figure("late", f"{here.kind} {len(tapped)} alerts meanwhile: {name}, {title}", value, "s")
