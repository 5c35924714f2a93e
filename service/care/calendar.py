"""A plan as a calendar: what a clinic looks at before its protocol goes live. Data only; others print it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from service.care.lifecycle import Channel, Reason, State
from service.care.planning import PlanFacts, PlannedMessage, plan
from service.care.protocol import Protocol, Step

Text = Callable[[Step, PlannedMessage], str | None]
"""The text of a message as the patient would get it, or None where there is none to show."""


@dataclass(frozen=True, slots=True)
class CalendarRow:
    """One message on the patient's calendar."""

    local_day: date
    local_time: time
    day: int
    """Local days since the day of the session."""
    step: str
    channel: Channel
    survey: str | None
    state: State
    reason: Reason
    moved_by: timedelta
    """How far quiet hours or a late event moved it; zero as a rule."""
    useful_until: datetime
    """On the patient's clock."""
    only_unanswered: bool
    """It goes only to a patient who has not answered."""
    over_cap: bool
    """With every answer missing, this text is one too many for its day and waits for the next."""
    text: str | None
    segments: int | None


def preview(
    protocol: Protocol,
    facts: PlanFacts,
    *,
    daily_cap: int = 3,
    text_of: Text | None = None,
    count_segments: Callable[[str], int] | None = None,
) -> list[CalendarRow]:
    """The rows of a dry run, in order of time; `count_segments` counts those of a text message."""
    session_day = facts.ended_at.astimezone(facts.timezone).date()
    waits_on_answer = {
        (f"{step.id}.{send.suffix}" if send.suffix else step.id, send.channel)
        for step in protocol.steps
        for send in step.sends
        if send.only_unanswered
    }
    texts: Counter[date] = Counter()
    rows = []
    for message in plan(protocol, facts):
        local = message.due_at.astimezone(facts.timezone)
        is_sms = message.channel is Channel.SMS
        if is_sms and message.state is State.PLANNED:
            texts[local.date()] += 1
        text = text_of(protocol.step(message.step), message) if text_of else None
        rows.append(
            CalendarRow(
                local_day=local.date(),
                local_time=local.time(),
                day=(local.date() - session_day).days,
                step=message.step,
                channel=message.channel,
                survey=message.survey,
                state=message.state,
                reason=message.reason,
                moved_by=message.due_at - message.asked_at,
                useful_until=message.window_until.astimezone(facts.timezone),
                only_unanswered=(message.step, message.channel) in waits_on_answer,
                over_cap=is_sms and message.state is State.PLANNED and texts[local.date()] > daily_cap,
                text=text,
                segments=count_segments(text) if count_segments and text is not None and is_sms else None,
            )
        )
    return rows
