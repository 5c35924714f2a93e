"""What each verdict of a provider changes: in bulk where common, one by one where it touches more than its message."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection, Engine

from service import crashpoints, time
from service.care.lifecycle import Channel, Reason, State
from service.care.provider_codes import caps_start_over
from service.crashpoints import Point
from service.records import attempts, fallback, messages, notices, outcomes, patients, senders
from service.records.attempts import Settled
from service.records.database import run
from service.records.messages import Move
from service.records.outbox import Ready
from service.records.plans import Sending
from service.settings import Settings
from workers.gateways.handover import Outcome, Unsent, Verdict

One = tuple[Ready, int, Verdict]
Decided = tuple[One, Move]

FIRST_BACKOFF, LONGEST_BACKOFF = 5.0, 300.0
"""Seconds. Doubled with every try, up to five minutes: a provider's outage is over sooner than most windows."""
PROBE_MINUTES = 15
"""How long a sender stays paused after a fault in its settings before a few messages try it again."""
OPENS_AFTER, STAYS_OPEN_SECONDS = 20, 30.0
"""The breaker that all workers share: so many hand-overs in a row without an answer, so long without another."""

_ENDS_HERE = frozenset({State.FAILED, State.EXPIRED})
"""Moves that more follows from: each is made in a transaction of its own, together with that."""
_REASON_OF = {
    Outcome.REJECTED: Reason.REJECTED_BY_PROVIDER,
    Outcome.TOO_LONG: Reason.TEXT_TOO_LONG,
    Outcome.NOT_ALLOWED: Reason.REJECTED_BY_PROVIDER,
    Outcome.BAD_ADDRESS: Reason.BAD_ADDRESS,
    Outcome.OPTED_OUT: Reason.OPTED_OUT,
}
_UNTRIED = frozenset({Unsent.DEADLINE, Unsent.CIRCUIT_OPEN, Unsent.HALTED})


