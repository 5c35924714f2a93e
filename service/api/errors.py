"""Whatever goes wrong is answered as a problem: precise for a 4xx, and a 5xx says nothing about its cause."""

from __future__ import annotations

import logging

from apiflask import APIFlask
from flask import Response, request
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from service.problems import Problem

log = logging.getLogger(__name__)

_CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "media_type", 429: "too_many_requests"}


def handle(app: APIFlask) -> None:
    """Register the handlers."""
    app.register_error_handler(Problem, _problem)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(OperationalError, _busy)
    app.register_error_handler(PoolTimeout, _busy)
    app.register_error_handler(Exception, _mistake)
    app.error_processor(
        lambda error: Problem(error.status_code, "invalid_request", "The request is not valid.").response()
    )


def _problem(problem: Problem) -> Response:
    return problem.response()


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    answer = Problem(status, _CODES.get(status, "http_error"), error.name + ".").response()
    if status == 405:
        answer.headers["Allow"] = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
    return answer


def _busy(error: OperationalError | PoolTimeout) -> Response:
    log.error("the database did not answer: %s", type(error).__name__)
    # Whether it was stored cannot be told: the commit's own answer may be what got lost.
    detail = "The database did not answer; please send the same again in a moment, it is taken in once."
    return Problem(503, "try_again", detail).response()


def _mistake(error: Exception) -> Response:
    # By its type and place only: the text of an exception may quote what was sent to us.
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "" if trace is None else f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}"
    log.error("unexpected %s at %s (%s)", type(error).__name__, place, request.endpoint)
    return Problem(500, "our_mistake", "Something went wrong on our side; nothing was stored.").response()
