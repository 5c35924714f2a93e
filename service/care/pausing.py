"""When a clinic halts a patient's plan: for which sessions a stop holds, and how the plan stands in one word."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


def is_stopped(stopped_at: datetime | None, ended_at: datetime | None) -> bool:
    """Whether a stop holds for a session that ended then.

    It holds for every session that had ended by then, whenever the clinic tells us of it; a later session begins a plan
    of its own. So events may come in any order.
    """
    return stopped_at is not None and (ended_at is None or ended_at <= stopped_at)


class PlanState(StrEnum):
    """How a patient's plan stands."""

    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    OPTED_OUT = "opted_out"
    """The patient asked for no more texts, and nothing else waits."""
    EMPTY = "empty"
    """Nothing is planned any more."""


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """What the word rests on."""

    paused_at: datetime | None
    stopped_at: datetime | None
    last_ended_at: datetime | None
    """When the latest session that was not cancelled ended."""
    opted_out: bool
    """Of texts."""
    something_waits: bool
    """A message of the plan is still to come."""


def plan_state(facts: PlanFacts) -> PlanState:
    """What the clinic did comes before what the patient did, and that before what there is to send."""
    if is_stopped(facts.stopped_at, facts.last_ended_at):
        return PlanState.STOPPED
    if facts.paused_at is not None:
        return PlanState.PAUSED
    if facts.something_waits:
        return PlanState.RUNNING
    return PlanState.OPTED_OUT if facts.opted_out else PlanState.EMPTY
