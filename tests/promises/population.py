"""Patients whose first messages are due, and what is asked of the witness afterwards."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from sandbox.ledger import Entry
from service import time
from service.api import intake
from service.api.bodies import EVENT
from tests.house import House, completed, dumps

TREATED_AGO = timedelta(minutes=16)
"""The first message is due fifteen minutes after the visit: now."""


@cache
def _candidates() -> list[ZoneInfo]:
    return [
        ZoneInfo(name) for name in sorted(available_timezones()) if name.startswith(("America/", "Asia/", "Pacific/"))
    ]


def daytime(now: datetime | None = None) -> str:
    """A zone where it is late morning, so that a test may run at any hour."""
    moment = now or time.now()
    return next(zone.key for zone in _candidates() if moment.astimezone(zone).hour in (10, 11, 12))


def phone(number: int) -> str:
    """The `number`-th well-behaved phone; 0 to 9999."""
    return f"+1312555{number:04d}"


def just_treated(number: int, email: bool = False, **changes: Any) -> dict[str, Any]:
    """The event data of patient `number`, whose first messages are due now."""
    values: dict[str, Any] = {
        "session": f"session-{number}",
        "patient": f"patient-{number}",
        "phone": phone(number),
        "email": f"patient{number}@example.net" if email else None,
        "timezone": daytime(),
        "ended_at": time.now() - TREATED_AGO,
    }
    return completed(**{**values, **changes})


def treat(h: House, number: int = 0, email: bool = False, **changes: Any) -> str:
    """Report patient `number`'s session; returns its id."""
    data = just_treated(number, email, **changes)
    h.post("session.completed", data)
    found: str = data["session"]["id"]
    return found


def treat_many(h: House, count: int, email: bool = False, first: int = 0) -> list[str]:
    return [treat(h, number, email) for number in range(first, first + count)]


@dataclass
class Latecomer:
    """Session "late", on its way in by a transaction that commits only when it is told to."""

    house: House
    taken_in: threading.Event = field(default_factory=threading.Event)
    commit: threading.Event = field(default_factory=threading.Event)

    def come_in(self) -> None:
        h = self.house
        raw = dumps({"type": "session.completed", "data": completed(session="late", patient="late")})
        with h.parts.engine.begin() as connection:
            intake.take_in(connection, h.parts.sending, h.clinic.id, "late", raw, EVENT.validate_json(raw), time.now())
            self.taken_in.set()
            assert self.commit.wait(30)


def counted(entries: list[Entry]) -> Counter[str]:
    """How often the provider took something for each address."""
    return Counter(entry.to for entry in entries)


def once_each(count: int, first: int = 0) -> Counter[str]:
    """One text to each of `count` patients: what `counted` must be."""
    return Counter({phone(number): 1 for number in range(first, first + count)})


def state_of(h: House, session: str, step: str = "welcome", channel: str = "sms") -> tuple[str, str]:
    return h.states(session)[step, channel]
