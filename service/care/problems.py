"""What is wrong with a clinic's file, said so that the person who wrote it can mend it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum


class Severity(StrEnum):
    """How much a problem matters."""

    ERROR = "error"
    """It must not be approved or sent like this."""
    WARNING = "warning"
    """Somebody should look; it may stand."""


@dataclass(frozen=True, slots=True)
class Place:
    """A spot in a file, counted from 1 as editors do."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend. `line` and `column` count from 1; both are 0 where no file is at hand."""

    line: int
    column: int
    where: str
    """The way to it in words: ``steps.day1.window`` or ``steps.day1.words.en.sms``."""
    message: str
    hint: str = ""
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        place = f"line {self.line}, column {self.column}: " if self.line else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}{self.severity}: {self.where}: {self.message}{hint}"


class ProtocolProblems(ValueError):
    """A file could not be read; `problems` holds everything that is wrong with it, in the order of the file."""

    def __init__(self, source: str, problems: Sequence[Problem]) -> None:
        self.source = source
        self.problems = list(problems)
        super().__init__("\n".join(f"{source}: {problem}" for problem in self.problems))


def placed(problems: Iterable[Problem], places: Mapping[str, Place]) -> list[Problem]:
    """The same problems with the line and column of each `where` that `places` knows, in the order of the file."""
    found = [_put(problem, places.get(problem.where)) for problem in problems]
    return sorted(found, key=lambda problem: (problem.line, problem.column))


def has_errors(problems: Iterable[Problem]) -> bool:
    """Whether any of `problems` is more than a warning."""
    return any(problem.severity is Severity.ERROR for problem in problems)


def _put(problem: Problem, place: Place | None) -> Problem:
    return replace(problem, line=place.line, column=place.column) if place else problem
