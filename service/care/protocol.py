"""A clinic's protocol: which steps a patient gets, when, on which channel and in which words."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from datetime import time, timedelta
from enum import StrEnum

from service.care.lifecycle import Channel


class Anchor(StrEnum):
    """What a step counts its days from."""

    SESSION = "session"
    """Restarts with each treatment."""
    COURSE = "course"
    """Follows the latest session of the course."""


class OnMiss(StrEnum):
    """What to do with a message whose window closed before it could go."""

    SKIP = "skip"
    SEND = "send"
    """Still useful late: send at the next opening instead (at most one further window late)."""


@dataclass(frozen=True, slots=True)
class Elapsed:
    """So long after the session ended."""

    after: timedelta


@dataclass(frozen=True, slots=True)
class WallClock:
    """At a local time on the patient's n-th local day after the session (day 0 is the day of the session)."""

    day: int
    at: time


@dataclass(frozen=True, slots=True)
class BeforeNextVisit:
    """So many local days before the planned next session, or on `else_day` after this one when none is planned."""

    days_before: int
    else_day: int
    at: time


When = Elapsed | WallClock | BeforeNextVisit


@dataclass(frozen=True, slots=True)
class Send:
    """One message that a step may give rise to."""

    channel: Channel
    suffix: str = ""
    """Empty for the step's own messages, else "reminder", "reminder2", "later": the message is named
    `step.suffix`."""
    delay: timedelta = timedelta(0)
    """After the step's own time."""
    only_unanswered: bool = False
    """Only while the step's survey is unanswered, and only if the step's first message went out."""


@dataclass(frozen=True, slots=True)
class Wording:
    """A step's words in one language. Placeholders: {clinic} {link} {phone} {emerg} {hours} {name}."""

    sms: str | None = None
    subject: str | None = None
    email: str | None = None
    """Plain paragraphs, separated by blank lines; {link} stands alone on a line and becomes the button."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a protocol."""

    id: str
    anchor: Anchor
    when: When
    sends: tuple[Send, ...]
    window: timedelta
    """How long after its due time each message is still useful."""
    on_miss: OnMiss
    words: dict[str, Wording]
    """By language: "en", "es"."""
    reminder_words: dict[str, Wording]
    """Words of the sends that have a suffix; empty where the step has none (then `words` serve)."""
    survey: str | None = None
    """Id of the survey that the link opens; without one it opens the care plan."""
    survey_only_without_baseline: bool = False
    skip_if_ended_after: time | None = None
    """Skip when the session ended later than this, local time."""
    fallback_to_email: bool = False
    """When the text cannot be delivered, send the step's e-mail wording instead (if it has one and consent)."""

    @property
    def useful_for(self) -> timedelta:
        """How long after its due time a message may still go, late as well."""
        return self.window if self.on_miss is OnMiss.SKIP else 2 * self.window

    @property
    def roughly_after(self) -> timedelta:
        """How long after the session it comes, taking the session to be at midnight: enough to put steps in order."""
        match self.when:
            case Elapsed(after):
                return after
            case WallClock(day, at) | BeforeNextVisit(else_day=day, at=at):
                return timedelta(days=day, hours=at.hour, minutes=at.minute)


@dataclass(frozen=True, slots=True)
class Protocol:
    """A whole plan of care texts."""

    name: str
    languages: tuple[str, ...]
    steps: tuple[Step, ...]

    def find(self, step_id: str) -> Step | None:
        """The step of a message name ("day1" or "day1.reminder"); None for an unknown one."""
        base = step_id.partition(".")[0]
        return next((step for step in self.steps if step.id == base), None)

    def step(self, step_id: str) -> Step:
        """The same. Raises KeyError for an unknown one."""
        found = self.find(step_id)
        if found is None:
            raise KeyError(step_id)
        return found

    def wording(self, message: str, language: str) -> Wording:
        """The words of a message, a reminder's own where its step has any. Raises KeyError for an unknown step."""
        step = self.step(message)
        return step.reminder_words[language] if "." in message and step.reminder_words else step.words[language]


_WORDS = frozenset({"words", "reminder_words"})


def timing_fingerprint(protocol: Protocol) -> str:
    """64 hex digits that change with any edit of timing or structure and never with one of wording.

    A new one means that waiting messages are planned anew; the same one that they keep their due times.
    """
    return _digest([_plain(step, without=_WORDS) for step in protocol.steps])


def content_fingerprint(protocol: Protocol) -> str:
    """64 hex digits that change with any edit that a patient could notice. What an approval is given for."""
    return _digest(_plain(protocol))


def _digest(plain: object) -> str:
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def _plain(value: object, without: frozenset[str] = frozenset()) -> object:
    """`value` as JSON. Goes by the dataclasses' own fields, so that a field added later counts too."""
    match value:
        case Protocol() | Step() | Send() | Wording() | Elapsed() | WallClock() | BeforeNextVisit():
            named = {f.name: _plain(getattr(value, f.name)) for f in fields(value) if f.name not in without}
            return {"kind": type(value).__name__, **named}
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
        case tuple():
            return [_plain(item) for item in value]
        case timedelta():
            return value.total_seconds()
        case time():
            return value.isoformat()
        case None | str() | bool() | int():
            return value
    raise TypeError(f"no plain form for {type(value).__name__}")
