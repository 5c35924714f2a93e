"""An event as it was posted, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from service.api.bodies import AnyEvent


@dataclass(frozen=True, slots=True)
class Line:
    """One event, under the key by which its repeat is known."""

    key: str
    raw: bytes
    event: AnyEvent


@dataclass(frozen=True, slots=True)
class Applied:
    """An event's effect: the answer, and the session that it was about."""

    status: int
    answer: dict[str, Any]
    session_id: int | None = None
