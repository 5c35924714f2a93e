"""Read a protocol from the YAML that a clinic writes. `templates/protocols/prolotherapy.yaml` explains every key."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

import yaml

from service.care.lifecycle import Channel
from service.care.problems import Place, Problem, ProtocolProblems
from service.care.protocol import (
    Anchor,
    BeforeNextVisit,
    Elapsed,
    OnMiss,
    Protocol,
    Send,
    Step,
    WallClock,
    When,
    Wording,
)
from service.care.yaml_reader import Notes, Section, compose, scalar, section, shown

_TOP_KEYS = ("name", "languages", "reminder_words", "steps")
_STEP_KEYS = (
    "id", "counts_from", "after", "day", "at", "days_before_next_visit", "otherwise_day", "window", "if_missed",
    "skip_if_ended_after", "send", "email_if_text_fails", "survey", "survey_only_without_baseline", "reminders",
    "words", "reminder_words",
)  # fmt: skip
_REMINDER_KEYS = ("name", "send", "after")
_WORDING_KEYS = ("sms", "subject", "email")
_TIMINGS = ("after", "day", "days_before_next_visit")

_ID = NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")
_ID_HINT = NAME_HINT = "small letters, digits and _, beginning with a letter"
_NAME_LINE = re.compile(r"^name:[ \t]*[^\s#]+", re.MULTILINE)
_SURVEY = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,30}")
_SURVEY_HINT = "a survey's id, such as S1"
_LANGUAGE = re.compile(r"[a-z]{2}(-[A-Z]{2})?")

_LAST_DAY = 366
_LONGEST_WINDOW = timedelta(days=30)
_LONGEST_DELAY = timedelta(days=60)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Reading:
    """What came out of a file: the protocol, unless `problems` says why there is none."""

    protocol: Protocol | None
    problems: tuple[Problem, ...]
    places: Mapping[str, Place]
    """Where each value stands in the file, by the `where` that problems use."""


def load(text: str, source: str) -> Protocol:
    """The protocol in `text`. Raises ProtocolProblems, holding every problem, when there is any."""
    reading = read(text)
    if reading.protocol is None:
        raise ProtocolProblems(source, reading.problems)
    return reading.protocol


@lru_cache(maxsize=32)
def read(text: str) -> Reading:
    """Like `load`, but hands the problems back, with the places that a linter needs to point at lines.

    The same text is often read again at once (a draft's page, preview and signature), and takes 40 ms.
    """
    notes = Notes()
    root = compose(text, notes)
    protocol = _protocol(root, notes) if root is not None else None
    problems = tuple(sorted(notes.problems, key=lambda problem: (problem.line, problem.column)))
    return Reading(None if problems else protocol, problems, notes.places)


def renamed(text: str, name: str) -> str:
    """The same file, for a protocol of another name."""
    return _NAME_LINE.sub(f"name: {name}", text, count=1)


def _protocol(root: yaml.Node, notes: Notes) -> Protocol | None:
    top = section(root, "", notes, _TOP_KEYS)
    if top is None:
        return None
    name = top.word("name", _ID, _ID_HINT, required=True)
    languages = _languages(top)
    shared = _wordings(top, "reminder_words", languages)
    steps = [
        _step(node, index, shared, languages, notes) for index, node in enumerate(top.items("steps", required=True))
    ]
    _note_repeats(top, notes)
    whole = tuple(step for step in steps if step is not None)
    return Protocol(name, languages, whole) if name is not None and len(whole) == len(steps) else None


def _languages(top: Section) -> tuple[str, ...]:
    found: list[str] = []
    for node in top.items("languages", required=True):
        code = scalar(node)
        if code is None or not _LANGUAGE.fullmatch(code):
            top.notes.problem(node, "languages", "not a language code", "two small letters: en, es")
        elif code in found:
            top.notes.problem(node, "languages", f"{code!r} stands here twice")
        else:
            found.append(code)
    return tuple(found)


def _step(
    node: yaml.Node, index: int, shared: dict[str, Wording], languages: tuple[str, ...], notes: Notes
) -> Step | None:
    before = len(notes.problems)
    part = section(node, f"steps.{_label(node, index)}", notes, _STEP_KEYS)
    if part is None:
        return None
    step_id = part.word("id", _ID, _ID_HINT, required=True)
    anchor = part.choice("counts_from", Anchor, Anchor.SESSION)
    when = _when(part)
    window = _window(part, when)
    on_miss = part.choice("if_missed", OnMiss, OnMiss.SKIP)
    survey = part.word("survey", _SURVEY, _SURVEY_HINT)
    sends = (*_first_sends(part), *_reminders(part))
    reminded = any(send.suffix for send in sends)
    own = _wordings(part, "reminder_words", languages)
    if part.has("reminder_words") and not reminded:
        part.problem("reminder_words", "this step has no reminders", "add 'reminders', or take these words out")
    step = Step(
        id=step_id or "",
        anchor=Anchor(anchor or Anchor.SESSION),
        when=when or Elapsed(timedelta(0)),
        sends=sends,
        window=window,
        on_miss=OnMiss(on_miss or OnMiss.SKIP),
        words=_wordings(part, "words", languages, required=True),
        reminder_words={**shared, **own} if reminded else {},
        survey=survey,
        survey_only_without_baseline=part.flag("survey_only_without_baseline"),
        skip_if_ended_after=part.time("skip_if_ended_after"),
        fallback_to_email=part.flag("email_if_text_fails"),
    )
    _note_contradictions(part, step)
    return step if len(notes.problems) == before else None


def _when(part: Section) -> When | None:
    given = [key for key in _TIMINGS if part.has(key)]
    if len(given) != 1:
        message = "says when in two ways" if given else "does not say when it goes out"
        part.notes.problem(part.node, part.where, message, f"use one of: {', '.join(_TIMINGS)}")
        return None
    for key in ("at", "otherwise_day"):
        if part.has(key) and (given[0] == "after" or (given[0] == "day" and key == "otherwise_day")):
            part.problem(key, f"has no meaning beside {given[0]!r}", "take it out")
    if given[0] == "after":
        after = part.duration("after", _LONGEST_DELAY)
        return None if after is None else Elapsed(after)
    at = part.time("at", required=True)
    if given[0] == "day":
        day = part.number("day", _LAST_DAY)
        return None if day is None or at is None else WallClock(day, at)
    days_before = part.number("days_before_next_visit", _LAST_DAY)
    else_day = part.number("otherwise_day", _LAST_DAY)
    return None if days_before is None or else_day is None or at is None else BeforeNextVisit(days_before, else_day, at)


def _window(part: Section, when: When | None) -> timedelta:
    given = part.duration("window", _LONGEST_WINDOW, _MINUTE) if part.has("window") else None
    return given if given is not None else default_window(when)


def default_window(when: When | None) -> timedelta:
    """How long a message stays useful when the clinic does not say: 12 h on the day itself, 24 h on days 1 to 3,
    72 h later. The later a step, the less an hour matters."""
    match when:
        case Elapsed(after):
            day = after.days
        case WallClock(day=day):
            pass
        case _:
            day = _LAST_DAY
    return timedelta(hours=12 if day == 0 else 24 if day <= 3 else 72)


def _first_sends(part: Section) -> Iterable[Send]:
    seen: set[str] = set()
    for node in part.items("send", required=True):
        channel = scalar(node)
        if channel not in tuple(Channel):
            part.notes.problem(node, part.path("send"), "not a known channel", "sms or email")
        elif channel in seen:
            part.notes.problem(node, part.path("send"), f"{channel!r} stands here twice")
        else:
            seen.add(channel)
            yield Send(Channel(channel))


def _reminders(part: Section) -> Iterable[Send]:
    seen: set[tuple[str, str]] = set()
    for index, node in enumerate(part.items("reminders")):
        entry = section(node, f"{part.path('reminders')}[{index + 1}]", part.notes, _REMINDER_KEYS)
        if entry is None:
            continue
        suffix = entry.word("name", _ID, _ID_HINT, required=True)
        channel = entry.choice("send", Channel)
        delay = entry.duration("after", _LONGEST_DELAY, _MINUTE)
        if suffix is None or channel is None or delay is None:
            continue
        if (suffix, channel) in seen:
            entry.problem("name", f"{suffix!r} goes out by {channel} twice", "give each reminder its own name")
        seen.add((suffix, channel))
        yield Send(Channel(channel), suffix, delay, only_unanswered=True)


def _wordings(part: Section, key: str, languages: tuple[str, ...], required: bool = False) -> dict[str, Wording]:
    by_language = part.section(key, None, required)
    if by_language is None:
        return {}
    found: dict[str, Wording] = {}
    for language in by_language.values:
        if languages and language not in languages:
            hint = "add it to 'languages', or take it out here"
            by_language.problem(language, f"{shown(language)} is not one of the protocol's languages", hint)
        wording = by_language.section(language, _WORDING_KEYS)
        if wording is not None:
            found[language] = Wording(wording.text("sms"), wording.text("subject"), wording.text("email"))
    return found


def _note_contradictions(part: Section, step: Step) -> None:
    if not part.has("survey") and part.has("reminders"):
        part.problem("reminders", "there is nothing to remind of", "reminders stop at the answer: name a 'survey'")
    if not part.has("survey") and step.survey_only_without_baseline:
        part.problem("survey_only_without_baseline", "needs a 'survey'")
    if step.fallback_to_email and not any(send.channel is Channel.SMS and not send.suffix for send in step.sends):
        part.problem("email_if_text_fails", "this step sends no text", "add sms to 'send', or take it out")
    same_day = isinstance(step.when, WallClock) and step.when.day == 0
    if step.skip_if_ended_after is not None and not same_day:
        part.problem("skip_if_ended_after", "only has a meaning on day 0")


def _note_repeats(top: Section, notes: Notes) -> None:
    steps = top.values.get("steps")
    seen: dict[str, int] = {}
    for node in steps.value if isinstance(steps, yaml.SequenceNode) else []:
        id_node = _id_node(node)
        step_id = scalar(id_node) if id_node is not None else None
        if id_node is None or step_id is None:
            continue
        if step_id in seen:
            message = f"another step is called {shown(step_id)} already, on line {seen[step_id]}"
            notes.problem(id_node, f"steps.{shown(step_id, '')}.id", message)
        seen.setdefault(step_id, id_node.start_mark.line + 1)


def _label(node: yaml.Node, index: int) -> str:
    id_node = _id_node(node)
    step_id = scalar(id_node) if id_node is not None else None
    return step_id if step_id is not None and _ID.fullmatch(step_id) else f"[{index + 1}]"


def _id_node(node: yaml.Node) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for key, value in node.value if scalar(key) == "id"), None)
