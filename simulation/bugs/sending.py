"""Mistakes of whoever sends: claims, gates, hand-overs, verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, update

from service import time
from service.care import gates
from service.care.lifecycle import Reason, State
from service.records import messages, outbox, suppressions
from service.records.sending_tables import messages as message_rows
from simulation import gateways
from simulation.bugs.bug import (
    CONFUSED,
    DEADLY,
    DOUBLED,
    FAR,
    FROZEN,
    HASTY,
    LOSSY,
    REFUSED,
    SILENT,
    Bug,
    facts_say,
    nothing,
)
from simulation.weather import CALM
from workers import deliver, gating, reconcile, verdicts
from workers.gateways import courier
from workers.gateways.handover import Found, Outcome, Sighting


@contextmanager
def _no_gate() -> Iterator[None]:
    with patch.object(gates, "decide", lambda *_: gates.Send(36_000)):
        yield


@contextmanager
def _commit_after_send() -> Iterator[None]:
    def deliver_first(self: deliver.Deliverer, ids: Sequence[int]) -> int:
        with self._engine.begin() as connection:
            claimed = self._claim(connection, ids)
            answers = self._submit(claimed, time.monotonic()) if claimed else None
            if answers is not None:
                answers.result()
        if answers is not None:
            self._record(claimed, answers)
        return len(claimed)

    with patch.object(deliver.Deliverer, "deliver", deliver_first):
        yield


@contextmanager
def _no_compare_and_set() -> Iterator[None]:
    claim = deliver.Deliverer._claim

    def whatever_its_state(self: deliver.Deliverer, connection: Connection, ids: Sequence[int]) -> Any:
        under_way = message_rows.c.state.in_((State.SENDING, State.ACCEPTED, State.SENT))
        connection.execute(update(message_rows).where(message_rows.c.id.in_(ids), under_way).values(state=State.QUEUED))
        return claim(self, connection, ids=ids)

    with patch.object(deliver.Deliverer, "_claim", whatever_its_state):
        yield


@contextmanager
def _states_go_back() -> Iterator[None]:
    move = messages.move

    def from_anywhere(connection: Connection, moves: Any, **_: Any) -> int:
        return move(connection, moves, only_from=tuple(State))

    with patch.object(messages, "move", from_anywhere):
        yield


@contextmanager
def _what_others_began_is_taken_back() -> Iterator[None]:
    """Workers stand still for minutes before they write down what came of a batch: others have sent it anew by then."""
    move, record, dice = messages.move, verdicts.Recorder.record, Random(1)

    def of_any_attempt(connection: Connection, moves: Any, **more: Any) -> int:
        return move(connection, [replace(one, attempt=None) for one in moves], **more)

    def late(self: verdicts.Recorder, results: Any) -> None:
        time.sleep(dice.uniform(60, 400))
        record(self, results)

    with patch.object(messages, "move", of_any_attempt), patch.object(verdicts.Recorder, "record", late):
        yield


@contextmanager
def _unprovable_is_absent() -> Iterator[None]:
    look_for = reconcile.Reconciler._look_for

    def trusting(self: reconcile.Reconciler, attempt: Any) -> Found:
        found = look_for(self, attempt)
        return Found(Sighting.ABSENT) if found.sighting is Sighting.UNPROVABLE else found

    with patch.object(reconcile.Reconciler, "_look_for", trusting):
        yield


@contextmanager
def _ambiguous_is_retried() -> Iterator[None]:
    move = verdicts.Recorder._move

    def bold(self: verdicts.Recorder, ready: Any, verdict: Any, now: datetime) -> Any:
        if verdict.outcome is Outcome.AMBIGUOUS:
            verdict = replace(verdict, outcome=Outcome.NOT_SENT)
        return move(self, ready, verdict, now)

    with patch.object(verdicts.Recorder, "_move", bold):
        yield


@contextmanager
def _no_deadline() -> Iterator[None]:
    hand_over = courier.hand_over

    async def at_any_time(gateway: Any, parcels: Any, *, breaker: Any, **_: Any) -> Any:
        return await hand_over(gateway, parcels, deadline=None, breaker=breaker)

    with patch.object(gateways, "hand_over", at_any_time):
        yield


@contextmanager
def _no_lease() -> Iterator[None]:
    take = outbox.take

    def for_ever(connection: Connection, ids: Sequence[int], now: datetime, *_: Any) -> set[int]:
        return take(connection, ids, now, FAR)

    with patch.object(outbox, "take", for_ever):
        yield


@contextmanager
def _opt_out_hides_the_rest() -> Iterator[None]:
    def mildest(*reasons: Reason | None) -> Reason | None:
        return Reason.OPTED_OUT if Reason.OPTED_OUT in reasons else reasons[0]

    with patch.object(suppressions, "strictest", mildest):
        yield


BUGS = (
    Bug("the commit comes after the send", ("P2",), DEADLY, _commit_after_send),
    Bug("a claim does not ask for the state", ("P2",), DOUBLED, _no_compare_and_set),
    Bug("an unprovable message counts as absent", ("P2",), LOSSY, _unprovable_is_absent),
    Bug("reconcile asks too early", ("P2",), HASTY, nothing(reconcile.Reconciler, "_until_listed", 0.0)),
    Bug("a lost answer is tried again", ("P2",), LOSSY, _ambiguous_is_retried),
    Bug("a worker that stood still sends after its lease", ("P2", "P4"), FROZEN, _no_deadline),
    Bug(
        "a worker that stood still takes back what another has begun", ("P2",), SILENT, _what_others_began_is_taken_back
    ),
    Bug("no gate when it is sent", ("P3", "P4"), DOUBLED, _no_gate),
    Bug("an opt-out hides a bad address", ("P3",), REFUSED, _opt_out_hides_the_rest),
    Bug("quiet hours are in UTC", ("P4",), CALM, lambda: patch.object(gating, "zone", lambda _: ZoneInfo("UTC"))),
    Bug("the window does not count", ("P4",), LOSSY, facts_say(window_until=FAR)),
    Bug("the daily cap does not count", ("P4",), CALM, facts_say(daily_cap=99)),
    Bug("a lease never ends", ("P6",), DEADLY, _no_lease),
    Bug("a late receipt moves a state back", ("P7", "P2"), CONFUSED, _states_go_back),
)
