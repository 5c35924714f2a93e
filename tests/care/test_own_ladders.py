"""P9: a clinic's own ladders, louder as it likes, quieter within bounds, and never none."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from service.care.escalation import Ladder, Ladders
from service.care.own_ladders import BOUNDS, ladder, ladders_of, minutes_of


def test_what_is_kept_is_what_counts() -> None:
    stored = {"emergency": {"joins": [2, 4, 6], "repeat": 5}, "urgent": {"joins": [30], "repeat": 90}}
    found = ladders_of(stored)
    assert found.emergency == Ladder(tuple(timedelta(minutes=one) for one in (2, 4, 6)), timedelta(minutes=5))
    assert found.urgent == Ladder((timedelta(minutes=30),), timedelta(minutes=90))
    assert {"emergency": minutes_of(found.emergency), "urgent": minutes_of(found.urgent)} == stored


def test_the_house_keeps_its_own_bounds() -> None:
    for urgency in BOUNDS:
        kept = minutes_of(getattr(Ladders(), urgency))
        assert ladder(urgency, kept["joins"], kept["repeat"]) == getattr(Ladders(), urgency)


@pytest.mark.parametrize(
    "stored",
    [
        None,
        {},
        {"emergency": {}},
        {"emergency": {"joins": [], "repeat": 10}},
        {"emergency": {"joins": [500], "repeat": 10}},
        {"emergency": {"joins": ["soon"], "repeat": 10}},
        {"emergency": None},
        {"emergency": [5]},
        {"urgent": {"joins": [20], "repeat": 0}},
    ],
)
def test_p9_what_cannot_be_read_leaves_the_house_s_ladders(stored: dict[str, Any] | None) -> None:
    assert ladders_of(stored) == Ladders()


@pytest.mark.parametrize(
    ("urgency", "joins", "repeat", "said"),
    [
        ("emergency", [], 10, "grow"),
        ("emergency", [0], 10, "grow"),
        ("emergency", [5, 5], 10, "grow"),
        ("emergency", [10, 5], 10, "grow"),
        ("emergency", [5, 31], 10, "within 30"),
        ("emergency", [5], 31, "every 1 to 30"),
        ("emergency", [5], 0, "every 1 to 30"),
        ("urgent", [121], 60, "within 120"),
        ("urgent", [20], 241, "every 1 to 240"),
        ("urgent", list(range(1, 10)), 60, "at most 8"),
    ],
)
def test_p9_a_ladder_may_not_be_too_quiet(urgency: str, joins: list[int], repeat: int, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ladder(urgency, joins, repeat)
