"""Everything that can be said against a protocol's file: how it is written, what it says, and what it asks for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from service.care import wording
from service.care.problems import Problem, Severity, has_errors, placed
from service.care.protocol import Protocol
from service.care.protocol_file import read


@dataclass(frozen=True, slots=True)
class Checked:
    """What came out: the protocol, unless the file cannot be read, and what is to be mended or looked at."""

    protocol: Protocol | None
    problems: tuple[Problem, ...]

    @property
    def may_be_approved(self) -> bool:
        return self.protocol is not None and not has_errors(self.problems)

    @property
    def errors(self) -> int:
        return sum(one.severity is Severity.ERROR for one in self.problems)

    @property
    def warnings(self) -> int:
        return len(self.problems) - self.errors


def check(text: str, surveys: Collection[str], name: str | None = None) -> Checked:
    """Check a file. `surveys` are those there are; `name` is what the protocol must be called, if that is settled."""
    reading = read(text)
    if reading.protocol is None:
        return Checked(None, reading.problems)
    found = wording.lint(reading.protocol, reading.places)
    more = [*_unknown_surveys(reading.protocol, surveys), *_renamed(reading.protocol, name)]
    problems = placed([*found, *placed(more, reading.places)], {})
    return Checked(reading.protocol, tuple(problems))


def _unknown_surveys(protocol: Protocol, surveys: Collection[str]) -> list[Problem]:
    return [
        Problem(0, 0, f"steps.{step.id}.survey", f"there is no survey {step.survey!r}", f"one of: {', '.join(surveys)}")
        for step in protocol.steps
        if step.survey is not None and step.survey not in surveys
    ]


def _renamed(protocol: Protocol, name: str | None) -> list[Problem]:
    if name is None or protocol.name == name:
        return []
    hint = "make a copy under the other name instead"
    return [Problem(0, 0, "name", f"this is the draft of {name!r}, not of {protocol.name!r}", hint)]
