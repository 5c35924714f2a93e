"""Figures about many patients: lines of numbers by group, from which nobody's own can be read.

A group of fewer than `LEAST` patients is hidden. So is the line for all together, where it would give such a group
away: by subtraction it tells what all hidden groups come to, and that must be many as well.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeVar

LEAST = 5
"""Patients."""


class Unit(StrEnum):
    """What a number counts."""

    COUNT = "count"
    PERCENT = "percent"
    MINUTES = "minutes"
    POINTS = "points"
    CHANGE = "change"
    """Of points, with its sign."""


@dataclass(frozen=True, slots=True)
class Column:
    """One number of every line."""

    title: str
    unit: Unit
    name: str
    """In a download."""


@dataclass(frozen=True, slots=True)
class Line:
    """One group. `patients` is None, and so is every value, where the group is hidden."""

    labels: tuple[str, ...]
    patients: int | None
    values: tuple[float | None, ...]

    @property
    def is_hidden(self) -> bool:
        return self.patients is None


@dataclass(frozen=True, slots=True)
class Drawn:
    """Which columns the picture shows, by their titles: a bar up to `middle`, or a mark there and a line beside it."""

    middle: str
    low: str | None = None
    high: str | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """Groups by their labels, with the same numbers for each."""

    heads: tuple[str, ...]
    """What the labels say."""
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    total: Line | None
    """All together; None where there is nothing to add up, or it would give a hidden group away."""
    drawn: Drawn

    def place(self, title: str) -> int:
        """Where a column's values stand in every line."""
        return [one.title for one in self.columns].index(title)


class Fact(Protocol):
    """Anything that is of one patient."""

    @property
    def patient_id(self) -> int: ...


F = TypeVar("F", bound=Fact)
Labels = tuple[str, ...]
Measured = Callable[[Sequence[F]], tuple[float | None, ...]]


def grouped(facts: Iterable[F], labels_of: Callable[[F], Labels]) -> dict[Labels, list[F]]:
    found: dict[Labels, list[F]] = {}
    for one in facts:
        found.setdefault(labels_of(one), []).append(one)
    return found


def patients_in(facts: Iterable[Fact]) -> frozenset[int]:
    return frozenset(one.patient_id for one in facts)


def is_small(patients: Collection[int]) -> bool:
    """Whether a group of these patients is hidden."""
    return len(patients) < LEAST


def may_add_up(groups: Collection[frozenset[int]]) -> bool:
    """Whether what all groups come to can be shown beside them: all, less what is shown, is what is hidden."""
    hidden = [one for one in groups if is_small(one)]
    together = frozenset().union(*hidden)
    return not hidden or (len(hidden) > 1 and not is_small(together))


def figure(
    heads: tuple[str, ...],
    columns: tuple[Column, ...],
    groups: Mapping[Labels, Sequence[F]],
    measured: Measured[F],
    drawn: Drawn,
) -> Figure:
    """One line a group, in their order; `measured` gives the columns' values for some facts."""
    lines = tuple(_line(labels, facts, measured) for labels, facts in groups.items())
    return Figure(heads, columns, lines, _total(groups, measured), drawn)


def _total(groups: Mapping[Labels, Sequence[F]], measured: Measured[F]) -> Line | None:
    if len(groups) < 2 or not may_add_up([patients_in(facts) for facts in groups.values()]):
        return None
    return _line(("All",), [one for facts in groups.values() for one in facts], measured)


def _line(labels: Labels, facts: Sequence[F], measured: Measured[F]) -> Line:
    patients, values = patients_in(facts), measured(facts)
    if is_small(patients):
        return Line(labels, None, tuple(None for _ in values))
    return Line(labels, len(patients), values)
