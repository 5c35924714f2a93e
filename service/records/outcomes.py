"""What a provider's word about an attempt changes: its message, sometimes the address, the sender, the whole plan.

Receipts, polling and reconciliation all come through `apply`. Words come in any order and more than once, so nothing
here depends on what was said before: states only move forward, and facts about an address count whichever attempt
brought them to light.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, case, func, literal, or_, select, text, update

from service import time
from service.care.delivery import blocks_rise
from service.care.lifecycle import SENDGRID_EVENT, TWILIO_STATUS, WAITING, Channel, Reason, State, sources_of
from service.care.provider_codes import CodeAction, action_for, caps_start_over
from service.records import fallback, messages, notices, optouts, patients, senders, suppressions
from service.records.database import Moment
from service.records.messages import Move
from service.records.patients import normal
from service.records.plans import Sending
from service.records.sending_tables import LOST_MESSAGES, attempts
from service.records.sending_tables import messages as message_rows
from service.records.tables import patients as patient_rows
from service.settings import Settings

ACCEPTED, NOT_SENT = "accepted", "not_sent"
"""The outcomes of an attempt that the provider has shown to have, and of one that never left this machine."""
RETRY_AFTER = timedelta(minutes=30)
"""Before the one retry: long enough for a phone to find its network again, short enough for a same-day window."""
BACK_OFF_SECONDS, MOST_BACK_OFFS = 300.0, 5
PROBE_AFTER = timedelta(minutes=15)
"""Before a message that our settings kept back is looked at again."""
VALIDITY_EXPIRED = "30036"
"""Twilio's code for a text that outlived the validity we gave it."""

_GOOD = frozenset({State.ACCEPTED, State.SENT, State.DELIVERED})
_IN_FLIGHT = (State.SENDING, State.ACCEPTED, State.SENT)
_NOT_GIVEN_UP = (*_IN_FLIGHT, State.UNKNOWN)
_SMS_REASONS = {
    CodeAction.MARK_BAD_ADDRESS: Reason.BAD_ADDRESS,
    CodeAction.RECORD_OPT_OUT: Reason.OPTED_OUT,
    CodeAction.ALLOW_RECIPIENT: Reason.REJECTED_BY_PROVIDER,
    CodeAction.RETRY_ONCE: Reason.UNREACHABLE,
    CodeAction.BLOCKED: Reason.BLOCKED_BY_CARRIER,
    CodeAction.FIX_TEMPLATE: Reason.TEXT_TOO_LONG,
    CodeAction.BACK_OFF: Reason.TOO_MANY_ATTEMPTS,
}
_DROP_REASONS = {
    "bounced": Reason.BOUNCED,
    "spam": Reason.COMPLAINED,
    "unsubscribed": Reason.OPTED_OUT,
    "invalid": Reason.BAD_ADDRESS,
}
_ADDRESS_FACTS = frozenset({Reason.BAD_ADDRESS, Reason.BOUNCED, Reason.OPTED_OUT, Reason.COMPLAINED})
"""Ends that say something of the address and not only of the message."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was said about one attempt. `state` is None where it was not about delivery: complaints, unsubscribes."""

    attempt_id: int
    state: State | None
    status: str = ""
    code: str | None = None
    provider_id: str | None = None


def state_of(channel: Channel, status: str) -> State | None:
    """The state that a provider's status means; None for one that is no delivery status, or new to us."""
    return (TWILIO_STATUS if channel is Channel.SMS else SENDGRID_EVENT).get(status)


def apply(
    connection: Connection, sending: Sending, settings: Settings, reports: Sequence[Report], now: datetime
) -> None:
    """Apply reports, in this order. Takes the locks it needs: patients, then messages."""
    found = _attempts(connection, {report.attempt_id for report in reports})
    _lock_patients(connection, [found[one.attempt_id] for one in reports if one.attempt_id in found and _is_bad(one)])
    _lock_messages(connection, found.values())
    # Read again under the lock: until now a worker could have begun another attempt, or settled this one.
    found = _attempts(connection, found)
    for report in reports:
        attempt = found.pop(report.attempt_id, None)
        if attempt is None:  # seen before in this batch, and changed by that
            attempt = _attempts(connection, {report.attempt_id}).get(report.attempt_id)
        if attempt is not None:
            _Applied(connection, sending, settings, now, attempt, report).all()


