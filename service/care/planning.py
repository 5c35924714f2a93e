"""From a session, a protocol and a patient to messages: when each is due, how long it is useful, or why it is not sent.

Due times depend on the session and the patient, not on the moment of asking: planning again later gives the same times,
so a change of something else moves nothing. `now` only decides what is too late already.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import NamedTuple
from zoneinfo import ZoneInfo

from service.care.lifecycle import Channel, Reason, State
from service.care.localtime import QuietHours, local_day, next_opening, to_utc
from service.care.protocol import BeforeNextVisit, Elapsed, Protocol, Send, Step, WallClock

_A_DAY = timedelta(days=1)
_IN_ORDER = attrgetter("due_at")


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """Everything about a session and its patient that the plan depends on."""

    ended_at: datetime
    next_session_at: datetime | None
    has_baseline: bool
    timezone: ZoneInfo
    quiet: QuietHours
    reachable: Mapping[Channel, Reason | None]
    """None: there is an address and consent. Else why not: NO_ADDRESS, NO_CONSENT, OPTED_OUT, BAD_ADDRESS…
    A channel that is not there has no address."""
    superseded_from: datetime | None
    """When a later session at the same site ended."""
    now: datetime
    stopped: bool = False
    """The clinic stopped the plan after this session."""
    told_at: datetime | None = None
    """When the clinic first told us of the session: nothing is due before. None means `now`, right only for the first
    plan; with the stored moment, planning again gives the same due times."""


@dataclass(frozen=True, slots=True)
class PlannedMessage:
    """One message of a plan, to be sent or not."""

    step: str
    """ "day1", or "day1.reminder" for a send with a suffix."""
    channel: Channel
    due_at: datetime
    window_until: datetime
    """Never sent at or after this. For a step that is `on_miss: send` it includes the further window."""
    survey: str | None
    state: State
    """PLANNED, or SKIPPED, EXPIRED or CANCELLED from the start."""
    reason: Reason
    asked_at: datetime
    """When the protocol asks for it, before quiet hours or a late event moved it to `due_at`."""
    stands_in: bool = False
    """The e-mail of a step that has none of its own, because texts cannot reach this patient."""


class _Slot(NamedTuple):
    """When one message should go, and what its times alone have against it."""

    asked_at: datetime
    due_at: datetime
    window_until: datetime
    refusal: tuple[State, Reason] | None


_TOO_LATE = (State.EXPIRED, Reason.WINDOW_CLOSED)
_NO_TIME_BEFORE_VISIT = (State.SKIPPED, Reason.WINDOW_CLOSED)
_PLANNED = (State.PLANNED, Reason.NOT_YET_DUE)
_BY_EMAIL = Send(Channel.EMAIL)
_CANNOT_BE_TEXTED = (Reason.NO_ADDRESS, Reason.NO_CONSENT, Reason.BAD_ADDRESS)


def plan(protocol: Protocol, facts: PlanFacts) -> list[PlannedMessage]:
    """Every send of every step, exactly once, in order of due time; a text that cannot go is joined by its e-mail.

    A send that waits on an answer stays planned even when its step's first message does not: that one may be sent
    already, or become sendable. The gate decides when its time comes. Raises ValueError for a protocol with a send
    that waits on the answer to no survey.
    """
    earliest = max(facts.ended_at, facts.told_at or facts.now)
    ended = facts.ended_at.astimezone(facts.timezone)
    ended_clock = ended.time()
    messages = []
    for step in protocol.steps:
        first = _own_slot(step, facts, ended, earliest)
        too_late_in_day = step.skip_if_ended_after is not None and ended_clock > step.skip_if_ended_after
        for send in step.sends:
            slot = _delayed_slot(first, send.delay, step, facts, earliest) if send.delay else first
            messages.append(_message(step, send, slot, too_late_in_day, facts))
        if _needs_email_instead(step, facts):
            messages.append(_message(step, _BY_EMAIL, first, too_late_in_day, facts))
    messages.sort(key=_IN_ORDER)
    return messages


def _needs_email_instead(step: Step, facts: PlanFacts) -> bool:
    """Whether a text-only step goes out by e-mail because texts cannot reach this patient.

    Not after an opt-out: whoever says STOP does not expect the same words elsewhere.
    """
    return (
        step.fallback_to_email
        and facts.reachable.get(Channel.SMS, Reason.NO_ADDRESS) in _CANNOT_BE_TEXTED
        and facts.reachable.get(Channel.EMAIL, Reason.NO_ADDRESS) is None
        and not any(send.channel is Channel.EMAIL and not send.suffix for send in step.sends)
    )


def _message(step: Step, send: Send, slot: _Slot, too_late_in_day: bool, facts: PlanFacts) -> PlannedMessage:
    if send.only_unanswered and step.survey is None:
        raise ValueError(f"{step.id}.{send.suffix} waits on an answer, but {step.id} has no survey")
    state, reason = _refusal(step, send, slot, too_late_in_day, facts) or _PLANNED
    return PlannedMessage(
        step=f"{step.id}.{send.suffix}" if send.suffix else step.id,
        channel=send.channel,
        due_at=slot.due_at,
        window_until=slot.window_until,
        survey=None if step.survey_only_without_baseline and facts.has_baseline else step.survey,
        state=state,
        reason=reason,
        asked_at=slot.asked_at,
        stands_in=send is _BY_EMAIL,
    )


def _refusal(
    step: Step, send: Send, slot: _Slot, too_late_in_day: bool, facts: PlanFacts
) -> tuple[State, Reason] | None:
    """Why a message is not to be sent; what makes it unwanted comes before what makes it late."""
    if facts.stopped:
        return State.CANCELLED, Reason.STOPPED_BY_CLINIC
    if facts.superseded_from is not None and slot.due_at >= facts.superseded_from:
        return State.CANCELLED, Reason.SUPERSEDED
    unreachable = facts.reachable.get(send.channel, Reason.NO_ADDRESS)
    if unreachable is not None:
        return State.SKIPPED, unreachable
    if too_late_in_day:
        return State.SKIPPED, Reason.ENDED_TOO_LATE
    if send.only_unanswered and step.survey_only_without_baseline and facts.has_baseline:
        return State.SKIPPED, Reason.ANSWERED
    if slot.refusal is not None:
        return slot.refusal
    if facts.superseded_from is not None and facts.now >= facts.superseded_from:
        # Due before the later session, but not out by then: it is part of what that session replaces.
        return State.CANCELLED, Reason.SUPERSEDED
    return None


def _own_slot(step: Step, facts: PlanFacts, ended: datetime, earliest: datetime) -> _Slot:
    """When the step itself is due. `ended` is the session's end on the patient's clock."""
    when = step.when
    if isinstance(when, WallClock):
        asked = to_utc(ended.date() + timedelta(days=when.day), when.at, facts.timezone)
    elif isinstance(when, Elapsed):
        asked = facts.ended_at + when.after
    elif facts.next_session_at is not None and facts.next_session_at > facts.ended_at:
        return _before_visit(step, when, facts.next_session_at, facts, earliest)
    else:
        asked = to_utc(ended.date() + timedelta(days=when.else_day), when.at, facts.timezone)
    return _slot(asked, asked + step.useful_for, facts, earliest)


def _before_visit(step: Step, when: BeforeNextVisit, visit: datetime, facts: PlanFacts, earliest: datetime) -> _Slot:
    """Some days before the visit. When that has passed, as soon as may be, if that is a day or more before it."""
    asked = to_utc(local_day(visit, facts.timezone) - timedelta(days=when.days_before), when.at, facts.timezone)
    if asked >= facts.ended_at:
        slot = _slot(asked, min(asked + step.useful_for, visit), facts, earliest)
        if slot.refusal is None:
            return slot
    soonest = next_opening(max(facts.ended_at, facts.now), facts.timezone, facts.quiet)
    if soonest <= visit - _A_DAY:
        return _slot(soonest, min(soonest + step.useful_for, visit), facts, earliest)
    return _Slot(asked, asked, asked + step.useful_for, _NO_TIME_BEFORE_VISIT)


def _delayed_slot(first: _Slot, delay: timedelta, step: Step, facts: PlanFacts, earliest: datetime) -> _Slot:
    """So long after the step's own message, counted from when that is really due: five hours must mean five hours."""
    asked = first.due_at + delay
    until = asked + step.useful_for
    if first.refusal is _NO_TIME_BEFORE_VISIT:
        return _Slot(asked, asked, until, _NO_TIME_BEFORE_VISIT)
    visit = facts.next_session_at
    if isinstance(step.when, BeforeNextVisit) and visit is not None and visit > facts.ended_at:
        until = min(until, visit)
    return _slot(asked, until, facts, earliest)


def _slot(asked: datetime, until: datetime, facts: PlanFacts, earliest: datetime) -> _Slot:
    due = next_opening(asked if asked > earliest else earliest, facts.timezone, facts.quiet)
    if due >= until:
        return _Slot(asked, asked, until, _TOO_LATE)
    late = facts.now > due and next_opening(facts.now, facts.timezone, facts.quiet) >= until
    return _Slot(asked, due, until, _TOO_LATE if late else None)
