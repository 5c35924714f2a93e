"""Clinic events in: one, or many as NDJSON."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence

from apiflask import APIBlueprint
from flask import Response, request, stream_with_context
from sqlalchemy.exc import OperationalError

from service import crashpoints, time
from service.api import intake
from service.api.bodies import parse_event
from service.api.lines import Applied, Line
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
    status, answer = here.take_posted(caller.clinic_id, caller.key, body)
    return Response(answer, status, content_type="application/json")


@bp.post("/v1/events/batch")
def post_batch() -> Response:
    """Take in many events, a line each; answers a line each, in order, each written once its event is committed."""
    here = context()
    body = body_of(request, BATCH_BYTES, ("application/x-ndjson", "application/jsonl"))
    caller = here.doorkeeper.sender_of_event(request, body)
    lines = [(number, line) for number, line in enumerate(body.split(b"\n"), 1) if line.strip()]
    return Response(stream_with_context(_answers(here, caller, lines)), 200, content_type="application/x-ndjson")


def _answers(here: Context, caller: Caller, lines: Sequence[tuple[int, bytes]]) -> Iterator[str]:
    for start in range(0, len(lines), BATCH_LINES):
        answers = _take_in_lines(here, caller, lines[start : start + BATCH_LINES])
        crashpoints.reached(Point.BATCH_COMMITTED)
        yield "".join(answers)
    here.nudges.wake_clock()


def _take_in_lines(here: Context, caller: Caller, lines: Sequence[tuple[int, bytes]]) -> list[str]:
    """The answers to some lines of a batch, each with its number in the file that was posted."""
    parsed = {number: _parsed(caller.key_of(number), line) for number, line in lines}
    good = {number: one for number, one in parsed.items() if isinstance(one, Line)}
    outcomes = dict(zip(good, _take_in(here, caller, list(good.values())), strict=True))
    return [_answer(number, one if isinstance(one, Problem) else outcomes[number]) for number, one in parsed.items()]


def _parsed(key: str, line: bytes) -> Line | Problem:
    if len(line) > EVENT_BYTES:
        return Problem(413, "too_large", f"A line may have at most {EVENT_BYTES} bytes.")
    try:
        return Line(key, line, parse_event(line, time.now()))
    except Problem as problem:
        return problem


def _take_in(here: Context, caller: Caller, lines: Sequence[Line]) -> list[Applied | Problem]:
    """What became of some lines: in one transaction, or, when it breaks over one of them, in one each."""
    try:
        return run(
            here.engine,
            lambda connection: intake.take_in_all(connection, here.sending, caller.clinic_id, lines, time.now()),
        )
    except OperationalError:
        raise  # the database's trouble is everybody's: the batch is to be posted again
    except Exception as error:
        if len(lines) > 1:
            return [outcome for line in lines for outcome in _take_in(here, caller, [line])]
        # Only the type: the text may quote the event.
        log.error("a line of a batch could not be taken in: %s", type(error).__name__)
        return [Problem(500, "our_mistake", "Something went wrong on our side; this line was not stored.")]


def _answer(number: int, outcome: Applied | Problem) -> str:
    said = f'"problem": {json.dumps(outcome.body())}' if isinstance(outcome, Problem) else f'"answer": {outcome.text}'
    return f'{{"line": {number}, "status": {outcome.status}, {said}}}\n'
