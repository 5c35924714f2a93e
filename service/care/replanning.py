"""What to do with the messages already on record when the facts behind their plan change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from service.care.lifecycle import WAITING, Channel, Reason, State
from service.care.planning import PlannedMessage


@dataclass(frozen=True, slots=True)
class ExistingMessage:
    """A message on record, as far as planning cares."""

    id: int
    step: str
    channel: Channel
    state: State
    reason: Reason
    due_at: datetime
    window_until: datetime
    survey: str | None


@dataclass(frozen=True, slots=True)
class Insert:
    """A message that the plan did not hold before."""

    message: PlannedMessage


@dataclass(frozen=True, slots=True)
class Move:
    """A waiting message gets other times (back to PLANNED, should it be QUEUED)."""

    id: int
    message: PlannedMessage


@dataclass(frozen=True, slots=True)
class Withdraw:
    """A waiting message is not to be sent."""

    id: int
    state: State
    reason: Reason


@dataclass(frozen=True, slots=True)
class Revive:
    """A message that a former fact ruled out may go after all: to PLANNED, with the times of `message`.

    The one move out of an end. Safe for P2, since only a message that was never attempted is revived; the update must
    still ask for `state` and `reason` as they were read.
    """

    id: int
    was_state: State
    was_reason: Reason
    message: PlannedMessage


Change = Insert | Move | Withdraw | Revive

REVIVABLE: frozenset[Reason] = frozenset(
    {
        Reason.NO_ADDRESS,
        Reason.NO_CONSENT,
        Reason.OPTED_OUT,
        Reason.BAD_ADDRESS,
        Reason.BOUNCED,
        Reason.SUPERSEDED,
        Reason.STOPPED_BY_CLINIC,
        Reason.PLAN_CHANGED,
        Reason.ENDED_TOO_LATE,
        Reason.WINDOW_CLOSED,
        Reason.SENT_ON_OTHER_CHANNEL,
    }
)
"""Reasons that rest on facts which can change back: an address added or corrected, consent given again, a later session
cancelled, a time corrected, a plan that the clinic starts again, a text that did not arrive after all. Everything else
that ended has ended for good."""
_FAILED = frozenset({State.FAILED, State.UNDELIVERED, State.EXPIRED})
_WENT = frozenset({State.SENDING, State.ACCEPTED, State.SENT, State.DELIVERED, State.UNKNOWN})
_RULED_OUT = frozenset({State.SKIPPED, State.CANCELLED, State.EXPIRED})


def replan(existing: Sequence[ExistingMessage], fresh: Sequence[PlannedMessage]) -> list[Change]:
    """The changes that bring the record in line with a fresh plan; none for whatever has been handed over.

    Messages are the same when step and channel are. Words are no part of a plan: a change of wording changes nothing.
    """
    on_record = {(message.step, message.channel): message for message in existing}
    texted = {message.step for message in existing if message.channel is Channel.SMS and message.state in _WENT}
    changes: list[Change] = []
    for message in fresh:
        if message.stands_in and message.step in texted:
            # The number was good then: the patient has the text, or may have it.
            message = replace(message, state=State.SKIPPED, reason=Reason.SENT_ON_OTHER_CHANNEL)
        before = on_record.pop((message.step, message.channel), None)
        change = Insert(message) if before is None else _change(before, message)
        if change is not None:
            changes.append(change)
    failed = {message.step for message in existing if message.channel is Channel.SMS and message.state in _FAILED}
    gone = (
        message
        for message in on_record.values()
        # The e-mail that stands in for a failed text is in no plan, and still wanted.
        if message.state in WAITING and not (message.channel is Channel.EMAIL and message.step in failed)
    )
    changes.extend(Withdraw(message.id, State.CANCELLED, Reason.PLAN_CHANGED) for message in gone)
    return changes


def _change(before: ExistingMessage, message: PlannedMessage) -> Change | None:
    if before.state in WAITING:
        if message.state is not State.PLANNED:
            return Withdraw(before.id, message.state, message.reason)
        return Move(before.id, message) if _differs(before, message) else None
    if before.state in _RULED_OUT and _may_revive(before, message):
        return Revive(before.id, before.state, before.reason, message)
    return None


def _differs(before: ExistingMessage, message: PlannedMessage) -> bool:
    if before.window_until != message.window_until or before.survey != message.survey:
        return True
    if before.reason is not Reason.NOT_YET_DUE:
        # A gate or a retry put it off; its own time did not change, and must not undo that.
        return message.due_at > before.due_at
    return message.due_at != before.due_at


def _may_revive(before: ExistingMessage, message: PlannedMessage) -> bool:
    if message.state is not State.PLANNED or before.reason not in REVIVABLE:
        return False
    return before.reason is not Reason.WINDOW_CLOSED or message.window_until > before.window_until
