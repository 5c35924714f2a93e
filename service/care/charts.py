"""Pictures of scores over time, as numbers: where points, lines and shades lie. Templates draw them.

Every measure runs from 0 to 10. x is the patient's local day, from the first session of the course on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from service.care.scores import Thresholds

WIDTH, HEIGHT = 320, 168
LEFT, RIGHT, TOP, BOTTOM = 24, 12, 20, 24
"""Margins: the scale, room for the last point, the numbers of sessions, the days."""
TOP_SCORE = 10
_SHORTEST_DAYS = 14
"""What the picture spans at least: two answers of one week are no cliff."""
_DAY_STEPS = (7, 14, 28, 56, 84, 168, 364)
_MOST_MARKS = 6


@dataclass(frozen=True, slots=True)
class Point:
    """A score on a day. `word` says where it comes from: "visit", "S5"."""

    day: int
    score: float
    word: str


@dataclass(frozen=True, slots=True)
class Dot:
    """A point in the picture."""

    x: float
    y: float
    point: Point


@dataclass(frozen=True, slots=True)
class Mark:
    """A line across the picture, with what stands beside it."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Band:
    """A shade: from `y` on so many units down."""

    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """One measure over one course."""

    dots: tuple[Dot, ...]
    scale: tuple[Mark, ...]
    days: tuple[Mark, ...]
    sessions: tuple[Mark, ...]
    baseline: float | None
    """y of where the patient started."""
    better: Band | None
    """Scores in here are better than the baseline by as much as patients notice."""

    @property
    def path(self) -> str:
        return " ".join(f"{dot.x:g},{dot.y:g}" for dot in self.dots)


def chart(
    points: Sequence[Point], session_days: Sequence[int], baseline: float | None, better_from: float | None, up: bool
) -> Chart:
    """The geometry. `better_from` is the score at which a change is noticed, `up` whether more is better."""
    ordered = sorted(points, key=lambda point: point.day)
    last = max([_SHORTEST_DAYS, *(point.day for point in ordered), *session_days])
    return Chart(
        dots=tuple(Dot(_x(point.day, last), _y(point.score), point) for point in ordered),
        scale=tuple(Mark(_y(score), str(score)) for score in (0, 5, TOP_SCORE)),
        days=tuple(Mark(_x(day, last), _week(day)) for day in _marked_days(last)),
        sessions=tuple(Mark(_x(day, last), str(number)) for number, day in enumerate(session_days, 1)),
        baseline=None if baseline is None else _y(baseline),
        better=None if better_from is None else _band(better_from, up),
    )


def better_from(measure: str, baseline: float, limits: Thresholds) -> float | None:
    """The score from which on patients notice that they are better; None where the scale does not go so far.

    Pain: 2 points or 30 %, whichever is reached first (Farrar et al. 2001, Pain 94:149). PEG: 1 point, the lower end of
    the published range 1.0 to 1.75 (Reed et al. 2024, J Pain 25:142). PSFS: 1.3 points, a small change (Abbott and
    Schmitt 2014, J Orthop Sports Phys Ther 44:560; 2.3 is a medium and 2.7 a large one), and there more is better.
    """
    match measure:
        case "nrs":
            found = max(baseline - limits.nrs_points, baseline * (1 - limits.nrs_percent / 100)) if baseline else -1
        case "peg":
            found = baseline - limits.peg_least
        case "psfs":
            found = baseline + limits.psfs_small
        case _:
            raise ValueError(f"no threshold for {measure}")
    return round(found, 2) if 0 <= found <= TOP_SCORE else None


def _band(better_from: float, up: bool) -> Band:
    top, bottom = (TOP_SCORE, better_from) if up else (better_from, 0)
    return Band(_y(top), round(_y(bottom) - _y(top), 1))


def _marked_days(last: int) -> range:
    step = next((days for days in _DAY_STEPS if last / days <= _MOST_MARKS), _DAY_STEPS[-1])
    return range(0, last + 1, step)


def _week(day: int) -> str:
    return "0" if day == 0 else f"{day // 7} wk"


def _x(day: int, last: int) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * day / last, 1)


def _y(score: float) -> float:
    return round(TOP + (HEIGHT - TOP - BOTTOM) * (TOP_SCORE - score) / TOP_SCORE, 1)
