"""Events from inside the house: what people enter on the desk goes in by the same door as what clinics post."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine

from service import time
from service.api import intake
from service.api.bodies import parse_event
from service.api.lines import Applied, Line
from service.context import TakeIn
from service.nudges import Nudges
from service.problems import Problem
from service.records.database import run
from service.records.plans import Sending


def taking_in(engine: Engine, sending: Sending, nudges: Nudges) -> TakeIn:
    """What the pages are handed: they may not know the API."""

    def take_in(
        clinic_id: int, key: str, raw: bytes, also: Callable[[Connection], None] | None = None
    ) -> tuple[int, dict[str, Any]]:
        try:
            event = parse_event(raw, time.now())

            def work(connection: Connection) -> Applied:
                applied = intake.take_in(connection, sending, clinic_id, key, raw, event, time.now())
                if also is not None:
                    also(connection)
                return applied

            applied = run(engine, work)
        except Problem as problem:
            return problem.status, problem.body()
        nudges.wake_clock()
        return applied.status, applied.answer

    return take_in


@dataclass(frozen=True)
class Rows:
    """What the worker that takes files in is handed: it may not know the API either.

    A refusal is what the API would have answered: a problem's body.
    """

    sending: Sending

    def check(self, raw: bytes, now: datetime) -> dict[str, Any] | None:
        """The refusal of an event, as far as it can be told from the event alone."""
        try:
            parse_event(raw, now)
        except Problem as problem:
            return problem.body()
        return None

    def take_in(
        self, connection: Connection, clinic_id: int, events: Sequence[tuple[str, bytes]], now: datetime
    ) -> list[dict[str, Any] | None]:
        """Apply good events, each under its key; the refusals among what became of them, in order."""
        lines = [Line(key, raw, parse_event(raw, now)) for key, raw in events]
        outcomes = intake.take_in_all(connection, self.sending, clinic_id, lines, now)
        return [one.body() if isinstance(one, Problem) else None for one in outcomes]
