"""The matrix: for every point at which a process may die, what it dies over and what is then on record.

`at_death` is what must be found when the process is dead; `repeated` and `noticed` say in words what the run then
shows: the test fails where they do not hold, since it looks for doubles and for what stays undone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from service.crashpoints import Point
from tests.matrix.filing import TakingInDies, TryingDies
from tests.matrix.hearing import (
    BatchIsPosted,
    EventIsPosted,
    ListenerDies,
    ReceiptIsPosted,
    ReplyIsPosted,
    SurveyIsSent,
)
from tests.matrix.scene import Scene
from tests.matrix.sending import (
    ClockDies,
    ClockDiesOverADeadWorkersLease,
    ClockDiesOverAnAlert,
    ClockDiesOverAnUnansweredNudge,
    ReconcileDies,
    SenderDies,
)
from tests.matrix.telling import ClockDiesOverWebhooks, PosterDies


@dataclass(frozen=True)
class Row:
    point: Point
    scene: Callable[[], Scene]
    at_death: str
    repeated: str
    noticed: str


NOTHING = "nothing"
ANY_CLOCK = "the next look of any clock"
QUEUED_LEASE = "any clock, when the nudge's lease (30 s) is over"
SENDING_LEASE = "any clock, when the sending lease (120 s) is over"
HOOK_LEASE = "any clock, when the post's lease (60 s) is over"
POSTER_AGAIN = "the one who posted: no answer came"
LISTEN_PATIENCE = "any clock, 2 s after the reply came in"

ROWS = (
    Row(Point.CLOCK_LOOKING, ClockDies, "6 planned; provider: 0", NOTHING, ANY_CLOCK),
    Row(Point.CLOCK_QUEUEING, ClockDies, "6 planned; provider: 0", "the claim", ANY_CLOCK),
    Row(Point.CLOCK_QUEUED, ClockDies, "6 queued; provider: 0", NOTHING, QUEUED_LEASE),
    Row(Point.CLOCK_NUDGED, ClockDies, "6 queued; provider: 0", "perhaps the nudge", "the worker that was told"),
    Row(Point.CLOCK_REPEATING, ClockDiesOverAnUnansweredNudge, "6 queued; provider: 0", NOTHING, QUEUED_LEASE),
    Row(Point.CLOCK_HANDING_ON, ClockDiesOverADeadWorkersLease, "6 sending; provider: 0", NOTHING, SENDING_LEASE),
    Row(Point.CLOCK_ESCALATING, ClockDiesOverAnAlert, "notices: 0; provider: 0", "the round", ANY_CLOCK),
    Row(Point.CLOCK_ESCALATED, ClockDiesOverAnAlert, "notices: 1; provider: 0", NOTHING, ANY_CLOCK),
    Row(Point.CLOCK_HOOKS_QUEUED, lambda: ClockDiesOverWebhooks(0),
        "recorded as delivered: 0; the clinic got: 0", NOTHING, QUEUED_LEASE),
    Row(Point.DELIVER_CLAIMING, SenderDies, "6 queued; provider: 0", "gate, words and claim", QUEUED_LEASE),
    Row(Point.DELIVER_CLAIMED, SenderDies, "6 sending; provider: 0",
        "the hand-over, once the provider proves that it has none", SENDING_LEASE),
    Row(Point.DELIVER_ONE_ANSWERED, lambda: SenderDies(times=3), "6 sending; provider: 3",
        "the hand-over of those that the provider proves not to have", SENDING_LEASE),
    Row(Point.DELIVER_ANSWERED, SenderDies, "6 sending; provider: 4", "only the two that were refused", SENDING_LEASE),
    Row(Point.DELIVER_RECORDING, SenderDies, "6 sending; provider: 4", "only the two that were refused",
        SENDING_LEASE),
    Row(Point.DELIVER_RECORDED_IN_BULK, SenderDies, "4 accepted, 2 sending; provider: 4",
        "only the two that were refused", SENDING_LEASE),
    Row(Point.DELIVER_REFUSING, SenderDies, "4 accepted, 2 sending; provider: 4", "only the two that were refused",
        SENDING_LEASE),
    Row(Point.DELIVER_RECORDED, SenderDies, "4 accepted, 2 failed; provider: 4", NOTHING, "nobody needs to"),
    Row(Point.RECONCILE_ASKING, ReconcileDies, "4 in doubt; provider: 2", NOTHING, SENDING_LEASE),
    Row(Point.RECONCILE_FOUND, ReconcileDies, "4 in doubt; provider: 2", "the question", SENDING_LEASE),
    Row(Point.RECONCILE_DECIDING, ReconcileDies, "4 in doubt; provider: 2", "question and decision", SENDING_LEASE),
    Row(Point.RECONCILE_DECIDED, ReconcileDies, "3 in doubt; provider: 2", NOTHING, SENDING_LEASE),
    Row(Point.LISTEN_CLAIMED, ListenerDies, "unread: 1; alerts: 0; opted out: 0", "the reading", LISTEN_PATIENCE),
    Row(Point.LISTEN_SOUNDED, ListenerDies, "unread: 1; alerts: 0; opted out: 0", "the reading", LISTEN_PATIENCE),
    Row(Point.LISTEN_DONE, ListenerDies, "unread: 1; alerts: 0; opted out: 0", "the reading", LISTEN_PATIENCE),
    Row(Point.LISTEN_COMMITTED, ListenerDies, "unread: 0; alerts: 2; opted out: 1", NOTHING, ANY_CLOCK),
    Row(Point.EVENTS_APPLIED, EventIsPosted, "sessions: 0; plans: 0", "the event", POSTER_AGAIN),
    Row(Point.EVENTS_COMMITTED, EventIsPosted, "sessions: 1; plans: 1", "only its answer", POSTER_AGAIN),
    Row(Point.EVENTS_WOKEN, EventIsPosted, "sessions: 1; plans: 1", "only its answer", POSTER_AGAIN),
    Row(Point.BATCH_COMMITTED, BatchIsPosted, "sessions: 100; plans: 100", "20 events, 100 answers", POSTER_AGAIN),
    Row(Point.IMPORTS_TRIED, TryingDies, "checking: 0 of 250 rows; sessions: 0", "the trying", QUEUED_LEASE),
    Row(Point.IMPORTS_APPLIED, lambda: TakingInDies(2), "taking: 100 of 250 rows; sessions: 100", "100 rows",
        QUEUED_LEASE),
    Row(Point.IMPORTS_NOTED, lambda: TakingInDies(2), "taking: 100 of 250 rows; sessions: 100", "100 rows",
        QUEUED_LEASE),
    Row(Point.IMPORTS_COMMITTED, lambda: TakingInDies(2), "taking: 200 of 250 rows; sessions: 200", NOTHING,
        QUEUED_LEASE),
    Row(Point.IMPORTS_WOKEN, lambda: TakingInDies(3), "finished: 250 of 250 rows; sessions: 250", NOTHING,
        "nobody needs to"),
    Row(Point.RECEIPTS_APPLIED, ReceiptIsPosted, "receipts: 0; 1 accepted; provider: 1", "the receipt", POSTER_AGAIN),
    Row(Point.RECEIPTS_COMMITTED, ReceiptIsPosted, "receipts: 1; 1 delivered; provider: 1", NOTHING, POSTER_AGAIN),
    Row(Point.REPLIES_KEPT, ReplyIsPosted, "replies: 0; opted out: 0", "the reply", POSTER_AGAIN),
    Row(Point.REPLIES_COMMITTED, ReplyIsPosted, "replies: 1; opted out: 0", NOTHING, LISTEN_PATIENCE),
    Row(Point.REPLIES_NUDGED, ReplyIsPosted, "replies: 1; opted out: 0", NOTHING, "the reader that was told"),
    Row(Point.SURVEY_TAKEN, SurveyIsSent, "answered surveys: 0", "the answers", "the patient: no page came"),
    Row(Point.SURVEY_COMMITTED, SurveyIsSent, "answered surveys: 1", "the answers, which change nothing",
        "the patient: no page came"),
    Row(Point.HOOKS_CLAIMED, lambda: PosterDies(0), "recorded as delivered: 0; the clinic got: 0", NOTHING,
        HOOK_LEASE),
    Row(Point.HOOKS_ANSWERED, lambda: PosterDies(1), "recorded as delivered: 0; the clinic got: 1",
        "one post, under the same webhook-id", HOOK_LEASE),
    Row(Point.HOOKS_RECORDING, lambda: PosterDies(1), "recorded as delivered: 0; the clinic got: 1",
        "one post, under the same webhook-id", HOOK_LEASE),
    Row(Point.HOOKS_RECORDED, lambda: PosterDies(0), "recorded as delivered: 1; the clinic got: 1", NOTHING,
        HOOK_LEASE),
)  # fmt: skip
