"""Messages whose end nobody told us: ask the provider, then decide.

Two kinds come here. A message still `sending` after its lease: its worker died, or the answer was lost; it may have
been sent, so only the provider's own record may say that it was not. And a message accepted long ago without a final
receipt: receipts get lost, the provider knows.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from datetime import timedelta
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from service import crashpoints, time
from service.care.lifecycle import Channel, Reason, State
from service.crashpoints import Point
from service.parts import Parts
from service.records import attempts, messages, receipts
from service.records.attempts import Open, Settled
from service.records.database import reading, run
from service.records.messages import Move
from workers.gateways.handover import Found, Outcome, Sighting, SmsGateway

log = logging.getLogger(__name__)

MOST_CHECKS = 6
"""Questions put to the provider before a message is called unknown; each waits twice as long as the one before."""
LONGEST_WAIT_SECONDS = 3600.0
POLL_SECONDS = 6 * 3600.0
"""How long a message without a final receipt is left alone after the provider was asked."""
GIVE_UP_POLLING = 4
SINCE = timedelta(minutes=5)

T = TypeVar("T")


class Reconciler:
    """Settles what is open. One lives as long as its worker, with a gateway and an event loop of its own."""

    def __init__(self, parts: Parts, sms: SmsGateway) -> None:
        self._parts = parts
        self._sms = sms
        self._loop = asyncio.new_event_loop()

    def reconcile(self, ids: Sequence[int]) -> int:
        """Look at each message's latest attempt; returns how many were settled."""
        with reading(self._parts.engine) as connection:
            open_ones = attempts.last_of(connection, self._parts.sending.vault, ids)
            states = messages.states_of(connection, ids)
        settled = 0
        for attempt in open_ones:
            try:
                settled += self._settle(attempt, states.get(attempt.message_id))
            except DBAPIError:
                raise
            except Exception as error:
                # One message that cannot be settled must not keep the others of its job from it, look after look.
                log.error("message %s could not be settled: %s", attempt.message_id, type(error).__name__)
        return settled

    def close(self) -> None:
        self._wait(self._sms.close())
        self._loop.close()

    def _settle(self, attempt: Open, state: State | None) -> bool:
        if state is State.SENDING:
            return self._settle_sending(attempt)
        return state in (State.ACCEPTED, State.SENT) and self._poll(attempt)

    def _settle_sending(self, attempt: Open) -> bool:
        if attempt.provider_id is not None:
            return self._poll(attempt)
        if (wait := self._until_listed(attempt)) > 0:
            return self._ask_again(attempt, wait, count=False)
        crashpoints.reached(Point.RECONCILE_ASKING)
        found = self._look_for(attempt)
        crashpoints.reached(Point.RECONCILE_FOUND)
        match found:
            case Found(sighting=Sighting.PRESENT):
                return self._adopt(attempt, found)
            case Found(sighting=Sighting.ABSENT):
                return self._send_again(attempt)
            case _ if attempt.checks >= MOST_CHECKS:
                return self._call_unknown(attempt)
            case _:
                wait = min(self._parts.settings.settle_seconds * 2.0**attempt.checks, LONGEST_WAIT_SECONDS)
                return self._ask_again(attempt, max(wait, 1.0), count=True)

    def _until_listed(self, attempt: Open) -> float:
        """Real seconds until the provider's listing has to show the attempt, if it was ever written.

        Earlier an "absent" would prove nothing: the listing lags behind, and what a worker still holds may be written
        until half its lease is over. A late nudge asks about an attempt that has only begun.
        """
        settings = self._parts.settings
        if attempt.settled_at is None:
            since = (time.real_now() - attempt.started_at).total_seconds() - settings.sending_lease_seconds / 2
        else:
            since = time.real_seconds(time.now() - attempt.settled_at)
        return settings.settle_seconds - since

    def _look_for(self, attempt: Open) -> Found:
        if attempt.channel != Channel.SMS or attempt.address is None:
            # SendGrid keeps no record that can be searched: only an event with our token can prove anything.
            return Found(Sighting.UNPROVABLE)
        vault = self._parts.sending.vault

        def is_it(provider_id: str, body: str) -> Sighting:
            if not self._is_free(attempt, provider_id):
                # The same words may have gone to the same phone before: what another attempt brought there proves
                # nothing.
                return Sighting.ABSENT
            # Other words may be ours too: blanked since, made plain by Smart Encoding, or headed by a trial account.
            return Sighting.PRESENT if attempt.body_key in vault.indexes(body) else Sighting.UNPROVABLE

        return self._wait(self._sms.find(attempt.address, is_it, attempt.started_at - SINCE, time.real_now() + SINCE))

    def _is_free(self, attempt: Open, provider_id: str) -> bool:
        with reading(self._parts.engine) as connection:
            return attempts.is_free(connection, attempt.id, provider_id)

    def _adopt(self, attempt: Open, found: Found) -> bool:
        """It arrived: take its id and go on from where the provider stands."""

        def work(connection: Connection) -> bool:
            if found.provider_id is not None and not attempts.own(connection, attempt.id, found.provider_id):
                return False  # another's since we looked; the clock asks again
            receipts.settle(
                connection,
                self._parts.sending,
                self._parts.settings,
                attempt.id,
                found.state or State.ACCEPTED,
                found.code,
                time.now(),
                provider_id=found.provider_id,
            )
            return True

        return self._decide(work)

    def _send_again(self, attempt: Open) -> bool:
        """Proven absent: the only case in which a message is handed over a second time."""

        def work(connection: Connection) -> bool:
            attempts.settle(connection, [Settled(attempt.id, Outcome.NOT_SENT, code="absent")], time.now())
            back = Move(
                attempt.message_id,
                State.PLANNED,
                Reason.RETRY_LATER,
                due_at=time.now(),
                unhanded=True,
                attempt=attempt.number,
            )
            return messages.move(connection, [back], only_from=(State.SENDING,)) == 1

        return self._decide(work)

    def _call_unknown(self, attempt: Open) -> bool:
        def work(connection: Connection) -> bool:
            end = Move(attempt.message_id, State.UNKNOWN, Reason.NEVER_PROVEN, attempt=attempt.number)
            return messages.move(connection, [end], only_from=(State.SENDING,)) == 1

        return self._decide(work)

    def _ask_again(self, attempt: Open, seconds: float, count: bool) -> bool:
        def work(connection: Connection) -> bool:
            if count:
                attempts.count_check(connection, attempt.id)
            wait = Move(
                attempt.message_id,
                State.SENDING,
                Reason.CHECKING_WITH_PROVIDER,
                check_at=time.later(seconds),
                attempt=attempt.number,
            )
            messages.move(connection, [wait], only_from=(State.SENDING,))
            return False

        return run(self._parts.engine, work)

    def _poll(self, attempt: Open) -> bool:
        """Ask for the present state of a message that the provider took."""
        if attempt.channel != Channel.SMS or attempt.provider_id is None or attempt.checks >= GIVE_UP_POLLING:
            return self._leave_alone(attempt)
        found = self._wait(self._sms.status(attempt.provider_id))
        if found.sighting is Sighting.PRESENT:
            self._adopt(attempt, found)
        return self._look_later(attempt)

    def _look_later(self, attempt: Open) -> bool:
        def work(connection: Connection) -> bool:
            attempts.count_check(connection, attempt.id)
            messages.look_later(connection, attempt.message_id, time.later(POLL_SECONDS))
            return True

        return run(self._parts.engine, work)

    def _leave_alone(self, attempt: Open) -> bool:
        """Nothing more can be learnt by asking; a late receipt still counts."""
        return run(self._parts.engine, lambda connection: messages.look_later(connection, attempt.message_id, None))

    def _decide(self, work: Callable[[Connection], bool]) -> bool:
        def decided(connection: Connection) -> bool:
            settled = work(connection)
            crashpoints.reached(Point.RECONCILE_DECIDING)
            return settled

        settled = run(self._parts.engine, decided)
        crashpoints.reached(Point.RECONCILE_DECIDED)
        return settled

    def _wait(self, question: Coroutine[object, object, T]) -> T:
        return self._loop.run_until_complete(question)
