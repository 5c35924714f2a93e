"""The whole life of a send.

    claim    one transaction: take queued messages, ask the gate about each, write the attempts, commit
    submit   hand the parcels to the courier, which keeps many in flight at once
    record   one transaction: what the provider said, in bulk

The order is the promise. An attempt is on record before anything leaves, so a worker that dies afterwards leaves a
trace that `reconcile` can hold against the provider's own record (P2). The gate decides inside the claiming
transaction, on facts no one can change before it commits (P3). And while one part of a batch is on the wire, the next
is being claimed.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, Engine

from service import crashpoints, time
from service.care import segments
from service.care.gates import Drop, Hold
from service.care.gates import Send as Pass
from service.care.lifecycle import Channel, Reason, State
from service.crashpoints import Point
from service.records import attempts, clinics, messages, outbox, senders
from service.records.attempts import Draft
from service.records.database import run
from service.records.messages import Move
from service.records.outbox import Ready
from service.records.plans import Sending
from service.records.sealing import new_tokens
from service.settings import Settings
from workers.compose import CannotCompose, Composer
from workers.gateways.courier import Courier
from workers.gateways.handover import EmailParcel, SmsParcel, Verdict
from workers.gating import Gatekeeper
from workers.verdicts import Recorder

Parcel = SmsParcel | EmailParcel
_AHEAD = 2
"""Batches that may be on the wire while another is being claimed: enough that the wire never waits for the database,
and few enough that a death leaves little to ask the provider about."""
_HELD_SECONDS = 5.0, 8.0
"""How long a message waits while its provider does not answer: about as long as one that is tried takes to tell."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that is ours to hand over."""

    ready: Ready
    attempt_id: int
    parcel: Parcel


