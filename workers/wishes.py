"""What a reply asks of the plan: stop, or begin again.

In the United States a request to stop counts in any wording that a reasonable person would understand, and at once
(47 CFR 64.1200(a)(10)); what may be one is taken for one, and a person looks at it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from service.care.lifecycle import Channel, Reason
from service.care.matching import Candidate
from service.care.optout import StopScope
from service.care.replies import Reading
from service.care.worklist import is_short
from service.records import consents, conversations, optouts, patients, plans, suppressions
from service.records.patients import normal
from service.records.plans import Sending
from service.records.replies import Reply

SOURCE = "reply"
_ALL = (Channel.SMS, Channel.EMAIL)


@dataclass(frozen=True, slots=True)
class Done:
    """What was done about a reply's wish."""

    stopped: frozenset[Channel] = frozenset()
    news: bool = False
    """The texts had not been stopped before."""
    started: bool = False
    to_stranger: bool = False
    """The number is not the patient's: nothing more may go there."""


def follow(connection: Connection, sending: Sending, reply: Reply, meant: Reading, people: Sequence[Candidate]) -> Done:
    """Do what the reply asks. On a shared phone that is done for everybody on it."""
    if stops(reply, meant):
        return _stop(connection, sending, reply, meant, people)
    if starts(reply, meant):
        return _start(connection, sending, reply, meant, people)
    return Done()


def stops(reply: Reply, meant: Reading) -> bool:
    """Whether it asks for an end."""
    return meant.stop or reply.opt_out_type == "STOP"


def starts(reply: Reply, meant: Reading) -> bool:
    """Whether it asks to begin again. Twilio takes YES for START; here it answers a question and is no consent."""
    return meant.start or (reply.opt_out_type == "START" and meant.yes_no is None)


def _stop(connection: Connection, sending: Sending, reply: Reply, meant: Reading, people: Sequence[Candidate]) -> Done:
    channels = _channels(reply, meant)
    certain = meant.stop_certain or reply.opt_out_type == "STOP"
    news = not _all_stopped(connection, sending, people)
    for person in people:
        if Channel.SMS in channels:
            conversations.end(connection, person.patient_id, reply.received_at)
        for channel in channels:
            optouts.opt_out(
                connection, sending, person.patient_id, channel, SOURCE, reply.received_at, reply.id, certain
            )
    if not people and reply.channel is Channel.SMS:
        key = sending.vault.index(normal(Channel.SMS, reply.sender))
        cause = f"reply {reply.id}"
        news = suppressions.suppress(
            connection, None, Channel.SMS, key, Reason.OPTED_OUT, cause, reply.received_at, certain
        )
    return Done(frozenset(channels), news, to_stranger=meant.stop_scope is StopScope.WRONG_PERSON)


def _channels(reply: Reply, meant: Reading) -> tuple[Channel, ...]:
    if reply.opt_out_type == "STOP" or meant.provider_keyword:
        return (reply.channel,)
    match meant.stop_scope:
        case StopScope.ALL:
            return _ALL
        case StopScope.TEXTS:
            return (Channel.SMS,)
        case StopScope.EMAILS:
            return (Channel.EMAIL,)
    return (reply.channel,)


def _all_stopped(connection: Connection, sending: Sending, people: Sequence[Candidate]) -> bool:
    return bool(people) and all(_stopped(connection, sending, one) for one in people)


def _stopped(connection: Connection, sending: Sending, person: Candidate) -> bool:
    phone = patients.get(connection, sending.vault, person.patient_id).phone
    if phone is None:
        return True
    keys = sending.vault.indexes(normal(Channel.SMS, phone))
    return suppressions.of_address(connection, person.clinic_id, Channel.SMS, keys) is Reason.OPTED_OUT


def _start(connection: Connection, sending: Sending, reply: Reply, meant: Reading, people: Sequence[Candidate]) -> Done:
    if len(people) == 1:
        again = [one for one in people if is_short(meant) or not _reached(connection, sending, one, reply.channel)]
    else:
        again = [one for one in people if _stopped_by_reply(connection, one, reply.channel)]
    for person in again:
        wording = f"Asked for the messages again (reply {reply.id})."
        optouts.opt_in(connection, sending, person.patient_id, reply.channel, wording, SOURCE, reply.received_at)
    if not people and reply.channel is Channel.SMS:
        keys = sending.vault.indexes(normal(Channel.SMS, reply.sender))
        suppressions.lift(connection, [], Channel.SMS, keys, Reason.OPTED_OUT, reply.received_at)
    return Done(started=bool(again))


def _reached(connection: Connection, sending: Sending, person: Candidate, channel: Channel) -> bool:
    """There is nothing to bring back then: more than a keyword is a reply like any, and a person reads it."""
    patient = patients.get(connection, sending.vault, person.patient_id)
    return plans.reachable(connection, sending.vault, patient)[channel] is None


def _stopped_by_reply(connection: Connection, person: Candidate, channel: Channel) -> bool:
    """On a shared phone START takes back the phone's own STOP, and makes up a consent for nobody."""
    lines = [line for line in consents.ledger(connection, person.patient_id) if line["channel"] == channel]
    return bool(lines) and lines[-1]["action"] == "revoked" and lines[-1]["source"] == SOURCE
