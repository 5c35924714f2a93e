"""Webhooks out, as docs/webhooks.md promises them: nothing untold, nothing out of order, nothing to who is gone."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

from service.records.hooks import KEEP_DAYS, Type
from simulation.endpoints import Endpoint
from simulation.facts import SLACK, Facts, Violation
from simulation.history import Change, at

_TOLD = ("accepted", "sent", "delivered", "undelivered", "failed", "skipped", "cancelled", "expired", "unknown")
_ENDS = _TOLD[2:]
_GIVEN_UP_AFTER = timedelta(days=3)
_LATE = timedelta(minutes=10)
_ALERTS = {"acknowledged_at": Type.ALERT_ACKNOWLEDGED, "closed_at": Type.ALERT_CLOSED}
_NAME = "webhooks"


def told(facts: Facts) -> Iterator[Violation]:
    """All of it."""
    endpoints = list(facts.installation.endpoints.by_url.values())
    if endpoints:
        yield from _announced(facts, {one.clinic: one for one in endpoints})
    for endpoint in endpoints:
        yield from (Violation(_NAME, what) for what in endpoint.wrong)
        yield from _true(facts, endpoint)
        yield from _delivered(facts, endpoint)
        yield from _in_order(facts, endpoint)
        yield from _as_agreed(facts, endpoint)


def _announced(facts: Facts, endpoints: dict[int, Endpoint]) -> Iterator[Violation]:
    """What was committed of a clinic that listens, and no event beside it."""
    clinics = {change.row: change["clinic_id"] for change in facts.history.of("patients")}
    events = {(one.seq, one["patient_id"], one["type"]) for one in facts.history.of("webhook_events")}
    erased = {(one.seq, one.row) for one in facts.history.of("patients") if one["erased_at"] is not None}
    for change, patient, kind in _happened(facts):
        endpoint = endpoints.get(clinics.get(patient, 0))
        if endpoint is None or (change.seq, patient) in erased or change.seq > _removed_at(facts, endpoint):
            continue
        if (change.seq, patient, kind) not in events:
            yield Violation(_NAME, f"{change.table} {change.row} changed, and no {kind} tells of it", None, patient)


def _happened(facts: Facts) -> Iterator[tuple[Change, int, Type]]:
    """What clinics hear of, as the history has it: the change, whose it is, and the type of the event."""
    began: dict[tuple[int, int], Change] = {}
    for change in facts.history.of("messages"):
        began.setdefault((change.seq, change.row), change)
    ended = {(change.seq, change.row): change for change in facts.history.of("messages")}
    for place, last in ended.items():
        before, state = began[place].was("state"), last["state"]
        is_told = state in _TOLD or (state == "planned" and before in _ENDS)
        if before is not None and before != state and is_told and last["patient_id"] is not None:
            yield last, last["patient_id"], Type.MESSAGE
    for change in facts.history.of("alerts"):
        if change.before is None:
            yield change, change["patient_id"], Type.ALERT_OPENED
        for column, kind in _ALERTS.items():
            if change.before is not None and change.was(column) is None and change[column] is not None:
                yield change, change["patient_id"], kind
    for change in facts.history.of("responses"):
        if change["completed_at"] is not None and change.was("completed_at") is None:
            yield change, change["patient_id"], Type.SURVEY


def _true(facts: Facts, endpoint: Endpoint) -> Iterator[Violation]:
    """What an event says of a message is what the record said when both were committed."""
    commits = {one.row: one.seq for one in facts.history.of("webhook_events")}
    states = defaultdict(set)
    for change in facts.history.of("messages"):
        states[change.row, change.seq].add(change["state"])
    for event, body in {one.event: one.body for one in endpoint.got}.items():
        content = json.loads(body)
        if content["type"] == Type.MESSAGE:
            message = content["data"]["message"]
            if message["state"] not in states[int(message["id"]), commits[event]]:
                yield Violation(_NAME, f"evt_{event} says {message['state']}, which it was not", int(message["id"]))


def _delivered(facts: Facts, endpoint: Endpoint) -> Iterator[Violation]:
    """Every event that it wants has arrived, or was given up after three days."""
    took = {one.event for one in endpoint.got if one.took}
    types = {one.row: one["type"] for one in facts.history.of("webhook_events")}
    erased = {one.row for one in facts.history.of("patients") if one["erased_at"] is not None}
    owners = {one.row: one["patient_id"] for one in facts.history.of("webhook_events")}
    for event, row in facts.history.rows("webhook_deliveries"):
        if row["endpoint_id"] != endpoint.row or owners[event] in erased:
            continue
        if not endpoint.wants(types[event]):
            yield Violation(_NAME, f"evt_{event} ({types[event]}) goes to who did not ask for it")
        if row["state"] == "delivered" and event not in took:
            yield Violation(_NAME, f"evt_{event} counts as delivered, and was never taken")
        since = facts.by_row["webhook_deliveries", event][0].micros
        age = facts.ended_at - facts.true(since)
        if age > timedelta(days=KEEP_DAYS):
            continue  # forgotten by now, also what waited for an endpoint that was paused so long
        early = age < _GIVEN_UP_AFTER
        if row["state"] == "abandoned" and early and _removed_at(facts, endpoint) == _NEVER:
            yield Violation(_NAME, f"evt_{event} was given up within three days")
        if row["state"] in ("waiting", "queued", "posting") and row["due_at"] < facts.ended_at - _LATE:
            yield Violation(_NAME, f"evt_{event} is {row['state']}, and nobody sees to it")


def _in_order(facts: Facts, endpoint: Endpoint) -> Iterator[Violation]:
    """A patient's next event comes when the one before was taken, or given up."""
    taken: dict[int, int] = {}
    came: dict[int, int] = {}
    for got in endpoint.got:
        came.setdefault(got.event, got.micros)
        if got.took:
            taken.setdefault(got.event, got.micros)
    given_up = {
        one.row: one.micros for one in facts.history.of("webhook_deliveries") if one["state"] == "abandoned"
    }  # fmt: skip
    lines: dict[int, list[Change]] = defaultdict(list)
    for change in facts.history.of("webhook_events"):
        if change.before is None and change.row in came and change["patient_id"] is not None:
            lines[change["patient_id"]].append(change)
    for patient, line in lines.items():
        for earlier, later in pairwise(line):
            if earlier.row > later.row:
                continue  # the machine of the later one had a clock that is behind
            done = min(taken.get(earlier.row, facts.end), given_up.get(earlier.row, facts.end))
            if came[later.row] < done:
                what = f"evt_{later.row} came before evt_{earlier.row} was taken"
                yield Violation(_NAME, what, None, patient)


def _as_agreed(facts: Facts, endpoint: Endpoint) -> Iterator[Violation]:
    """No post that was begun after it was removed; none of what has arrived; not two of one event at a time."""
    removed = _removed_at(facts, endpoint)
    for change in facts.history.of("webhook_deliveries"):
        if change["endpoint_id"] != endpoint.row or change.before is None:
            continue
        state, before = change["state"], change.was("state")
        if state == "posting" and change.seq > removed:
            yield Violation(_NAME, f"evt_{change.row} was posted to an endpoint that had been removed")
        if before == "delivered" and state != "delivered":
            yield Violation(_NAME, f"evt_{change.row} had arrived, and became {state}")
        if before == "posting" and state in ("queued", "posting"):
            left = at(change.was("due_at")) - facts.true(change.micros)
            if left > SLACK:
                yield Violation(_NAME, f"evt_{change.row} was taken from a worker with {left} of its lease to run")


_NEVER = 2**62


def _removed_at(facts: Facts, endpoint: Endpoint) -> int:
    """The commit that ended it."""
    for change in facts.by_row["webhook_endpoints", endpoint.row]:
        if change["disabled_at"] is not None:
            return change.seq
    return _NEVER
