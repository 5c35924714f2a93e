"""A clinic's own ladders: after how many minutes the next contact is told of an alert, and how often everybody again.

A clinic may be louder than the house as it likes, and quieter within bounds: an emergency that one person alone knows
of for an hour is not in front of people any more (P9).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Any

from service.care.escalation import Ladder, Ladders

MOST_JOINS = 8
"""Steps after the first contact. More than a clinic has people to wake."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The quietest that a ladder may be, in minutes."""

    joins: int
    """When the last of its steps must have come."""
    repeat: int


BOUNDS: Mapping[str, Bounds] = {"emergency": Bounds(30, 30), "urgent": Bounds(120, 240)}
"""By urgency. Drafts for a clinician to sign off, as the ladders themselves are."""


def ladders_of(stored: Mapping[str, Any] | None) -> Ladders:
    """The ladders that count: the clinic's own where it has any that can be read, else the house's.

    Settings that cannot be read must not keep an alert from being heard.
    """
    house = Ladders()
    if not stored:
        return house
    try:
        return Ladders(**{name: _read(name, stored[name]) for name in BOUNDS if name in stored})
    except (KeyError, TypeError, ValueError):
        return house


def minutes_of(ladder: Ladder) -> dict[str, Any]:
    """A ladder as it is kept."""
    return {"joins": [_minutes(join) for join in ladder.joins], "repeat": _minutes(ladder.repeat)}


def ladder(urgency: str, joins: Sequence[int], repeat: int) -> Ladder:
    """A ladder for this urgency. Raises ValueError, saying why, for one that is too quiet or does not climb."""
    bounds = BOUNDS[urgency]
    if not joins or any(later <= earlier for earlier, later in pairwise((0, *joins))):
        raise ValueError("Write minutes that grow, such as 5, 10.")
    if len(joins) > MOST_JOINS:
        raise ValueError(f"Use at most {MOST_JOINS} steps.")
    if joins[-1] > bounds.joins:
        raise ValueError(f"The last step must come within {bounds.joins} minutes.")
    if not 1 <= repeat <= bounds.repeat:
        raise ValueError(f"Everybody must be told again every 1 to {bounds.repeat} minutes.")
    return Ladder(tuple(timedelta(minutes=join) for join in joins), timedelta(minutes=repeat))


def _read(urgency: str, stored: Mapping[str, Any]) -> Ladder:
    return ladder(urgency, [int(join) for join in stored["joins"]], int(stored["repeat"]))


def _minutes(span: timedelta) -> int:
    return int(span.total_seconds()) // 60
