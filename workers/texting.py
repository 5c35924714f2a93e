"""Surveys by text: a number in reply to an invitation begins one, and every further reply answers the open question.

`take_up` only decides; `carry_out` stores, triages and plans the next text. Both run in the reply's transaction, with
the patient locked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from service import time
from service.care import textsurvey
from service.care.lifecycle import Channel
from service.care.replies import Meaning, Reading
from service.care.segments import count
from service.care.surveys import OWN_CODES, Coding, Survey
from service.care.textsurvey import Effect, End, Outgoing, Phase, Record, Say, State, What
from service.care.triage import Finding
from service.records import alerts, conversations, messages, patients, plans, responses, triaging
from service.records.clinics import Clinic
from service.records.ids import new_id
from service.records.library import library
from service.records.messages import ROUTINE, Extra
from service.records.plans import Sending
from service.records.replies import MATCHED, Reply, Whose
from service.records.responses import Change, Response
from service.records.sending_tables import messages as message_rows
from service.records.triaging import Setting
from workers import wishes

STEP = "survey_text"
CALL_REQUESTED = Coding(OWN_CODES, "call-requested")
"""The question whether we should call."""
TEXT_SECONDS = 600.0
"""Later the next question would only puzzle."""
LATE = timedelta(hours=24)
"""How long a patient who answers a question that is no longer open is shown the page; later it is a reply like any."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What a reply does to a conversation."""

    where: Setting
    survey: Survey
    state: State
    """Before it."""
    after: State
    effects: tuple[Effect, ...]


def as_asked(connection: Connection, sending: Sending, reply: Reply, meant: Reading, whose: Whose) -> Reading:
    """What a reply means while we ask whether to call: "do not call" answers that, and stops nothing (P3)."""
    if not meant.stop_calls or reply.channel is not Channel.SMS or whose.match != MATCHED or whose.patient_id is None:
        return meant
    running = conversations.running(connection, sending.vault, whose.patient_id)
    if running is None or time.now() - running.state.asked_at > LATE:
        return meant
    survey = library().surveys.get(running.state.survey)
    asked = {} if survey is None else {question.id: question.code for question in survey.questions}
    if asked.get(running.state.question or "") != CALL_REQUESTED:
        return meant
    meaning = Meaning.WORDS if meant.meaning is Meaning.STOP else meant.meaning
    return replace(meant, meaning=meaning, stop=False, stop_certain=False, stop_scope=None, stop_calls=False)


def take_up(connection: Connection, sending: Sending, reply: Reply, meant: Reading, whose: Whose) -> Turn | None:
    """The turn that a reply is, or None when it has no part in a survey. Nothing here can undo a STOP."""
    if reply.channel is not Channel.SMS or whose.match != MATCHED or whose.patient_id is None:
        return None
    if meant.meaning is Meaning.EMPTY or meant.help or wishes.stops(reply, meant) or wishes.starts(reply, meant):
        return None
    patient = patients.get(connection, sending.vault, whose.patient_id)
    if plans.reachable(connection, sending.vault, patient)[Channel.SMS] is not None:
        return None
    now = time.now()
    going = _going_on(connection, sending, patient.id, meant, now)
    if going is not None and not textsurvey.overdue(going.state, now):
        return going
    return _begun(connection, sending, patient.id, meant, now) or going


def carry_out(connection: Connection, sending: Sending, reply: Reply, meant: Reading, turn: Turn) -> None:
    """Store the answer with the alerts it calls for, and plan the next text.

    After a warning sign in words the answer beside it counts and nothing more is asked: the safety text goes out.
    """
    now = time.now()
    warned = bool(meant.red_flags)
    records = [effect for effect in turn.effects if isinstance(effect, Record)]
    if warned and not records:
        return  # the open question is not pressed, and stays open
    after = replace(turn.after, phase=Phase.WARNED) if warned else turn.after
    finished = End(Phase.DONE) in turn.effects
    if records or finished:
        change = Change({one.answer.question: one.answer for one in records}, finish=finished)
        raising = _Raising(sending, tell_patient=not warned)
        triaging.take(connection, sending.vault, library(), turn.where, turn.survey, change, now, raising)
    where = turn.where
    conversations.keep(connection, sending.vault, where.clinic.id, where.patient.id, where.session.id, after, now)
    if not warned:
        said = [effect.outgoing for effect in turn.effects if isinstance(effect, Say)]
        for number, outgoing in enumerate(said):
            _say(connection, sending, reply, turn, outgoing, number, now)


@dataclass(frozen=True, slots=True)
class _Raising:
    """Opens alerts for `triaging.take`."""

    sending: Sending
    tell_patient: bool

    def __call__(
        self,
        connection: Connection,
        clinic: Clinic,
        patient_id: int,
        session_id: int | None,
        finding: Finding,
        source: str,
        now: datetime,
    ) -> None:
        alerts.open_alert(
            connection,
            self.sending,
            clinic,
            patient_id,
            session_id,
            finding.urgency,
            finding.cause,
            f"{source} by text",
            finding.sentence,
            now,
            tell_patient=self.tell_patient,
        )


