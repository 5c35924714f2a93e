"""Mistakes made on purpose, one at a time, in the real code: a checker that finds none of them proves nothing.

Each names the promise that must catch it, and the weather in which it shows. `tests/simulation` tries them all.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.sql.visitors import replacement_traverse
from standardwebhooks import Webhook

from service import time
from service.api import intake, mail_in, webhooks
from service.api.inside import Rows
from service.care import gates
from service.care.escalation import schedule
from service.care.gates import Decision, GateFacts
from service.care.lifecycle import Reason, State
from service.records import (
    database,
    hook_deliveries,
    hook_endpoints,
    hooks,
    messages,
    optouts,
    outbox,
    plans,
    sessions,
    suppressions,
    switching,
)
from service.records.protocols import Version
from service.records.sending_tables import messages as message_rows
from service.records.switching import Followers
from service.records.tables import protocols as protocol_rows
from service.records.webhook_tables import webhook_endpoints
from simulation import gateways
from simulation.weather import CALM, Weather
from workers import alarms, alerting, deliver, gating, reconcile, silence, verdicts
from workers import hooks as hooks_out
from workers.gateways import courier
from workers.gateways.handover import Found, Outcome, Sighting

_FAR = datetime(2099, 1, 1, tzinfo=UTC)

DEADLY = replace(CALM, death=0.003, freeze=0.001, nudge_doubled=0.3, nudge_lost=0.2)
LOSSY = replace(CALM, hand_over=0.4, look_up=0.5)
CONFUSED = replace(CALM, receipt_late=0.5, receipt_doubled=0.4, carrier=0.2)
DOUBLED = replace(CALM, nudge_doubled=0.6, nudge_late=0.4)
FROZEN = replace(CALM, freeze=0.05)
BROKEN = replace(CALM, database=0.03)
UNHEARD = replace(CALM, endpoint=0.5)
DEAF = replace(CALM, endpoint=0.95)
REFUSED = replace(CALM, bad_number=0.5)
HASTY = replace(CALM, hand_over=0.6, nudge_doubled=0.8, nudge_late=0.6)


@dataclass(frozen=True)
class Bug:
    """One mistake."""

    name: str
    promises: tuple[str, ...]
    """Any of these may be the one that catches it."""
    weather: Weather
    made: Callable[[], AbstractContextManager[Any]]
    first_seed: int = 1
    """Later for what is rare: a short run in which it happens at all."""


def _facts_say(**changes: Any) -> Callable[[], AbstractContextManager[Any]]:
    """The gate is told something that is not so."""

    def decide(facts: GateFacts, now: datetime) -> Decision:
        return _decide(replace(facts, **changes), now)

    return lambda: patch.object(gates, "decide", decide)


_decide = gates.decide


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
        return take(connection, ids, now, _FAR)

    with patch.object(outbox, "take", for_ever):
        yield


@contextmanager
def _stop_is_half_done() -> Iterator[None]:
    with (
        patch.object(messages, "withdraw_of_patient", lambda *_, **__: []),
        _facts_say(suppressed=None, consent=True)(),
    ):
        yield


@contextmanager
def _superseded_goes_on() -> Iterator[None]:
    def mark_only(connection: Connection, *about: Any) -> None:
        sessions.supersede(connection, about[3].course_id)

    with patch.object(intake, "_settle_course", mark_only), _facts_say(superseded=False)():
        yield


@contextmanager
def _answered_goes_on() -> Iterator[None]:
    with (
        patch.object(messages, "withdraw_answered", lambda *_, **__: []),
        _facts_say(answered=False)(),
    ):
        yield


@contextmanager
def _yes_before_it_is_kept() -> Iterator[None]:
    run = database.run

    def hopeful(engine: Any, work: Any) -> Any:
        try:
            return run(engine, work)
        except OperationalError:
            return None

    with patch.object(webhooks, "run", hopeful):
        yield


@contextmanager
def _mails_have_no_name() -> Iterator[None]:
    numbers = count()
    with patch.object(mail_in, "_key", lambda *_: f"mail {next(numbers)}"):
        yield


@contextmanager
def _numbers_are_logged() -> Iterator[None]:
    compose = deliver.Deliverer._compose

    def chatty(self: deliver.Deliverer, connection: Connection, ready: Any, *rest: Any) -> Any:
        logging.getLogger("workers.deliver").info("sending to %s", ready.address)
        return compose(self, connection, ready, *rest)

    with patch.object(deliver.Deliverer, "_compose", chatty):
        yield


@contextmanager
def _rounds_tell_nobody() -> Iterator[None]:
    with patch.object(alerting, "schedule", lambda *about: replace(schedule(*about), notices=())):
        yield


def _nothing(owner: Any, name: str, instead: Any) -> Callable[[], AbstractContextManager[Any]]:
    """That part of the code does nothing."""
    return lambda: patch.object(owner, name, lambda *_, **__: instead)


@contextmanager
def _patients_have_no_line() -> Iterator[None]:
    nothing_before = hook_deliveries._before.c.event_id == -1

    def without(statement: Any) -> Any:
        instead = {id(hook_deliveries._IN_LINE): nothing_before}
        return replacement_traverse(statement, {}, lambda part, **_: instead.get(id(part)))  # type: ignore[call-overload]

    lines = {"_QUEUED": without(hook_deliveries._QUEUED), "_DUE": without(hook_deliveries._DUE)}
    with patch.multiple(hook_deliveries, **lines):
        yield


@contextmanager
def _removed_and_not_emptied() -> Iterator[None]:
    def in_name(connection: Connection, endpoint_id: int, now: datetime) -> bool:
        endpoint = webhook_endpoints.c.id == endpoint_id
        return connection.execute(update(webhook_endpoints).where(endpoint).values(disabled_at=now)).rowcount == 1

    with patch.object(hook_endpoints, "disable", in_name):
        yield


@contextmanager
def _signed_for_another() -> Iterator[None]:
    signed, other = hooks_out._signed, Webhook(b"another's").sign

    def forged(*about: Any) -> dict[str, str]:
        headers = signed(*about)
        at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
        return {**headers, "webhook-signature": other(headers["webhook-id"], at, about[2])}

    with patch.object(hooks_out, "_signed", forged):
        yield


@contextmanager
def _any_answer_is_a_yes() -> Iterator[None]:
    with patch.object(hook_deliveries.Answer, "arrived", property(lambda answer: answer.status is not None)):
        yield


@contextmanager
def _switch_ends_with_its_first_part() -> Iterator[None]:
    next_part = switching.next_part

    def once(connection: Connection, *about: Any) -> int:
        moved = next_part(connection, *about)
        connection.execute(update(protocol_rows).values(followers=None, followers_after=None))
        return moved

    with patch.object(switching, "next_part", once):
        yield


@contextmanager
def _switch_takes_everybody() -> Iterator[None]:
    left_behind = switching._left_behind

    def all_of_them(connection: Connection, to: Version) -> list[int]:
        return left_behind(connection, replace(to, followers=Followers.EVERYBODY))

    with patch.object(switching, "_left_behind", all_of_them):
        yield


@contextmanager
def _goes_over_in_name() -> Iterator[None]:
    with patch.object(switching, "plans", SimpleNamespace(remake=lambda *_: None)):
        yield


@contextmanager
def _goes_over_with_less() -> Iterator[None]:
    remake = plans.remake

    def losing(connection: Connection, *about: Any) -> int:
        done: int = remake(connection, *about)
        theirs = (message_rows.c.session_id == about[3].id, message_rows.c.step == "day3")
        messages.withdraw(connection, Reason.PLAN_CHANGED, *theirs)
        return done

    with patch.object(switching, "plans", SimpleNamespace(remake=losing)):
        yield


@contextmanager
def _rows_are_only_counted() -> Iterator[None]:
    with patch.object(Rows, "take_in", lambda _self, _connection, _clinic, events, _now: [None] * len(events)):
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
    Bug("reconcile asks too early", ("P2",), HASTY, _nothing(reconcile.Reconciler, "_until_listed", 0.0)),
    Bug("a lost answer is tried again", ("P2",), LOSSY, _ambiguous_is_retried),
    Bug("a worker that stood still sends after its lease", ("P2", "P4"), FROZEN, _no_deadline),
    Bug("no gate when it is sent", ("P3", "P4"), DOUBLED, _no_gate),
    Bug("STOP withdraws nothing and the gate does not know it", ("P3",), CALM, _stop_is_half_done),
    Bug("STOP is read and not recorded", ("P3",), CALM, _nothing(optouts, "opt_out", None)),
    Bug("an opt-out hides a bad address", ("P3",), REFUSED, _opt_out_hides_the_rest),
    Bug("a superseded session goes on", ("P3",), CALM, _superseded_goes_on),
    Bug("an answered survey is asked for again", ("P3",), CALM, _answered_goes_on),
    Bug("quiet hours are in UTC", ("P4",), CALM, lambda: patch.object(gating, "zone", lambda _: ZoneInfo("UTC"))),
    Bug("the window does not count", ("P4",), LOSSY, _facts_say(window_until=_FAR)),
    Bug("the daily cap does not count", ("P4",), CALM, _facts_say(daily_cap=99)),
    Bug("a lease never ends", ("P6",), DEADLY, _no_lease),
    Bug("a late receipt moves a state back", ("P7", "P2"), CONFUSED, _states_go_back),
    Bug("a yes before it is kept", ("P1",), BROKEN, _yes_before_it_is_kept),
    Bug("a mail that comes again is another mail", ("P1",), CALM, _mails_have_no_name),
    Bug("numbers are logged", ("P8",), CALM, _numbers_are_logged),
    Bug("the rounds of an alert tell nobody", ("P9",), CALM, _rounds_tell_nobody),
    Bug("nobody looks who is silent", ("P6",), CALM, _nothing(silence, "look", silence.Looked(0, more=False))),
    Bug("a red flag in a reply opens no alert", ("P9",), CALM, _nothing(alarms, "sound", False), 11),
    Bug("clinics are not told of messages", ("webhooks",), CALM, _nothing(hooks, "announce_messages", 0)),
    Bug("webhooks go in any order", ("webhooks",), UNHEARD, _patients_have_no_line),
    Bug("a webhook that was refused counts as delivered", ("webhooks",), UNHEARD, _any_answer_is_a_yes),
    Bug("a webhook is signed for another", ("webhooks",), CALM, _signed_for_another),
    Bug("what waits for a removed endpoint is posted", ("webhooks",), DEAF, _removed_and_not_emptied, 58),
    Bug("a switch ends with its first part", ("P6",), CALM, _switch_ends_with_its_first_part),
    Bug("a switch takes over who was not asked for", ("P3",), CALM, _switch_takes_everybody),
    Bug("who goes over keeps the old times", ("P4",), CALM, _goes_over_in_name),
    Bug("who goes over loses a step", ("P6",), CALM, _goes_over_with_less),
    Bug("rows of a file are counted and not taken in", ("P6",), DEADLY, _rows_are_only_counted),
)
