"""May this message go now? The last word before a message leaves, on facts read in the transaction that claims it.

First whether it is still wanted at all (P3), then whether anything holds the whole plan or channel, then whether this
is the time (P4). Every no comes with its reason (P7).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from service.care.lifecycle import Channel, Reason, State
from service.care.localtime import QuietHours, closing, first_moment, next_opening

LONGEST_VALIDITY = 36_000
"""Seconds; the most that Twilio takes as `ValidityPeriod`."""
LOOK_AGAIN = timedelta(minutes=5)
"""How soon to ask again while something of unknown length holds a message. Whoever lifts it may wake it sooner."""
PUNCTUAL = timedelta(minutes=15)
"""A first message this little late does not put its reminder off: else every reminder would be claimed twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateFacts:
    """What the decision rests on. Read all of it in the claiming transaction.

    A safety message is a red-flag text or an answer to what the patient just wrote. It belongs to no step: of the
    things below only erasure, suppression, consent, address, an acknowledged alert, a paused channel, its due time
    and its window apply; cap, quiet hours, approval and pauses of the plan do not. A patient who writes to us has
    asked for the answer, so set `consent` for those.

    Words that somebody at the clinic typed are no part of the plan either, but wait for the morning (`can_wait`) unless
    that person said that they must go at once.
    """

    channel: Channel
    due_at: datetime
    window_until: datetime
    timezone: ZoneInfo
    quiet: QuietHours
    survey: str | None = None
    safety: bool = False
    can_wait: bool = False
    """Of a safety message: it minds quiet hours all the same."""
    # still wanted?
    patient_erased: bool = False
    suppressed: Reason | None = None
    """OPTED_OUT, BOUNCED, COMPLAINED…: the address is on the suppression list."""
    consent: bool = True
    address_problem: Reason | None = None
    """NO_ADDRESS or BAD_ADDRESS."""
    alert_acknowledged: bool = False
    """For a message that exists only because of an alert."""
    in_protocol: bool = True
    """The session's protocol has this step: a retry may come back to a plan that goes by another one by now."""
    session_active: bool = True
    stopped_by_clinic: bool = False
    superseded: bool = False
    """A later session at the same site has ended."""
    answered: bool = False
    """This message's survey is answered."""
    said_today: bool = False
    """The same step went to this patient today for another session."""
    # reminders
    only_unanswered: bool = False
    delay: timedelta = timedelta(0)
    parent_sent_at: datetime | None = None
    """When the provider took the step's first message, on whichever channel."""
    parent_pending: bool = False
    """No first message is out yet, and one still may be."""
    # may anything go?
    channel_paused: bool = False
    plan_paused: bool = False
    approved: bool = True
    reply_unread: bool = False
    """Something came from this address that no worker has read: it may say STOP."""
    # the daily cap
    texts_today: int = 0
    """Texts that count, to this patient, on the patient's present local day (`localtime.day_bounds`)."""
    daily_cap: int = 3


@dataclass(frozen=True, slots=True)
class Send:
    """Yes; after `validity_seconds` (1 to 36000) it must no longer reach the phone."""

    validity_seconds: int


@dataclass(frozen=True, slots=True)
class Hold:
    """Not now: look again at `until`, which is later than now and not after the window."""

    until: datetime
    reason: Reason


@dataclass(frozen=True, slots=True)
class Drop:
    """Never."""

    state: State
    reason: Reason


Decision = Send | Hold | Drop
_TOO_LATE = Drop(State.EXPIRED, Reason.WINDOW_CLOSED)


def decide(facts: GateFacts, now: datetime) -> Decision:
    """The decision about one message at `now`."""
    unwanted = _unwanted(facts)
    if unwanted is not None:
        return unwanted
    if now >= facts.window_until:
        return _TOO_LATE
    held = _held_for_now(facts)
    if held is not None:
        return Hold(min(now + LOOK_AGAIN, facts.window_until), held)
    return _in_safety(facts, now) if facts.safety else _in_time(facts, now)