def address_refused(
    connection: Connection, sending: Sending, settings: Settings, attempt_id: int, reason: Reason, now: datetime
) -> None:
    """The create call itself was refused because of the address: the same as when a receipt says so later."""
    found = _attempts(connection, {attempt_id})
    _lock_patients(connection, list(found.values()))
    for attempt in found.values():
        _Applied(connection, sending, settings, now, attempt, Report(attempt_id, None)).note_address(reason)


def _is_bad(report: Report) -> bool:
    return report.state not in _GOOD


def _attempts(connection: Connection, ids: Collection[int]) -> dict[int, Any]:
    return {row.id: row for row in connection.execute(_ATTEMPTS, {"ids": list(ids)})}


def _with_message() -> Select[Any]:
    sibling = attempts.alias("sibling")

    def about_siblings(value: Any, *where: Any) -> Any:
        return select(value).where(sibling.c.message_id == attempts.c.message_id, *where).scalar_subquery()

    earlier = (sibling.c.number < attempts.c.number, sibling.c.outcome == ACCEPTED)
    left = or_(sibling.c.outcome.is_(None), sibling.c.outcome != NOT_SENT)
    return (
        select(
            attempts.c.id,
            attempts.c.message_id,
            attempts.c.number,
            attempts.c.outcome,
            attempts.c.provider_id,
            attempts.c.address_key,
            about_siblings(func.max(sibling.c.number)).label("latest"),
            about_siblings(func.count(), *earlier).label("accepted_before"),
            about_siblings(func.count(), left).label("tried"),
            message_rows.c.clinic_id,
            message_rows.c.patient_id,
            message_rows.c.channel,
            message_rows.c.sender,
            message_rows.c.window_until,
        )
        .join(message_rows, message_rows.c.id == attempts.c.message_id)
        .where(attempts.c.id.in_(bindparam("ids", expanding=True)))
    )


_ATTEMPTS = _with_message()
"""Asked twice for each receipt: put together once."""


def _lock_patients(connection: Connection, rows: Collection[Row[Any]]) -> None:
    ids = {row.patient_id for row in rows if row.patient_id is not None}
    if ids:
        query = select(patient_rows.c.id).where(patient_rows.c.id.in_(ids)).order_by(patient_rows.c.id)
        connection.execute(query.with_for_update()).all()


def _lock_messages(connection: Connection, rows: Collection[Row[Any]]) -> None:
    ids = {row.message_id for row in rows}
    connection.execute(_LOCK_MESSAGES, {"ids": sorted(ids)}).all()


