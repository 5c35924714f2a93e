"""How patients do since a session: where they started, where they are, what lies between, and how they judge it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from service.care.figures import Column, Drawn, Figure, Labels, Unit, figure, grouped
from service.care.scores import (
    Change,
    Meaning,
    Thresholds,
    nrs_change,
    peg_change,
    pgic_improved,
    pgic_worse,
    psfs_change,
)
from service.care.spread import share, spread

CHANGES: Mapping[str, Callable[[float, float, Thresholds], Change]] = {
    "nrs": nrs_change,
    "peg": peg_change,
    "psfs": psfs_change,
}
LAST_NUMBER = 6
"""Sessions of a course from which on they are one group."""
_COLUMNS = (
    Column("Change", Unit.CHANGE, "median_change"),
    Column("P25", Unit.CHANGE, "p25_change"),
    Column("P75", Unit.CHANGE, "p75_change"),
    Column("Better", Unit.PERCENT, "noticeably_better_percent"),
    Column("From", Unit.POINTS, "median_start"),
    Column("To", Unit.POINTS, "median_now"),
    Column("Sessions", Unit.COUNT, "sessions"),
)
_JUDGED = (
    Column("Improved", Unit.PERCENT, "much_or_very_much_better_percent"),
    Column("Worse", Unit.PERCENT, "worse_percent"),
    Column("Sessions", Unit.COUNT, "sessions"),
)
_HEADS = ("Site", "Of the course")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One session: a score measured at it, and the newest since."""

    patient_id: int
    site: str
    """Without its side."""
    number: int | None
    """Which of the course, as the clinic counts."""
    start: float
    now: float


@dataclass(frozen=True, slots=True)
class Judged:
    """One session: the newest word since on how the patient is, next to before their first visit."""

    patient_id: int
    site: str
    """Without its side."""
    number: int | None
    """Which of the course, as the clinic counts."""
    pgic: int


def outcomes(found: Iterable[Outcome], measure: str, limits: Thresholds) -> Figure:
    """By site and session number, in medians and quartiles."""
    groups = _grouped(found)

    def measured(some: Sequence[Outcome]) -> tuple[float | None, ...]:
        change = spread(one.now - one.start for one in some)
        better = sum(CHANGES[measure](one.start, one.now, limits).meaning is Meaning.BETTER for one in some)
        return (
            change.median,
            change.low,
            change.high,
            share(better, len(some)),
            spread(one.start for one in some).median,
            spread(one.now for one in some).median,
            len(some),
        )

    return figure(_HEADS, _COLUMNS, groups, measured, Drawn("Change", "P25", "P75"))


def judgements(found: Iterable[Judged]) -> Figure:
    """By site and session number: the shares of those who are much or very much better, and of those who are worse."""

    def measured(some: Sequence[Judged]) -> tuple[float | None, ...]:
        improved = sum(pgic_improved(one.pgic) for one in some)
        worse = sum(pgic_worse(one.pgic) for one in some)
        return share(improved, len(some)), share(worse, len(some)), len(some)

    return figure(_HEADS, _JUDGED, _grouped(found), measured, Drawn("Improved"))


Told = TypeVar("Told", Outcome, Judged)


def _grouped(found: Iterable[Told]) -> dict[Labels, list[Told]]:
    groups = grouped(found, lambda one: (one.site.replace("_", " ").capitalize(), _numbered(one.number)))
    return {labels: groups[labels] for labels in sorted(groups)}


def _numbered(number: int | None) -> str:
    if number is None:
        return "session not numbered"
    return f"session {number}" if number < LAST_NUMBER else f"session {LAST_NUMBER} or later"
