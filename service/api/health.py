"""Is the process alive, can it do its work, and how is it going."""

from __future__ import annotations

import time as real_time
from collections.abc import Iterator
from typing import cast

from apiflask import APIBlueprint
from flask import Response, current_app, g, request
from flask.blueprints import BlueprintSetupState
from sqlalchemy.exc import SQLAlchemyError

from service import time
from service.api.metrics import CONTENT_TYPE, Installation, Requests
from service.context import Context, context
from service.problems import FieldProblem, Problem
from service.records import heartbeats, key_check, migrate
from service.records.database import reading

bp = APIBlueprint("health", __name__, tag="Health")

OLDEST_HEARTBEAT = 30.0
"""Real seconds. The clock looks at least once a second; this allows for a slow disk or a failover."""
_REQUESTS = "aftercare.requests"
_SCHEMA = "aftercare.schema"


@bp.record_once
def _prepare(state: BlueprintSetupState) -> None:
    state.app.extensions[_REQUESTS] = Requests()
    state.app.extensions[_SCHEMA] = set()


@bp.before_app_request
def _begin() -> None:
    g.aftercare_begun = real_time.perf_counter()


@bp.after_app_request
def _count(answer: Response) -> Response:
    rule = request.url_rule.rule if request.url_rule is not None else "(none)"
    took = real_time.perf_counter() - g.get("aftercare_begun", real_time.perf_counter())
    cast(Requests, current_app.extensions[_REQUESTS]).note(request.method, rule, answer.status_code, took)
    return answer


@bp.get("/healthz")
def get_health() -> dict[str, str]:
    """The process answers. Says nothing of what it depends on: restarting it would mend none of that."""
    return {"status": "ok"}


@bp.get("/readyz")
def get_readiness() -> dict[str, str]:
    """Everything it depends on answers: database, schema, keys, Redis, and a clock that looked within 30 seconds."""
    wrong = list(_wrong(context()))
    if wrong:
        raise Problem(503, "not_ready", "Not everything this service needs is there.", wrong)
    return {"status": "ok"}


@bp.get("/metrics")
def get_metrics() -> Response:
    """Metrics in Prometheus' text format. Numbers only, but keep it inside your network all the same."""
    here = context()
    requests = cast(Requests, current_app.extensions[_REQUESTS])
    text = Installation(here.engine, here.nudges).text() + requests.text()
    return Response(text, content_type=CONTENT_TYPE)


def _wrong(here: Context) -> Iterator[FieldProblem]:
    try:
        yield from _wrong_in_database(here)
    except SQLAlchemyError:
        yield FieldProblem("/database", "does not answer")
    if not here.nudges.reachable():
        yield FieldProblem("/redis", "does not answer; messages go out with a short delay")


def _wrong_in_database(here: Context) -> Iterator[FieldProblem]:
    # The schema of a running process only grows newer: once right, it is not asked for again.
    checked = cast(set[str], current_app.extensions[_SCHEMA])
    if not checked:
        if not migrate.is_current(here.engine):
            yield FieldProblem("/schema", "the database lacks migrations; run `aftercare migrate`")
            return
        checked.add("current")
    with reading(here.engine) as connection:
        if not key_check.is_opened_by(connection, here.sending.vault):
            yield FieldProblem(
                "/keys", "do not open this database; put back those that it was sealed with, and restart every process"
            )
        for key in key_check.missing_lookups(connection, here.sending.vault):
            yield FieldProblem("/keys", f"lack {key}, which finds some STOPs; put it back, and restart every process")
        age = heartbeats.age_seconds(connection, heartbeats.CLOCK, time.real_now())
    if age is None:
        yield FieldProblem("/clock", "no clock has run yet; start `aftercare clock`")
    elif age > OLDEST_HEARTBEAT:
        yield FieldProblem("/clock", f"the clock last looked {age:.0f} s ago; start `aftercare clock`")
