"""Mistakes at the clinics' own doors: webhooks, switches to another version, files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from sqlalchemy import Connection, update
from sqlalchemy.sql.visitors import replacement_traverse
from standardwebhooks import Webhook

from service.api.inside import Rows
from service.care.lifecycle import Reason
from service.records import hook_deliveries, hook_endpoints, hooks, messages, plans, switching
from service.records.protocols import Version
from service.records.sending_tables import messages as message_rows
from service.records.switching import Followers
from service.records.tables import protocols as protocol_rows
from service.records.webhook_tables import webhook_endpoints
from simulation.bugs.bug import DEADLY, DEAF, UNHEARD, Bug, nothing
from simulation.weather import CALM
from workers import hooks as hooks_out


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


BUGS = (
    Bug("clinics are not told of messages", ("webhooks",), CALM, nothing(hooks, "announce_messages", 0)),
    Bug("webhooks go in any order", ("webhooks",), UNHEARD, _patients_have_no_line),
    Bug("a webhook that was refused counts as delivered", ("webhooks",), UNHEARD, _any_answer_is_a_yes),
    Bug("a webhook is signed for another", ("webhooks",), CALM, _signed_for_another),
    Bug("what waits for a removed endpoint is posted", ("webhooks",), DEAF, _removed_and_not_emptied),
    Bug("a switch ends with its first part", ("P6",), CALM, _switch_ends_with_its_first_part),
    Bug("a switch takes over who was not asked for", ("P3",), CALM, _switch_takes_everybody),
    Bug("who goes over keeps the old times", ("P4",), CALM, _goes_over_in_name),
    Bug("who goes over loses a step", ("P6",), CALM, _goes_over_with_less),
    Bug("rows of a file are counted and not taken in", ("P6",), DEADLY, _rows_are_only_counted),
)
