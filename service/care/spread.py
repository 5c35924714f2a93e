"""What many numbers come to: the middle one, and how far they lie apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and quartiles of so many values; None of none."""

    count: int
    low: float | None
    """A quarter of the values is not above it (P25)."""
    median: float | None
    high: float | None
    """A quarter of the values is not below it (P75)."""


def spread(values: Iterable[float]) -> Spread:
    ordered = sorted(values)
    return Spread(len(ordered), quantile(ordered, 0.25), quantile(ordered, 0.5), quantile(ordered, 0.75))


def quantile(ordered: Sequence[float], part: float) -> float | None:
    """The value below which that part of the sorted values lies, between two neighbours in proportion; None of none.

    Hyndman and Fan's seventh definition (1996, Am Stat 50:361), which spreadsheets use as well.
    """
    if not ordered:
        return None
    place = part * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def share(some: int, of_all: int) -> float | None:
    """In percent; None of none."""
    return 100 * some / of_all if of_all else None