class Deliverer:
    """Delivers queued messages. One lives as long as its worker."""

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        sending: Sending,
        composer: Composer,
        sms: Courier[SmsParcel],
        email: Courier[EmailParcel],
    ) -> None:
        self._settings = settings
        self._engine = engine
        self._sending = sending
        self._composer = composer
        self._sms = sms
        self._email = email
        self._recorder = Recorder(settings, engine, sending)
        self._stopped = False

    def stop(self) -> None:
        """Claim and begin nothing more; what is on the wire is waited for. A signal handler may call it.

        Whoever ends this process by force soon after finds nothing claimed that was not written: an e-mail of which
        that is true can never be told from one that was sent.
        """
        self._stopped = True
        self._sms.stop()
        self._email.stop()

    def deliver(self, ids: Sequence[int]) -> int:
        """Deliver whichever of `ids` are still queued; returns how many were handed over."""
        size = self._settings.batch_size
        on_the_wire: deque[tuple[list[Claimed], Future[list[Verdict]]]] = deque()
        handed_over = 0
        for start in range(0, len(ids), size):
            if self._stopped:
                break  # the rest stays queued, and the clock nudges another
            # Before the lease is drawn: a process that stands still in the claim or its commit finds its time used up.
            begun = time.monotonic()
            claimed = run(self._engine, partial(self._claim, ids=ids[start : start + size]))
            if claimed:
                crashpoints.reached(Point.DELIVER_CLAIMED)
                on_the_wire.append((claimed, self._submit(claimed, begun)))
                handed_over += len(claimed)
            while on_the_wire and (len(on_the_wire) > _AHEAD or on_the_wire[0][1].done()):
                self._record(*on_the_wire.popleft())
        while on_the_wire:
            self._record(*on_the_wire.popleft())
        return handed_over

    def _claim(self, connection: Connection, ids: Sequence[int]) -> list[Claimed]:
        """Take, gate, compose, and put attempts on record. What may not go now is put back or ended with its reason."""
        now = time.now()
        batch = outbox.read(connection, self._sending.vault, ids)
        if not batch:
            return []
        theirs = {one: clinics.get(connection, one) for one in {ready.clinic_id for ready in batch}}
        lanes = {(sender.channel, sender.sender): sender for sender in senders.all_of(connection)}
        decisions = Gatekeeper(connection, theirs, lanes, now).decide(batch)
        passed: list[tuple[Ready, Pass]] = []
        moves: list[Move] = []
        for ready, decision in zip(batch, decisions, strict=True):
            match decision:
                case Hold(until, reason):
                    moves.append(Move(ready.id, State.PLANNED, reason, due_at=until))
                case Drop(state, reason):
                    moves.append(Move(ready.id, state, reason))
                case Pass():
                    passed.append((ready, decision))
        passed, held = self._let_through(passed)
        moves += held
        parcels = []
        tokens = new_tokens(2 * len(passed))
        for place, (ready, decision) in enumerate(passed):
            token, link_token = tokens[2 * place : 2 * place + 2]
            try:
                parcels.append(self._compose(connection, ready, theirs[ready.clinic_id], decision, token, link_token))
            except CannotCompose:
                moves.append(Move(ready.id, State.FAILED, Reason.NO_WORDS))
        messages.move(connection, moves, only_from=(State.QUEUED,))
        taken = outbox.take(
            connection,
            [ready.id for ready, _, _ in parcels],
            now,
            time.later(self._settings.sending_lease_seconds),
        )
        ours = [one for one in parcels if one[0].id in taken]
        _pay_for_length(connection, ours, now)
        ids_of_attempts = attempts.write(
            connection, self._sending.vault, [draft for _, draft, _ in ours], time.real_now()
        )
        crashpoints.reached(Point.DELIVER_CLAIMING)
        return [
            Claimed(ready, attempt_id, parcel)
            for attempt_id, (ready, _, parcel) in zip(ids_of_attempts, ours, strict=True)
        ]

    def _let_through(self, passed: Sequence[tuple[Ready, Pass]]) -> tuple[list[tuple[Ready, Pass]], list[Move]]:
        """While a provider does not answer, the rest waits without an attempt: it would only come back untried.

        What has no time for that goes on, and comes back to end, or to go by e-mail.
        """
        through: list[tuple[Ready, Pass]] = []
        held: list[Move] = []
        left = {Channel.SMS: self._sms.breaker.room(), Channel.EMAIL: self._email.breaker.room()}
        for ready, decision in passed:
            room = left[ready.channel]
            if room == 0:
                due = time.later(random.uniform(*_HELD_SECONDS))  # noqa: S311
                if due < ready.window_until:
                    held.append(Move(ready.id, State.PLANNED, Reason.RETRY_LATER, due_at=due))
                    continue
            if room:
                left[ready.channel] = room - 1
            through.append((ready, decision))
        return through, held

    def _compose(
        self,
        connection: Connection,
        ready: Ready,
        clinic: clinics.Clinic,
        decision: Pass,
        token: str,
        link_token: str,
    ) -> tuple[Ready, Draft, Parcel]:
        address = ready.address or ""
        parcel: Parcel
        if ready.channel is Channel.SMS:
            body = self._composer.sms(connection, ready, clinic, link_token)
            parcel = SmsParcel(
                token=token,
                to=address,
                body=body,
                sender=ready.sender,
                status_callback=f"{self._settings.public_url}/twilio/status?a={token}",
                validity_seconds=decision.validity_seconds,
            )
        else:
            email = self._composer.email(connection, ready, clinic, link_token)
            body = email.text
            parcel = EmailParcel(
                token=token,
                to=address,
                sender=ready.sender,
                sender_name=clinic.display_name,
                reply_to=self._reply_to(link_token, clinic),
                subject=email.subject,
                text=email.text,
                html=email.html,
                unsubscribe_url=self._composer.unsubscribe_link(link_token),
            )
        draft = Draft(
            message_id=ready.id,
            number=ready.attempt,
            token=token,
            link_token=link_token,
            address=address,
            address_key=ready.address_keys[0],
            body=body,
        )
        return ready, draft, parcel

    def _reply_to(self, link_token: str, clinic: clinics.Clinic) -> str | None:
        if self._settings.email_reply_domain:
            return f"r+{link_token}@{self._settings.email_reply_domain}"
        return clinic.email

    def _submit(self, claimed: Sequence[Claimed], begun: float) -> Future[list[Verdict]]:
        """Put parcels on the wire; none is begun in the second half of the lease, whose end hands them to another."""
        deadline = begun + self._settings.sending_lease_seconds / 2
        parcels = [one.parcel for one in claimed]
        texts = [parcel for parcel in parcels if isinstance(parcel, SmsParcel)]
        if len(texts) == len(parcels):
            return self._sms.submit(texts, deadline=deadline)
        mails = [parcel for parcel in parcels if isinstance(parcel, EmailParcel)]
        if not texts:
            return self._email.submit(mails, deadline=deadline)
        return _both(self._sms.submit(texts, deadline=deadline), self._email.submit(mails, deadline=deadline))

    def _record(self, claimed: Sequence[Claimed], answers: Future[list[Verdict]]) -> None:
        try:
            verdicts = {verdict.token: verdict for verdict in answers.result()}
        except CancelledError:
            return  # the courier was closed over it: the attempts stay open and reconcile asks the provider
        crashpoints.reached(Point.DELIVER_ANSWERED)
        self._recorder.record([(one.ready, one.attempt_id, verdicts[one.parcel.token]) for one in claimed])
        crashpoints.reached(Point.DELIVER_RECORDED)


def _pay_for_length(connection: Connection, ours: Sequence[tuple[Ready, Draft, Parcel]], now: datetime) -> None:
    """A text that grew past the one segment it was queued for takes more of its sender's pace."""
    more: Counter[str] = Counter()
    for ready, draft, parcel in ours:
        if isinstance(parcel, SmsParcel):
            more[ready.sender] += segments.count(draft.body).segments - 1
    for name, number in more.items():
        sender = senders.get(connection, Channel.SMS, name, lock=True) if number else None
        if sender is not None:
            senders.speak_for(connection, sender, number, now)


def _both(texts: Future[list[Verdict]], mails: Future[list[Verdict]]) -> Future[list[Verdict]]:
    """One future for the two channels of an urgent batch."""
    joined: Future[list[Verdict]] = Future()
    waiting = [texts, mails]

    def done(_: Future[list[Verdict]]) -> None:
        if all(one.done() for one in waiting) and not joined.done():
            try:
                joined.set_result([verdict for one in waiting for verdict in one.result()])
            except CancelledError:
                joined.cancel()

    for one in waiting:
        one.add_done_callback(done)
    return joined
