"""Headers on every answer, and one log line without an address in it."""

from __future__ import annotations

import logging
import time

from flask import Flask, Response, g, request

from service.problems import Problem

log = logging.getLogger("aftercare.web")

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",  # links carry tokens: they must not travel on
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
_PAGES = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def guard(app: Flask) -> None:
    """Set security headers and write the access log."""
    app.before_request(_begin)
    app.after_request(_finish)


def _begin() -> None:
    g.begun = time.perf_counter()
    if "\x00" in request.path:
        # PostgreSQL cannot even be asked for it, and nothing is called so.
        raise Problem(404, "not_found", "Not Found.")


def _finish(answer: Response) -> Response:
    for name, value in _ALWAYS.items():
        answer.headers.setdefault(name, value)
    answer.headers.setdefault("Content-Security-Policy", _PAGES)
    # The rule, not the path: paths carry tokens and ids.
    rule = request.url_rule.rule if request.url_rule is not None else "(none)"
    took = (time.perf_counter() - g.get("begun", time.perf_counter())) * 1000
    log.info("%s %s %s %.1fms", request.method, rule, answer.status_code, took)
    return answer
