"""What a mistake is, the weather in which it shows, and the two ways of making one that need no code of their own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

from service.care import gates
from service.care.gates import Decision, GateFacts
from simulation.weather import CALM, Weather

FAR = datetime(2099, 1, 1, tzinfo=UTC)

DEADLY = replace(CALM, death=0.003, freeze=0.001, nudge_doubled=0.3, nudge_lost=0.2)
LOSSY = replace(CALM, hand_over=0.4, look_up=0.5)
CONFUSED = replace(CALM, receipt_late=0.5, receipt_doubled=0.4, carrier=0.2)
UNTOLD = replace(CALM, hand_over=0.9, receipt_lost=0.5, carrier=1.0)
DOUBLED = replace(CALM, nudge_doubled=0.6, nudge_late=0.4)
FROZEN = replace(CALM, freeze=0.05)
BROKEN = replace(CALM, database=0.03)
CROWDED = replace(CALM, database=0.03, receipt_bunched=1.0)
UNHEARD = replace(CALM, endpoint=0.5)
DEAF = replace(CALM, endpoint=0.95)
REFUSED = replace(CALM, bad_number=0.5)
HASTY = replace(CALM, hand_over=0.6, nudge_doubled=0.8, nudge_late=0.6)
SILENT = replace(CALM, hand_over=0.8, receipt_lost=1.0)


@dataclass(frozen=True)
class Bug:
    """One mistake."""

    name: str
    promises: tuple[str, ...]
    """Any of these may be the one that catches it."""
    weather: Weather
    made: Callable[[], AbstractContextManager[Any]]


def facts_say(**changes: Any) -> Callable[[], AbstractContextManager[Any]]:
    """The gate is told something that is not so."""

    def decide(facts: GateFacts, now: datetime) -> Decision:
        return _decide(replace(facts, **changes), now)

    return lambda: patch.object(gates, "decide", decide)


_decide = gates.decide


def nothing(owner: Any, name: str, instead: Any) -> Callable[[], AbstractContextManager[Any]]:
    """That part of the code does nothing."""
    return lambda: patch.object(owner, name, lambda *_, **__: instead)
