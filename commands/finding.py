"""What `aftercare doctor` says of one thing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    """It works, but somebody should look."""
    FAIL = "fail"
    """Something that was promised does not happen."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, how it is, and what to do next. Never holds a secret or a patient's data."""

    about: str
    level: Level
    said: str
    todo: str = ""


def ok(about: str, said: str) -> Finding:
    return Finding(about, Level.OK, said)


def warn(about: str, said: str, todo: str) -> Finding:
    return Finding(about, Level.WARN, said, todo)


def fail(about: str, said: str, todo: str) -> Finding:
    return Finding(about, Level.FAIL, said, todo)
