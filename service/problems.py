"""Problems as RFC 9457 puts them: precise, and never repeating what was sent to us."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from flask import Response

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One bad field: where (a JSON pointer into the body, or the event made of it) and what to do about it."""

    pointer: str
    detail: str


class Problem(Exception):
    """Ends a request with a 4xx or 503. `code` is stable and meant for programs, `detail` for people."""

    def __init__(self, status: int, code: str, detail: str, errors: Sequence[FieldProblem] = ()) -> None:
        super().__init__(code)
        self.status, self.code, self.detail, self.errors = status, code, detail, tuple(errors)

    def body(self) -> dict[str, object]:
        content: dict[str, object] = {
            "type": f"urn:aftercare:problem:{self.code}",
            "title": self.code.replace("_", " ").capitalize(),
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            content["errors"] = [{"pointer": error.pointer, "detail": error.detail} for error in self.errors]
        return content

    def response(self) -> Response:
        answer = Response(json.dumps(self.body()), self.status, content_type=MEDIA_TYPE)
        if self.status == 401:
            answer.headers["WWW-Authenticate"] = "Bearer"
        if self.status in (429, 503):
            answer.headers["Retry-After"] = "2"
        return answer