_LOCK_MESSAGES = (
    select(message_rows.c.id)
    .where(message_rows.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(message_rows.c.id)
    .with_for_update()
)


_HANDED = (
    update(message_rows)
    .where(message_rows.c.id == bindparam("message"), message_rows.c.handed_at.is_(None))
    .values(handed_at=bindparam("at"))
)


_DAY = timedelta(days=1)
_BLOCKED = select(
    func.count().label("all_of_them"),
    func.count(case((message_rows.c.due_at > bindparam("today"), 1))).label("today"),
).where(
    text(LOST_MESSAGES),
    message_rows.c.clinic_id == bindparam("clinic"),
    message_rows.c.due_at > bindparam("since"),
    message_rows.c.channel == bindparam("on"),
    message_rows.c.reason == Reason.BLOCKED_BY_CARRIER,
)


@dataclass(frozen=True, slots=True)
class _Applied:
    """One report on its way into the records."""

    connection: Connection
    sending: Sending
    settings: Settings
    now: datetime
    attempt: Row[Any]
    report: Report

    def all(self) -> None:
        self._adopt()
        match self.report.state:
            case None:
                # Who has an opinion of it has got it. No other word of it may ever come, and its answer may be lost.
                self._forward(State.ACCEPTED)
                self._patients_word()
            case state if state in _GOOD:
                self._forward(state)
            case state:
                self._refused(state)

    @property
    def _channel(self) -> Channel:
        return Channel(self.attempt.channel)

    @property
    def _is_latest(self) -> bool:
        """A receipt of an attempt that another has followed must not end the other's message."""
        return bool(self.attempt.number == self.attempt.latest)

    def _adopt(self) -> None:
        """The provider has it, whatever became of the create call's answer."""
        report, attempt = self.report, self.attempt
        new_id = report.provider_id is not None and attempt.provider_id is None
        if not new_id and attempt.outcome == ACCEPTED and report.code is None:
            return
        self.connection.execute(
            update(attempts)
            .where(attempts.c.id == attempt.id)
            .values(
                provider_id=func.coalesce(attempts.c.provider_id, report.provider_id),
                outcome=ACCEPTED,
                # The questions about a lost answer are over; those about a receipt that does not come are others.
                checks=case((attempts.c.outcome == ACCEPTED, attempts.c.checks), else_=0),
                code=func.coalesce(report.code, attempts.c.code),
                settled_at=func.coalesce(attempts.c.settled_at, literal(self.now, Moment())),
            )
        )

    def _move(
        self,
        state: State,
        reason: Reason,
        sources: Collection[State],
        due_at: datetime | None = None,
        unhanded: bool = False,
    ) -> bool:
        going = state in (State.ACCEPTED, State.SENT)
        check_at = time.later(self.settings.receipt_stale_seconds) if going else None
        one = Move(self.attempt.message_id, state, reason, due_at=due_at, check_at=check_at, unhanded=unhanded)
        return messages.move(self.connection, [one], only_from=sources) == 1

    # It is on its way

    def _forward(self, state: State) -> None:
        if state is State.DELIVERED:
            # Whichever attempt arrived: the patient has it, so a retry that still waits must not go.
            if not self._move(state, Reason.CONFIRMED, sources_of(state)):
                return
        elif not self._is_latest:
            return
        else:
            # First word of an attempt that was taken for lost: what waits to be sent again has been sent (P2).
            late_proof = () if self.attempt.outcome in (ACCEPTED, None) else tuple(WAITING)
            if not self._move(state, Reason.HANDED_OVER, (*sources_of(state), *late_proof)):
                return
        self.connection.execute(_HANDED, {"message": self.attempt.message_id, "at": self.now})

    # It came to nothing

    def _refused(self, state: State) -> None:
        reason = self._reason(state)
        if reason in _ADDRESS_FACTS:
            self.note_address(reason)
        if not self._is_latest or self._goes_again(state):
            return
        # Not from where it waits: another attempt was granted, perhaps because the same news came before.
        if self._move(state, reason, _NOT_GIVEN_UP):
            self._after_the_end(reason)

    def _reason(self, state: State) -> Reason:
        code = self.report.code
        if self._channel is Channel.EMAIL:
            if self.report.status == "dropped":
                return _DROP_REASONS.get(code or "", Reason.REJECTED_BY_PROVIDER)
            return Reason.BOUNCED if self.report.status == "bounce" else Reason.BLOCKED_BY_CARRIER
        if code == VALIDITY_EXPIRED:
            return Reason.WINDOW_CLOSED
        given_up = Reason.REJECTED_BY_PROVIDER if state is State.FAILED else Reason.UNREACHABLE
        return _SMS_REASONS.get(action_for(code), given_up)

    def _goes_again(self, state: State) -> bool:
        """Whether the message is kept for another attempt: only where the provider says this one did not arrive."""
        if self._channel is Channel.EMAIL:
            return False
        match action_for(self.report.code):
            case CodeAction.RETRY_ONCE if not self.attempt.accepted_before:
                # It may have reached the phone's network: for the daily cap it stays a text of that day.
                return self._again(state, Reason.RETRY_LATER, self.now + RETRY_AFTER, unhanded=False)
            case CodeAction.BACK_OFF if self.attempt.tried < MOST_BACK_OFFS:
                later = time.later(BACK_OFF_SECONDS)
                calm = time.later(BACK_OFF_SECONDS / 10)
                senders.close_until(self.connection, self._channel, self.attempt.sender, calm)
                return self._again(state, Reason.PROVIDER_BUSY, later)
            case CodeAction.HOLD_TO_TOMORROW:
                self._notice("daily_cap")
                return self._again(state, Reason.PROVIDER_BUSY, caps_start_over(self.now))
            case CodeAction.FIX_SETTINGS:
                code = self.report.code or ""
                senders.pause(self.connection, self._channel, self.attempt.sender, code, self.now)
                self._notice("channel_paused")
                return self._again(state, Reason.CHANNEL_PAUSED, self.now + PROBE_AFTER)
        return False

    def _again(self, state: State, reason: Reason, due: datetime, unhanded: bool = True) -> bool:
        """Back into the plan, if there is time; True when nothing more is to be done about the message."""
        if due >= self.attempt.window_until:
            if reason is Reason.RETRY_LATER:
                return False
            return self._move(state, Reason.WINDOW_CLOSED, _NOT_GIVEN_UP)
        return self._move(State.PLANNED, reason, _IN_FLIGHT, due_at=due, unhanded=unhanded)

    def _after_the_end(self, reason: Reason) -> None:
        if reason is Reason.BLOCKED_BY_CARRIER and blocks_rise(*self._blocked()):
            self._notice("blocked")
        if self._channel is Channel.SMS and action_for(self.report.code) is CodeAction.ALLOW_RECIPIENT:
            self._notice("not_allowed")
        if self._channel is Channel.SMS and reason is not Reason.OPTED_OUT:
            fallback.send_by_email(self.connection, self.sending, self.attempt.message_id, self.now)

    def _blocked(self) -> tuple[int, int]:
        """How many of the clinic's messages were blocked in the last day, and in the week before that."""
        values = {"clinic": self.attempt.clinic_id, "on": self._channel, "today": self.now - _DAY}
        row = self.connection.execute(_BLOCKED, {**values, "since": self.now - 8 * _DAY}).one()
        return row.today, row.all_of_them - row.today

    def _notice(self, kind: str) -> None:
        subject = f"{self._channel} {self.attempt.sender}"
        notices.raise_notice(self.connection, kind, subject, f"code {self.report.code}", self.now)

    # About the address

    def _patients_word(self) -> None:
        match self.report.status:
            case "spamreport":
                self.note_address(Reason.COMPLAINED)
            case "unsubscribe" | "group_unsubscribe":
                self.note_address(Reason.OPTED_OUT)

    def note_address(self, reason: Reason) -> None:
        """Suppress the address that was written to; the patient's plan too, if it is still the patient's."""
        if self.attempt.patient_id is None:
            return
        key, clinic_id = bytes(self.attempt.address_key), self.attempt.clinic_id
        suppressions.suppress(self.connection, clinic_id, self._channel, key, reason, "provider", self.now)
        vault = self.sending.vault
        patient = patients.get(self.connection, vault, self.attempt.patient_id, lock=True)
        address = patient.address(self._channel)
        if address is None or key not in vault.indexes(normal(self._channel, address)):
            return  # it was changed since: the new one has done nothing wrong
        for one in patients.by_address(self.connection, vault, self._channel, address):
            if one.clinic_id != clinic_id:
                continue
            if reason in (Reason.OPTED_OUT, Reason.COMPLAINED):
                optouts.opt_out(
                    self.connection, self.sending, one.id, self._channel, "provider", self.now, reason=reason
                )
            else:
                optouts.address_is_bad(self.connection, self.sending, one.id, self._channel, self.now, reason)
