"""Pictures of a figure's lines, one below the other, as numbers: where bars, marks and the scale lie.

What stands for a time runs in equal steps of multiplication: a minute, ten, an hour, a day and a week all find room.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from service.care.figures import Figure, Line, Unit

WIDTH = 320
LEFT, RIGHT, TOP, BOTTOM = 6, 14, 18, 4
ROW = 36
"""A line of words, and below it the bar."""
LETTERS = 44
"""What a line of words has room for, its number among them; the table has all of it."""
_MOMENTS = (
    (1, "1 min"),
    (10, "10 min"),
    (60, "1 h"),
    (360, "6 h"),
    (1440, "1 day"),
    (10080, "1 wk"),
    (40320, "4 wk"),
)
Scale = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Tick:
    """A line across the picture, with what stands above it."""

    x: float
    label: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of the figure: from `start` to `end` with a mark at `middle`; `y` is where it begins."""

    line: Line
    y: int
    start: float
    middle: float
    end: float


@dataclass(frozen=True, slots=True)
class Picture:
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    height: int
    filled: bool
    """Bars that begin at nothing; else a mark for the middle value and a line beside it."""


def picture(figure: Figure) -> Picture | None:
    """The figure's groups as far as they are shown; None where there is nothing to draw."""
    drawn = figure.drawn
    low, middle, high = (figure.place(one or drawn.middle) for one in (drawn.low, drawn.middle, drawn.high))
    shown = [one for one in figure.lines if None not in (one.values[low], one.values[middle], one.values[high])]
    if not shown:
        return None
    filled = drawn.low is None
    most = max(abs(one.values[place] or 0) for one in shown for place in (low, high))
    scale, ticks = _scale(figure.columns[middle].unit, most)
    bars = tuple(
        Bar(
            line=one,
            y=TOP + place * ROW,
            start=scale(0) if filled else scale(one.values[low] or 0),
            middle=scale(one.values[middle] or 0),
            end=scale(one.values[high] or 0),
        )
        for place, one in enumerate(shown)
    )
    return Picture(bars, ticks, TOP + len(bars) * ROW + BOTTOM, filled)


def _scale(unit: Unit, most: float) -> tuple[Scale, tuple[Tick, ...]]:
    match unit:
        case Unit.PERCENT:
            return _ticked(lambda value: value / 100, [(value, f"{value} %") for value in (0, 50, 100)])
        case Unit.MINUTES:
            # As far as the largest needs, and an hour at least.
            last = next((minutes for minutes, _ in _MOMENTS[2:] if minutes >= most), _MOMENTS[-1][0])
            marks = [(minutes, words) for minutes, words in _MOMENTS if minutes <= last]
            return _ticked(lambda value: math.log(min(max(value, 1), last)) / math.log(last), marks)
        case Unit.CHANGE:
            end = max(math.ceil(most), 2)
            return _ticked(lambda value: (value + end) / (2 * end), [(-end, f"−{end}"), (0, "0"), (end, f"+{end}")])
    raise ValueError(f"nothing draws {unit}")


def _ticked(part: Scale, marks: list[tuple[int, str]]) -> tuple[Scale, tuple[Tick, ...]]:
    def scale(value: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * part(value), 1)

    anchors = ["start", *["middle"] * (len(marks) - 2), "end"]
    return scale, tuple(
        Tick(scale(value), words, anchor) for (value, words), anchor in zip(marks, anchors, strict=True)
    )
