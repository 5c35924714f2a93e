"""Events from inside the house: what people enter on the desk goes in by the same door as what clinics post."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine

from service import time
from service.api import intake
from service.api.bodies import parse_event
from service.api.lines import Applied
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