def _going_on(connection: Connection, sending: Sending, patient_id: int, meant: Reading, now: datetime) -> Turn | None:
    """The reply as an answer to the open question."""
    running = conversations.running(connection, sending.vault, patient_id)
    if running is None or now - running.state.asked_at > LATE:
        return None
    where = triaging.setting(connection, sending.vault, running.session_id)
    survey = library().surveys.get(running.state.survey)
    response = responses.find(connection, sending.vault, running.session_id, running.state.survey)
    over = response is not None and response.completed_at is not None
    if survey is None or over or not _is_asked(where, running.state.survey, now):
        conversations.end(connection, patient_id, now)
        return None
    on_page = _not_to_ask(connection, sending, where, survey, response) - running.state.answered
    after, effects = textsurvey.step(survey, running.state, meant.words, now, on_page)
    return Turn(where, survey, running.state, after, effects)


def _begun(connection: Connection, sending: Sending, patient_id: int, meant: Reading, now: datetime) -> Turn | None:
    """The reply as the first answer to the survey that was last sent, if it is one and nothing else."""
    if meant.number is None or meant.number_unsure:
        return None
    invited = _invitations(connection, patient_id, now)
    if len({session_id for session_id, _ in invited}) != 1:
        return None  # two visits' surveys are open: of which one does the number tell?
    session_id, name = invited[0]
    survey = library().surveys.get(name)
    where = triaging.setting(connection, sending.vault, session_id)
    if survey is None or not survey.takes_bare_number or not _is_asked(where, name, now):
        return None
    response = responses.find(connection, sending.vault, session_id, name)
    first = survey.questions[0].id
    not_to_ask = _not_to_ask(connection, sending, where, survey, response)
    if first in not_to_ask or (response is not None and response.completed_at is not None):
        return None
    start = triaging.baseline(connection, sending.vault, library(), where)
    state, _ = textsurvey.start(
        survey,
        (where.patient.locale or where.clinic.locale)[:2],
        where.day(now),
        start is not None and start.activity is not None,
        now,
        not_to_ask,
    )
    after, effects = textsurvey.step(survey, state, meant.words, now)
    read = {one.answer.question: one.answer.value for one in effects if isinstance(one, Record)}
    return Turn(where, survey, state, after, effects) if read.get(first) == meant.number else None


def _not_to_ask(
    connection: Connection, sending: Sending, where: Setting, survey: Survey, response: Response | None
) -> frozenset[str]:
    """What was answered on the page, or measured at the visit."""
    answered = frozenset[str]() if response is None else frozenset(response.answers)
    return answered | triaging.known_from_visit(connection, sending.vault, where, survey, answered)


def _invitations(connection: Connection, patient_id: int, now: datetime) -> list[tuple[int, str]]:
    """The surveys, by session, that texts still valid have asked for, the latest first."""
    rows = connection.execute(
        select(message_rows.c.session_id, message_rows.c.survey)
        .where(
            message_rows.c.patient_id == patient_id,
            message_rows.c.handed_at.is_not(None),
            message_rows.c.channel == Channel.SMS,
            message_rows.c.priority == ROUTINE,
            message_rows.c.survey.is_not(None),
            message_rows.c.session_id.is_not(None),
            message_rows.c.window_until > now,
        )
        .order_by(message_rows.c.handed_at.desc(), message_rows.c.id.desc())
    )
    return [(row.session_id, row.survey) for row in rows]


def _is_asked(where: Setting, survey: str, now: datetime) -> bool:
    """Neither cancelled nor given way to a later visit."""
    ends = where.session.superseded_from
    superseded = ends is not None and now >= ends and not where.is_of_course(survey)
    return where.session.cancelled_at is None and not superseded


def _say(
    connection: Connection,
    sending: Sending,
    reply: Reply,
    turn: Turn,
    outgoing: Outgoing,
    number: int,
    now: datetime,
) -> None:
    where = turn.where
    row_id = new_id()
    body = outgoing.text.replace("{phone}", where.clinic.phone).replace("{emerg}", where.clinic.emergency_number)
    asks = outgoing.what is not What.THANKS
    extra = Extra(
        clinic_id=where.clinic.id,
        # A session has every step once, and a survey many texts.
        step=f"{STEP}.{number}.{reply.id}",
        channel=Channel.SMS,
        sender=sending.of(where.clinic)[Channel.SMS],
        due_at=now,
        window_until=reply.received_at + timedelta(seconds=TEXT_SECONDS * time.speed()),
        cause_id=reply.id,
        patient_id=where.patient.id,
        # By these a finished page withdraws what still asks (P3), and a link finds its survey.
        session_id=where.session.id if asks else None,
        survey=turn.survey.id if asks else None,
        segments=count(body).segments,
        body=sending.vault.seal(body, row_id),
    )
    messages.insert_extra(connection, extra, row_id)