def _unwanted(facts: GateFacts) -> Drop | None:
    """P3: what nobody wants any more."""
    if facts.patient_erased:
        return Drop(State.CANCELLED, Reason.PATIENT_ERASED)
    if facts.suppressed is not None:
        return Drop(State.SKIPPED, facts.suppressed)
    if not facts.consent:
        return Drop(State.SKIPPED, Reason.NO_CONSENT)
    if facts.address_problem is not None:
        return Drop(State.SKIPPED, facts.address_problem)
    if facts.alert_acknowledged:
        return Drop(State.CANCELLED, Reason.ALERT_ACKNOWLEDGED)
    return None if facts.safety else _unwanted_in_plan(facts)


def _unwanted_in_plan(facts: GateFacts) -> Drop | None:
    if not facts.in_protocol:
        return Drop(State.CANCELLED, Reason.PLAN_CHANGED)
    if not facts.session_active:
        return Drop(State.CANCELLED, Reason.SESSION_CANCELLED)
    if facts.stopped_by_clinic:
        return Drop(State.CANCELLED, Reason.STOPPED_BY_CLINIC)
    if facts.superseded:
        return Drop(State.CANCELLED, Reason.SUPERSEDED)
    if facts.answered:
        return Drop(State.SKIPPED, Reason.ANSWERED)
    if facts.only_unanswered and facts.parent_sent_at is None and not facts.parent_pending:
        return Drop(State.SKIPPED, Reason.NOTHING_TO_REMIND)
    if facts.said_today and facts.survey is None:
        return Drop(State.SKIPPED, Reason.SAID_BY_ANOTHER_SESSION)
    return None


def _held_for_now(facts: GateFacts) -> Reason | None:
    if facts.channel_paused:
        return Reason.CHANNEL_PAUSED
    if facts.safety:
        return None
    if facts.plan_paused:
        return Reason.PLAN_PAUSED
    if not facts.approved:
        return Reason.NOT_APPROVED
    return Reason.REPLY_UNREAD if facts.reply_unread else None


def _in_safety(facts: GateFacts, now: datetime) -> Decision:
    if now < facts.due_at:
        return _hold(facts.due_at, Reason.NOT_YET_DUE, facts)
    if not facts.can_wait:
        return Send(_validity(facts.window_until - now))
    closes = closing(now, facts.timezone, facts.quiet)
    if closes <= now:
        return _hold(next_opening(now, facts.timezone, facts.quiet), Reason.QUIET_HOURS, facts)
    return Send(_validity(min(facts.window_until, closes) - now))


def _in_time(facts: GateFacts, now: datetime) -> Decision:
    """P4: not before due, not in quiet hours, not past the window, not a text too many for one day."""
    due = _really_due(facts, now)
    if due > now:
        return _hold(next_opening(due, facts.timezone, facts.quiet), Reason.NOT_YET_DUE, facts)
    closes = closing(now, facts.timezone, facts.quiet)
    if closes <= now:
        return _hold(next_opening(now, facts.timezone, facts.quiet), Reason.QUIET_HOURS, facts)
    if facts.channel is Channel.SMS and facts.texts_today >= facts.daily_cap:
        return _hold(_tomorrow(facts, now), Reason.DAILY_CAP, facts)
    # A text that is still under way when quiet hours begin must die at the carrier.
    return Send(_validity(min(facts.window_until, closes) - now))


def _really_due(facts: GateFacts, now: datetime) -> datetime:
    """The due time, later for a reminder whose first message went late or has yet to go."""
    if not facts.only_unanswered:
        return facts.due_at
    if facts.parent_sent_at is None:
        return max(facts.due_at, now + max(facts.delay, LOOK_AGAIN))
    after_parent = facts.parent_sent_at + facts.delay
    return after_parent if after_parent > facts.due_at + PUNCTUAL else facts.due_at


def _tomorrow(facts: GateFacts, now: datetime) -> datetime:
    day = now.astimezone(facts.timezone).date() + timedelta(days=1)
    return next_opening(first_moment(day, facts.quiet.opens, facts.timezone), facts.timezone, facts.quiet)


def _hold(until: datetime, reason: Reason, facts: GateFacts) -> Decision:
    return Hold(until, reason) if until < facts.window_until else _TOO_LATE


def _validity(left: timedelta) -> int:
    return min(max(int(left.total_seconds()), 1), LONGEST_VALIDITY)