class Recorder:
    """Records verdicts."""

    def __init__(self, settings: Settings, engine: Engine, sending: Sending) -> None:
        self._settings = settings
        self._engine = engine
        self._sending = sending

    def record(self, results: Sequence[One]) -> None:
        """Write down what came of a batch."""
        now = time.now()
        decided = [(one, replace(self._move(one[0], one[2], now), attempt=one[0].attempt)) for one in results]
        run(self._engine, partial(self._in_bulk, decided=decided, now=now))
        crashpoints.reached(Point.DELIVER_RECORDED_IN_BULK)
        for one, move in decided:
            if move.state in _ENDS_HERE:
                # With all that follows from it: a worker that dies in between must not lose an opt-out or an e-mail.
                run(self._engine, partial(self._alone, one=one, move=move))

    def _in_bulk(self, connection: Connection, decided: Sequence[Decided], now: datetime) -> None:
        """All that touches nothing but its message, and what the answers say of the senders."""
        self._settle(connection, [both for both in decided if both[1].state not in _ENDS_HERE], now)
        results = [one for one, _ in decided]
        for lane in {(ready.channel, ready.sender) for ready, _, _ in results}:
            self._note_sender(connection, lane, [v for r, _, v in results if (r.channel, r.sender) == lane], now)
        crashpoints.reached(Point.DELIVER_RECORDING)

    def _settle(self, connection: Connection, decided: Sequence[Decided], now: datetime) -> int:
        attempts.settle(
            connection,
            [Settled(attempt_id, v.outcome, v.provider_id, v.code) for (_, attempt_id, v), _ in decided],
            now,
        )
        # Only from SENDING: a receipt that was quicker has moved the message on, and this must not move it back.
        return messages.move(connection, [move for _, move in decided], only_from=(State.SENDING,))

    def _move(self, ready: Ready, verdict: Verdict, now: datetime) -> Move:
        match verdict.outcome:
            case Outcome.ACCEPTED:
                stale = time.later(self._settings.receipt_stale_seconds)
                return Move(ready.id, State.ACCEPTED, Reason.HANDED_OVER, check_at=stale)
            case Outcome.AMBIGUOUS:
                settled = time.later(self._settings.settle_seconds)
                return Move(ready.id, State.SENDING, Reason.CHECKING_WITH_PROVIDER, check_at=settled)
            case Outcome.BUSY | Outcome.NOT_SENT:
                return self._try_again(ready, verdict, now)
            case Outcome.MISCONFIGURED:
                return _later(ready, now + timedelta(minutes=PROBE_MINUTES), Reason.CHANNEL_PAUSED)
            case Outcome.CAPPED:
                return _later(ready, caps_start_over(now), Reason.PROVIDER_BUSY)
            case failed:
                return Move(ready.id, State.FAILED, _REASON_OF[failed], unhanded=True)

    def _try_again(self, ready: Ready, verdict: Verdict, now: datetime) -> Move:
        reason = Reason.PROVIDER_BUSY if verdict.outcome is Outcome.BUSY else Reason.RETRY_LATER
        return _later(ready, max(time.later(_backoff(ready.tries, verdict)), now), reason)

    def _note_sender(
        self, connection: Connection, lane: tuple[Channel, str], verdicts: Sequence[Verdict], now: datetime
    ) -> None:
        channel, sender = lane
        by_outcome = {verdict.outcome: verdict for verdict in verdicts}
        tried = [v for v in verdicts if v.code not in _UNTRIED]
        unanswered = sum(v.outcome in (Outcome.AMBIGUOUS, Outcome.NOT_SENT) for v in tried)
        known = senders.count_failures(connection, channel, sender, unanswered, len(tried) - unanswered)
        if known is not None and known.failures >= OPENS_AFTER:
            senders.close_until(connection, channel, sender, time.later(STAYS_OPEN_SECONDS))
            notices.raise_notice(connection, "provider_down", f"{channel} {sender}", "does not answer", now)
        elif len(tried) > unanswered:
            notices.close(connection, "provider_down", f"{channel} {sender}", now)
        if (busy := by_outcome.get(Outcome.BUSY)) is not None:
            senders.close_until(connection, channel, sender, time.later(busy.retry_after or 1.0))
        if (wrong := by_outcome.get(Outcome.MISCONFIGURED)) is not None:
            senders.pause(connection, channel, sender, wrong.code or "", now)
            notices.raise_notice(connection, "channel_paused", f"{channel} {sender}", f"code {wrong.code}", now)
        if (capped := by_outcome.get(Outcome.CAPPED)) is not None:
            notices.raise_notice(connection, "daily_cap", f"{channel} {sender}", f"code {capped.code}", now)
        if (barred := by_outcome.get(Outcome.NOT_ALLOWED)) is not None:
            notices.raise_notice(connection, "not_allowed", f"{channel} {sender}", f"code {barred.code}", now)
        if Outcome.ACCEPTED in by_outcome and wrong is None and (known is None or known.paused_at is None):
            notices.close(connection, "channel_paused", f"{channel} {sender}", now)

    def _alone(self, connection: Connection, one: One, move: Move) -> None:
        """A refusal, or a window that closes before the next try; and what it means beyond its message: the address,
        the other messages, the e-mail that can still make it."""
        ready, attempt_id, verdict = one
        now = time.now()
        if ready.patient_id is not None:
            # Before the message, as everybody does.
            patients.get(connection, self._sending.vault, ready.patient_id, lock=True)
        moved = self._settle(connection, [(one, move)], now)
        crashpoints.reached(Point.DELIVER_REFUSING)
        if ready.patient_id is None:
            return
        if verdict.outcome in (Outcome.OPTED_OUT, Outcome.BAD_ADDRESS):
            reason = _REASON_OF[verdict.outcome]
            outcomes.address_refused(connection, self._sending, self._settings, attempt_id, reason, now)
        if moved and verdict.outcome is not Outcome.OPTED_OUT:
            fallback.send_by_email(connection, self._sending, ready.id, now)


def _later(ready: Ready, due: datetime, reason: Reason) -> Move:
    """Back to the plan, or to its end when the window closes before: the attempt is proven never to have arrived."""
    if due >= ready.window_until:
        return Move(ready.id, State.EXPIRED, Reason.WINDOW_CLOSED, unhanded=True)
    return Move(ready.id, State.PLANNED, reason, due_at=due, unhanded=True)


def _backoff(tries: int, verdict: Verdict) -> float:
    """Seconds to the next try; what the provider asked for counts, and jitter keeps a batch from coming back as one."""
    if verdict.code in _UNTRIED:
        return random.uniform(1.0, 3.0)  # noqa: S311
    longest = min(FIRST_BACKOFF * 2 ** min(tries, 10), LONGEST_BACKOFF)
    return max(verdict.retry_after or 0.0, random.uniform(longest / 2, longest))  # noqa: S311
