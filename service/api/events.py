"""Clinic events in: one, or many as NDJSON."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator

from apiflask import APIBlueprint
from flask import Response, request, stream_with_context
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from service import crashpoints, time
from service.api import intake
from service.api.bodies import AnyEvent, parse_event
from service.context import Context, context
from service.crashpoints import Point
from service.identify import Caller, body_of
from service.problems import Problem
from service.records.database import run

log = logging.getLogger(__name__)
bp = APIBlueprint("events", __name__, tag="Events")

EVENT_BYTES = 64 * 1024
BATCH_BYTES = 32 * 1024 * 1024
BATCH_LINES = 100
"""Lines a transaction of a batch."""


@bp.post("/v1/events")
def post_event() -> Response:
    """Take in one event."""
    here = context()
    body = body_of(request, EVENT_BYTES, ("application/json",))
    caller = here.doorkeeper.sender_of_event(request, body)
    event = parse_event(body, time.now())
    applied = run(
        here.engine,
        lambda connection: intake.take_in(
            connection, here.sending, caller.clinic_id, caller.key, body, event, time.now()
        ),
    )
    crashpoints.reached(Point.EVENTS_COMMITTED)
    here.nudges.wake_clock()
    crashpoints.reached(Point.EVENTS_WOKEN)
    return Response(json.dumps(applied.answer), applied.status, content_type="application/json")


@bp.post("/v1/events/batch")
def post_batch() -> Response:
    """Take in many events, a line each; answers a line each, in order, each written once its event is committed."""
    here = context()
    body = body_of(request, BATCH_BYTES, ("application/x-ndjson", "application/jsonl"))
    caller = here.doorkeeper.sender_of_event(request, body)
    lines = [line for line in body.split(b"\n") if line.strip()]
    return Response(stream_with_context(_answers(here, caller, lines)), 200, content_type="application/x-ndjson")


def _answers(here: Context, caller: Caller, lines: list[bytes]) -> Iterator[str]:
    for start in range(0, len(lines), BATCH_LINES):
        part = list(enumerate(lines[start : start + BATCH_LINES], start + 1))
        answers = _take_in_lines(here, caller, part)
        crashpoints.reached(Point.BATCH_COMMITTED)
        for answer in answers:
            yield json.dumps(answer) + "\n"
    here.nudges.wake_clock()


Parsed = tuple[int, bytes, AnyEvent | Problem]
_Answer = dict[str, object]


def _take_in_lines(here: Context, caller: Caller, lines: Iterable[tuple[int, bytes]]) -> list[_Answer]:
    """The answers to some lines, in one transaction; a line that the records refuse does not undo its neighbours."""
    parsed = [(number, line, _parsed(line)) for number, line in lines]

    def work(connection: Connection) -> list[_Answer]:
        return [_take_in_line(connection, here, caller, one) for one in parsed]

    return run(here.engine, work)


def _take_in_line(connection: Connection, here: Context, caller: Caller, one: Parsed) -> _Answer:
    number, line, event = one
    if isinstance(event, Problem):
        return {"line": number, "status": event.status, "problem": event.body()}
    try:
        with connection.begin_nested():
            applied = intake.take_in(
                connection, here.sending, caller.clinic_id, caller.key_of(number), line, event, time.now()
            )
    except Problem as problem:
        return {"line": number, "status": problem.status, "problem": problem.body()}
    except DBAPIError:
        raise  # the database's trouble is the whole transaction's: it is repeated, or the batch is
    except Exception as error:
        log.error("a line of a batch could not be taken in: %s", type(error).__name__)
        mistake = Problem(500, "our_mistake", "Something went wrong on our side; this line was not stored.")
        return {"line": number, "status": mistake.status, "problem": mistake.body()}
    return {"line": number, "status": applied.status, "answer": applied.answer}


def _parsed(line: bytes) -> AnyEvent | Problem:
    if len(line) > EVENT_BYTES:
        return Problem(413, "too_large", f"A line may have at most {EVENT_BYTES} bytes.")
    try:
        return parse_event(line, time.now())
    except Problem as problem:
        return problem
