"""Doing something at the very moment in the middle of another's work, without racing it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from service import crashpoints
from service.crashpoints import Point


def once_at(monkeypatch: pytest.MonkeyPatch, point: Point, act: Callable[[], object]) -> None:
    """`act` when `point` is reached for the first time."""
    waiting = [act]

    def reached(here: Point) -> None:
        if here is point and waiting:
            waiting.pop()()

    monkeypatch.setattr(crashpoints, "reached", reached)
