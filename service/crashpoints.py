"""Moments at which a process may be told to die, so that tests can show that no moment matters (P6).

Nothing happens unless AFTERCARE_CRASH_AT names one of these points; then it is as if somebody had pulled the plug: no
handler runs, nothing is flushed, no transaction is ended. `point:3` waits for the third time a process gets there.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from enum import StrEnum

VARIABLE = "AFTERCARE_CRASH_AT"


class Point(StrEnum):
    """Every step between two effects. The matrix in the tests has a row for each."""

    CLOCK_LOOKING = "clock.looking"
    """Something is due; nothing is claimed yet."""
    CLOCK_QUEUEING = "clock.queueing"
    """What is due is claimed, not committed."""
    CLOCK_QUEUED = "clock.queued"
    """The claim is committed; no worker was told."""
    CLOCK_NUDGED = "clock.nudged"
    """A worker was told; the clock has not noted that it did."""
    CLOCK_REPEATING = "clock.repeating"
    """The lease of an unanswered nudge is pushed on; the nudge is not repeated."""
    CLOCK_HANDING_ON = "clock.handing_on"
    """The lease that a dead worker left is pushed on; reconcile was not told."""
    CLOCK_ESCALATING = "clock.escalating"
    """An alert's notices are planned, not committed."""
    CLOCK_ESCALATED = "clock.escalated"
    """An alert's notices are committed; nothing is queued yet."""
    CLOCK_HOOKS_QUEUED = "clock.hooks_queued"
    """Webhooks are queued and committed; no worker was told."""

    DELIVER_CLAIMING = "deliver.claiming"
    """The attempts are written, not committed."""
    DELIVER_CLAIMED = "deliver.claimed"
    """The attempts are committed; nothing has left."""
    DELIVER_ONE_ANSWERED = "deliver.one_answered"
    """The provider has answered about one message; others of the batch are on the wire."""
    DELIVER_ANSWERED = "deliver.answered"
    """The provider has answered about all; nothing of it is recorded."""
    DELIVER_RECORDING = "deliver.recording"
    """The answers are recorded in bulk, not committed."""
    DELIVER_RECORDED_IN_BULK = "deliver.recorded_in_bulk"
    """The bulk is committed; what needs a transaction of its own (a refusal, a closed window) is not begun."""
    DELIVER_REFUSING = "deliver.refusing"
    """A refusal is recorded, what follows from it is not; not committed."""
    DELIVER_RECORDED = "deliver.recorded"
    """All is committed; the job does not know that it has ended."""

    RECONCILE_ASKING = "reconcile.asking"
    """The question to the provider is about to be put."""
    RECONCILE_FOUND = "reconcile.found"
    """The provider has told; nothing is decided."""
    RECONCILE_DECIDING = "reconcile.deciding"
    """The decision is recorded, not committed."""
    RECONCILE_DECIDED = "reconcile.decided"
    """The decision is committed; the job goes on."""

    LISTEN_CLAIMED = "listen.claimed"
    """A reply is claimed; nothing has been read."""
    LISTEN_SOUNDED = "listen.sounded"
    """Its alerts are open, what it asks for is not done; not committed."""
    LISTEN_DONE = "listen.done"
    """Everything that follows from it is recorded, not committed."""
    LISTEN_COMMITTED = "listen.committed"
    """All is committed; the clock was not woken for the answer."""

    EVENTS_APPLIED = "events.applied"
    """An event is applied, its answer not kept; not committed."""
    EVENTS_COMMITTED = "events.committed"
    """An event is committed; the clock was not woken, the clinic has no answer."""
    EVENTS_WOKEN = "events.woken"
    """The clock was woken; the clinic has no answer."""
    BATCH_COMMITTED = "batch.committed"
    """A part of a batch is committed; its lines are not answered, those behind it not taken in."""
    IMPORTS_TRIED = "imports.tried"
    """Some rows of a file are tried, and what was found is noted; not committed."""
    IMPORTS_APPLIED = "imports.applied"
    """Some rows are taken in, how far the file is, is not noted; not committed."""
    IMPORTS_NOTED = "imports.noted"
    """Some rows are taken in, and it is noted; not committed."""
    IMPORTS_COMMITTED = "imports.committed"
    """Some rows are committed; the clock was not woken for what is due of them."""
    IMPORTS_WOKEN = "imports.woken"
    """The clock was woken; the job goes on, or does not know that it has ended."""
    RECEIPTS_APPLIED = "receipts.applied"
    """Receipts are applied, not committed."""
    RECEIPTS_COMMITTED = "receipts.committed"
    """Receipts are committed; the provider has no answer."""
    REPLIES_KEPT = "replies.kept"
    """A reply is kept, not committed."""
    REPLIES_COMMITTED = "replies.committed"
    """A reply is committed; listen was not told, the provider has no answer."""
    REPLIES_NUDGED = "replies.nudged"
    """Listen was told; the provider has no answer."""
    SURVEY_TAKEN = "survey.taken"
    """A survey's answers and their alerts are recorded, not committed."""
    SURVEY_COMMITTED = "survey.committed"
    """A survey's answers are committed; the clock was not woken, the patient sees nothing."""

    HOOKS_CLAIMED = "hooks.claimed"
    """A webhook's delivery is claimed and committed; nothing has left."""
    HOOKS_ANSWERED = "hooks.answered"
    """The clinic's system has answered; nothing of it is recorded."""
    HOOKS_RECORDING = "hooks.recording"
    """The answer is recorded, not committed."""
    HOOKS_RECORDED = "hooks.recorded"
    """The answer is committed; what waited behind is queued, not posted."""


_die_at: Point | None = None
_passes_left = 0


def arm(environ: Mapping[str, str] = os.environ) -> None:
    """Take the point from the environment. Raises ValueError where there is no such point."""
    global _die_at, _passes_left
    name, _, times = environ.get(VARIABLE, "").partition(":")
    if not name:
        _die_at = None
        return
    if name not in set(Point):
        raise ValueError(f"{VARIABLE} names no point of the code: {name!r}; there are {', '.join(Point)}")
    if not (times or "1").isdecimal() or times == "0":
        raise ValueError(f"{VARIABLE} is written point or point:N, where N counts from 1: not {times!r}")
    _die_at, _passes_left = Point(name), int(times or 1)


def reached(point: Point) -> None:
    """Die here, if this is the point."""
    global _passes_left
    if point is _die_at:
        _passes_left -= 1
        if _passes_left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
