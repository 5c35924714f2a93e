"""Mistakes of whoever hears and minds: events, replies, answers, silences, alerts."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from typing import Any
from unittest.mock import patch

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from service import together
from service.api import intake, mail_in
from service.care.escalation import schedule
from service.care.lifecycle import State
from service.records import messages, optouts, outcomes, sessions
from simulation.bugs.bug import BROKEN, CROWDED, UNTOLD, Bug, facts_say, nothing
from simulation.weather import CALM
from workers import alarms, alerting, deliver, silence


@contextmanager
def _stop_is_half_done() -> Iterator[None]:
    with (
        patch.object(messages, "withdraw_of_patient", lambda *_, **__: []),
        facts_say(suppressed=None, consent=True)(),
    ):
        yield


@contextmanager
def _superseded_goes_on() -> Iterator[None]:
    def mark_only(connection: Connection, *about: Any) -> None:
        sessions.supersede(connection, about[3].course_id)

    with patch.object(intake, "_settle_course", mark_only), facts_say(superseded=False)():
        yield


@contextmanager
def _answered_goes_on() -> Iterator[None]:
    with (
        patch.object(messages, "withdraw_answered", lambda *_, **__: []),
        facts_say(answered=False)(),
    ):
        yield


@contextmanager
def _yes_before_it_is_kept() -> Iterator[None]:
    take = together.Together.__call__

    def hopeful(self: Any, item: Any) -> Any:
        try:
            return take(self, item)
        except OperationalError:
            return None

    with patch.object(together.Together, "__call__", hopeful):
        yield


@contextmanager
def _who_comes_along_is_not_asked_for() -> Iterator[None]:
    commit = together.Together._commit

    def hopeful(self: Any, group: Any, lock_seconds: float | None) -> None:
        try:
            commit(self, group, lock_seconds)
        except OperationalError as error:
            for one in group[1:]:
                one.outcome.append(None)
            raise RuntimeError("the first one asks again") from error

    with patch.object(together.Together, "_commit", hopeful):
        yield


@contextmanager
def _mails_have_no_name() -> Iterator[None]:
    numbers = count()
    with patch.object(mail_in, "_key", lambda *_: f"mail {next(numbers)}"):
        yield


@contextmanager
def _opinions_prove_nothing() -> Iterator[None]:
    forward = outcomes._Applied._forward

    def by_reports_of_delivery(self: Any, state: State) -> None:
        if self.report.state is not None:
            forward(self, state)

    with patch.object(outcomes._Applied, "_forward", by_reports_of_delivery):
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


BUGS = (
    Bug("STOP withdraws nothing and the gate does not know it", ("P3",), CALM, _stop_is_half_done),
    Bug("STOP is read and not recorded", ("P3",), CALM, nothing(optouts, "opt_out", None)),
    Bug("a superseded session goes on", ("P3",), CALM, _superseded_goes_on),
    Bug("an answered survey is asked for again", ("P3",), CALM, _answered_goes_on),
    Bug("a yes before it is kept", ("P1",), BROKEN, _yes_before_it_is_kept),
    Bug("who comes along in a transaction that fails is told yes", ("P1",), CROWDED, _who_comes_along_is_not_asked_for),
    Bug("a mail that comes again is another mail", ("P1",), CALM, _mails_have_no_name),
    Bug("an opinion of a mail is no proof that it came", ("P6",), UNTOLD, _opinions_prove_nothing),
    Bug("numbers are logged", ("P8",), CALM, _numbers_are_logged),
    Bug("the rounds of an alert tell nobody", ("P9",), CALM, _rounds_tell_nobody),
    Bug("nobody looks who is silent", ("P6",), CALM, nothing(silence, "look", silence.Looked(0, more=False))),
    Bug("a red flag in a reply opens no alert", ("P9",), CALM, nothing(alarms, "sound", False)),
)
