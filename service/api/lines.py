"""An event as it was posted, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson

from service.api.bodies import AnyEvent


@dataclass(frozen=True, slots=True)
class Line:
    """One event, under the key by which its repeat is known."""

    key: str
    raw: bytes
    event: AnyEvent


@dataclass(frozen=True)
class Applied:
    """An event's effect: the answer, and the session, or else the patient, that it was about."""

    status: int
    answer: dict[str, Any]
    session_id: int | None = None
    patient_id: int | None = None

    @cached_property
    def text(self) -> str:
        """The answer as JSON, made once: it is kept for the repeat, and posted.

        By orjson: the standard library's took a sixth of the time that an event takes.
        """
        return orjson.dumps(self.answer).decode()
