"""The one text, if any, that answers a reply. A machine at the other end must not be able to keep us talking."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, Select, or_, select

from service import time
from service.care.lifecycle import WAITING, Channel
from service.care.matching import Candidate
from service.care.replies import Meaning, Reading
from service.care.system_messages import SystemText
from service.records import clinics, messages, patients, plans, replies
from service.records.ids import new_id
from service.records.messages import Extra
from service.records.plans import Sending
from service.records.replies import MATCHED, Reply, Whose
from service.records.reply_tables import replies as reply_rows
from service.records.sending_tables import messages as message_rows
from workers.wishes import Done

QUIET_FOR: dict[SystemText, timedelta] = {
    SystemText.AUTO_REPLY: timedelta(hours=4),
    SystemText.WHICH_PATIENT: timedelta(hours=4),
    SystemText.RED_FLAG: timedelta(minutes=30),
}
"""How long the same answer is not given again."""
STOP_CONFIRM_SECONDS = 300.0
"""A confirmation that comes later than five minutes after STOP counts as another message (47 CFR 64.1200(a)(12))."""
ANSWER_SECONDS = 600.0
"""Later an automatic answer would only puzzle."""

_LOOP, _LOOP_WITHIN = 10, timedelta(minutes=10)
_SAME, _SAME_WITHIN = 3, timedelta(minutes=5)
_TWILIO_ANSWERS: dict[SystemText, frozenset[str]] = {
    SystemText.START_CONFIRM: frozenset({"START", "YES", "UNSTOP"}),
    SystemText.HELP: frozenset({"HELP", "INFO"}),
}
"""Whole-body keywords that Twilio answers by itself unless that is switched off."""


def give(
    connection: Connection,
    sending: Sending,
    reply: Reply,
    meant: Reading,
    people: Sequence[Candidate],
    whose: Whose,
    done: Done,
    *,
    alarmed: bool = False,
    talking: bool = False,
) -> int | None:
    """Plan the answer, due at once; its message id, or None where nothing is to be said.

    `alarmed`: an urgent alert was opened. `talking`: a survey by text answers whatever else the reply says.
    """
    text = _which(reply, meant, people, whose, done, alarmed)
    if talking and text is SystemText.AUTO_REPLY:
        return None
    if text is None or _provider_answered(text, reply, meant) or _is_loop(connection, sending, reply):
        return None
    if reply.channel is Channel.EMAIL and not _may_text(connection, sending, people[0]):
        return None
    patient_id = people[0].patient_id if whose.match == MATCHED or len(people) == 1 else None
    if _said_lately(connection, reply, patient_id, text):
        return None
    return _insert(connection, sending, reply, people[0].clinic_id, patient_id, text)


def _which(
    reply: Reply, meant: Reading, people: Sequence[Candidate], whose: Whose, done: Done, alarmed: bool
) -> SystemText | None:
    urgent = bool(meant.red_flags) or alarmed
    if not people or (done.to_stranger and not urgent):
        return None
    if Channel.SMS in done.stopped:
        # One message may follow a STOP, so whatever else was said, this is it; it names the emergency number.
        return SystemText.STOP_CONFIRM if done.news and reply.channel is Channel.SMS else None
    if done.stopped and reply.channel is Channel.EMAIL:
        return None
    if urgent:
        return SystemText.RED_FLAG
    if done.started:
        return SystemText.START_CONFIRM if reply.channel is Channel.SMS else None
    if meant.help or reply.opt_out_type == "HELP":
        return SystemText.HELP
    if meant.meaning is Meaning.EMPTY and not reply.media:
        return None  # a "Liked …", or a blank
    return SystemText.AUTO_REPLY if whose.match == MATCHED else SystemText.WHICH_PATIENT


def _provider_answered(text: SystemText, reply: Reply, meant: Reading) -> bool:
    if reply.channel is not Channel.SMS:
        return False
    if text is SystemText.STOP_CONFIRM:
        return reply.opt_out_type == "STOP" or meant.provider_keyword
    wanted = {SystemText.START_CONFIRM: "START", SystemText.HELP: "HELP"}.get(text)
    if wanted is None:
        return False
    return reply.opt_out_type == wanted or reply.body.strip().upper() in _TWILIO_ANSWERS[text]


def _is_loop(connection: Connection, sending: Sending, reply: Reply) -> bool:
    """Whether a machine seems to write: too many messages, or the same one again and again."""
    lately = replies.lately(connection, sending.vault, reply, _LOOP_WITHIN, _LOOP + 1)
    same = [at for at, body in lately if body == reply.body and at > reply.received_at - _SAME_WITHIN]
    return len(lately) > _LOOP or len(same) > _SAME


def _may_text(connection: Connection, sending: Sending, person: Candidate) -> bool:
    """Whether an e-mail may be answered by text: writing an e-mail is no consent to texts."""
    patient = patients.get(connection, sending.vault, person.patient_id)
    return plans.reachable(connection, sending.vault, patient)[Channel.SMS] is None


def _said_lately(connection: Connection, reply: Reply, patient_id: int | None, text: SystemText) -> bool:
    quiet_for = QUIET_FOR.get(text)
    if quiet_for is None:
        return False
    since = reply.received_at - quiet_for
    if patient_id is None:
        said = _to_sender(reply, since)
    else:
        on_its_way = message_rows.c.state.in_(WAITING)
        gone = message_rows.c.handed_at.is_not(None) & (message_rows.c.handed_at > since)
        said = select(message_rows.c.id).where(message_rows.c.patient_id == patient_id, or_(on_its_way, gone))
    return connection.execute(said.where(message_rows.c.step == text).limit(1)).first() is not None


def _to_sender(reply: Reply, since: datetime) -> Select[tuple[int]]:
    return (
        select(message_rows.c.id)
        .join(reply_rows, reply_rows.c.id == message_rows.c.cause_id)
        .where(
            reply_rows.c.sender_key == reply.sender_key,
            reply_rows.c.received_at > since,
            message_rows.c.patient_id.is_(None),
        )
    )


def _insert(
    connection: Connection, sending: Sending, reply: Reply, clinic_id: int, patient_id: int | None, text: SystemText
) -> int:
    row_id = new_id()
    seconds = STOP_CONFIRM_SECONDS if text is SystemText.STOP_CONFIRM else ANSWER_SECONDS
    now = time.now()
    return messages.insert_extra(
        connection,
        Extra(
            clinic_id=clinic_id,
            step=text,
            channel=Channel.SMS,
            sender=sending.of(clinics.get(connection, clinic_id))[Channel.SMS],
            due_at=now,
            # In real seconds: what must not be late is the machinery, also while a demonstration runs fast.
            window_until=reply.received_at + timedelta(seconds=seconds * time.speed()),
            cause_id=reply.id,
            patient_id=patient_id,
            # On a shared phone it goes to the number: putting it into one patient's history would be a guess.
            address=None if patient_id is not None else sending.vault.seal(reply.sender, row_id),
        ),
        row_id,
    )
