"""Replies: find whose they are, read them, do what they ask, answer. Each once, in one transaction, after it was kept.

A reply that a worker died over is still unread, and the clock nudges again. A doubled nudge finds it read.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import timedelta

from sqlalchemy import Connection, Engine

from service import crashpoints, time
from service.care import replies as reading_of
from service.care import worklist
from service.care.lifecycle import Channel
from service.care.matching import Candidate, addressed, in_question, named
from service.care.replies import Reading
from service.care.textsurvey import plainly_answered
from service.crashpoints import Point
from service.nudges import Nudges
from service.records import alerts, clinics, contacts, inbox, links, patients, replies, sessions
from service.records.database import reading, run
from service.records.plans import Sending
from service.records.replies import CLINICIAN, MATCHED, SHARED, UNMATCHED, Reply, Whose
from workers import alarms, answers, texting, wishes
from workers.alarms import Heard

log = logging.getLogger(__name__)

ASKED_WITHIN_HOURS = 24
"""How long the question "who is writing?" stays open."""


def handle(engine: Engine, sending: Sending, nudges: Nudges, ids: Sequence[int]) -> int:
    """Read these replies, after any that the same senders wrote before them; returns how many were read."""
    read = 0
    for reply_id in sorted(ids):
        with reading(engine) as connection:
            pending = replies.unhandled_up_to(connection, reply_id)
        for one in pending:
            read += _read_alone(engine, sending, one)
    if read:
        crashpoints.reached(Point.LISTEN_COMMITTED)
        nudges.wake_clock()  # an answer is due now, or an alert
    return read


def _read_alone(engine: Engine, sending: Sending, reply_id: int) -> bool:
    try:
        return run(engine, lambda connection: _read(connection, sending, reply_id))
    except Exception as error:
        # It stays unread and is tried again; those behind it must not wait for it. Only the type: the text may quote.
        log.error("a reply could not be read: %s", type(error).__name__)
        return False


def _read(connection: Connection, sending: Sending, reply_id: int) -> bool:
    reply = replies.claim(connection, sending.vault, reply_id, time.now())
    if reply is None:
        return False
    crashpoints.reached(Point.LISTEN_CLAIMED)
    meant = reading_of.read(reply.body)
    clinician = _clinician(connection, sending, reply, meant)
    people = [] if clinician else _people(connection, sending, reply)
    whose = clinician or _whose(connection, reply, meant, people)
    meant = texting.as_asked(connection, sending, reply, meant, whose)
    replies.note(connection, sending.vault, reply.id, whose, meant.meaning, _as_json(meant))
    if whose.match == MATCHED:
        people = [one for one in people if one.patient_id == whose.patient_id]
    if reply.automatic:
        _settle(connection, reply, meant, whose, answered=False)
        return True  # nobody wrote it: it asks for nothing, and answering it could go on for ever
    replies.announce(connection, sending.vault, [reply.id, *whose.attached], time.now())
    turn = texting.take_up(connection, sending, reply, meant, whose)
    _settle(connection, reply, meant, whose, answered=turn is not None and plainly_answered(turn.effects))
    heard = Heard(reply, meant, tuple(people), whose.session_id, number_counts=turn is None)
    alarmed = alarms.sound(connection, sending, heard)
    crashpoints.reached(Point.LISTEN_SOUNDED)
    done = wishes.follow(connection, sending, reply, meant, people)
    if turn is not None:
        texting.carry_out(connection, sending, reply, meant, turn)
    answers.give(connection, sending, reply, meant, people, whose, done, alarmed=alarmed, talking=turn is not None)
    crashpoints.reached(Point.LISTEN_DONE)
    return True


def _clinician(connection: Connection, sending: Sending, reply: Reply, meant: Reading) -> Whose | None:
    """Whose it is when one of a clinic's own people wrote: "ACK" takes on the alerts they were told of.

    A phone that is a patient's as well is the patient's, unless it takes on an alert.
    """
    known = contacts.by_phone(connection, sending.vault, reply.sender) if reply.channel is Channel.SMS else []
    if not known:
        return None
    taken = meant.ack and alerts.acknowledge_by_contact(
        connection, sending.vault, reply.sender, reply.received_at, time.now()
    )
    if not taken and patients.by_address(connection, sending.vault, Channel.SMS, reply.sender):
        return None
    clinic_ids = {one.clinic_id for one in known}
    return Whose(CLINICIAN, clinic_id=clinic_ids.pop() if len(clinic_ids) == 1 else None)


def _people(connection: Connection, sending: Sending, reply: Reply) -> list[Candidate]:
    """The patients who may have written it, locked, in order of their rows."""
    if reply.channel is Channel.EMAIL:
        # By the address it was sent to, which only the patient was told; anybody can write any `From`.
        link = None if reply.link_key is None else links.find(connection, reply.link_key)
        found = [] if link is None or link.patient_id is None else [link.patient_id]
    else:
        found = [one.id for one in patients.by_address(connection, sending.vault, Channel.SMS, reply.sender)]
    locked = [patients.get(connection, sending.vault, one, lock=True) for one in sorted(found)]
    senders = {one.clinic_id: clinics.get(connection, one.clinic_id).sender for one in locked}
    candidates = [
        Candidate(one.id, one.clinic_id, one.given_name, senders[one.clinic_id])
        for one in locked
        if one.erased_at is None
    ]
    return candidates if reply.channel is Channel.EMAIL else in_question(candidates, reply.recipient.split())


def _whose(connection: Connection, reply: Reply, meant: Reading, people: Sequence[Candidate]) -> Whose:
    if not people:
        return Whose(UNMATCHED, clinic_id=_addressed(connection, reply))
    if len(people) == 1:
        return _matched(connection, reply, people[0])
    theirs = [one.patient_id for one in people]
    since = reply.received_at - timedelta(hours=ASKED_WITHIN_HOURS)
    asked = replies.open_shared(connection, reply.sender_key, theirs, since)
    writer = named(meant.words, people) if asked else None
    if writer is not None:
        mine = _matched(connection, reply, writer)
        replies.attach(connection, asked, writer.clinic_id, writer.patient_id, mine.session_id, f"reply {reply.id}")
        return replace(mine, attached=tuple(asked))
    clinic_ids = {one.clinic_id for one in people}
    return Whose(
        SHARED,
        clinic_id=clinic_ids.pop() if len(clinic_ids) == 1 else None,
        candidates=tuple((one.patient_id, one.clinic_id) for one in people),
    )


def _addressed(connection: Connection, reply: Reply) -> int | None:
    """The clinic that is shown what a stranger wrote. Reply addresses are all of one domain: they do not tell."""
    known = clinics.senders(connection)
    if reply.channel is Channel.EMAIL and len(known) != 1:
        return None
    return addressed(known, reply.recipient.split())


def _settle(connection: Connection, reply: Reply, meant: Reading, whose: Whose, *, answered: bool) -> None:
    """Take it off the desk's list where nobody needs to read it."""
    why = worklist.no_reader(
        meant,
        automatic=reply.automatic,
        media=reply.media,
        answered=answered,
        of_patient=whose.match in (MATCHED, SHARED),
        of_colleague=whose.match == CLINICIAN,
    )
    if why is not None:
        inbox.settle_by_rule(connection, reply.id, why, time.now())


def _matched(connection: Connection, reply: Reply, person: Candidate) -> Whose:
    session_id = None
    if reply.link_key is not None:
        link = links.find(connection, reply.link_key)
        session_id = None if link is None else link.session_id
    if session_id is None:
        session_id = sessions.latest_of(connection, person.patient_id, reply.received_at)
    return Whose(MATCHED, person.clinic_id, person.patient_id, session_id)


def _as_json(meant: Reading) -> str:
    plain = asdict(meant)
    del plain["words"]  # they are in the body
    return json.dumps(plain)
