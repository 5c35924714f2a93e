"""From what a batch's transaction read to one decision a message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from service.care import gates, typed
from service.care.gates import Decision, GateFacts
from service.care.lifecycle import Channel, Reason
from service.care.localtime import local_day
from service.care.protocol import Send, Step
from service.care.system_messages import SystemText
from service.records import outbox, protocols, replies
from service.records.clinics import Clinic
from service.records.outbox import Handed, Parent, Ready
from service.records.plans import zone
from service.records.senders import Sender

_ANSWERS_AN_OPT_OUT = frozenset({SystemText.STOP_CONFIRM, SystemText.HELP})
"""The one confirmation that the rules allow after STOP (47 CFR 64.1200(a)(12)), and help that was asked for."""
_PLAIN_SEND = Send(Channel.SMS)


@dataclass
class Gatekeeper:
    """Decides about the messages of one batch. What it lets pass counts for those behind it."""

    connection: Connection
    clinics: Mapping[int, Clinic]
    senders: Mapping[tuple[Channel, str], Sender]
    now: datetime
    _unread: set[bytes] = field(default_factory=set)
    _handed: dict[int, list[Handed]] = field(default_factory=dict)
    _parents: dict[tuple[int, str], Parent] = field(default_factory=dict)

    def decide(self, batch: Sequence[Ready]) -> list[Decision]:
        """One decision a message, in order."""
        planned = [ready for ready in batch if ready.is_planned]
        self._unread = replies.unread_senders(self.connection) if planned else set()
        patients = {ready.patient_id for ready in planned if ready.patient_id is not None}
        self._handed = outbox.handed_lately(self.connection, patients, self.now) if patients else {}
        self._parents = outbox.parents(self.connection, [ready for ready in planned if "." in ready.step])
        return [self._decide_one(ready) for ready in batch]

    def _decide_one(self, ready: Ready) -> Decision:
        decision = gates.decide(self._facts(ready), self.now)
        if isinstance(decision, gates.Send) and ready.is_planned and ready.patient_id is not None:
            handed = Handed(ready.patient_id, ready.session_id, ready.step, ready.channel, self.now)
            self._handed.setdefault(ready.patient_id, []).append(handed)
            if ready.session_id is not None:
                self._parents[ready.session_id, ready.step] = Parent(self.now, False)
        return decision

    def _facts(self, ready: Ready) -> GateFacts:
        clinic = self.clinics[ready.clinic_id]
        local = zone(ready.timezone or clinic.timezone)
        sender = self.senders.get((ready.channel, ready.sender))
        in_plan = ready.is_planned
        step = self._step_of(ready)
        send = _send_of(ready, step)
        today = self._today(ready, local) if in_plan else []
        parent = self._parent(ready)
        return GateFacts(
            channel=ready.channel,
            due_at=ready.due_at,
            window_until=ready.window_until,
            timezone=local,
            quiet=clinic.quiet,
            survey=ready.survey,
            safety=not in_plan,
            can_wait=ready.step == typed.STEP,
            patient_erased=ready.erased,
            suppressed=_suppressed(ready),
            consent=ready.consent or not (in_plan or ready.base_step == typed.STEP),
            address_problem=None if ready.address is not None else Reason.NO_ADDRESS,
            alert_acknowledged=ready.alert_acknowledged and ready.base_step == SystemText.ALERT_NOTICE,
            in_protocol=step is not None or not in_plan or ready.protocol_id is None,
            session_active=ready.session_active,
            stopped_by_clinic=ready.stopped,
            superseded=ready.superseded_from is not None and self.now >= ready.superseded_from,
            answered=ready.answered,
            said_today=any(one.step == ready.step and one.channel is ready.channel
                           and one.session_id != ready.session_id for one in today),
            only_unanswered=send.only_unanswered,
            delay=send.delay,
            parent_sent_at=parent.sent_at,
            parent_pending=parent.pending,
            channel_paused=sender is not None and sender.paused_at is not None,
            plan_paused=ready.paused,
            approved=ready.approved,
            reply_unread=not self._unread.isdisjoint(ready.address_keys),
            texts_today=sum(one.channel is Channel.SMS for one in today),
            daily_cap=clinic.daily_cap,
        )  # fmt: skip

    def _today(self, ready: Ready, local: ZoneInfo) -> list[Handed]:
        handed = self._handed.get(ready.patient_id or 0)
        if not handed:
            return []
        day = local_day(self.now, local)
        return [one for one in handed if local_day(one.at, local) == day]

    def _parent(self, ready: Ready) -> Parent:
        return self._parents.get((ready.session_id or 0, ready.base_step), Parent(None, False))

    def _step_of(self, ready: Ready) -> Step | None:
        if not ready.is_planned or ready.protocol_id is None:
            return None
        return protocols.parsed(self.connection, ready.protocol_id).find(ready.step)


def _send_of(ready: Ready, step: Step | None) -> Send:
    _, _, suffix = ready.step.partition(".")
    if not suffix or step is None:
        return _PLAIN_SEND
    theirs = (send for send in step.sends if send.suffix == suffix and send.channel is ready.channel)
    return next(theirs, _PLAIN_SEND)


def _suppressed(ready: Ready) -> Reason | None:
    if ready.suppressed is Reason.OPTED_OUT and ready.step in _ANSWERS_AN_OPT_OUT:
        return None
    return ready.suppressed
