"""What patients would get under a protocol, tried out on nobody: their calendar, and each text as it would arrive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from service.care import calendar
from service.care.calendar import CalendarRow
from service.care.lifecycle import SENTENCES, Channel, State
from service.care.localtime import QuietHours
from service.care.planning import PlanFacts, PlannedMessage
from service.care.protocol import Protocol, Step, Wording
from service.care.rendering import Fields, Paragraph, RenderError, render, render_email
from service.care.segments import Segments, count

SAMPLE = Fields(
    clinic="Your Clinic",
    link="https://care.example/s/AbCdEfGhJkL",
    phone="202-555-0100",
    emerg="911",
    hours="Mon-Fri 9am-5pm",
    name="Ann",
)


@dataclass(frozen=True, slots=True)
class Bubble:
    """A step's words, or its reminders', as they arrive."""

    title: str
    """The message's name: "day1", "day1.reminder"."""
    text: str | None
    segments: Segments | None
    subject: str | None
    email: tuple[Paragraph, ...]
    fault: str | None
    """Why it cannot be shown whole."""


def facts(
    ended_at: datetime,
    next_session_at: datetime | None,
    zone: ZoneInfo,
    has_baseline: bool,
    quiet: QuietHours | None = None,
) -> PlanFacts:
    """A session of a patient who can be reached on every channel, and of whom we were told at once."""
    return PlanFacts(
        ended_at=ended_at,
        next_session_at=next_session_at,
        has_baseline=has_baseline,
        timezone=zone,
        quiet=quiet or QuietHours(),
        reachable=dict.fromkeys(Channel),
        superseded_from=None,
        now=ended_at,
    )


def rows(
    protocol: Protocol, about: PlanFacts, language: str, fields: Fields = SAMPLE, daily_cap: int = 3
) -> list[CalendarRow]:
    """The patient's calendar, in order of time; of an e-mail it has the subject."""
    return calendar.preview(
        protocol,
        about,
        daily_cap=daily_cap,
        text_of=lambda step, message: _line(step, message, language, fields),
        count_segments=lambda text: count(text).segments,
    )


def bubbles(protocol: Protocol, language: str, fields: Fields = SAMPLE) -> Iterator[Bubble]:
    """Every wording of a language, in the order of the steps. Reminder words that steps share come once."""
    shown: list[Wording] = []
    for step in protocol.steps:
        yield _bubble(step.id, step.words.get(language), fields)
        reminder = step.reminder_words.get(language)
        if reminder is not None and reminder not in shown:
            shown.append(reminder)
            suffix = next((send.suffix for send in step.sends if send.suffix), "")
            yield _bubble(f"{step.id}.{suffix}", reminder, fields)


def at_most(shown: Sequence[Bubble], characters: int) -> list[Bubble]:
    """As many of them from the start as come to so many characters."""
    kept, used = [], 0
    for one in shown:
        used += len(one.text or "") + len(one.subject or "") + sum(len(part.text) for part in one.email) + 300
        if used > characters:
            break
        kept.append(one)
    return kept


def language_in(protocol: Protocol, locale: str) -> str:
    """The protocol's language for a locale; its first where it has no words for that."""
    if locale in protocol.languages:
        return locale
    return locale[:2] if locale[:2] in protocol.languages else protocol.languages[0]


def remarks(row: CalendarRow) -> str:
    """What is special about a row."""
    said = []
    if row.state is not State.PLANNED:
        said.append(f"not sent: {SENTENCES[row.reason]}")
    elif row.moved_by > timedelta(0):
        said.append(f"held {_spoken(row.moved_by)} by quiet hours")
    if row.only_unanswered:
        said.append("only if unanswered")
    if row.over_cap:
        said.append("over the day's cap if nothing was answered: waits for the next day")
    return "; ".join(said)


def _bubble(title: str, wording: Wording | None, fields: Fields) -> Bubble:
    if wording is None:
        return Bubble(title, None, None, None, (), "There are no words in this language.")
    try:
        text = None if wording.sms is None else render(wording.sms, fields, Channel.SMS)
        subject = None if wording.subject is None else render(wording.subject, fields, Channel.EMAIL)
        email = () if wording.email is None else render_email(wording.email, fields)
    except RenderError as error:
        return Bubble(title, None, None, None, (), f"{error}.")
    return Bubble(title, text, None if text is None else count(text), subject, email, None)


def _line(step: Step, message: PlannedMessage, language: str, fields: Fields) -> str | None:
    words = step.reminder_words if "." in message.step and step.reminder_words else step.words
    wording = words.get(language)
    if wording is None:
        return None
    template = wording.sms if message.channel is Channel.SMS else wording.subject
    try:
        return None if template is None else render(template, fields, message.channel)
    except RenderError as error:
        return f"({error})"


def _spoken(span: timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    hours, rest = divmod(minutes, 60)
    return " ".join(part for part in (f"{hours} h" if hours else "", f"{rest} min" if rest else "") if part)
